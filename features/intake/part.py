"""Which rows of a ledger belong together, and the parts in which every claim is whole.

What a write-off is may depend on other rows: those of its claim, the posting that a reversal names, an earlier row with its id. Rows that
belong together and stand in one stretch of the ledger stay there; those that stand in several are taken out and gathered in parts of their
own. Rows are told apart by hashes: two keys of one hash only bring rows together that need not be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.text_hashes import MIX, Hashes

PART_ROWS = 1 << 17
"""About so many rows make a part."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a ledger that depend on no row outside.

    Parameters
    ----------
    number
        From 0, in the order of the parts.
    rows
        Positions in the ledger, ascending.
    together
        Per row: rows of one number belong together.
    """

    number: int
    rows: Rows
    together: Hashes

    def __len__(self) -> int:
        return len(self.rows)

    def with_their_own(self, rows: Rows) -> Part:
        """Return these rows of the part with all that belong to them."""
        wanted = np.unique(self.together[np.searchsorted(self.rows, rows)])
        kept = _among(self.together, wanted) if len(wanted) else np.zeros(len(self), dtype=np.bool_)
        return Part(self.number, self.rows[kept], self.together[kept])


def belonging(ids: Hashes, claims: Hashes, reverses: Hashes) -> Hashes:
    """Return one number per row, the same for rows that belong together: of one claim, of one id, a reversal and what it names.

    Parameters
    ----------
    ids, claims, reverses
        Hashes of the row's id, its claim and the posting that it reverses; 0 where there is none.

    Examples
    --------
    >>> number = lambda *values: np.array(values, dtype=np.uint64)
    >>> belonging(number(11, 12, 13), number(7, 7, 8), number(0, 0, 0)).tolist()
    [7, 7, 8]
    >>> len(set(belonging(number(11, 12, 13), number(7, 7, 8), number(0, 0, 11)).tolist()))
    1
    """
    # A row without a claim stands for itself, apart from all claims.
    own = np.where(claims != 0, claims, ids ^ MIX)
    links = [*_named(ids, reverses), *_same(ids)]
    pairs = [(a, b) for a, b in zip(*(own[np.array(side, dtype=np.int64)].tolist() for side in _sides(links)), strict=True) if a != b]
    if not pairs:
        return own
    root: dict[int, int] = {}

    def find(key: int) -> int:
        while (above := root.get(key, key)) != key:
            root[key] = root.get(above, above)
            key = above
        return key

    for a, b in pairs:
        root[find(a)] = find(b)
    linked = np.array(sorted(root.keys() | set(root.values())), dtype=np.uint64)
    target = np.array([find(key) for key in linked.tolist()], dtype=np.uint64)
    rows = _rows_among(own, linked)
    own[rows] = target[np.searchsorted(linked, own[rows])]
    return own


def _sides(links: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [a for a, _ in links], [b for _, b in links]


def _named(ids: Hashes, reverses: Hashes) -> list[tuple[int, int]]:
    """Return the rows of reversals with those of the postings that they name."""
    asking = np.flatnonzero(reverses)
    if not len(asking):
        return []
    named = _rows_among(ids, np.unique(reverses[asking]))
    row_of = {key: row for key, row in zip(ids[named].tolist(), named.tolist(), strict=True)}
    told = zip(asking.tolist(), reverses[asking].tolist(), strict=True)
    return [(row, row_of[key]) for row, key in told if key in row_of]


def _rows_among(values: Hashes, known: Hashes) -> Rows:
    """Return where values are among known ones; see `_among`."""
    # A stretch at a time: what is made on the way is several times as large as the stretch.
    stretches = (values[start : start + PART_ROWS] for start in range(0, len(values), PART_ROWS))
    return np.flatnonzero(np.concatenate([_among(stretch, known) for stretch in stretches]))


def _among(values: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Return which values are among known ones, of which there is one at least and which ascend."""
    # Hashes lie evenly: few share their first bits with a known one, and only these are looked for.
    begins = np.zeros(1 << _FIRST_BITS, dtype=np.bool_)
    begins[known >> _REST] = True
    likely = np.flatnonzero(begins[values >> _REST])
    found = np.zeros(len(values), dtype=np.bool_)
    found[likely] = known[np.minimum(np.searchsorted(known, values[likely]), len(known) - 1)] == values[likely]
    return found


