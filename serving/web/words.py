"""The words and figures in which pages speak to staff: what to do, how likely, by when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

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
    "none": "Watch it, send nothing",
}
"""Remedy to its name on the page; what it means in full is in the code tables."""

BANDS = ((0.6, "high", "Good"), (0.35, "fair", "Fair"), (0.15, "low", "Low"), (0.0, "slim", "Slim"))
"""Least chance of a band, its class in the style sheet, its name."""

SOURCE_WORDS = {
    "ledger": "from the ledger",
    "payer_rule": "from this payer's rule",
    "statute": "set by law",
    "remark": "from a remark code",
    "default": "our guess of 90 days: ask the payer",
}

SOON_DAYS = 14


STATE_WORDS = {
    "open": "To do",
    "drafted": "Being drafted",
    "sent": "Sent",
    "next_level": "Next level to draft",
    "won": "Won",
    "lost": "Lost",
    "skipped": "Skipped",
    "closed": "Closed",
    "withdrawn": "Withdrawn",
}
"""State of a work item to its name on the page."""

STATUS_WORDS = {
    "settled": "settled",
    "denied": "refused",
    "expired": "too late",
    "abandoned": "given up",
    "upheld_next_level_open": "refused, next level open",
    "pending": "under way",
}
"""How an effort ended that brought nothing, as a page says it; of one that was paid it says the dollars."""


PAPERS = {
    "timely_proof_on_file": "proof of timely filing on file",
    "authorization_on_file": "authorization on file",
    "referral_on_file": "referral on file",
    "records_on_file": "records on file",
}
"""Columns that say that papers are there, as a past case tells them."""

ARGUMENTS = {
    "timely_filing": ("acceptance report proves timely filing", "another payer decided late", "payer's own log of claims received"),
    "authorization": ("authorization was on file", "retroactive authorization", "no authorization was needed", "emergency"),
    "network": ("referral was on file", "nobody in the network in time", "provider was in the network"),
    "medical_necessity": ("record meets the coverage policy", "record shows the need", "physicians' call"),
    "documentation": ("records sent as asked", "records had been sent before"),
    "bundling": ("distinct service, modifier added", "edit does not apply"),
    "coding": ("modifier corrected", "diagnosis corrected", "code supported as billed", "claim data corrected"),
    "cob": ("other payer's remittance sent", "this payer comes first", "no other coverage"),
    "eligibility": ("payer's eligibility answer", "identity corrected"),
    "duplicate": ("two distinct services", "first claim never decided"),
    "contractual": ("contract term", "fee schedule of the day of service"),
}
"""What a letter may rest on, by family of the reason: offered when something is sent, and free to be said otherwise."""


@dataclass(frozen=True, slots=True)
class Code:
    """A reason or remark code and what it means in plain words."""

    code: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline as a person reads it.

    Parameters
    ----------
    day, iso
        The day in words, and as machines read it.
    left
        How far away it is; of a guess, that it is one.
    source
        Who sets it.
    tone
        Its class in the style sheet: `urgent` when somebody set it and it is near or past, `guess` when nobody did and it is near or
        past, else `soft`.
    is_soon, is_guess
        Whether it is within two weeks; whether it is nobody's rule but our default.
    """

    day: str
    iso: str
    left: str
    source: str
    tone: str
    is_soon: bool
    is_guess: bool


def due(day: date, source: str, today: date) -> Due:
    """Say a deadline as a person does.

    >>> due(date(2026, 11, 3), "statute", date(2026, 11, 1)).left, due(date(2026, 11, 3), "default", date(2026, 11, 1)).left
    ('in 2 days', 'in 2 days, a guess')
    >>> due(date(2026, 10, 1), "payer_rule", date(2026, 11, 1)).tone, due(date(2026, 10, 1), "default", date(2026, 11, 1)).tone
    ('urgent', 'guess')
    """
    left, is_guess = (day - today).days, source == "default"
    if is_guess:
        # Nobody set this day, so it is never said that the right to act has passed.
        words = "today, a guess" if left == 0 else f"in {days(left)}, a guess" if left > 0 else f"guessed, {days(-left)} ago"
    else:
        words = "today" if left == 0 else f"in {days(left)}" if left > 0 else f"passed {days(-left)} ago"
    tone = "soft" if left > SOON_DAYS else "guess" if is_guess else "urgent"
    return Due(
        long_day(day), day.isoformat(), words, SOURCE_WORDS.get(source, spoken(source).lower()), tone, 0 <= left <= SOON_DAYS, is_guess
    )


