"""Places compared: where does something happen more often than its rate everywhere else lets one expect?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.codes.combinations import distinct
from features.feature import Floats
from serving.findings.case import Case, Flags
from serving.findings.rates import LEAST, adjusted, poisson_tail

YEAR, HALF = 365, 182
SIGNIFICANT = 0.05
ROWS = 5
"""Write-offs that are named for each cell."""


class Events(NamedTuple):
    """What is counted: row of the ledger, kind and dollars of each event, and the rows that could have had one."""

    row: NDArray[np.int64]
    kind: NDArray[np.int64]
    dollars: Floats
    exposed: Flags


def compare(case: Case, cells: Sequence[Sequence[str]], events: Events) -> list[dict[str, Any]]:
    """Return every cell and kind with at least eleven events beside their rate everywhere else.

    The chance of so many is the tail of a Poisson count with the rate elsewhere; p-values are adjusted for all that are returned.

    Parameters
    ----------
    cells
        Names of columns that are crossed; a row in which one is unknown is in no cell of it.
    events
        Of one sort: dollars of a year are what their kind had in the last 365 days.

    Returns
    -------
    list of dict
        `cell` (column -> word), `kind`, `count`, `exposed`, `rate`, `rate_elsewhere`, `dollars_a_year`, `excess_dollars_a_year`, `trend`,
        `first` (a row of the ledger), `rows` (ids of some write-offs), `p` and `p_adjusted`.
    """
    told = [one for names in cells for one in _of_cells(case, names, events)]
    for one, value in zip(told, adjusted(np.array([one["p"] for one in told])).tolist(), strict=True):
        one["p_adjusted"], one["p"] = float(f"{value:.3g}"), float(f"{one['p']:.3g}")
    return told


def standing_out(told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells that chance alone hardly gives, the dearest first."""
    found = [one for one in told if one["p_adjusted"] <= SIGNIFICANT and one["rate"] > one["rate_elsewhere"]]
    return sorted(found, key=lambda one: (-one["excess_dollars_a_year"], one["p_adjusted"], len(one["cell"])))


def without_echoes(told: Sequence[dict[str, Any]], key: Callable[[dict[str, Any]], object]) -> list[dict[str, Any]]:
    """Leave out a cell that says what one before it says: the same kind, and as many events."""
    seen: set[object] = set()
    kept = []
    for one in told:
        if (said := (key(one), one["count"])) not in seen:
            seen.add(said)
            kept.append(one)
    return kept


def _of_cells(case: Case, names: Sequence[str], events: Events) -> list[dict[str, Any]]:
    c = case.columns
    keys = [c[name].astype(np.int64) for name in names]
    known = np.all([key >= 0 for key in keys], axis=0)
    inside = known[events.row]
    rows, kind, dollars = events.row[inside], events.kind[inside], events.dollars[inside]
    if not len(rows):
        return []
    _, cell = distinct([np.where(known, key, -1) for key in keys])
    cells, exposed = int(cell.max()) + 1, events.exposed & known
    over = np.bincount(cell[exposed], minlength=cells)
    first, pair = distinct([cell[rows], kind])
    count, of_kind = np.bincount(pair), np.bincount(kind)
    # Events of rows that are not counted among the exposed ones, as second postings, are at least exposures of their own.
    here = np.maximum(over[cell[rows[first]]], count)
    rest = np.maximum(int(exposed.sum()) - here, 1)
    elsewhere = of_kind[kind[first]] - count
    expected = np.maximum(elsewhere, 0.5) / rest * here
    enough = np.flatnonzero(count >= LEAST)
    p = poisson_tail(count[enough].astype(np.float64), expected[enough])
    day = c["writeoff_date"]
    span = min(YEAR, max(1, int(case.as_of - day[rows].min())))
    a_year = np.bincount(pair, np.where(day[rows] >= case.as_of - YEAR, dollars, 0.0), len(count)) * YEAR / span
    events_in = [np.bincount(pair[_in_half(case, back)[rows]], minlength=len(count)) for back in (0, 1)]
    exposed_in = [np.bincount(cell[exposed & _in_half(case, back)], minlength=cells) for back in (0, 1)]
    order = np.argsort(pair, kind="stable")
    start = np.searchsorted(pair[order], np.arange(len(count)))
    told = []
    for i, chance in zip(enough.tolist(), p.tolist(), strict=True):
        row, mine = int(rows[first[i]]), rows[order[start[i] : start[i] + count[i]]]
        at, share = int(cell[row]), max(0.0, 1.0 - float(expected[i]) / int(count[i]))
        told.append(
            {
                "cell": {name: case.ledger.vocabulary.word(name, int(c[name][row])) for name in names},
                "kind": int(kind[first[i]]),
                "count": int(count[i]),
                "exposed": int(here[i]),
                "rate": round(float(count[i] / here[i]), 5),
                "rate_elsewhere": round(float(elsewhere[i] / rest[i]), 5),
                "dollars_a_year": round(float(a_year[i]), 2),
                "excess_dollars_a_year": round(float(a_year[i]) * share, 2),
                "trend": trend(*(int(n[i]) for n in events_in), *(int(n[at]) for n in exposed_in)),
                "first": row,
                "rows": [str(c["writeoff_id"][r]) for r in mine[:ROWS].tolist()],
                "p": chance,
            }
        )
    return told


def _in_half(case: Case, back: int) -> Flags:
    """Return the rows posted in the half year that ended so many half years before the day."""
    end, day = case.as_of - HALF * back, case.columns["writeoff_date"]
    mask: Flags = (day >= end - HALF) & (day < end)
    return mask


def trend(now: int, before: int, exposed_now: int, exposed_before: int) -> dict[str, Any] | None:
    """Return rates of the last half year and the one before; None where either has too few.

    >>> trend(40, 20, 1000, 1000)["word"], trend(22, 20, 1000, 1000)["word"], trend(5, 4, 1000, 1000)
    ('rising', 'steady', None)
    """
    if min(exposed_now, exposed_before) < LEAST or now + before < LEAST:
        return None
    expected = (now + before) * exposed_now / (exposed_now + exposed_before)
    spread = (expected * exposed_before / (exposed_now + exposed_before)) ** 0.5
    z = (now - expected) / spread if spread else 0.0
    word = "rising" if z > 2 else "falling" if z < -2 else "steady"
    return {"rate_before": round(before / exposed_before, 4), "rate_now": round(now / exposed_now, 4), "word": word, "z": round(z, 2)}
