"""What a payer said after its first word on a claim: the steps from one adjudication that stood to the next.

A step ends where another adjudication stands than before (TR3 005010X221A1, 1.10.2.8): reversal and correction of one remit are one
step, and so are a reversal and a correction that came in two files. A chain that ends in a reversal without correction has a last step
to nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from features.intake.remits.netting import Adjudication, Chain, Standing, service_key
from features.intake.remits.records import Adjustment, Claim, Transaction

CLAIM = -1
"""The line of what is said of a claim as a whole."""

Reason: TypeAlias = tuple[str, str]
"""Group and CARC."""


class LineState(NamedTuple):
    """What one adjudication says of one line: cents paid, cents left to the patient, cents by reason."""

    paid: int
    patient: int
    reasons: Mapping[Reason, int]


Picture: TypeAlias = Mapping[int, LineState]
"""Line -> what is said of it; `CLAIM` is always there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One step: what stood before, what stands after it, and what was sent in between.

    Parameters
    ----------
    before, after
        Adjudications, several where the payer split the claim; `after` is empty where a reversal has no correction yet.
    was, now
        The same as pictures; `now` is empty with `after`.
    said
        Reversals and corrections of the step.
    remarks
        Line -> RARCs in what was said; `CLAIM` is always there.
    remit
        The remit that made it known.
    answered
        The lines that it speaks of.
    is_new_claim
        The claim was sent again and answered under a new number.
    is_other_payer
        Another payer than the one whose claim it is paid for it, or took that back.
    """

    before: tuple[Adjudication, ...]
    after: tuple[Adjudication, ...]
    was: Picture
    now: Picture
    said: tuple[Adjudication, ...]
    remarks: Mapping[int, frozenset[str]]
    remit: Transaction
    answered: frozenset[int]
    is_new_claim: bool = False
    is_other_payer: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a reversal still waits for its correction."""
        return not self.after

    @property
    def all_remarks(self) -> frozenset[str]:
        """The remarks on the claim and all of its lines."""
        return frozenset[str]().union(*self.remarks.values())


class LineBook:
    """Numbers the lines of a chain so that a line keeps its number from one adjudication to the next.

    A line is known by its control number (REF*6R), or where one of the two adjudications has none, by procedure, modifiers and day.
    """

    def __init__(self) -> None:
        self._by_control: dict[str, int] = {}
        self._by_service: dict[tuple[str, int], int] = {}
        self._controls: list[str] = []
        self._known: dict[int, tuple[Claim, list[int]]] = {}

    def numbers(self, claim: Claim) -> list[int]:
        """Return the number of each line of the claim, in its order."""
        known = self._known.get(id(claim))
        if known is None:
            # the claim is kept beside its numbers: an id alone may be given again
            known = self._known[id(claim)] = claim, self._number(claim)
        return known[1]

    def _number(self, claim: Claim) -> list[int]:
        controls = [line.control_number for line in claim.lines]
        has_controls = all(controls) and len(set(controls)) == len(controls)
        occurrences: defaultdict[str, int] = defaultdict(int)
        found: list[int] = []
        for line in claim.lines:
            key = service_key(line)
            name = key, occurrences[key]
            occurrences[key] += 1
            number = self._find(line.control_number if has_controls else "", name, found)
            found.append(number)
        return found

    def _find(self, control: str, name: tuple[str, int], used: Sequence[int]) -> int:
        number = self._by_control.get(control) if control else None
        if number is None:
            number = self._by_service.get(name)
            if number is not None and (number in used or (control and self._controls[number])):
                number = None
        if number is None:
            number = len(self._controls)
            self._controls.append("")
        if control:
            self._by_control[control] = number
            self._controls[number] = control
        self._by_service.setdefault(name, number)
        return number


def answers(chain: Chain, book: LineBook, groups: Mapping[str, str], *, as_of: str = "9999-12-31") -> list[Answer]:
    """Return the steps of a chain by remits dated before a day.

    Parameters
    ----------
    chain
        As `netting.chains` returns it.
    book
        Numbers the chain's lines.
    groups
        A practice's own group codes -> listed ones.
    as_of
        ISO day whose morning it is.
    """
    standing, before, said = Standing(), tuple[Adjudication, ...](), list[Adjudication]()
    found: list[Answer] = []
    first: Adjudication | None = None
    for batch in _batches(one for one in chain.adjudications if one.remit.remit_date < as_of):
        for one in batch:
            standing.add(one)
        said += batch
        after = standing.current()
        if not before or (first is not None and batch[0].is_beside(first)):
            # what one remit says at once is its first word, however often it corrects itself
            before, first, said = after, after[-1] if after else None, []
        elif after and after != before:
            found.append(_answer(before, after, said, book, groups))
            before, said = after, []
        elif after and found:
            # a reversal that comes after the correction only says why
            found[-1], said = _said_also(found[-1], said, book), []
        elif after:
            said = []
    if before and said:
        found.append(_answer(before, (), said, book, groups))
    return found


