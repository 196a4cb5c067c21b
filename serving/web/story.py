"""The story of a claim in words: days of the ledger, efforts made elsewhere, and what was done here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from serving.web.figures import exact
from serving.web.past import how, named_action
from serving.web.words import STATUS_WORDS, long_day, spoken
from serving.worklist.acts import LOSS_REASONS, SKIP_REASONS
from serving.worklist.detail import Detail
from serving.worklist.events import Effort
from serving.worklist.reversals import REFUSALS, Reversal, ReversalState
from serving.worklist.shelf import Entry

STORY_WORDS = {
    "taken": "took it",
    "released": "gave it back",
    "assigned": "gave it to",
    "drafted": "began",
    "sent": "sent it",
    "asked": "asked the payer",
    "won": "won",
    "lost": "lost",
    "next_level": "went to the next level",
    "skipped": "skipped it",
    "snoozed": "put it off",
    "woken": "woke it",
    "closed": "gave it up",
    "reopened": "brought it back",
    "undone": "took the last step back",
    "note": "noted",
    "call": "called",
    "project": "put it into a project",
    "paid": "recorded a payment",
    "refused": "recorded a refusal",
    "taken_back": "recorded a take-back",
    "elsewhere": "recorded an effort made elsewhere",
    "turned": "turned it, since another remedy is open now",
}
"""Acts of the story, as a page says them after somebody's name."""

NOTE_WORDS = {"disagree": "disagrees with a reason", "needs": "information is missing"}
"""What a note is, where it is more than a note."""

FACT_WORDS = {
    "sent_on": "on",
    "channel": "by",
    "reference": "reference",
    "argument": "resting on",
    "coder": "signed off by coder",
    "follow_up_on": "ask again on",
    "until": "until",
    "deadline": "last day",
    "level": "level",
}
"""What stands before a fact of an act."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story."""

    at: str
    who: str
    act: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the ledger: cents, of which write-off, by whom and when, and where it stands; whether somebody said no."""

    cents: int
    writeoff_id: str
    by: str
    at: str
    stands: str
    is_refused: bool


def asked_of(detail: Detail, names: Mapping[str, str]) -> tuple[Asked, ...]:
    """Return what the ledger was asked to take back because of an item, the first request first, and what became of each."""
    told = sorted(detail.reversals, key=lambda one: (one.requested_at, one.reversal_id))
    return tuple(
        Asked(
            one.cents,
            one.writeoff_id,
            called(one.requested_by, names),
            _moment(one.requested_at),
            _stands(one, names),
            one.state is ReversalState.REFUSED,
        )
        for one in told
    )


def _stands(one: Reversal, names: Mapping[str, str]) -> str:
    """Say where a request stands, and who decided on it."""
    by = called(one.decided_by, names) if one.decided_by is not None else ""
    when = f" by {by} on {_moment(one.decided_at)}" if by and one.decided_at is not None else ""
    if one.state is ReversalState.REFUSED:
        why = _refusal(one) or f"ask {by or 'the lead'} why"
        return f"refused{when}: {why}. The ledger stays as it is"
    if one.state is ReversalState.WAITING:
        return "waits for a second person to approve it"
    if one.state is ReversalState.WITHDRAWN:
        return "withdrawn, because what it was for was taken back"
    leave = f"approved{when}" if when else "needed no second person"
    if one.state is ReversalState.EXPORTED:
        return f"{leave}; went out to the ledger" + (f" in the file {one.batch_id}" if one.batch_id else "")
    return f"{leave}; goes out with the next file for the ledger"


_DAYS = (
    ("service_date", "Service"),
    ("submitted_date", "Claim sent to the payer"),
    ("initial_denial_date", "First refused"),
    ("remit_date", "Remittance"),
    ("writeoff_date", "Written off"),
)
"""Days of the ledger that a claim's story begins with."""


def timeline(detail: Detail, names: Mapping[str, str]) -> tuple[Told, ...]:
    """Return the story of a claim, the latest first: days of the ledger, efforts made elsewhere, and what was done here."""
    told: list[tuple[date, int, Told]] = []
    for line in detail.lines[:1]:
        for name, words in _DAYS:
            if (day := line.writeoff.get(name)) is not None:
                told.append((day, -1, Told(long_day(day), "", words, "")))
    asked = {line.writeoff_id: line.writeoff.get("writeoff_amount") for line in detail.lines}
    for effort in detail.efforts:
        if effort.source != "person":
            told.append((effort.worked_on, -1, _effort(effort, asked.get(effort.writeoff_id))))
    done = [(entry.at, _told(entry, names)) for entry in detail.story]
    done += [(one.decided_at, _decision(one, names)) for one in detail.reversals if one.decided_at is not None]
    told += [(at.date(), place, line) for place, (at, line) in enumerate(sorted(done, key=lambda told: told[0]))]
    return tuple(one for _, _, one in sorted(dict.fromkeys(told), key=lambda line: line[:2], reverse=True))


