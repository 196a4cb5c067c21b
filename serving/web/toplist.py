"""The top of the ranking in the words that staff use: what to do, why here, by when, for how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

REMEDY_WORDS = {
    "appeal": ("Appeal", "Write to the payer, quote the reason and attach what refutes it."),
    "corrected_claim": ("Send a corrected claim", "Correct what the remark names, then send a replacement with the payer's claim number."),
    "new_claim": (
        "Send a new claim",
        "The payer could not process the first one, so no appeal is open; send a clean claim within timely filing.",
    ),
    "reopening": ("Ask for a reopening", "Ask the payer to reopen the claim for a clerical error."),
    "cob_update": ("Settle who pays first", "Have the coordination of benefits updated, then have the claim processed again."),
    "rebill_other_payer": ("Bill the other payer", "Another payer is responsible; send the claim there."),
    "bill_secondary": ("Bill the secondary", "Send what the first payer left to the next payer, with its remittance."),
    "send_records": ("Send the records", "Send the documents that the payer asked for, with the claim number."),
    "contract_dispute": ("Dispute the rate", "Show the contract rate beside what was allowed and ask for the difference."),
    "verify_duplicate": ("Check the duplicate", "Find the claim that this one is said to repeat; if they differ, show how."),
    "peer_to_peer": ("Arrange a peer-to-peer call", "Have the treating physician speak with the payer's reviewer."),
    "external_review": (
        "Ask for external review",
        "Internal appeals are used up; an independent reviewer may decide. Needs the patient's consent.",
    ),
    "nsa_negotiation": ("Open negotiation", "Start the open negotiation of the No Surprises Act, then dispute resolution."),
    "recoupment_appeal": ("Contest the take-back", "Appeal the demand in time to stop the recoupment."),
    "posting_correction": (
        "Correct the posting",
        "Nothing from the payer supports this posting; compare it with the remittance and correct the ledger.",
    ),
    "coverage_discovery": ("Look for coverage", "Search for coverage that was active on the day of service, then bill it."),
    "fix_enrollment": ("Fix the enrolment", "Complete the provider's enrolment with this payer, then send the claim again."),
    "patient_billing": ("Bill the patient", "The payer says that the patient owes this; check the guards before a statement goes out."),
    "patient_outreach": ("Ask the patient", "The payer waits for something that only the patient can give."),
    "compliance_review": ("Compliance review", "Hand this to compliance; do not work it as a recovery."),
    "none": ("Nothing to do", "Nothing here can be recovered from a payer."),
}
"""Remedy to its name on the page and the next step."""

BANDS = ((0.6, "high", "Good"), (0.35, "fair", "Fair"), (0.15, "low", "Low"), (0.0, "slim", "Slim"))
"""Least chance of a band, its class in the style sheet, its name."""

SOURCE_WORDS = {
    "ledger": "from the ledger",
    "rule": "from this payer's rule",
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
    action, step = REMEDY_WORDS.get(score["remedy"], (_words(score["remedy"]), ""))
    return Item(
        rank=int(score["rank"]),
        writeoff_id=score["writeoff_id"],
        facts=facts,
        action=action,
        step=step,
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
