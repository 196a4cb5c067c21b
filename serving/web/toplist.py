"""The top of the ranking in the words that staff use: what to do, why here, by when, for how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.codes.tables import Codes

EPOCH = date(1970, 1, 1)

ACTIONS = {
    "appeal": "Appeal",
    "corrected_claim": "Send a corrected claim",
    "new_claim": "Send a new claim",
    "reopening": "Ask for a reopening",
    "cob_update": "Settle who pays first",
    "rebill_other_payer": "Bill the other payer",
    "bill_secondary": "Bill the next payer",
    "send_records": "Send the records",
    "contract_dispute": "Dispute the price",
    "verify_duplicate": "Check the duplicate",
    "peer_to_peer": "Arrange a physicians' call",
    "external_review": "Ask for outside review",
    "nsa_negotiation": "Open negotiation",
    "recoupment_appeal": "Contest the take-back",
    "posting_correction": "Correct the posting",
    "coverage_discovery": "Look for coverage",
    "fix_enrollment": "Fix the enrolment",
    "patient_billing": "Bill the patient",
    "patient_outreach": "Ask the patient",
    "compliance_review": "Give to compliance",
    "none": "Nothing to do",
}
"""Remedy to its name on the page; what it means in full is in the code tables."""

BANDS = ((0.6, "high", "Good"), (0.35, "fair", "Fair"), (0.15, "low", "Low"), (0.0, "slim", "Slim"))
"""Least chance of a band, its class in the style sheet, its name."""

SOURCE_WORDS = {
    "ledger": "from the ledger",
    "payer_rule": "from this payer's rule",
    "statute": "set by law",
    "remark": "from a remark code",
    "default": "our default of 90 days, check with the payer",
}

SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class Code:
    """A reason or remark code and what it means in plain words."""

    code: str
    meaning: str


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
class Due:
    """A deadline as a person reads it."""

    day: str
    iso: str
    left: str
    source: str
    is_soon: bool
    is_passed: bool


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
        as_of=_long(as_of),
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
    band, name = next((band, name) for least, band, name in BANDS if chance >= least)
    remedy = Codes.load().remedies.get(score["remedy"])
    return Item(
        rank=int(score["rank"]),
        writeoff_id=score["writeoff_id"],
        facts=facts,
        action=ACTIONS.get(score["remedy"], _words(score["remedy"])),
        step=facts.step or (remedy.next_step if remedy else ""),
        category=_words(score["category"]),
        chance=name,
        band=band,
        chance_in_ten=_in_ten(chance),
        expected=float(score["expected_recovery"]),
        low=_number(score["amount_if_recovered_low"]),
        high=_number(score["amount_if_recovered_high"]),
        hours=float(score["expected_hours"] or 0),
        due=_due(score, as_of),
        reasons=tuple(Reason(_is_for(reason), reason["text"]) for reason in score["reasons"]),
    )


def _due(score: Mapping[str, Any], as_of: date) -> Due | None:
    if not score["deadline_date"]:
        return None
    day = date.fromisoformat(str(score["deadline_date"]))
    left = (day - as_of).days
    words = "today" if left == 0 else f"in {_days(left)}" if left > 0 else f"passed {_days(-left)} ago"
    source = str(score["deadline_source"] or "")
    return Due(_long(day), day.isoformat(), words, SOURCE_WORDS.get(source, _words(source).lower()), 0 <= left <= SOON_DAYS, left < 0)


def _in_ten(chance: float) -> str:
    """Say a chance without false precision.

    >>> _in_ten(0.62), _in_ten(0.02), _in_ten(0.97)
    ('about 6 in 10', 'less than 1 in 20', 'more than 9 in 10')
    """
    if chance < 0.05:
        return "less than 1 in 20"
    if chance > 0.95:
        return "more than 9 in 10"
    return f"about {max(1, round(10 * chance))} in 10"


def _is_for(reason: Mapping[str, Any]) -> bool:
    return reason["direction"] in ("up", "+", "raises", "for") or float(reason.get("points") or 0) > 0


def _number(value: object) -> float | None:
    return None if value is None or value == "" else float(str(value))


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _long(day: date) -> str:
    # Not strftime: its month names depend on the machine's locale.
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _words(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
