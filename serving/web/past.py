"""Past cases like an item in words: what was done, what it rested on, and how often that won."""

from __future__ import annotations

from dataclasses import dataclass

from serving.web.words import ACTIONS, ARGUMENTS, PAPERS, STATUS_WORDS, days, long_day, spoken
from serving.worklist.detail import Alike, PastCase, Similar, Way

MOST_WAYS, MOST_ARGUMENTS = 4, 8

ALIKE_WORDS = {
    Alike.PAYER_AND_CODE: "with this payer and reason code",
    Alike.PAYER_AND_REMEDY: "of this remedy with this payer",
    Alike.CODE: "of this reason code with other payers",
}
"""In what past cases are like an item, after their number."""


@dataclass(frozen=True, slots=True)
class Past:
    """A like case: what was done and what it rested on, how it ended, what it brought and how long it took."""

    action: str
    how: str
    result: str
    is_won: bool
    net: int
    written_off: int | None
    took: str
    on: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A way that like cases went: remedy, how it was sent and what it rested on, and how often that won."""

    action: str
    how: str
    decided: int
    won: int
    net: int


def past_of(similar: Similar) -> tuple[Past, ...]:
    """Return the latest like cases in words."""
    return tuple(_past(case) for case in similar.cases)


def tried_in(similar: Similar) -> tuple[Tried, ...]:
    """Return what like cases did, the way that won most first."""
    return tuple(_tried(way) for way in similar.ways[:MOST_WAYS])


def _tried(way: Way) -> Tried:
    return Tried(named_action(way.action), how(way.level, way.channel, way.argument, way.papers), way.decided, way.won, way.net)


def how(level: int, channel: str | None, argument: str, papers: str) -> str:
    """Say how something was sent and what it rested on.

    >>> how(2, "fax", "authorization was on file", ""), how(1, None, "", "records_on_file"), how(1, None, "", "")
    ('at level 2, by fax: authorization was on file', 'with records on file', '')
    """
    sent = ", ".join(filter(None, (f"at level {level}" if level > 1 else "", f"by {channel}" if channel else "")))
    if argument:
        return f"{sent}: {argument}" if sent else argument
    return ", ".join(filter(None, (sent, f"with {PAPERS[papers]}" if papers in PAPERS else "")))


def arguments_for(family: str | None, similar: Similar) -> tuple[str, ...]:
    """Return what is offered as argument: what won here before, then what is usual."""
    won = [way.argument for way in similar.ways if way.argument and way.won]
    return tuple(dict.fromkeys((*won, *ARGUMENTS.get(family or "", ()))))[:MOST_ARGUMENTS]


def named_action(action: str | None) -> str:
    """Return how an effort's action is called."""
    return ACTIONS.get(action or "", spoken(action or "other"))


def _result(case: PastCase) -> str:
    """Say how a case ended: of one that was paid, what stayed counts and not its status."""
    if case.net <= 0:
        paid = case.status in ("recovered", "partially_recovered")
        return "nothing stayed" if paid else STATUS_WORDS.get(case.status, spoken(case.status))
    return "paid in full" if case.written_off and case.net >= case.written_off else "paid in part"


def _past(case: PastCase) -> Past:
    return Past(
        action=named_action(case.action),
        how=how(case.level or 1, case.channel, case.argument, case.papers),
        result=_result(case),
        is_won=case.net > 0,
        net=case.net,
        written_off=case.written_off,
        took=days((case.resolved_on - case.worked_on).days),
        on=long_day(case.resolved_on),
    )
