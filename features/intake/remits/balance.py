"""The three balances of an 835 (TR3 005010X221A1, 1.10.2.1), in exact cents.

Line: charge - adjustments = paid. Claim: charge - adjustments of the claim and of its lines = paid. Transaction: paid claims - PLB =
BPR02; a positive PLB reduces the payment. A plug line is never invented: what does not balance is flagged and kept.
"""

from __future__ import annotations

from collections.abc import Iterable


def is_balanced(charge: int | None, adjustments: Iterable[int], paid: int | None) -> bool:
    """Whether charge less adjustments is what was paid; a blank amount counts as zero.

    Parameters
    ----------
    charge, paid
        Cents; negative both in a reversal.
    adjustments
        Cents of every CAS triplet; a negative one raises the payment.

    Examples
    --------
    >>> is_balanced(20000, [8000, 2000], 10000), is_balanced(54100, [51600, -900], 3400), is_balanced(100, [], None)
    (True, True, False)
    """
    return (charge or 0) - sum(adjustments) == (paid or 0)


def is_transaction_balanced(payment: int | None, claims_paid: Iterable[int | None], provider_adjustments: Iterable[int]) -> bool:
    """Whether the payments of the claims less PLB are BPR02; without BPR02 nothing is shown, so only an empty transaction balances.

    >>> is_transaction_balanced(15000127, [13801840, 1198160], [-127]), is_transaction_balanced(None, [100], [])
    (True, False)
    """
    total = sum(paid or 0 for paid in claims_paid) - sum(provider_adjustments)
    return total == (payment or 0)
