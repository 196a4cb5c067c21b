"""The data dictionary: every column that goes in or comes out and every feature in between, as one page.

``python -m recoup.dictionary > docs/data-dictionary.md`` (or ``make docs``) writes it; a test holds the page to the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from features.feature import Feature
from features.matrix import FEATURES
from features.tables import TABLES, Column, Kind, Table
from models.scores import SCORE_COLUMNS

KINDS = {
    Kind.ID: "text",
    Kind.TEXT: "text",
    Kind.MONEY: "money",
    Kind.DATE: "date",
    Kind.INT: "integer",
    Kind.NUMBER: "number",
    Kind.BOOL: "boolean",
}
"""What a column's kind is called in a file."""

SCORES = {
    "writeoff_id": ("text", "the posting that was scored"),
    "rank": ("integer", "1 is to be worked first: in scope before out of scope, then value per hour, expected recovery, id"),
    "in_scope": ("boolean", "whether it belongs on a work list; an out-of-scope row keeps its figures, and its first reason says why"),
    "category": ("text", "what kind of write-off it is, decided by rules"),
    "family": ("text", "what kind of reason the payer gave, by its codes"),
    "remedy": ("text", "what is to be done about it"),
    "recovery_probability": ("number", "chance that the payer pays, net of take-backs, if it is worked now"),
    "recoverable_amount": ("money", "the most that can come back; null where the amount is not given"),
    "amount_if_recovered": ("money", "dollars expected if the payer pays at all"),
    "amount_if_recovered_low": ("money", "10 % of recoveries bring less"),
    "amount_if_recovered_high": ("money", "10 % of recoveries bring more"),
    "expected_recovery": ("money", "dollars expected if it is worked now: the chance times the amount"),
    "expected_hours": ("number", "staff hours expected for the work item"),
    "expected_net_recovery": ("money", "expected recovery less the cost of those hours and of the action"),
    "value_per_hour": ("money", "expected net recovery for each hour"),
    "anomaly_score": (
        "number",
        "0 or more: how unusually little the posting leaves against what the payer usually allows; 3 is one in 1,000",
    ),
    "usual_allowed_amount": ("money", "what the payer usually allows for this procedure; null where nothing usual is known"),
    "underpayment_amount": ("money", "dollars by which the payer's allowed amount stays below the contract; null where it is not priced"),
    "deadline_date": ("date", "last day to act; null where none is known"),
    "days_left": ("integer", "days to the deadline from `as_of`, or from the posting where that is later; negative once it has passed"),
    "deadline_source": ("text", "where the deadline comes from; `default` warns and sorts, and never filters"),
    "work_item_id": ("text", "claim and remedy: rows with one id are worked together, and their hours count once"),
    "reasons": ("JSON list", "`{concept, direction, points, text}`, the weightiest first"),
    "model_version": ("text", "which model said it; `prior`: expert rates, no model"),
    "as_of": ("date", "the morning for which it was said"),
}
"""Score column to its type in a file and its meaning."""

DIRECTIONS = {1: "up", -1: "down", 0: ""}
"""A feature's monotone direction as the page shows it."""

OPENING = """# Data dictionary

This page is made from the code by `make docs`; it is not edited by hand.

In files money is decimal dollars with up to two decimals, dates are `YYYY-MM-DD`, booleans are true/false, t/f, yes/no, y/n or 1/0
in any case, and blank is null. A file may lack any column that may be null. A value outside a listed set is kept, read as unknown and
named once; where the list is marked *only these*, the row is rejected. Columns named `x_<name>` are your own features. A practice's own
column names are mapped by a file: see [mapping.md](mapping.md).
"""

BETWEEN = """## Features

What a model reads: one number for each row and feature, as it was known on the row's day. *Direction* is what the likelihood is held to:
up, more of it never lowers the chance; down, more of it never raises it; blank, free. Reasons sum what features say by *concept*, and speak
in the feature's own words. Features marked † speak for dollars and hours only, never for the chance.
"""


def dictionary() -> str:
    """Return the page."""
    parts = [OPENING, *(_table(table) for table in TABLES.values()), _scores(), BETWEEN]
    parts += [_features(concept, list(group)) for concept, group in groupby(sorted(FEATURES, key=_concept), _concept)]
    return "\n".join(parts)


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table.

    >>> print(grid(["a", "b"], [["x|y", ""]]), end="")
    | a | b |
    | --- | --- |
    | x\\|y |  |
    """
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _table(table: Table) -> str:
    rows = [
        [f"`{column.name}`", KINDS[column.kind], "" if column.nullable else "required", "; ".join(_meaning(column))]
        for column in table.columns
    ]
    key = ", ".join(f"`{name}`" for name in table.key)
    return f"## {table.name}\n\n{table.grain[0].upper()}{table.grain[1:]}. Key: {key}.\n\n{grid(['column', 'type', '', 'meaning'], rows)}"


def _meaning(column: Column) -> Iterator[str]:
    yield column.meaning
    if column.minimum is not None:
        yield f"at least {column.minimum:g}"
    if column.allowed:
        yield f"{'only these' if column.strict else 'one of'}: {', '.join(column.allowed)}"


def _scores() -> str:
    rows = [[f"`{name}`", *SCORES[name]] for name in SCORE_COLUMNS]
    return f"## scores\n\nOne row per write-off, in rank order. Key: `writeoff_id`.\n\n{grid(['column', 'type', 'meaning'], rows)}"


def _concept(feature: Feature) -> str:
    return feature.concept


def _features(concept: str, features: Sequence[Feature]) -> str:
    rows = [[f"`{f.name}`{'†' if f.of_value else ''}", _definition(f), f.unit, f.null, DIRECTIONS[f.monotone], f.phrase] for f in features]
    return f"### {concept}\n\n{grid(['feature', 'what it is', 'unit', 'null means', 'direction', 'in reasons'], rows)}"


def _definition(feature: Feature) -> str:
    return f"`{feature.category}`, as a category" if feature.category is not None else feature.meaning


if __name__ == "__main__":
    sys.stdout.write(dictionary())
