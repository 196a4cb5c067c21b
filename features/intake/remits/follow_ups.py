"""Claims that were sent again under a new payer number: which chain of adjudications goes on from which.

A payer that takes a claim again as a new one (MA130, say) gives it a new number and rarely names the old one (REF*F8), and some
reverse under the old number and correct under the new. Netting keeps such chains apart, since an account number may name many claims;
whether the work on the first claim paid can only be told from the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from features.intake.remits.answers import original
from features.intake.remits.candidates import PAYER_SEQUENCES
from features.intake.remits.netting import Adjudication, Chain, Standing, service_date, service_key
from features.intake.remits.records import Claim

_DUPLICATE = "18"


def follow_ups(chains: Sequence[Chain]) -> dict[int, int]:
    """Return place of a chain -> place of the chain that it goes on from.

    They have payer, account number (CLP01), service date and at least one line in common; the later begins in a later remit; and on the
    lines in common the earlier had paid nothing by then, or was reversed. A refusal as a duplicate goes on from nothing. Where two
    chains that began in one remit fit, neither does.

    Examples
    --------
    >>> follow_ups([])
    {}
    """
    accounts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, chain in enumerate(chains):
        first = chain.adjudications[0]
        if first.claim.claim_id and first.claim.icn:
            accounts[first.remit.payer_id, first.claim.claim_id].append(place)
    found: dict[int, int] = {}
    for places in accounts.values():
        if 1 < len(places) <= MOST_CLAIMS:
            for i, place in enumerate(places):
                earlier = _earlier(chains, places[:i], place)
                if earlier is not None:
                    found[place] = earlier
    return found


MOST_CLAIMS = 64
"""An account number on more claims than that names an account, not a claim."""


def _earlier(chains: Sequence[Chain], before: Sequence[int], place: int) -> int | None:
    parts = original(chains[place])
    if not parts or parts[0].claim.original_icn or is_duplicate(parts):
        return None
    fitting = [one for one in before if _goes_on(chains[one], parts)]
    if len(fitting) > 1 and chains[fitting[-1]].adjudications[0].is_beside(chains[fitting[-2]].adjudications[0]):
        return None
    return fitting[-1] if fitting else None


def _goes_on(chain: Chain, parts: tuple[Adjudication, ...]) -> bool:
    first, then = chain.adjudications[0], parts[0]
    if first.remit.remit_date >= then.remit.remit_date or not _is_same_service(first.claim, then.claim):
        return False
    standing = Standing()
    for one in chain.adjudications:
        if one.remit.remit_date <= then.remit.remit_date:
            standing.add(one)
    known = standing.current()
    keys = _keys(parts)
    lines = [line for one in known for line in one.claim.lines]
    shared = [line for line in lines if service_key(line) in keys]
    if not known or not lines:
        # reversed, or a claim without lines
        return bool(keys & _keys(chain.adjudications)) or not keys and sum(one.claim.paid or 0 for one in known) == 0
    return bool(shared) and sum(line.paid or 0 for line in shared) == 0


def _is_same_service(one: Claim, two: Claim) -> bool:
    sequences = {PAYER_SEQUENCES.get(one.status, ""), PAYER_SEQUENCES.get(two.status, "")} - {""}
    return service_date(one) != "" and service_date(one) == service_date(two) and len(sequences) < 2


def _keys(parts: Iterable[Adjudication]) -> set[str]:
    return {service_key(line) for one in parts for line in one.claim.lines}


def is_duplicate(parts: Iterable[Adjudication]) -> bool:
    """Return whether a claim was refused as one that was sent before (CARC 18)."""
    return any(
        adjustment.carc == _DUPLICATE
        for one in parts
        for adjustments in (one.claim.adjustments, *(line.adjustments for line in one.claim.lines))
        for adjustment in adjustments
    )
