"""Outcome events of write-offs, in the columns of `outcomes`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from features.intake.remits.answers import CLAIM, Answer
from features.intake.remits.candidates import TextColumns
from features.intake.remits.causes import OTHER, REPLACEMENTS, action, has_cause
from features.intake.remits.written_off import WrittenOff
from features.money import format_cents
from features.norms import follow_up_days

OUTCOME_COLUMNS = (
    "writeoff_id", "effort_id", "worked_date", "action", "sent_date", "reference_number", "resolved_date", "status", "recovered_amount",
    "taken_back_amount", "shifted_to_patient_amount",
)  # fmt: skip

_MEDICARE = frozenset(("MA", "MB"))


@dataclass(slots=True)
class Event:
    """One outcome event; days ISO text, blank where null, amounts in cents.

    Parameters
    ----------
    writeoff
        The posting it is on.
    effort_id
        Made of the posting and the remit that said it: the same however often that is sent.
    worked_date
        When the effort began, at the latest: `sent_date`, else estimated from `resolved_date`; never before the posting.
    sent_date
        The day on which the payer received the corrected claim (DTM*050).
    taken_back_on
        The days on which money was taken back, and how much.
    """

    writeoff: WrittenOff
    effort_id: str
    worked_date: str
    action: str
    sent_date: str
    reference_number: str
    resolved_date: str
    status: str
    recovered: int = 0
    shifted: int = 0
    taken_back_on: list[tuple[str, int]] = field(default_factory=list)

    @property
    def taken_back(self) -> int:
        """What was taken back of it, all in all."""
        return sum(cents for _, cents in self.taken_back_on)

    @property
    def net(self) -> int:
        """Payer cash that stayed."""
        return self.recovered - self.taken_back

    def row(self) -> tuple[str, ...]:
        """Return it in the order of `OUTCOME_COLUMNS`."""
        is_open = self.status == "pending"
        amounts = (self.recovered, self.taken_back, self.shifted)
        return (
            self.writeoff.writeoff_id,
            self.effort_id,
            self.worked_date,
            self.action,
            self.sent_date,
            self.reference_number,
            self.resolved_date,
            self.status,
            *("" if is_open else format_cents(cents) for cents in amounts),
        )


@dataclass(slots=True)
class Outcomes:
    """Outcome events, and the money of later remits that is on no write-off.

    Parameters
    ----------
    events
        By write-off, then day.
    loose_recovered
        Cents that were paid later on what nobody wrote off.
    loose_taken_back
        Cents that were taken back of no recovery: of a first payment, or of one in a file that is not here.
    """

    events: list[Event]
    loose_recovered: int = 0
    loose_taken_back: int = 0

    @property
    def columns(self) -> TextColumns:
        """The events in columns of `outcomes`, blank where null."""
        rows = [event.row() for event in self.events]
        return {name: [row[i] for row in rows] for i, name in enumerate(OUTCOME_COLUMNS)}


def event_order(one: Event) -> tuple[str, str, str]:
    """Return what orders events: write-off, then day."""
    return one.writeoff.writeoff_id, one.resolved_date or "9999-12-31", one.effort_id


def is_replacement(step: Answer) -> bool:
    """Whether what stands now answers another claim than before: a new frequency 6 or 7, or such a one under a new number."""
    was, now = step.before[-1].claim, step.after[-1].claim if step.after else step.before[-1].claim
    return now.frequency in REPLACEMENTS and (now.frequency, now.icn) != (was.frequency, was.icn)


def begin_event(step: Answer, posting: WrittenOff, effort_id: str) -> Event:
    """Return the event of an answer on a posting, on which nothing has come yet."""
    remarks = step.remarks.get(posting.line, frozenset()) | step.remarks[CLAIM]
    found = action(remarks if has_cause(remarks) else step.all_remarks, is_replacement=is_replacement(step))
    if step.is_other_payer:
        found = "bill_secondary" if posting.reason is not None and posting.reason[0] == "PR" else "rebill_other_payer"
    elif found == OTHER and step.is_new_claim:
        found = "new_claim"
    day, claim = step.remit.remit_date, step.said[-1].claim if step.is_open else step.after[-1].claim
    # what the first claim's remit says of its receipt is no news
    is_news = step.before[-1].remit.remit_date < claim.received <= day
    sent = claim.received if is_news else ""
    worked = sent or _days_before(day, follow_up_days(found, is_medicare=claim.filing in _MEDICARE))
    return Event(
        writeoff=posting,
        effort_id=effort_id,
        worked_date=min(day, max(worked, posting.posted)),
        action=found,
        sent_date=sent,
        reference_number=claim.icn,
        resolved_date=day,
        status="denied",
    )


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()
