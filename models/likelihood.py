"""The chance that payer cash comes in if the write-off is worked now: trees and a linear score, averaged on the log odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.column import Columns
from features.feature import Floats
from models.calibration import Calibration
from models.explainer import Explainer
from models.forest import Forest
from models.linear import Linear
from models.prior import late_part, prior_logits, proof_part, rate_part
from models.say import Say


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The blend, drawn to what an expert believes (`models.prior`) while labels are few.

    Parameters
    ----------
    trees, linear
        None in both: the prior alone.
    say
        Weight of the learned score against the prior.
    calibration
        Applied to the blend.
    trees_share
        Of the trees in the mean with the linear score.
    """

    trees: Forest | None
    linear: Linear | None
    say: Say
    calibration: Calibration
    trees_share: float = 0.5

    def terms(self, matrix: Floats, columns: Columns) -> Floats:
        """Return the linear score's terms (n x terms), which `logits` and the reasons both read; n x 0 without one."""
        return self.linear.terms(matrix, columns) if self.linear is not None else np.empty((*matrix.shape[:-1], 0))

    def logits(self, matrix: Floats, columns: Columns, terms: Floats) -> Floats:
        """Return calibrated log odds of recovery for each row."""
        prior = prior_logits(columns)
        if self.trees is None or self.linear is None:
            return self.calibration.apply(prior)
        learned = self.trees_share * self.trees.raw(matrix) + (1.0 - self.trees_share) * self.linear.raw(terms)
        say = self.say.of(columns)
        return self.calibration.apply(say * learned + (1.0 - say) * prior)


class Reasoner:
    """What each concept adds to the log odds of a row, exactly, for trees, linear score and prior together.

    Parameters
    ----------
    likelihood
        The blend.
    groups
        Group of each matrix column.
    linear_groups
        Group of each term of the linear score.
    prior_groups, count
        Groups of the prior's rate, proof and lateness; number of groups.

    Attributes
    ----------
    base
        The calibrated log odds that contributions are measured from.
    """

    def __init__(
        self, likelihood: Likelihood, groups: list[int], linear_groups: list[int], prior_groups: tuple[int, int, int], count: int
    ) -> None:
        self._likelihood, self._prior_groups, self._count = likelihood, prior_groups, count
        self._explainer = Explainer(likelihood.trees, np.array(groups), count) if likelihood.trees is not None else None
        self._spread = np.eye(count)[linear_groups] if linear_groups else np.zeros((0, count))
        self._means = likelihood.linear.means() if likelihood.linear is not None else np.empty(0)
        self._learned = self._learned_base()
        self._middle = likelihood.say.whole * self._learned
        self.base = float(likelihood.calibration.apply(np.array([self._middle]))[0])

    def _learned_base(self) -> float:
        m = self._likelihood
        if m.trees is None or m.linear is None:
            return 0.0
        return m.trees_share * m.trees.expected + (1.0 - m.trees_share) * (m.linear.intercept + float(self._means.sum()))

    def contributions(self, matrix: Floats, columns: Columns, terms: Floats) -> Floats:
        """Return log odds per group (n x count); with `base` they sum to the row's log odds."""
        m = self._likelihood
        out = np.zeros((len(matrix), self._count))
        say = np.zeros(len(matrix))
        if self._explainer is not None and m.linear is not None:
            say = np.atleast_1d(m.say.of(columns))
            out += (m.trees_share * say)[:, None] * self._explainer.contributions(matrix)
            out += ((1.0 - m.trees_share) * say)[:, None] * ((terms - self._means) @ self._spread)
            # What is learned on the whole says less of kinds that hardly anybody worked: that is the code's doing.
            out[:, self._prior_groups[0]] += (say - m.say.whole) * self._learned
        for group, part in zip(self._prior_groups, (rate_part, proof_part, late_part), strict=True):
            out[:, group] += (1.0 - say) * part(columns)
        # The calibration bends the scale: each part of a row moves by the same factor, so that they still sum to its log odds.
        total = out.sum(axis=1)
        moved = m.calibration.apply(self._middle + total) - self.base
        return out * np.where(np.abs(total) < 1e-9, 1.0, moved / np.where(np.abs(total) < 1e-9, 1.0, total))[:, None]
