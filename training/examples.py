"""The past as a model sees it: every row on its day, written straight into one matrix while the days go by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.tables import Codes
from features.feature import Floats
from features.history import KEYS, History
from features.matrix import BY_NAME, FEATURES, Layout, extra_column, extra_kind, matrix
from features.pieces import Each, one_by_one
from features.recall import Recall
from features.record import Record
from features.tables import Array, Columns
from features.usual import Usual
from features.view import REMEMBERED, Practice, Viewer, shares_of_month
from training.cut import Ledger
from training.events import fraction_of, make_events
from training.labels import Cases, cases_as_of, delay_weights, kept_chance
from training.linear import FIELDS, LEVEL_FIELDS
from training.words import Words, words_of

BESIDE = tuple(
    sorted(
        {name for names in (*KEYS, *FIELDS, *LEVEL_FIELDS) for name in names}
        | {
            "cap_cents",
            "deadline_day",
            "expected_allowed_cents",
            "own_day",
            "own_remedy",
            "possible",
            "prior_rate",
            "row_day",
            "usual_count",
        }
        | {"usual_median_cents", "usual_smoothed_cents", "writeoff_amount"}
    )
)
"""What a fit reads of a decided case beside its features."""

POSTED = (
    *("allowed_amount", "billed_amount", "category", "family", "implied_allowed_cents", "in_scope", "payer_id", "possible"),
    *("underpayment_cents", "usual_count", "usual_smoothed_cents", "writeoff_amount"),
)
"""The same of a posting."""

MOST_POSTINGS = 100_000
"""Latest postings from which the usual is learned to be usual."""

_CATEGORY_LIMIT = 200

Codings = dict[str, dict[str, int]]
"""Codes of the user's category columns."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Decided cases as a model sees them: one entry per effort.

    Parameters
    ----------
    matrix, columns
        Of each case as of the day it was worked.
    cases, weight
        What became of it, and how much it stands for.
    fraction
        Net dollars as a part of the cap, 0 to 1; NaN where the cap is unknown or zero.
    kept
        Chance that a recovery is not taken back later; 1 elsewhere.
    words
        Of codes that are told in words.
    """

    matrix: Floats
    columns: Columns
    cases: Cases
    weight: Floats
    fraction: Floats
    kept: Floats
    words: Words = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cases)

    def take(self, rows: Array) -> Examples:
        """Return the examples at these positions, or under this mask."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Examples(
            self.matrix[rows], columns, self.cases.take(rows), self.weight[rows], self.fraction[rows], self.kept[rows], self.words
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows as they were seen on their day: their features, and the columns that are read beside these."""

    matrix: Floats
    columns: Columns

    def take(self, rows: Array) -> Seen:
        """Return the rows at these positions, or under this mask."""
        return Seen(self.matrix[rows], {name: values[rows] for name, values in self.columns.items()})


@dataclass(frozen=True, slots=True)
class Replayed:
    """A ledger of which every past day was served in turn, up to the morning of `as_of`.

    Parameters
    ----------
    ledger, as_of
        What was known on which morning.
    viewer
        With the usual and the history of that morning.
    layout, extra_codes
        Of the matrix.
    record
        What became of the last year's efforts, counted.
    begun, unmatched
        All efforts, decided or not, and how many more name no write-off of the ledger.
    examples
        The decided ones, without those that cannot recover by rule: their answer is not learned.
    """

    ledger: Ledger
    as_of: int
    viewer: Viewer
    layout: Layout
    extra_codes: Codings
    record: Record
    begun: Cases
    unmatched: int
    examples: Examples


def replay(ledger: Ledger, as_of: int, each: Each = one_by_one) -> Replayed:
    """Replay a ledger that is cut at a day."""
    viewer = Viewer(Practice(Codes.load(), **ledger.tables), Usual(), History())
    layout, extra_codes = choose_layout(ledger)
    begun, unmatched = cases_as_of(ledger.writeoffs, ledger.outcomes, as_of)
    decided = begun.take(begun.decided)
    seen = see_cases(ledger, viewer, decided, layout, extra_codes, each)
    viewer.shares = shares_of_month(ledger.writeoffs, as_of)
    record = Record.of(make_events(decided, seen.columns), as_of)
    possible = seen.columns["possible"]
    if not possible.all():
        decided, seen = decided.take(possible), seen.take(possible)
    weight, kept = delay_weights(decided, as_of), kept_chance(decided, as_of)
    examples = Examples(seen.matrix, seen.columns, decided, weight, fraction_of(decided, seen.columns), kept, words_of(ledger.vocabulary))
    return Replayed(ledger, as_of, viewer, layout, extra_codes, record, begun, unmatched, examples)


def see_cases(ledger: Ledger, viewer: Viewer, decided: Cases, layout: Layout, extra_codes: Codings, each: Each = one_by_one) -> Seen:
    """See each decided case as of the day it was worked, with the history of that day; the viewer ends behind the last event."""
    seen = _see(ledger, viewer, decided.row, decided.worked_on, layout, extra_codes, BESIDE, _no_history, each)
    # Events say how much of the cap came in, so all cases are seen before the first of them passes by.
    sources = (BY_NAME[name].inputs if name in BY_NAME else () for name in layout.names)
    out = {names[0]: seen.matrix[:, at] for at, names in enumerate(sources) if names and names[0] in REMEMBERED}
    viewer.remember_past(seen.columns, make_events(decided, seen.columns), out)
    return seen


def see_postings(replayed: Replayed, each: Each = one_by_one) -> tuple[NDArray[np.int64], Seen]:
    """See the latest postings each on the morning it came, and say which they are.

    Of the history they are given the last state: it says how the features lie today, and nobody reads it in what is proper.
    """
    ledger, recall = replayed.ledger, Recall(replayed.viewer.history, replayed.as_of)

    def last_state(columns: Columns) -> Columns:
        remembered = recall.of(columns)
        return {name: remembered.column(name) for name in REMEMBERED}

    posted = ledger.writeoffs.columns["writeoff_date"]
    rows = np.sort(np.argsort(posted, kind="stable")[-MOST_POSTINGS:])
    return rows, _see(ledger, replayed.viewer.afresh(), rows, posted[rows], replayed.layout, replayed.extra_codes, POSTED, last_state, each)


def _no_history(columns: Columns) -> Columns:
    return dict.fromkeys(REMEMBERED, np.zeros(len(columns["row_day"])))


def _see(
    ledger: Ledger,
    viewer: Viewer,
    rows: NDArray[np.int64],
    days: NDArray[np.int64],
    layout: Layout,
    extra_codes: Codings,
    beside: Sequence[str],
    history: Callable[[Columns], Columns],
    each: Each,
) -> Seen:
    seen = Seen(np.empty((len(rows), len(layout.names))), {})
    for at, columns in viewer.past(ledger.writeoffs, rows, days, each=each):
        columns |= history(columns)
        columns |= extra_columns(ledger.writeoffs, rows[at], layout, extra_codes)
        seen.matrix[at] = matrix(columns, layout)
        for name in (*beside, *category_extras(layout)):
            seen.columns.setdefault(name, np.empty(len(rows), dtype=columns[name].dtype))[at] = columns[name]
    return seen


def extra_columns(batch: Batch, rows: NDArray[np.int64], layout: Layout, extra_codes: Codings) -> Columns:
    """Return the user's columns of some rows as numbers."""
    return {name: extra_column(batch.extras[name][rows], kind, extra_codes.get(name, {})) for name, kind in layout.extras.items()}


