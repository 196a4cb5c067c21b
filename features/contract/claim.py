"""What is defined over the claim: the lines that a case price includes, and the rank of its procedures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.combinations import distinct
from features.contract.modifiers import RANK_PERCENTS
from features.contract.plan import Flag
from features.contract.reasons import REASON
from features.money import NULL
from features.rowwise import full, is_not, least, take, where

_DIVISORS = np.array([0, *(100 // percent for percent in RANK_PERCENTS)], dtype=np.int64)
assert all(100 % percent == 0 for percent in RANK_PERCENTS)


def is_whole_claim(batch: Batch) -> NDArray[np.bool_]:
    """Return the rows that are for a whole claim: without a line, and without a service of one."""
    columns = batch.columns
    whole: NDArray[np.bool_] = (columns["line_number"] == NULL) & (columns["procedure_code"] < 0) & (columns["revenue_code"] < 0)
    return whole


def include_in_case(batch: Batch, flags: NDArray[np.int64], reason: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take their own price from the lines of claims that are priced as a whole.

    Lines of such a claim that no term names are in its price: a term for all there is, such as a percentage of charges, is no
    carve-out. Rows for the whole claim keep the claim's price.
    """
    whole = is_whole_claim(batch)
    if len(batch) == 1:
        return flags, where((flags & Flag.CLAIM != 0) & is_not(whole) & (reason == 0), REASON["claim_priced"], reason)
    is_case = flags & Flag.CLAIM != 0
    number = number_claims_of_payers(batch)
    cases = np.unique(number[is_case & (number >= 0) & (reason != REASON["capitated"])])
    if len(cases):
        place = np.minimum(np.searchsorted(cases, number), len(cases) - 1)
        is_included = (cases[place] == number) & (flags & Flag.SERVICE == 0) & ~whole & (reason == 0)
        is_case |= is_included
        flags = np.where(is_included, flags | Flag.CLAIM, flags)
    return flags, np.where(is_case & ~whole & (reason == 0), REASON["claim_priced"], reason)


def rank_divisors(
    batch: Batch, flags: NDArray[np.int64], cents: NDArray[np.int64], reason: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return by what the price of each row is divided for its place among the procedures of its claim and day.

    The dearest ranked line stands first (equal ones by line number) and is paid in full, the next by `RANK_PERCENTS`. The postings
    of one line share its place. Where all ranked lines say themselves that they are not the first (modifier 51), another line of
    the claim and day is; without one in sight they are not priced, nor is a row without claim, day or line number.

    Parameters
    ----------
    cents
        Prices before this and before the lesser of price and charge.
    """
    ranked = (flags & Flag.RANKED != 0) & (reason == 0)
    columns, number = batch.columns, number_claims_of_payers(batch)
    is_told = (number >= 0) & (columns["line_number"] != NULL) & (columns["service_date"] != NULL)
    place = full(flags, 0)
    if len(batch) == 1:
        # Alone in sight it is the first, unless it says itself that it is not.
        place = where(is_told & (flags & Flag.NEVER_FIRST == 0), 1, 0)
    elif len(near := np.flatnonzero(is_told & np.isin(number, number[ranked & is_told]))):
        day = np.unique(columns["service_date"][near], return_inverse=True)[1]
        session = np.unique(number[near] * (int(day.max()) + 1) + day, return_inverse=True)[1]
        # Who says nothing of a place may be the first; of the unranked it is only known that one of them is.
        is_open, is_ranked = flags[near] & Flag.NEVER_FIRST == 0, ranked[near]
        begins = np.where(_any_in(session, is_open & is_ranked), 1, np.where(_any_in(session, is_open), 2, 0))
        rows, session, begins = near[is_ranked], session[is_ranked], begins[is_ranked]
        places = _places(session, columns["line_number"][rows], cents[rows])
        place[rows] = np.where(begins > 0, begins + places, 0)
    divisor = where(ranked & (place > 0), take(_DIVISORS, least(place, len(RANK_PERCENTS))), 1)
    return divisor, where(ranked & (place == 0), REASON["claim_not_seen"], reason)


def _any_in(group: NDArray[np.int64], is_so: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each row whether any row of its group is so."""
    found: NDArray[np.bool_] = np.bincount(group, weights=is_so)[group] > 0
    return found


def _places(group: NDArray[np.int64], line: NDArray[np.int64], cents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each row's place (from 0) among the lines of its group, the dearest first; rows of one line share it."""
    # Of one line the dearest posting stands for it; they differ only where postings contradict each other.
    by_line = np.lexsort((-cents, line, group))
    is_new = np.r_[True, (np.diff(group[by_line]) != 0) | (np.diff(line[by_line]) != 0)]
    heads, of_head = by_line[is_new], np.cumsum(is_new) - 1
    order = np.lexsort((line[heads], -cents[heads], group[heads]))
    starts = np.r_[True, np.diff(group[heads][order]) != 0]
    within = np.arange(len(order)) - np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    of_line = np.empty(len(order), dtype=np.int64)
    of_line[order] = within
    found = np.empty(len(group), dtype=np.int64)
    found[by_line] = of_line[of_head]
    return found


def number_claims_of_payers(batch: Batch) -> NDArray[np.int64]:
    """Return the number of each row's claim, client and payer; -1 without a claim."""
    columns = batch.columns
    claim = batch.claims
    if len(batch) == 1:
        return claim
    _, number = distinct([claim, columns["client_id"], columns["payer_id"]])
    return np.where(claim >= 0, number, -1)
