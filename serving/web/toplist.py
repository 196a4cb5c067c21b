"""The top of the ranking in the words that staff use: what to do, why here, by when, for how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.codes.tables import Codes
from serving.web.words import ACTIONS, Code, Due, band_of, due, in_ten, long_day, spoken

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger says about a write-off that its score does not repeat; None where the ledger is silent.

    Money is in dollars.
    """

    payer: str
    claim_id: str | None = None
    writeoff_date: date | None = None
    writeoff_amount: float | None = None
    group_code: str | None = None
    carc: Code | None = None
    rarcs: tuple[Code, ...] = ()
    procedure_code: str | None = None
    step: str = ""
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for the place in the ranking: whether it raises the chance, and the words."""

    is_for: bool
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the page."""

    rank: int
    writeoff_id: str
    facts: Facts
    action: str
    step: str
    category: str
    chance: str
    band: str
    chance_in_ten: str
    expected: float
    low: float | None
    high: float | None
    hours: float
    due: Due | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class TopList:
    """The page: its rows and the figures above them; money in dollars, hours counted once per work item.

    Parameters
    ----------
    as_of
        The morning for which the list was made.
    model
        The model's version, for the foot of the page.
    looked_at, in_scope
        Write-offs that were scored, and those of them that a payer may still owe.
    expected
        Expected recovery of everything in scope.
    items
        The rows, in rank order.
    items_expected, items_hours
        Expected recovery and staff hours of the rows.
    due_soon
        Rows whose deadline is within two weeks.
    notice
        A sentence above the list, such as that the practice is synthetic; empty for none.
    """

    as_of: str
    model: str
    looked_at: int
    in_scope: int
    expected: float
    items: tuple[Item, ...]
    items_expected: float
    items_hours: float
    due_soon: int
    notice: str = ""


def top_list(scores: Sequence[Mapping[str, Any]], facts: Mapping[str, Facts], *, as_of: date, most: int = 50, notice: str = "") -> TopList:
    """Return the first rows of a ranking as a page shows them.

    Parameters
    ----------
    scores
        Score records in rank order, as `Scores.records` gives them.
    facts
        What the ledger says, by write-off id; needed for the rows shown.
    as_of
        The morning for which they were scored.
    most
        How many rows to show.
    notice
        A sentence to stand above the list.
    """
    scope = [score for score in scores if score["in_scope"]]
    shown = scope[:most]
    items = tuple(_item(score, facts[score["writeoff_id"]], as_of) for score in shown)
    return TopList(
        as_of=long_day(as_of),
        model=str(scores[0]["model_version"]) if scores else "none",
        looked_at=len(scores),
        in_scope=len(scope),
        expected=sum(float(score["expected_recovery"]) for score in scope),
        items=items,
        items_expected=sum(item.expected for item in items),
        items_hours=sum({score["work_item_id"]: float(score["expected_hours"] or 0) for score in shown}.values()),
        due_soon=sum(1 for item in items if item.due is not None and item.due.is_soon),
        notice=notice,
    )


def _item(score: Mapping[str, Any], facts: Facts, as_of: date) -> Item:
    chance = float(score["recovery_probability"])
    band, name = band_of(chance)
    remedy = Codes.load().remedies.get(score["remedy"])
    return Item(
        rank=int(score["rank"]),
        writeoff_id=score["writeoff_id"],
        facts=facts,
        action=ACTIONS.get(score["remedy"], spoken(score["remedy"])),
        step=facts.step or (remedy.next_step if remedy else ""),
        category=spoken(score["category"]),
        chance=name,
        band=band,
        chance_in_ten=in_ten(chance),
        expected=float(score["expected_recovery"]),
        low=_number(score["amount_if_recovered_low"]),
        high=_number(score["amount_if_recovered_high"]),
        hours=float(score["expected_hours"] or 0),
        due=_due(score, as_of),
        reasons=tuple(Reason(_is_for(reason), reason["text"]) for reason in score["reasons"]),
    )


def _due(score: Mapping[str, Any], as_of: date) -> Due | None:
    day = score["deadline_date"]
    return due(date.fromisoformat(str(day)), str(score["deadline_source"] or ""), as_of) if day else None


def _is_for(reason: Mapping[str, Any]) -> bool:
    return reason["direction"] in ("up", "+", "raises", "for") or float(reason.get("points") or 0) > 0


def _number(value: object) -> float | None:
    return None if value is None or value == "" else float(str(value))
