"""Money that a payer holds back from a later payment (PLB), and the claim that it names (DOMAIN 2.5)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from collections.abc import Mapping as Map
from typing import NamedTuple, TypeAlias, TypeVar

from features.intake.remits.netting import Chain
from features.intake.remits.records import ProviderAdjustment, Transaction

REASONS = frozenset(("WO", "WU", "OB", "FB", "CS", "72"))
"""PLB reasons that move money of an earlier claim: overpayment recovery, take-back, offset, forwarded balance, adjustment, return.

Interest (L6), penalties, taxes and levies are no payment of a claim.
"""

RETURNED = "72"
"""The provider's own return, acknowledged: its sign only offsets what another pair or a reversal takes (TR3 1.10.2.17)."""

_KEPT = 19
_TOKEN = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")


_Pair: TypeAlias = tuple[str, str, str, str, str, int]
Pairs: TypeAlias = Map[_Pair, int]
"""Payer, trace, day, reason, reference and cents -> how often a remit says so."""

Place = TypeVar("Place", int, tuple[int, int])
"""Where a claim is: its number among all, or that of its bucket and its number there."""

Names: TypeAlias = tuple[Map[tuple[str, str], set[Place]], Map[tuple[str, str], set[Place]]]
"""Payer and number -> claims: by payer claim number, and by account number."""


class TakeBack(NamedTuple):
    """What the PLB pairs of one remit take back from one claim: cents, negative where they give back, and cents known as returned."""

    day: str
    cents: int
    returned: int


class NamedPair(NamedTuple):
    """One PLB pair that names a claim: where it stands, what it says, and the place of its claim in `chains`."""

    remit: Transaction
    pair: ProviderAdjustment
    chain: int


def named_pairs(remits: Iterable[Transaction], chains: Sequence[Chain]) -> list[NamedPair]:
    """Return the pairs that move money of one claim that is known here, in the order of the remits; copies of a remit count once."""
    dated = [remit for remit in remits if remit.remit_date and remit.provider_adjustments]
    names, accounts = _names(chains, range(len(chains)), payers={remit.payer_id for remit in dated})
    seen: defaultdict[_Pair, int] = defaultdict(int)
    found: list[NamedPair] = []
    for remit in dated:
        for key, count in _pairs([remit]).items():
            fresh = count - seen[key]
            seen[key] = max(seen[key], count)
            place = _claim(key[0], key[4], names, accounts) if fresh > 0 else None
            if place is None:
                continue
            alike = [p for p in remit.provider_adjustments if (p.reason, p.reference.upper(), p.cents) == key[3:]]
            found += [NamedPair(remit, pair, place) for pair in alike[:fresh]]
    return found


def take_backs(
    remits: Iterable[Transaction], chains: Sequence[Chain], roots: Sequence[int], *, as_of: str = "9999-12-31"
) -> dict[int, list[TakeBack]]:
    """Return by root what later PLB pairs take back from each claim, in order of days.

    A pair belongs to the one claim of its payer whose payer claim number (CLP07, REF*F8), else whose claim number (CLP01), its reference
    is or holds as a word; a reference that fits several claims belongs to none. Copies of a remit count once.

    Parameters
    ----------
    remits
        As `netting.distinct_remits` returns them.
    chains, roots
        Claims, and for each the place of the one that it goes on from, its own where from none.
    as_of
        ISO day whose morning it is.
    """
    pairs = pairs_of(remits, as_of=as_of)
    return taken_back(pairs, names_of(chains, roots, words_of(pairs)))


def pairs_of(remits: Iterable[Transaction], *, as_of: str = "9999-12-31") -> Pairs:
    """Count the pairs of remits that were known on the morning of a day."""
    return _pairs(remit for remit in remits if remit.remit_date and remit.remit_date < as_of)


def words_of(pairs: Pairs) -> set[tuple[str, str]]:
    """Return by payer what may be the name of a claim in the references of pairs."""
    return {(payer, word) for payer, _, _, _, reference, _ in pairs for word in _words(reference)}


def names_of(chains: Sequence[Chain], roots: Sequence[int], wanted: Set[tuple[str, str]]) -> Names[int]:
    """Return the places of the claims that have a wanted name: as payer claim number, and as account number."""
    if not wanted:
        return {}, {}
    numbers, accounts = _names(chains, roots, payers={payer for payer, _ in wanted})
    return {key: numbers[key] for key in wanted & numbers.keys()}, {key: accounts[key] for key in wanted & accounts.keys()}


def taken_back(pairs: Pairs, names: Names[Place]) -> dict[Place, list[TakeBack]]:
    """Return what pairs take back from each claim, by where it is, in order of days."""
    sums: defaultdict[tuple[Place, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (payer, trace, day, reason, reference, cents), count in sorted(pairs.items()):
        place = _claim(payer, reference, *names)
        if place is None:
            continue
        key = place, day, trace
        if reason == RETURNED:
            sums[key][1] += abs(cents) * count
        else:
            sums[key][0] += cents * count
    found: defaultdict[Place, list[TakeBack]] = defaultdict(list)
    for (place, day, _), (cents, returned) in sorted(sums.items()):
        found[place].append(TakeBack(day, cents, returned))
    return dict(found)


def _pairs(remits: Iterable[Transaction]) -> dict[_Pair, int]:
    """Count the pairs by what they say; of several copies of a remit (one cut off, say) the fullest counts."""
    found: dict[_Pair, int] = {}
    for remit in remits:
        trace = remit.trace or "\x1f".join(remit.control)
        said = Counter(
            (remit.payer_id, trace, remit.remit_date, pair.reason, pair.reference.upper(), pair.cents)
            for pair in remit.provider_adjustments
            if pair.reason in REASONS and pair.reference
        )
        for key, count in said.items():
            found[key] = max(found.get(key, 0), count)
    return found


def _names(
    chains: Sequence[Chain], roots: Sequence[int], payers: set[str]
) -> tuple[dict[tuple[str, str], set[int]], dict[tuple[str, str], set[int]]]:
    """Return which claims have a payer claim number, and which an account number."""
    numbers: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    accounts: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for place, chain in zip(roots, chains, strict=True):
        payer = chain.adjudications[0].remit.payer_id
        if payer not in payers:
            continue
        for one in chain.adjudications:
            for number in filter(None, (one.claim.icn, one.claim.original_icn)):
                numbers[payer, _kept(number)].add(place)
            if one.claim.claim_id:
                accounts[payer, _kept(one.claim.claim_id)].add(place)
    return numbers, accounts


def _kept(number: str) -> str:
    """Return a number as it stands in a reference: the tokenizer keeps 19 characters, a patient's number may follow them."""
    return number.upper()[:_KEPT]


def _words(reference: str) -> Iterable[str]:
    return dict.fromkeys((reference, *_TOKEN.findall(reference)))


def _claim(
    payer: str, reference: str, numbers: Map[tuple[str, str], set[Place]], accounts: Map[tuple[str, str], set[Place]]
) -> Place | None:
    for names in (numbers, accounts):
        found = {place for word in _words(reference) for place in names.get((payer, word), ())}
        if len(found) == 1:
            return found.pop()
        if found:
            return None
    return None