def asking(day: date, today: date) -> Due:
    """Say the day on which a payer is to be asked again.

    >>> asking(date(2026, 11, 1), date(2026, 11, 1)).left, asking(date(2026, 10, 1), date(2026, 11, 1)).left
    ('ask again today', 'ask again, 31 days late')
    """
    left = (day - today).days
    words = "ask again today" if left == 0 else f"ask again in {days(left)}" if left > 0 else f"ask again, {days(-left)} late"
    tone = "soft" if left > 0 else "guess" if left >= -SOON_DAYS else "urgent"
    return Due(long_day(day), day.isoformat(), words, "", tone, False, False)


def ended(day: date, state: str) -> Due:
    """Say the day on which an item was decided.

    >>> ended(date(2026, 10, 1), "Won").left
    'won'
    """
    return Due(long_day(day), day.isoformat(), state.lower(), "", "soft", False, False)


def band_of(chance: float) -> tuple[str, str]:
    """Return the band of a chance: its class in the style sheet, and its name.

    >>> band_of(0.62), band_of(0.0)
    (('high', 'Good'), ('slim', 'Slim'))
    """
    return next((band, name) for least, band, name in BANDS if chance >= least)


def in_ten(chance: float) -> str:
    """Say a chance without false precision.

    >>> in_ten(0.62), in_ten(0.02), in_ten(0.97)
    ('about 6 in 10', 'less than 1 in 20', 'more than 9 in 10')
    """
    if chance < 0.05:
        return "less than 1 in 20"
    if chance > 0.95:
        return "more than 9 in 10"
    return f"about {max(1, round(10 * chance))} in 10"


def age(since: date | None, today: date) -> str:
    """Say how old something is.

    >>> age(date(2026, 10, 30), date(2026, 11, 1)), age(date(2026, 6, 1), date(2026, 11, 1)), age(None, date(2026, 11, 1))
    ('2 days', '5 months', '')
    """
    if since is None:
        return ""
    gone = max((today - since).days, 0)
    if gone < 60:
        return days(gone)
    return f"{round(gone / 30.44)} months" if gone < 730 else f"{gone / 365.25:.1f} years"


def days(count: int) -> str:
    """Say a number of days.

    >>> days(1), days(12)
    ('1 day', '12 days')
    """
    return f"{count} day" if count == 1 else f"{count} days"


def long_day(day: date) -> str:
    """Say a day.

    >>> long_day(date(2026, 11, 3))
    '3 Nov 2026'
    """
    # Not strftime: its month names depend on the machine's locale.
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def in_words(cell: Mapping[str, str | None]) -> str:
    """Say where something is.

    >>> in_words({"payer_id": "P1", "procedure_code": "99213", "posted_by": "staff2"})
    'Payer P1, procedure 99213, poster staff2'
    """
    words = {"posted_by": "poster", "carc": "reason"}
    told = ", ".join(
        f"{words.get(name, name.removesuffix('_id').removesuffix('_code').replace('_', ' '))} {value}" for name, value in cell.items()
    )
    return told[:1].upper() + told[1:]


_FAMILIES = {"cob": "Who pays first", "unknown": "Reason not known"}


def family_of(name: str) -> str:
    """Say a family of reasons.

    >>> family_of("cob"), family_of("medical_necessity")
    ('Who pays first', 'Medical necessity')
    """
    return _FAMILIES.get(name, spoken(name))


def spoken(name: str) -> str:
    """Say a name of the code.

    >>> spoken("never_billed")
    'Never billed'
    """
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
