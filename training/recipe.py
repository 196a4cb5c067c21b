"""The recipe of a fit: every number that tuning may vary, and that a refit needs to come out the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from features.errors import BadData


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of the likelihood; the defaults are the fixed recipe of `recoup train`.

    The trees see labels that time has moved: larger leaves and fewer features a tree kept log loss lowest on later months.

    Parameters
    ----------
    rounds, learning_rate, leaves
        Number of trees, step of each, leaves of each (4 to 8: scoring speed and exact reasons rest on small trees).
    rows_in_leaf, lambda_l2, feature_fraction
        Least rows of a leaf, ridge on leaves, share of the features that a tree may read.
    linear_freedom
        How far the linear score's weights may stray, as a multiple of the variance that the outcomes ask for.
    trees_share
        Of the trees in the mean with the linear score. Codes are many and labels few: one weight per code, drawn to zero as far as it
        should be, says more than trees do, on synthetic practices and on real recoveries.
    pseudo_labels
        The prior counts as this many labels against the learned score.

    Examples
    --------
    >>> Recipe.of(Recipe(rounds=200).as_dict()).rounds
    200
    >>> Recipe(leaves=64)
    Traceback (most recent call last):
    features.errors.BadData: a recipe's leaves are 2 to 8; got 64
    """

    rounds: int = 300
    learning_rate: float = 0.05
    leaves: int = 8
    rows_in_leaf: int = 40
    lambda_l2: float = 20.0
    feature_fraction: float = 0.3
    linear_freedom: float = 1.0
    trees_share: float = 0.3
    pseudo_labels: float = 150.0

    def __post_init__(self) -> None:
        if not 2 <= self.leaves <= 8:
            raise BadData(f"a recipe's leaves are 2 to 8; got {self.leaves}")

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Recipe:
        """Return the recipe that a bundle's facts tell; what they do not tell is the default, so that older bundles can be refitted."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in known})

    def as_dict(self) -> dict[str, int | float]:
        """Return the settings by name."""
        return asdict(self)

    @property
    def trees(self) -> dict[str, int | float]:
        """The settings of the trees, as LightGBM names them."""
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.rows_in_leaf,
            "lambda_l2": self.lambda_l2,
            "feature_fraction": self.feature_fraction,
        }


FIXED = Recipe()
"""The recipe of `recoup train`, which tunes nothing."""

SEED = 7
"""Of everything random in a fit."""