def _effort(effort: Effort, asked: int | None) -> Told:
    """Tell an effort that a file or a remittance knows of."""
    ended = ending(effort, asked)
    said = [how(effort.level or 1, effort.channel, "", "")] if (effort.level or 1) > 1 or effort.channel else []
    if effort.resolved_on is not None:
        ended = f"{ended} on {long_day(effort.resolved_on)}"
    said.append(ended)
    if effort.taken_back:
        said.append(f"{'' if effort.net else 'all '}{exact(effort.taken_back)} taken back later")
    return Told(long_day(effort.worked_on), "", f"Worked before: {named_action(effort.action).lower()}", "; ".join(said))


def ending(effort: Effort, asked: int | None) -> str:
    """Say how an effort ended by the dollars that came, of the cents written off where these are known; else by its status.

    >>> part = Effort("W1", "E1", date(2026, 1, 5), "recovered", date(2026, 3, 8), recovered=55_735)
    >>> ending(part, 81_234), ending(part, 55_735), ending(part, None)
    ('$557.35 of $812.34 came in', 'paid in full, $557.35', '$557.35 came in')
    >>> from dataclasses import replace
    >>> ending(replace(part, recovered=0), 81_234), ending(replace(part, status="denied", recovered=0), 81_234)
    ('nothing came in', 'refused')
    >>> ending(replace(part, recovered=None), 81_234)
    'paid, nobody said how much'
    """
    came = effort.recovered or 0
    if came and asked is not None and 0 < asked <= came:
        return f"paid in full, {exact(came)}"
    if came:
        return exact(came) + (f" of {exact(asked)}" if asked is not None and asked > 0 else "") + " came in"
    if effort.status in ("recovered", "partially_recovered"):
        return "paid, nobody said how much" if effort.recovered is None else "nothing came in"
    return STATUS_WORDS.get(effort.status, spoken(effort.status).lower())


def _told(entry: Entry, names: Mapping[str, str]) -> Told:
    facts = dict(entry.facts)
    said = [entry.text] if entry.text else []
    if entry.act == "assigned":
        said.insert(0, names.get(str(facts.get("to")), str(facts.get("to") or "nobody")))
    for name, words in FACT_WORDS.items():
        if facts.get(name) is not None:
            said.append(f"{words} {_readable(facts[name])}")
    if (reason := str(facts.get("reason") or "")) in {*SKIP_REASONS, *LOSS_REASONS}:
        said.insert(0, (LOSS_REASONS if entry.act == "lost" else SKIP_REASONS).get(reason, reason))
    if facts.get("cents") is not None:
        said.insert(0, exact(int(facts["cents"] or 0)))
    if facts.get("kind") in NOTE_WORDS:
        said.insert(0, NOTE_WORDS[str(facts["kind"])])
    act = STORY_WORDS.get(entry.act, spoken(entry.act).lower())
    return Told(_moment(entry.at), called(entry.by, names), act, "; ".join(said))


def _decision(one: Reversal, names: Mapping[str, str]) -> Told:
    """Tell what a second person said of a request to the ledger."""
    act = "refused the reversal" if one.state is ReversalState.REFUSED else "approved the reversal"
    assert one.decided_at is not None
    what = "; ".join(part for part in (f"{exact(one.cents)} of {one.writeoff_id}", _refusal(one)) if part)
    return Told(_moment(one.decided_at), called(one.decided_by or "", names), act, what)


def _refusal(one: Reversal) -> str:
    """Say why a request was refused; blank where nobody said, as before reasons were asked for."""
    reason = "" if one.refused_for in (None, "other") else REFUSALS.get(one.refused_for, one.refused_for)
    return ", ".join(part for part in (reason, (one.note or "").rstrip(".")) if part)


def _moment(at: datetime) -> str:
    return f"{long_day(at.date())}, {at:%H:%M}"


def called(subject: str, names: Mapping[str, str]) -> str:
    """Return how somebody is called in a story; programs and commands by what they are.

    >>> called("person:ana", {"person:ana": "ana"}), called("operator:root", {}), called("key:7", {})
    ('ana', 'a command', 'a program')
    """
    kinds = {"operator": "a command", "key": "a program"}
    return names.get(subject) or kinds.get(subject.partition(":")[0], subject)


def _readable(value: object) -> str:
    """Say a fact; a day as people do.

    >>> _readable("2026-11-03"), _readable("fax")
    ('3 Nov 2026', 'fax')
    """
    try:
        return long_day(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)
