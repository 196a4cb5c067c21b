"""Norms of the practice of recovery, for where neither the payer nor the ledger says (DOMAIN 3)."""

from __future__ import annotations

_DAYS = {"corrected_claim": 21, "new_claim": 21}


def follow_up_days(action: str, *, is_medicare: bool) -> int:
    """Return the days after which a payer's answer to an action is due: 21 to a claim, 60 to a redetermination, 30 to anything else.

    Examples
    --------
    >>> [follow_up_days(action, is_medicare=False) for action in ("corrected_claim", "appeal", "reopening")]
    [21, 30, 30]
    >>> follow_up_days("appeal", is_medicare=True)
    60
    """
    return 60 if is_medicare and action == "appeal" else _DAYS.get(action, 30)
