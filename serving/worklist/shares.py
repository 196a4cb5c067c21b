"""One amount shared out among write-offs, to the cent."""

from __future__ import annotations

from collections.abc import Mapping


def share_out(cents: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Share cents among keys by weight; the parts add up to the whole. Where no weight is above 0, all weigh the same.

    >>> share_out(100, {"a": 1, "b": 1, "c": 1})
    {'a': 34, 'b': 33, 'c': 33}
    >>> share_out(1000, {"a": 300, "b": 100, "c": 0})
    {'a': 750, 'b': 250, 'c': 0}
    """
    sizes = {key: max(weight, 0) for key, weight in weights.items()}
    total = sum(sizes.values())
    if total == 0:
        sizes, total = dict.fromkeys(weights, 1), len(weights)
    parts = {key: cents * size // total for key, size in sizes.items()}
    # Largest remainder; of equal ones the first key.
    order = sorted(sizes, key=lambda key: (-(cents * sizes[key] % total), key))
    for key in order[: cents - sum(parts.values())]:
        parts[key] += 1
    return parts