def original(chain: Chain) -> tuple[Adjudication, ...]:
    """Return the first adjudication that stood at the end of its remit: the one that candidates were first made of."""
    standing = Standing()
    first: tuple[Adjudication, ...] = ()
    for one in chain.adjudications:
        if first and not one.is_beside(first[-1]):
            return first
        standing.add(one)
        first = standing.current()
    return first


def _answer(
    before: tuple[Adjudication, ...], after: tuple[Adjudication, ...], said: list[Adjudication], book: LineBook, groups: Mapping[str, str]
) -> Answer:
    was, now = picture(before, book, groups), picture(after, book, groups) if after else {}
    return Answer(before, after, was, now, tuple(said), _remarks(said, book), said[-1].remit, frozenset(now) - {CLAIM})


def with_follow_up(
    chain: Chain,
    steps: list[Answer],
    follow_up: Chain,
    then: list[Answer],
    book: LineBook,
    groups: Mapping[str, str],
    *,
    as_of: str = "9999-12-31",
) -> list[Answer]:
    """Return the steps of a chain that goes on under a new number: its own, the step over, those `then` of the other chain.

    What the new claim says of a line stands in place of what the old one said of it, and the old one stands for its other lines. A
    reversal of the old claim only says why.
    """
    parts = tuple(one for one in original(follow_up) if one.remit.remit_date < as_of)
    if not parts:
        return steps
    day = parts[-1].remit.remit_date
    waiting = [step for step in steps if step.is_open]
    own = [step for step in steps if not step.is_open and step.remit.remit_date <= day]
    reversals = [one for step in waiting for one in step.said]
    before = waiting[0].before if waiting else own[-1].after if own else original(chain)
    step = _answer(before, parts, [*reversals, *parts], book, groups)
    if not reversals and not set(step.was) <= set(step.now):
        whole = _sum(step.was[CLAIM], step.now[CLAIM])
        step = replace(step, now={**step.was, **step.now, CLAIM: whole})
    later = [one for one in steps if not one.is_open and one.remit.remit_date > day]
    return [*own, replace(step, remit=parts[-1].remit, is_new_claim=True), *later, *then]


def _said_also(step: Answer, more: list[Adjudication], book: LineBook) -> Answer:
    return replace(step, remarks=_remarks([*step.said, *more], book))


def _remarks(said: Iterable[Adjudication], book: LineBook) -> dict[int, frozenset[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set, {CLAIM: set()})
    for one in said:
        found[CLAIM].update(one.claim.rarcs)
        for line, number in zip(one.claim.lines, book.numbers(one.claim), strict=True):
            found[number].update(line.rarcs)
    return {line: frozenset(remarks) for line, remarks in found.items()}


def _batches(ordered: Iterable[Adjudication]) -> Iterator[list[Adjudication]]:
    """Cut a chain into what is said at once: a remit, and in it each reversal with its correction, whichever comes first."""
    batch: list[Adjudication] = []
    for one in ordered:
        has_both = len({other.claim.is_reversal for other in batch}) == 2
        is_turn = bool(batch) and batch[-1].claim.is_reversal != one.claim.is_reversal
        if batch and (not one.is_beside(batch[-1]) or (has_both and is_turn)):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def picture(parts: Iterable[Adjudication], book: LineBook, groups: Mapping[str, str]) -> Picture:
    """Return what adjudications say of each line together."""
    lines: dict[int, LineState] = {}
    whole = LineState(0, 0, {})
    for one in parts:
        claim = one.claim
        rest = claim.paid or 0
        for line, number in zip(claim.lines, book.numbers(claim), strict=True):
            lines[number] = _state(line.paid or 0, line.adjustments, groups)
            rest -= line.paid or 0
        whole = _sum(whole, _state(rest, claim.adjustments, groups))
    return {**lines, CLAIM: whole}


def _state(paid: int, adjustments: Iterable[Adjustment], groups: Mapping[str, str]) -> LineState:
    reasons: defaultdict[Reason, int] = defaultdict(int)
    for one in adjustments:
        reasons[groups.get(one.group.upper(), one.group), one.carc] += one.cents
    return LineState(paid, sum(cents for (group, _), cents in reasons.items() if group == "PR"), dict(reasons))


def _sum(one: LineState, two: LineState) -> LineState:
    reasons = {key: one.reasons.get(key, 0) + two.reasons.get(key, 0) for key in (*one.reasons, *two.reasons)}
    return LineState(one.paid + two.paid, one.patient + two.patient, reasons)
