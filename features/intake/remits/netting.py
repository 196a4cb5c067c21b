"""Reversals and corrections netted: which adjudication of a claim is current (TR3 005010X221A1, 1.10.2.8).

A reversal (CLP02 22) takes an earlier adjudication back with negated amounts; the correction is a new CLP with its true status, mostly in
the same 835 but perhaps in another file. All CLP of one claim form a chain, ordered by remit date and control numbers, so neither the
order of files nor sending one twice changes what is current.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from features.intake.remits.records import Claim, ServiceLine, Transaction


@dataclass(frozen=True, slots=True)
class Adjudication:
    """One CLP with the remit that it came in and its position there."""

    remit: Transaction
    claim: Claim
    position: int

    @property
    def order(self) -> tuple[object, ...]:
        """What orders the adjudications of a chain; a whole copy comes after one that was cut off."""
        remit = self.remit
        return remit.remit_date, remit.control, self.position, self.claim.is_complete, remit.file.count("/"), remit.file, remit.segment

    def is_beside(self, other: Adjudication) -> bool:
        """Whether both came in one remit, be it in two copies of it."""
        one, two = self.remit, other.remit
        return one is two or (one.trace != "" and (one.remit_date, one.control) == (two.remit_date, two.control))


@dataclass(frozen=True, slots=True)
class Chain:
    """All adjudications of one claim by one payer, in order, reversals included, repeats left out.

    Examples
    --------
    >>> from features.intake.remits.issues import IssueLog
    >>> from features.intake.remits.segments import read_segments
    >>> from features.intake.remits.transaction import read_transactions
    >>> text = (
    ...     b"ST*835*1~BPR*I*60*C*CHK************20240105~TRN*1*9*1999999999~CLP*7*1*100*0**12*A1~CAS*CO*16*100~"
    ...     b"CLP*7*22*-100*0**12*A1~CAS*CO*16*-100~CLP*7*1*100*60**12*A1~CAS*CO*45*40~SE*10*1~"
    ... )
    >>> log = IssueLog("a.835")
    >>> [chain] = chains(read_transactions(read_segments([text], log), log))
    >>> [one.claim.paid for one in chain.current()], len(chain.adjudications)
    ([6000], 3)
    """

    adjudications: tuple[Adjudication, ...]

    def current(self, as_of: str = "9999-12-31") -> tuple[Adjudication, ...]:
        """Return the last adjudication sent by that day that is not reversed; several where the payer split the claim.

        Parts are adjudications of one remit that have no service line in common: a payer that splits a claim reports each part in a
        CLP of its own under the same numbers (TR3 1.10.2.11).
        """
        standing = Standing()
        for one in self.adjudications:
            if one.remit.sent_date <= as_of:
                standing.add(one)
        return standing.current()

    def remark(self) -> str:
        """Return the code of the issue that its last adjudication is worth, blank where it is worth none."""
        if self.is_orphan_reversal:
            return "reversal_without_original"
        return "claim_split" if len(self.adjudications) > 1 and len(self.current()) > 1 else ""

    @property
    def is_orphan_reversal(self) -> bool:
        """Whether only reversals are known: the original came in a file that is not here."""
        return all(one.claim.is_reversal for one in self.adjudications)


def distinct_remits(remits: Iterable[Transaction]) -> list[Transaction]:
    """Return the transactions in order, each content once: a file that is sent again, even in a new envelope, changes nothing."""
    ordered = sorted(remits, key=lambda one: (one.remit_date, one.control, one.file.count("/"), one.file, one.segment))
    seen: defaultdict[tuple[object, ...], list[Transaction]] = defaultdict(list)
    for remit in ordered:
        # numbers first, so that only what looks the same is compared in full
        numbers = tuple((claim.claim_id, claim.icn, claim.status, claim.charge, claim.paid) for claim in remit.claims)
        alike = seen[remit.payer_id, remit.trace, remit.remit_date, remit.payment, numbers]
        if not any(_says_same(remit, other) for other in alike):
            alike.append(remit)
    kept = {id(remit) for alike in seen.values() for remit in alike}
    return [remit for remit in ordered if id(remit) in kept]


def _says_same(remit: Transaction, other: Transaction) -> bool:
    is_whole = all(claim.is_complete for claim in (*remit.claims, *other.claims))
    return is_whole and remit.claims == other.claims and remit.provider_adjustments == other.provider_adjustments


def chains(remits: Iterable[Transaction]) -> list[Chain]:
    """Group the readable claims of dated transactions into chains by payer, CLP01 and ICN (CLP07 or REF*F8).

    Predeterminations are no adjudications. A claim without ICN joins the one chain of its payer and CLP01 that has its service date,
    else it stands with the others of that date: an account number alone may name many claims.
    """
    return chains_of(one for remit in remits for one in adjudications(remit))


def adjudications(remit: Transaction) -> Iterator[Adjudication]:
    """Yield what a dated transaction says of claims that can be used; predeterminations are no adjudications."""
    for position, claim in enumerate(remit.claims):
        if remit.remit_date and _is_usable(claim):
            yield Adjudication(remit, claim, position)


def chains_of(ones: Iterable[Adjudication]) -> list[Chain]:
    """Group adjudications as `chains` does; those of one CLP01 must all be among them, others need not."""
    accounts: defaultdict[tuple[str, str], list[Adjudication]] = defaultdict(list)
    for one in ones:
        accounts[one.remit.payer_id, one.claim.claim_id].append(one)
    found = [_chain(members) for account in accounts.values() for members in _by_number(account)]
    return sorted(found, key=lambda chain: chain.adjudications[0].order)


def line_keys(claim: Claim) -> tuple[str, ...]:
    """Return what names each line across adjudications: the provider's control number (REF*6R), else procedure and service date.

    LX and the place among the lines may change between a claim and its correction, these do not. The billed procedure counts where the
    payer changed it.
    """
    numbers = [line.control_number for line in claim.lines]
    if all(numbers) and len(set(numbers)) == len(numbers):
        return tuple(f"6R:{number}" for number in numbers)
    return tuple(map(service_key, claim.lines))


def service_key(line: ServiceLine) -> str:
    """Return what names a line where its control number does not: the billed procedure, revenue code, modifiers and day."""
    return ":".join((line.original_procedure or line.procedure, line.revenue_code, *line.modifiers, line.service_from))


def service_date(claim: Claim) -> str:
    """Return the first service date of a claim, blank where none is known."""
    days = [line.service_from for line in claim.lines if line.service_from]
    return min(days) if days else claim.service_from


def _is_usable(claim: Claim) -> bool:
    # a reversal whose amounts cannot be read still reverses
    is_readable = not claim.fault or (claim.is_reversal and claim.fault == "amount_invalid")
    return is_readable and not claim.is_ghost and not claim.is_predetermination


def _chain(members: list[Adjudication]) -> Chain:
    if len(members) > 1:
        members = _without_repeats(_without_torn_copies(sorted(members, key=lambda one: one.order)))
    return Chain(tuple(members))


def _by_number(members: list[Adjudication]) -> Iterable[list[Adjudication]]:
    """Group adjudications of one payer and CLP01 that are linked by a claim number, in CLP07 or REF*F8."""
    if len(members) == 1:
        return [members]
    root: dict[str, str] = {}

    def find(number: str) -> str:
        while root.setdefault(number, number) != number:
            root[number] = number = root[root[number]]
        return number

    for one in members:
        if one.claim.icn and one.claim.original_icn:
            root[find(one.claim.original_icn)] = find(one.claim.icn)
    groups: defaultdict[str, list[Adjudication]] = defaultdict(list)
    bare: list[Adjudication] = []
    for one in members:
        number = one.claim.icn or one.claim.original_icn
        (groups[find(number)] if number else bare).append(one)
    return [*groups.values(), *_place_bare(list(groups.values()), bare)]


def _place_bare(numbered: list[list[Adjudication]], bare: list[Adjudication]) -> list[list[Adjudication]]:
    homes: defaultdict[str, list[list[Adjudication]]] = defaultdict(list)
    for group in numbered:
        for day in {service_date(one.claim) for one in group}:
            homes[day].append(group)
    alone: defaultdict[str, list[Adjudication]] = defaultdict(list)
    for one in bare:
        day = service_date(one.claim)
        (homes[day][0] if len(homes[day]) == 1 else alone[day]).append(one)
    return list(alone.values())


def _without_torn_copies(members: list[Adjudication]) -> list[Adjudication]:
    """Leave out an adjudication at a cut where the whole one is there too."""

    def key(one: Adjudication) -> tuple[object, ...]:
        return one.remit.control, one.remit.remit_date, one.claim.status, one.claim.charge, one.claim.paid

    whole = {key(one) for one in members if one.claim.is_complete}
    return [one for one in members if one.claim.is_complete or key(one) not in whole]


def _without_repeats(members: list[Adjudication]) -> list[Adjudication]:
    """Leave out what repeats the last adjudication, or any of the same remit, with no reversal between; likewise reversals."""
    kept: list[Adjudication] = []
    said: set[tuple[tuple[str, ...], str, Claim]] = set()
    for one in members:
        if kept and kept[-1].claim.is_reversal != one.claim.is_reversal:
            said.clear()
        key = one.remit.control, one.remit.remit_date, one.claim
        if not (kept and kept[-1].claim == one.claim) and key not in said:
            kept.append(one)
        said.add(key)
    return kept


_LOOK_BACK = 64
"""How many adjudications of one remit a reversal looks past, so that a long chain costs no square."""


class Standing:
    """The adjudications of one claim that no reversal takes back, as they come in.

    A reversal takes back the latest adjudication of an earlier remit whose charge and payment it negates, else such a one that stands
    before it in its own remit, else the latest of an earlier remit. What stands in its own remit with other amounts is the correction,
    which some senders put first; what comes after it never is what it reverses, the original may be in a file that is not here.
    """

    def __init__(self) -> None:
        self._ordered: list[Adjudication] = []
        self._left: dict[int, Adjudication] = {}
        self._taken: set[int] = set()
        self._before: list[int] = []
        self._by_amount: defaultdict[tuple[int, int], list[int]] = defaultdict(list)

    def add(self, one: Adjudication) -> None:
        """Take in the next adjudication or reversal in the order of the chain."""
        place = len(self._ordered)
        self._ordered.append(one)
        charge, paid = one.claim.charge or 0, one.claim.paid or 0
        if not one.claim.is_reversal:
            self._left[place] = one
            self._before.append(place)
            self._by_amount[charge, paid].append(place)
            return
        matching = self._by_amount[-charge, -paid]
        found = self._last_earlier(matching, one)
        if found is None:
            found = self._last_free(matching)
        if found is None:
            found = self._last_earlier(self._before, one)
        if found is not None:
            self._taken.add(found)
            del self._left[found]

    def current(self) -> tuple[Adjudication, ...]:
        """Return the last one that stands; several where the payer split the claim, see `Chain.current`."""
        standing = reversed(self._left.values())
        last = next(standing, None)
        if last is None:
            return ()
        parts = [last]
        taken = set(line_keys(last.claim))
        for one in standing:
            if one.remit.remit_date != last.remit.remit_date:
                # the order is by day, no other part can follow
                break
            keys = set(line_keys(one.claim))
            if keys and taken and one.is_beside(last) and not keys & taken:
                parts.append(one)
                taken |= keys
        return tuple(reversed(parts))

    def _last_free(self, places: list[int]) -> int | None:
        while places and places[-1] in self._taken:
            places.pop()
        return places[-1] if places else None

    def _last_earlier(self, places: list[int], reversal: Adjudication) -> int | None:
        if self._last_free(places) is None:
            return None
        for place in places[: -_LOOK_BACK - 1 : -1]:
            if place not in self._taken and not self._ordered[place].is_beside(reversal):
                return place
        return None
