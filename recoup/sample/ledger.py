"""The ledger: which adjustments were posted as write-offs, which postings were undone, and which are wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Ints, stream
from recoup.sample.claims import Claims
from recoup.sample.lines import DENIAL, FATES, LEDGER, PATIENT, Lines

REVERSED_SHARE, DUPLICATE_SHARE = 0.003, 0.001
DENIAL_AS_CONTRACTUAL_SHARE, OVER_POLICY_SHARE, UNBALANCED_SHARE = 0.002, 0.10, 0.0008
SMALL_BALANCE_LIMIT = 1000
"""Cents: the most that the practice's own policy lets anybody write off as a small balance."""
CHARITY_LIMIT = 20_000
"""Cents: the most that the practice's own policy gives as charity."""


@dataclass(frozen=True)
class Ledger:
    """One entry per posting, in the order of their days; `amount` in cents, negative where a posting is undone.

    `code` is what the ledger says and `remit_code` what the payer said; `reverses` is the entry that is undone, or -1.
    """

    line: Ints
    slot: Ints
    code: Ints
    remit_code: Ints
    amount: Ints
    day: Ints
    reverses: Ints
    names_reversed: Bools
    is_reversed: Bools
    is_duplicate: Bools
    is_over_policy: Bools
    is_balanced: Bools

    def __len__(self) -> int:
        return len(self.line)


def post(seed: int, rows: int, claims: Claims, lines: Lines, start: int, end: int) -> Ledger | None:
    """Post exactly `rows` write-offs between the days `start` and `end`, or nothing where the claims do not suffice."""
    rng = stream(seed, "ledger")
    undone, copied = int(rows * REVERSED_SHARE), int(rows * DUPLICATE_SHARE)
    line, slot = np.nonzero(_is_posted(lines, start, end))
    kept = rows - undone - copied
    if len(line) < kept:
        return None
    line, slot = line[:kept], slot[:kept]
    day = lines.posted[line, slot]
    extra = np.sort(rng.permutation(np.flatnonzero((day < end - 45) & (slot != LEDGER)))[: undone + copied])
    short = undone + copied - len(extra)
    if short > 0:
        return None
    is_copy = np.isin(np.arange(len(extra)), rng.permutation(len(extra))[:copied])
    later = day[extra] + rng.integers(1, 40, len(extra))
    code = lines.code[line, slot]
    amount = lines.amount[line, slot]
    none = np.full(kept, -1, dtype=np.int64)
    ledger = Ledger(
        line=np.concatenate([line, line[extra]]),
        slot=np.concatenate([slot, slot[extra]]),
        code=np.concatenate([code, code[extra]]),
        remit_code=np.concatenate([code, code[extra]]),
        amount=np.concatenate([amount, np.where(is_copy, 1, -1) * amount[extra]]),
        day=np.concatenate([day, later]),
        reverses=np.concatenate([none, np.where(is_copy, -1, extra)]),
        names_reversed=rng.random(rows) < 0.8,
        is_reversed=np.concatenate([np.isin(np.arange(kept), extra[~is_copy]), np.zeros(len(extra), dtype=np.bool_)]),
        is_duplicate=np.concatenate([np.zeros(kept, dtype=np.bool_), is_copy]),
        is_over_policy=np.zeros(rows, dtype=np.bool_),
        is_balanced=np.ones(rows, dtype=np.bool_),
    )
    return _in_order(_plant(rng, ledger, lines))


def _is_posted(lines: Lines, start: int, end: int) -> Bools:
    """Say which adjustments reach the ledger: all but the patient's share, unless somebody writes that off too."""
    posted = (lines.code >= 0) & (lines.posted >= start) & (lines.posted < end)
    posted[:, PATIENT] &= lines.fate == FATES.index("patient")
    result: Bools = posted
    return result


def _plant(rng: np.random.Generator, ledger: Ledger, lines: Lines) -> Ledger:
    """Plant postings that an audit should find."""
    n = len(ledger)
    plain = (ledger.reverses < 0) & ~ledger.is_reversed & ~ledger.is_duplicate
    hides = plain & (ledger.slot == DENIAL) & codes.IS_DENIAL[ledger.code] & (rng.random(n) < DENIAL_AS_CONTRACTUAL_SHARE * 2)
    room = lines.amount[ledger.line, PATIENT] - SMALL_BALANCE_LIMIT
    is_over = plain & (ledger.code == codes.SMALL_BALANCE) & (room > 0) & (rng.random(n) < OVER_POLICY_SHARE)
    above = SMALL_BALANCE_LIMIT + np.minimum(np.maximum(room, 1), rng.integers(100, 4000, n))
    broken = np.unique(ledger.line[rng.random(n) < UNBALANCED_SHARE])
    return replace(
        ledger,
        code=np.where(hides, codes.CONTRACT, ledger.code),
        amount=np.where(is_over, above, ledger.amount),
        is_over_policy=is_over,
        is_balanced=~(np.isin(ledger.line, broken) & (ledger.slot != LEDGER)),
    )


def _in_order(ledger: Ledger) -> Ledger:
    order = np.lexsort((ledger.slot, ledger.line, ledger.day))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    sorted_ = {name: getattr(ledger, name)[order] for name in Ledger.__dataclass_fields__}
    sorted_["reverses"] = np.where(sorted_["reverses"] >= 0, place[sorted_["reverses"]], -1)
    return Ledger(**sorted_)