_FIRST_BITS = 18
_REST = np.uint64(64 - _FIRST_BITS)


def _same(ids: Hashes) -> list[tuple[int, int]]:
    """Return rows of one id with the first of them."""
    ordered = np.sort(ids)
    doubled = np.unique(ordered[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)])
    if not len(doubled):
        return []
    first: dict[int, int] = {}
    rows = np.flatnonzero(np.isin(ids, doubled))
    return [(first.setdefault(key, row), row) for key, row in zip(ids[rows].tolist(), rows.tolist(), strict=True)]


def _suspects(keys: Hashes, marks: NDArray[np.int32]) -> Rows:
    """Return all rows whose key also stands on a row of another mark, and a few others.

    Keys lie evenly, so their first bits tell most of them apart: no row need be sorted that shares them with none of another mark.

    >>> keys = np.array([1 << 62, 3 << 62, 1 << 62, 3 << 62], dtype=np.uint64)
    >>> _suspects(keys, np.array([0, 0, 1, 0], dtype=np.int32)).tolist()
    [0, 2]
    """
    bits = (2 * len(keys) + 1).bit_length()
    place = (keys >> np.uint64(64 - bits)).astype(np.intp)
    last = np.empty(1 << bits, dtype=np.int32)
    last[place] = marks
    is_shared = np.zeros(1 << bits, dtype=np.bool_)
    is_shared[place[last[place] != marks]] = True
    return np.flatnonzero(is_shared[place])


def even_rows(total: int) -> int:
    """Return how many rows make a part, at most `PART_ROWS`: as many parts as two or four workers can share with none left over.

    >>> even_rows(2_000_000), even_rows(300_000), even_rows(1_000), even_rows(0)
    (125000, 75000, 1000, 1)
    """
    parts = -(-total // PART_ROWS)
    parts = -(-parts // 4) * 4 if parts > 1 else 1
    return max(-(-total // parts), 1)


def parts_of(together: Hashes, part_rows: int = PART_ROWS) -> list[Part]:
    """Return the parts: stretches of the ledger without the rows that belong elsewhere, then those rows, gathered.

    Examples
    --------
    >>> together = np.array([7, 8, 8, 9, 7, 5], dtype=np.uint64)
    >>> [part.rows.tolist() for part in parts_of(together, part_rows=3)]
    [[1, 2], [3, 5], [0, 4]]
    """
    total = len(together)
    home_starts = [*range(0, total, part_rows), total]
    is_split = np.zeros(total, dtype=np.bool_)
    if total:
        rows = _suspects(together, (np.arange(total) // part_rows).astype(np.int32))
        order = rows[np.argsort(together[rows])]
        ordered = together[order]
        begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])
        sizes = np.diff(np.r_[begins, len(ordered)])
        # The first and the last of the rows that belong together say whether all are of one stretch.
        first, last = ((end.reduceat(order, begins) if len(begins) else begins) // part_rows for end in (np.minimum, np.maximum))
        is_split[order] = np.repeat(first != last, sizes)
    parts = [np.flatnonzero(~is_split[a:b]) + a for a, b in zip(home_starts[:-1], home_starts[1:], strict=True)]
    rows = np.flatnonzero(is_split)
    if len(rows):
        # In the order of their first rows, so that neighbours stay neighbours.
        _, first, place = np.unique(together[rows], return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        group = rank[place]
        part = (np.cumsum(np.bincount(group)) - 1) // part_rows
        gathered = part[group]
        parts += [rows[gathered == number] for number in np.unique(gathered).tolist()]
    return [Part(number, held, together[held]) for number, held in enumerate(held for held in parts if len(held))]
