"""How much of a row's chance is learned and how much is what an expert believes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES
from features.feature import Floats
from features.rowwise import as_type, full, take
from features.tables import CATEGORIES, Columns

ENOUGH = 10.0
"""Decided efforts on write-offs of a kind after which half of what is said of it is learned, whatever is known of others.

Proper contractual cuts that nobody ever worked would else be told by refusals, which recover ten times as often."""

Kind = tuple[str, str, int]
"""Category, family, and how many efforts on such write-offs were decided."""


@dataclass(frozen=True, slots=True)
class Say:
    """The weight of what was learned against the prior.

    Parameters
    ----------
    whole
        Labels / (labels + pseudo-labels).
    labels
        Decided efforts by category and family (places in `CATEGORIES` x `FAMILIES`); None: kinds are not told apart.

    Examples
    --------
    >>> say = Say.of_kinds(0.8, [("denial", "coding", 90)])
    >>> denial, contractual = CATEGORIES.index("denial"), CATEGORIES.index("contractual")
    >>> coding, contract = FAMILIES.index("coding"), FAMILIES.index("contractual")
    >>> say.of({"category": np.array([denial, contractual]), "family": np.array([coding, contract])}).round(2).tolist()
    [0.72, 0.0]
    """

    whole: float = 0.0
    labels: NDArray[np.int64] | None = None

    def of(self, columns: Columns) -> Floats:
        """Return the weight of each row, 0 to 1."""
        if self.labels is None:
            return full(columns["family"], self.whole)
        known = take(self.labels.ravel(), as_type(columns["category"], np.int64) * len(FAMILIES) + columns["family"])
        said: Floats = self.whole * (known / (known + ENOUGH))
        return said

    @classmethod
    def learned(cls, columns: Columns, pseudo_labels: float) -> Say:
        """Return what decided efforts on these rows give."""
        labels = np.zeros((len(CATEGORIES), len(FAMILIES)), dtype=np.int64)
        np.add.at(labels, (columns["category"].astype(np.int64), columns["family"].astype(np.int64)), 1)
        count = len(columns["family"])
        return cls(count / (count + pseudo_labels), labels)

    @classmethod
    def of_kinds(cls, whole: float, kinds: Iterable[Kind] | None) -> Say:
        """Return what `kinds` told; None: kinds are not told apart."""
        if kinds is None:
            return cls(whole)
        labels = np.zeros((len(CATEGORIES), len(FAMILIES)), dtype=np.int64)
        for category, family, count in kinds:
            labels[CATEGORIES.index(category), FAMILIES.index(family)] = count
        return cls(whole, labels)

    def kinds(self) -> list[Kind] | None:
        """Return the labels by name, kinds without any left out."""
        if self.labels is None:
            return None
        there = zip(*(place.tolist() for place in np.nonzero(self.labels)), strict=True)
        return [(CATEGORIES[category], FAMILIES[family], int(self.labels[category, family])) for category, family in there]
