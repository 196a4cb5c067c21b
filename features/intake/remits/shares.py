"""Cents divided by weights, to the cent."""

from __future__ import annotations

from collections.abc import Sequence


def shares(cents: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in proportion to weights by largest remainder; of equal remainders the first gets the cent.

    Parameters
    ----------
    cents
        What to divide, >= 0.
    weights
        >= 0, at least one; where all are 0 they count as equal.

    Returns
    -------
    list of int
        One share per weight; their sum is `cents`.

    Examples
    --------
    >>> shares(100, [1, 1, 1]), shares(5, [0, 3, 2]), shares(1, [0, 0])
    ([34, 33, 33], [0, 3, 2], [1, 0])
    """
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    found = [cents * weight // total for weight in weights]
    remainders = [cents * weight % total for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for i in order[: cents - sum(found)]:
        found[i] += 1
    return found