def choose_layout(ledger: Ledger) -> tuple[Layout, dict[str, dict[str, int]]]:
    """Decide which features the matrix holds and which codes they know.

    A text column is a category of the trees while it has few words; beyond that its rates in the history and its weights in the
    linear score speak for it, which also survive new codes.
    """
    vocabulary, names, sizes = ledger.vocabulary, [], {}
    for feature in FEATURES:
        if feature.category is None:
            names.append(feature.name)
            continue
        used = np.unique(ledger.writeoffs.columns[feature.category])
        if 2 <= (used >= 0).sum() <= _CATEGORY_LIMIT or (feature.category in ("carc", "rarcs") and (used >= 0).sum() > 1):
            names.append(feature.name)
            sizes[feature.name] = vocabulary.size(feature.category)
    extras, codes = {}, {}
    for name, values in sorted(ledger.writeoffs.extras.items()):
        extras[name] = extra_kind(values)
        names.append(name)
        if extras[name] == "category":
            codes[name] = {word: i for i, word in enumerate(sorted({str(v) for v in values.tolist() if v is not None}))}
            sizes[name] = len(codes[name])
    return Layout(tuple(names), sizes, extras), codes


def category_extras(layout: Layout) -> list[str]:
    """Return the user's category columns."""
    return [name for name, kind in layout.extras.items() if kind == "category"]
