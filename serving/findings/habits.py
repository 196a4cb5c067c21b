"""What each payer usually allows for a procedure, learned from the ledger under audit itself: robust, and with its own range.

A pair of payer and procedure is often seen too seldom to have a habit of its own. The allowed amount per unit is therefore taken as a
product: of the procedure, the payer, the payer's year, the modifiers and the facility, fitted by medians in turn (Tukey's median
polish), and of the pair where it was seen often enough. Medians forget a wrong posting in a few, so the rows judged may take part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.codes.combinations import distinct
from features.feature import Floats
from features.money import NULL
from features.tables import Columns

SWEEPS = 8
LEAST_OF_PAIR = 5
"""Lines of a payer and procedure from which the pair has a factor of its own."""
_PSEUDO = 2.0
_LEAST_OF_PAYER, _LEAST_OF_PROCEDURE = 8, 3
"""Lines without which nothing is said; where a procedure has few its range is wider."""
_SPREAD_FLOOR = 0.02
_TO_SIGMA = 1.4826
_LOW, _HIGH = -1.2816, 1.2816


@dataclass(frozen=True, slots=True)
class Habits:
    """What is usual for each row; arrays of one length.

    Parameters
    ----------
    expected_cents
        Usual allowed amount of the row as billed; NULL where too little is known.
    low_cents, high_cents
        Range that holds 80 % of proper lines.
    count
        Lines of the payer and procedure behind it.
    stray
        How many spreads the row's amount lies below the usual, positive below; NaN where nothing is usual.
    """

    expected_cents: NDArray[np.int64]
    low_cents: NDArray[np.int64]
    high_cents: NDArray[np.int64]
    count: NDArray[np.int64]
    stray: Floats


def learn(columns: Columns, implied_cents: NDArray[np.int64], claim: NDArray[np.int64]) -> Habits:
    """Learn from all lines that were allowed something and judge every row by it.

    Parameters
    ----------
    columns
        Of `WRITEOFFS`.
    implied_cents
        What each row leaves as allowed; NULL where unknown: such a row is not judged.
    claim
        First row of the same claim; a line counts once, however many rows it has.

    Examples
    --------
    Forty lines at the same price, and one at half of it:

    >>> n = 41
    >>> same = np.zeros(n, dtype=np.int32)
    >>> columns = {name: same for name in ("payer_id", "procedure_code", "modifiers", "facility_id", "line_number")}
    >>> columns |= {"service_date": same, "payer_sequence": same, "units": np.ones(n)}
    >>> columns["allowed_amount"] = np.array([10_000] * 40 + [5_000])
    >>> found = learn(columns, columns["allowed_amount"], np.arange(n))
    >>> found.expected_cents[-1], found.count[-1], bool(found.stray[-1] > 10), bool(abs(found.stray[0]) < 0.1)
    (np.int64(10000), np.int64(41), True, True)
    """
    units = np.where(np.isnan(columns["units"]) | (columns["units"] <= 0), 1.0, columns["units"])
    allowed = columns["allowed_amount"]
    payer, procedure = columns["payer_id"].astype(np.int64), columns["procedure_code"].astype(np.int64)
    known = (payer >= 0) & (procedure >= 0)
    year = columns["service_date"].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    year = np.where(columns["service_date"] == NULL, 0, np.maximum(year + 100, 0))  # From 1870 on; a code is not negative.
    keys = [
        _number(procedure),
        _number(payer),
        _number(payer, year),
        _number(columns["modifiers"].astype(np.int64)),
        _number(columns["facility_id"].astype(np.int64)),
    ]
    pair = _number(payer, procedure)
    teaches = known & (allowed > 0) & ~(columns["payer_sequence"] > 1) & _once(columns, claim)
    rows = np.flatnonzero(teaches)
    value = np.log(np.maximum(allowed[rows], 1) / units[rows])
    fitted, effects = np.zeros(len(rows)), [np.zeros(int(key.max()) + 1) if len(key) else np.zeros(0) for key in keys]
    for _ in range(SWEEPS):
        for key, effect in zip(keys, effects, strict=True):
            middle = _medians(key[rows], value - fitted, len(effect))
            effect += middle
            fitted += middle[key[rows]]
    count = np.bincount(pair[rows], minlength=int(pair.max()) + 1 if len(pair) else 0)
    own = np.where(count >= LEAST_OF_PAIR, _medians(pair[rows], value - fitted, len(count)) * count / (count + _PSEUDO), 0.0)
    rest = value - fitted - own[pair[rows]]
    has_own = count[pair[rows]] >= LEAST_OF_PAIR
    spread = np.array([_spread(rest[~has_own]), _spread(rest[has_own])])
    of_procedure = _seen(keys[0], rows)
    enough = known & (of_procedure >= _LEAST_OF_PROCEDURE) & (_seen(keys[1], rows) >= _LEAST_OF_PAYER)
    usual = sum((effect[key] for key, effect in zip(keys, effects, strict=True)), own[pair]) + np.log(units)
    # A median of n lines strays by about the spread over the root of two thirds of n.
    width = spread[(count[pair] >= LEAST_OF_PAIR).astype(np.int64)] * np.sqrt(1.0 + 1.5 / np.maximum(of_procedure, 1))
    judged = enough & (implied_cents > 0)
    stray = np.where(judged, (usual - np.log(np.maximum(implied_cents, 1))) / width, np.nan)
    expected, low, high = (np.where(enough, np.rint(np.exp(usual + z * width)), NULL).astype(np.int64) for z in (0.0, _LOW, _HIGH))
    return Habits(expected, low, high, count[pair], stray)


def _number(*keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keys numbered without gaps."""
    _, place = distinct(list(keys))
    return np.asarray(place, dtype=np.int64)


def _once(columns: Columns, claim: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the first row of each claim line; a row without claim or line stands for itself."""
    line = columns["line_number"]
    alone = (claim < 0) | (line == NULL)
    place = _number(np.where(alone, len(claim) + np.arange(len(claim)), claim), np.where(alone, 0, np.maximum(line, 0)))
    first = np.full(int(place.max()) + 1 if len(place) else 0, len(claim), dtype=np.int64)
    np.minimum.at(first, place, np.arange(len(claim)))
    mask = np.zeros(len(claim), dtype=np.bool_)
    mask[first] = True
    return mask


def _seen(key: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.bincount(key[rows], minlength=int(key.max()) + 1 if len(key) else 0)
    return np.asarray(counts[key])


def _medians(key: NDArray[np.int64], value: Floats, size: int) -> Floats:
    """Return the lower median of each group; 0 of an empty one."""
    found = np.zeros(size)
    if not len(key):
        return found
    order = np.lexsort((value, key))
    groups, start, count = np.unique(key[order], return_index=True, return_counts=True)
    found[groups] = value[order][start + (count - 1) // 2]
    return found


def _spread(rest: Floats) -> float:
    return max(_SPREAD_FLOOR, _TO_SIGMA * float(np.median(np.abs(rest)))) if len(rest) else 0.3
