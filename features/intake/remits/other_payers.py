"""What another payer paid later on a claim that was written off under the first one.

A refusal for the order of payers or for coverage (CARC families `cob` and `eligibility`), and a patient's share that was written off,
are made good by somebody else: the first remit of a second payer is the answer. What it pays on a share that nobody wrote off is the
usual course of a claim and no answer to anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from features.intake.remits.answers import CLAIM, Answer, LineBook, LineState, Picture, Reason, original, picture
from features.intake.remits.follow_ups import MOST_CLAIMS, is_duplicate
from features.intake.remits.netting import Adjudication, Chain, Standing, service_date, service_key

_Parts: TypeAlias = tuple[Adjudication, ...]

Owed: TypeAlias = Callable[[Reason], bool]
"""Whether what was written off for a group and CARC may be owed by another payer."""


def other_payers(chains: Sequence[Chain], roots: Sequence[int]) -> dict[int, int]:
    """Return place of a chain -> place of the chain of an earlier payer whose service it paid for.

    They have account number (CLP01), service date and at least one line in common, and another payer; the later begins in a later remit
    and paid something. Of several earlier ones it is the last; a chain that goes on from one of its own payer counts with that one.

    Examples
    --------
    >>> other_payers([], [])
    {}
    """
    accounts: defaultdict[str, list[int]] = defaultdict(list)
    for place, chain in enumerate(chains):
        if chain.adjudications[0].claim.claim_id:
            accounts[chain.adjudications[0].claim.claim_id].append(place)
    found: dict[int, int] = {}
    for places in accounts.values():
        if 1 < len(places) <= MOST_CLAIMS:
            for i, place in enumerate(places):
                before = [one for one in places[:i] if roots[place] == place and _pays_for(chains[one], chains[place])]
                if before:
                    found[place] = roots[before[-1]]
    return found


def _pays_for(chain: Chain, other: Chain) -> bool:
    first, then = chain.adjudications[0], other.adjudications[0]
    if first.remit.payer_id == then.remit.payer_id or first.remit.remit_date >= then.remit.remit_date:
        return False
    day = service_date(first.claim)
    parts = original(other)
    if not day or day != service_date(then.claim) or is_duplicate(parts) or sum(one.claim.paid or 0 for one in parts) <= 0:
        return False
    keys = {service_key(line) for line in first.claim.lines}
    return any(service_key(line) in keys for line in then.claim.lines)


def with_other_payer(
    chain: Chain, steps: list[Answer], other: Chain, book: LineBook, groups: Mapping[str, str], *, is_owed: Owed, as_of: str
) -> list[Answer]:
    """Return the steps of a chain with those of another payer among them: its first payment, and what it took of that again.

    Parameters
    ----------
    chain, other
        Of the first payer, and of the other one.
    steps
        The chain's own, in order.
    book, groups, as_of
        As `answers` takes them.
    is_owed
        For which reasons the other payer may pay.
    """
    known = [one for one in other.adjudications if one.remit.remit_date < as_of]
    first = tuple(one for one in original(other) if one in known)
    if not first:
        return steps
    day = first[-1].remit.remit_date
    earlier = [step for step in steps if not step.is_open and step.remit.remit_date <= day]
    stood = earlier[-1].after if earlier else original(chain)
    base = picture(stood, book, groups)
    told: list[Answer] = []
    before: Picture = base
    for parts, said in _states(known, first):
        now = _paid_over(base, picture(parts, book, groups) if parts else {}, is_owed)
        # More than at first is the other payer's own affair; what it takes again is taken of what came.
        if now != before and (not told or _is_less(before, now)):
            remarks = {CLAIM: frozenset[str](), **{line: frozenset[str]() for line in now}}
            lines = frozenset(line for line in now if now[line] != before.get(line))
            told.append(Answer(stood, parts or first, before, now, said, remarks, said[-1].remit, lines, is_other_payer=True))
            before = now
    return sorted([*steps, *told], key=lambda step: step.remit.remit_date)


def _states(known: Sequence[Adjudication], first: _Parts) -> Iterable[tuple[_Parts, _Parts]]:
    """Give what stood at the end of each remit of the other payer, and what that remit said."""
    standing = Standing()
    yield first, first
    for place, one in enumerate(known):
        standing.add(one)
        is_last = place + 1 == len(known) or not known[place + 1].is_beside(one)
        if is_last and not one.is_beside(first[-1]):
            yield standing.current(), (one,)


def _paid_over(base: Picture, other: Picture, is_owed: Owed) -> Picture:
    """Return the picture of the first payer's claim with what the other paid on its lines for reasons that it may owe."""
    found = dict(base)
    for line, state in base.items():
        paid = other[line].paid if line in other else 0
        owed = {reason: cents for reason, cents in state.reasons.items() if cents > 0 and is_owed(reason)}
        if line != CLAIM and paid > 0 and owed:
            left = paid
            reasons = dict(state.reasons)
            for reason, cents in owed.items():
                # A refused line is settled by whom it was sent to; of a patient's share the rest is still the patient's.
                gone = min(left, cents) if reason[0] == "PR" else cents
                reasons[reason] = cents - gone
                left = max(0, left - gone)
            found[line] = LineState(state.paid + paid, state.patient, reasons)
    return found


def _is_less(before: Picture, now: Picture) -> bool:
    return sum(state.paid for state in now.values()) < sum(state.paid for state in before.values())
