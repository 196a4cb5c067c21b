"""What working a write-off is worth: dollars if recovered, net of the hours it takes, and the order to work in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.column import Array, Columns
from features.feature import Floats
from features.rowwise import full, is_any, least, most, where
from models.amount import Amount
from models.calibration import probability
from models.forest import Forest
from models.intervals import Range
from models.prior import believed_owed


@dataclass(frozen=True, slots=True)
class Costs:
    """What working costs: dollars per hour, and dollars per action beside the hours."""

    hourly: float = 40.0
    outlay: float = 0.0


@dataclass(frozen=True, slots=True)
class Dollars:
    """Dollars if recovered: a learned fraction of the cap, or, where no amount is known, dollars learned from history.

    Parameters
    ----------
    fraction
        Trees whose raw score is the log odds of the fraction of the cap; None: `default_fraction` of what is believed to be owed.
    amount
        Dollars where no amount at stake is known; None: `default_dollars`.
    fraction_range, amount_range
        10-90 % around each.
    """

    fraction: Forest | None
    amount: Amount | None
    fraction_range: Range
    amount_range: Range
    default_fraction: float = 0.7
    default_dollars: float = 200.0

    def predict(self, matrix: Floats, columns: Columns, cap: Floats) -> tuple[Floats, Floats, Floats]:
        """Return dollars if recovered with their low and high end; `cap` is in dollars, NaN where unknown."""
        is_known, is_unknown = cap == cap, cap != cap
        if not is_any(is_known):
            return self._learned(matrix, columns)
        share = probability(self.fraction.raw(matrix)) if self.fraction is not None else self._believed(columns)
        low, high = self.fraction_range.around(share)
        known = where(is_known, cap, 0.0)
        found = known * share, known * low, known * least(high, 1.0)
        if is_any(is_unknown):
            mean, low, high = (where(is_unknown, new, old) for new, old in zip(self._learned(matrix, columns), found, strict=True))
        else:
            mean, low, high = found
        return mean, least(low, mean), most(high, mean)

    def _believed(self, columns: Columns) -> Floats:
        return least(self.default_fraction * believed_owed(columns), 1.0)

    def _learned(self, matrix: Floats, columns: Columns) -> tuple[Floats, Floats, Floats]:
        mean = self.amount.dollars(matrix, columns) if self.amount is not None else full(columns["payer_id"], self.default_dollars)
        low, high = self.amount_range.around(mean)
        return mean, least(low, mean), most(high, mean)


def rank(in_scope: NDArray[np.bool_], value_per_hour: Floats, expected: Floats, ids: Array) -> NDArray[np.int64]:
    """Return each row's rank, 1 first: in scope, then value per hour, then expected recovery, then id.

    >>> rank(np.array([False, True, True]), np.array([9., 1., 1.]), np.array([9., 1., 2.]), np.array(["a", "b", "c"])).tolist()
    [3, 2, 1]
    """
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[order(in_scope, value_per_hour, expected, ids)] = np.arange(1, len(ids) + 1)
    return ranks


def order(in_scope: NDArray[np.bool_], value_per_hour: Floats, expected: Floats, ids: Array | pa.Array) -> NDArray[np.int64]:
    """Return the rows in the order of `rank`; the rest is looked at only where scope and value are equal.

    Ids are an array of objects, or Arrow's texts: of these, many are sorted twice as fast.
    """
    rows = np.argsort(-value_per_hour)
    rows = np.concatenate([rows[in_scope[rows]], rows[~in_scope[rows]]])
    scope, value = in_scope[rows], value_per_hour[rows]
    is_same = (scope[1:] == scope[:-1]) & (value[1:] == value[:-1])
    if is_same.any():
        tied = np.flatnonzero(np.r_[False, is_same] | np.r_[is_same, False])
        at = rows[tied]
        run, less = np.cumsum(np.r_[True, ~is_same])[tied], -expected[at]
        if isinstance(ids, pa.Array):
            keys = pa.record_batch({"run": run, "less": less, "id": ids.take(pa.array(at))})
            rows[tied] = at[np.asarray(pc.sort_indices(keys, [(name, "ascending") for name in keys.schema.names]))]
        else:
            rows[tied] = at[np.lexsort((ids[at].astype(str), less, run))]
    return rows
