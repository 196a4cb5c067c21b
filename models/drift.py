"""Watching for a change of a payer's mind: cumulative sums of what came in against what was predicted, with a threshold of known alarms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from models.calibration import probability

SIDES = (-1.0, 1.0)
"""Pays less often than predicted; more often."""


@dataclass(frozen=True, slots=True)
class Design:
    """What the charts look for, in log odds.

    Parameters
    ----------
    least
        An error of this size is the model's own and no change.
    change
        The change that is found soonest.
    spread
        Standard deviation of the model's own errors from group to group, which false alarms are reckoned with.
    draws
        Worlds without a change that the threshold is found from.
    """

    least: float = 0.3
    change: float = 1.2
    spread: float = 0.3
    draws: int = 400


DESIGN = Design()


@dataclass(frozen=True, slots=True)
class Stream:
    """Results in the order in which they became known: one entry per result (n), the same for every chart.

    Parameters
    ----------
    day
        On which it became known, ascending.
    logit
        Predicted log odds of a recovery, given how long the answer took.
    won
        It was recovered.
    """

    day: NDArray[np.int64]
    logit: Floats
    won: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Chart:
    """One group's two sums, one for each side.

    Parameters
    ----------
    group
        Its code.
    rows
        Positions of its results in the stream.
    paths
        Sums after each result (rows x 2), in the order of `SIDES`.
    """

    group: int
    rows: NDArray[np.int64]
    paths: Floats

    def alarm(self, threshold: float) -> tuple[int, int, int] | None:
        """Return the place in `rows` where a sum first passed the threshold, where that sum had left zero, and its side; None: never."""
        over = self.paths > threshold
        if not over.any():
            return None
        at = int(np.flatnonzero(over.any(axis=1))[0])
        side = int(np.argmax(self.paths[at]))
        zero = np.flatnonzero(self.paths[:at, side] <= 0.0)
        return at, int(zero[-1]) + 1 if len(zero) else 0, side


def steps(logit: Floats, design: Design = DESIGN) -> Floats:
    """Return what a result adds to each sum: n x 2 sides x (lost, won).

    It is the log of how much likelier the result is under the change than under the largest error that is none; so a sum over many
    results falls while there is no change, and rises after one (Page 1954).

    Examples
    --------
    >>> steps(np.array([0.0])).round(2).tolist()
    [[[0.29, -0.61], [-0.61, 0.29]]]
    """
    out = np.empty((len(logit), 2, 2))
    for s, side in enumerate(SIDES):
        none, change = probability(logit + side * design.least), probability(logit + side * design.change)
        out[:, s, 1] = np.log(change / none)
        out[:, s, 0] = np.log((1.0 - change) / (1.0 - none))
    return out


def charts(stream: Stream, group: NDArray[np.int64], design: Design = DESIGN) -> list[Chart]:
    """Return the chart of each group that has results; a negative group has none."""
    added = steps(stream.logit, design)
    won = stream.won.astype(np.int64)
    found = []
    for code in np.unique(group[group >= 0]).tolist():
        rows = np.flatnonzero(group == code)
        paths, level = np.empty((len(rows), 2)), np.zeros(2)
        for i, row in enumerate(rows.tolist()):
            level = np.maximum(level + added[row, :, won[row]], 0.0)
            paths[i] = level
        found.append(Chart(code, rows, paths))
    return found


def threshold(stream: Stream, groupings: list[NDArray[np.int64]], allowed: float, design: Design = DESIGN, seed: int = 0) -> float:
    """Return the height that charts pass `allowed` times on average while nothing changes.

    Worlds are drawn in which every result comes as predicted but for the model's own errors, which are the same all the time in each
    group; counted are the charts of which either sum passes.

    Parameters
    ----------
    groupings
        Group of each result, for each kind of chart; the model's errors are drawn per group of each kind.
    allowed
        False alarms in the span of the stream (> 0).
    """
    rng = np.random.default_rng(seed)
    added = steps(stream.logit, design)
    errors = np.zeros((len(stream), design.draws))
    for group in groupings:
        codes, place = np.unique(group, return_inverse=True)
        sd = design.spread / np.sqrt(len(groupings))
        errors += np.where(group[:, None] >= 0, rng.normal(0.0, sd, (len(codes), design.draws))[place], 0.0)
    won = rng.random(errors.shape) < probability(stream.logit[:, None] + errors)
    tops = np.concatenate([_tops(added, won, group) for group in groupings])
    # Charts x draws -> the height that `allowed` charts a draw pass.
    each = np.sort(tops.ravel())[::-1]
    passing = int(allowed * design.draws)
    return float(each[passing]) if passing < len(each) else 0.0


def _tops(added: Floats, won: NDArray[np.bool_], group: NDArray[np.int64]) -> Floats:
    """Return the highest point of either sum, for each group and draw."""
    codes = np.unique(group[group >= 0])
    found = np.zeros((len(codes), won.shape[1]))
    for i, code in enumerate(codes.tolist()):
        level = np.zeros((2, won.shape[1]))
        for row in np.flatnonzero(group == code).tolist():
            level = np.maximum(level + np.where(won[row], added[row, :, 1:], added[row, :, :1]), 0.0)
            np.maximum(found[i], level.max(axis=0), out=found[i])
    return found


def shift_of(logit: Floats, won: NDArray[np.bool_], pull: float = 2.0) -> float:
    """Return the change of log odds that these results speak for, drawn to 0 as if `pull` information spoke for none.

    >>> round(shift_of(np.zeros(1000), np.arange(1000) < 250), 1)
    -1.1
    """
    shift = 0.0
    for _ in range(50):
        p = probability(logit + shift)
        step = (float((won - p).sum()) - pull * shift) / (float((p * (1.0 - p)).sum()) + pull)
        shift += max(-1.0, min(1.0, step))
        if abs(step) < 1e-9:
            break
    return shift
