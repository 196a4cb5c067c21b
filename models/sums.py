"""The band around a sum of expected dollars: rows that vary alone, and errors that rows of a payer, family, code or the model share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats
from features.money import NULL

NOMINAL = 0.9
"""Chance that a band holds what comes in."""

_TEN_TO_NINETY = 2 * NormalDist().inv_cdf(0.9)
"""Standard deviations between the 10 % and the 90 % quantile of a normal variable."""

_UNIFORM_MEAN, _UNIFORM_VARIANCE = 0.5, 1.0 / 12.0
"""Of a level of which no more is known than that it lies between nothing and one."""

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Sums:
    """How far sums of expected dollars have been off, as plain numbers.

    Parameters
    ----------
    noise
        Squared errors of single rows over the variance that their probabilities state.
    payer_sd, family_sd
        Relative error that the rows of one payer, or of one code family, share in a quarter.
    common_sd
        Relative error that all rows share from one quarter to the next.
    shift_sd
        Standard error of the calibration's shift (log odds); large where nothing was chosen at random.
    payer_labels
        Decided efforts behind each payer code; a code beyond the end has none.
    family_labels
        Decided efforts behind each family; a family that is not there has none.
    code_labels
        Decided efforts behind each reason code; one that is not there has none. None: no error is shared by code.
    reach_days
        Days past the last day that labels reach: fewer than `enough` efforts were begun later. None: no row is beyond it. Of rows later
        than that nobody knows more than that they are worth no more than stated, because a chance never rises once time is up: their
        level lies anywhere between nothing and what is stated.
    unknown_sd, enough
        Relative error of a payer, family or code without labels; the labels after which half of its square is gone.

    Examples
    --------
    Ten thousand rows of a payer vary little alone; what they share remains.

    >>> sums = Sums(payer_sd=0.2, family_sd=0, common_sd=0, shift_sd=0, payer_labels=(10**9,))
    >>> many = np.ones(10_000)
    >>> [x.round().tolist() for x in sums.band(many, many, np.zeros(10_000, dtype=int))]
    [[6949.0], [13505.0]]
    """

    noise: float = 1.0
    payer_sd: float = 0.3
    family_sd: float = 0.1
    common_sd: float = 0.1
    shift_sd: float = 0.45
    payer_labels: Sequence[int] = ()
    family_labels: Mapping[str, int] = field(default_factory=dict)
    code_labels: Mapping[str, int] | None = field(default_factory=dict)
    reach_days: float | None = 0.0
    unknown_sd: float = 0.5
    enough: float = 10.0

    def band(
        self,
        expected: Floats,
        variance: Floats,
        payer: Codes,
        *,
        family: Sequence[str] | NDArray[np.object_] | None = None,
        code: Sequence[str] | NDArray[np.object_] | None = None,
        days_late: NDArray[np.int64] | None = None,
        leverage: Floats | None = None,
        nothing: Floats | None = None,
        group: Codes | None = None,
        nominal: float = NOMINAL,
    ) -> tuple[Floats, Floats]:
        """Return the low and high end of the sum of each group.

        Parameters
        ----------
        expected, variance
            Dollars and squared dollars of each row (n); see `row_variance`.
        payer
            Code of each row's payer in the bundle's vocabulary, or an overlay of it.
        family
            Of each row; None: no error is shared by family.
        code
            Reason code of each row, blank where it has none; None: no error is shared by code.
        days_late
            Days since the last day to act on each row; 0 where that is ahead or unknown. None: nothing is late.
        leverage
            Dollars that one log odds moves each row; see `row_leverage`. None: the shift is taken as exact.
        nothing
            Logarithm of the chance that each row brings nothing (<= 0); None: not looked at. Where few rows may all bring nothing more
            often than a band may miss below, it begins at nothing, which no curve of sums knows.
        group
            Group of each row, 0 to groups - 1; None: all rows are one.
        nominal
            Chance that the band holds the sum.

        Returns
        -------
        low, high
            Dollars (groups), 0 <= low <= what is stated <= high.
        """
        at = np.zeros(len(expected), dtype=np.int64) if group is None else np.asarray(group, dtype=np.int64)
        count = int(at.max()) + 1 if len(at) else 0
        stated = _added(at, expected, count)
        beyond = np.zeros(len(expected))
        if days_late is not None and self.reach_days is not None:
            beyond = np.where(days_late > self.reach_days, expected, 0.0)
        expected = expected - _UNIFORM_MEAN * beyond
        mean = _added(at, expected, count)
        spread = self.noise * _added(at, variance, count) + (self.common_sd * mean) ** 2
        spread += _shared(at, payer, expected, self._payer_variance(payer), count)
        if family is not None:
            names, place = np.unique(np.asarray(family, dtype=str), return_inverse=True)
            spread += _shared(at, place, expected, self._family_variance(names.tolist())[place], count)
        if code is not None and self.code_labels is not None:
            names, place = np.unique(np.asarray(code, dtype=str), return_inverse=True)
            labels = np.array([self.code_labels.get(name, 0) for name in names.tolist()], dtype=np.float64)
            spread += _shared(at, place, expected, self._unknown(labels)[place], count)
        if leverage is not None:
            spread += (self.shift_sd * _added(at, leverage, count)) ** 2
        spread += _UNIFORM_VARIANCE * _added(at, beyond, count) ** 2
        low, high = gamma_band(mean, spread, nominal)
        if nothing is not None:
            # What begins at nothing cannot miss below: all that it may miss lies above.
            is_from_nothing = np.exp(_added(at, nothing, count)) > (1.0 - nominal) / 2.0
            low = np.where(is_from_nothing, 0.0, low)
            high = np.where(is_from_nothing, gamma_band(mean, spread, 2.0 * nominal - 1.0)[1], high)
        return np.minimum(low, stated), np.maximum(high, stated)

    def _payer_variance(self, payer: Codes) -> Floats:
        """Return the squared relative error of each row's payer."""
        known = np.append(np.asarray(self.payer_labels, dtype=np.float64), 0.0)
        code = np.asarray(payer, dtype=np.int64)
        labels = known[np.where((code >= 0) & (code < len(known) - 1), code, -1)]
        return self.payer_sd**2 + self._unknown(labels)

    def _family_variance(self, names: Sequence[str]) -> Floats:
        labels = np.array([self.family_labels.get(name, 0) for name in names], dtype=np.float64)
        return self.family_sd**2 + self._unknown(labels)

    def _unknown(self, labels: Floats) -> Floats:
        found: Floats = self.unknown_sd**2 / (1.0 + labels / self.enough)
        return found

    def alone(self, expected: Floats, variance: Floats, *, group: Codes, nominal: float = NOMINAL) -> tuple[Floats, Floats]:
        """Return the band as if rows shared nothing: too narrow, to be printed beside the other."""
        count = int(group.max()) + 1 if len(group) else 0
        return gamma_band(_added(group, expected, count), self.noise * _added(group, variance, count), nominal)

    def as_json(self) -> dict[str, Any]:
        """Return plain numbers."""
        codes = None if self.code_labels is None else dict(self.code_labels)
        return asdict(self) | {"payer_labels": list(self.payer_labels), "family_labels": dict(self.family_labels), "code_labels": codes}

    @classmethod
    def from_json(cls, told: Mapping[str, Any] | None) -> Sums:
        """Return what `as_json` told; None, from a bundle made before there were bands: wide.

        What a bundle does not tell, made before there was such an error, is left out of its bands.
        """
        if told is None:
            return cls()
        return cls(**{"code_labels": None, "reach_days": None, **told, "payer_labels": tuple(told["payer_labels"])})


def days_late(days_left: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the days since the last day to act; 0 where it is ahead or not known.

    >>> days_late(np.array([-40, 12, NULL])).tolist()
    [40, 0, 0]
    """
    return np.where(days_left == NULL, 0, np.maximum(-np.maximum(days_left, -_LONG), 0))


_LONG = 1 << 20


def row_variance(probability: Floats, amount: Floats, low: Floats, high: Floats) -> Floats:
    """Return the variance of what each row brings: whether it recovers, and how much if it does.

    Parameters
    ----------
    probability, amount
        Of recovery; dollars if recovered (n).
    low, high
        10 % and 90 % quantile of the dollars if recovered.

    Examples
    --------
    >>> row_variance(np.array([0.5, 1.0]), np.array([10.0, 10.0]), np.array([10.0, 10.0]), np.array([10.0, 10.0])).tolist()
    [25.0, 0.0]
    """
    spread = (high - low) / _TEN_TO_NINETY
    return probability * spread**2 + probability * (1.0 - probability) * amount**2


def row_leverage(probability: Floats, amount: Floats) -> Floats:
    """Return the dollars by which each row's expectation moves with one unit of log odds: the slope of the logistic, times dollars."""
    return probability * (1.0 - probability) * amount


def gamma_band(mean: Floats, variance: Floats, nominal: float = NOMINAL) -> tuple[Floats, Floats]:
    """Return the ends of the gamma distribution with this mean and variance, which is skewed as sums of few dollars are.

    Examples
    --------
    Of an exponential variable 90 % lies between .051 and 2.996; the approximation is this near.

    >>> [float(x[0].round(2)) for x in gamma_band(np.array([1.0]), np.array([1.0]))]
    [0.04, 2.97]

    References
    ----------
    Wilson and Hilferty 1931, The distribution of chi-square: the cube root of a gamma variable is nearly normal. Below a shape of one it
    is not, and the ends are found on the series of the distribution itself.
    """
    z = NormalDist().inv_cdf(0.5 + nominal / 2)
    some = mean > 0
    inverse_shape = np.where(some, variance, 0.0) / np.where(some, mean, 1.0) ** 2
    middle, step = 1.0 - inverse_shape / 9.0, z * np.sqrt(inverse_shape) / 3.0
    low, high = (mean * np.maximum(middle + sign * step, 0.0) ** 3 for sign in (-1.0, 1.0))
    rare = np.flatnonzero(inverse_shape > 1.0)
    if len(rare):
        shape = 1.0 / inverse_shape[rare]
        for end, chance in ((low, 0.5 - nominal / 2), (high, 0.5 + nominal / 2)):
            end[rare] = mean[rare] * inverse_shape[rare] * _rare_quantile(shape, chance)
    # With next to no shape nearly all of the chance lies at nothing; the mean itself is the least that the high end may be.
    return low, np.maximum(high, mean)


_TERMS, _HALVINGS, _MOST, _LEAST_LOG = 60, 60, 8.0, -700.0
"""Terms of the series, halvings of the search, what no quantile of a gamma variable of shape below one exceeds up to .9995, and the
logarithm of what is nothing."""


def _rare_quantile(shape: Floats, chance: float) -> Floats:
    """Return the quantile of gamma variables whose shape is at most one, by halving on the series of the lower incomplete gamma function.

    >>> _rare_quantile(np.array([1.0, 0.15]), 0.95).round(3).tolist()
    [2.996, 0.826]
    """
    norm = np.array([math.lgamma(one + 1.0) for one in shape.tolist()])
    # In logarithms: of a small shape the lower end has hundreds of zeros behind the point.
    low, high = np.full(len(shape), _LEAST_LOG), np.full(len(shape), math.log(_MOST))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        x = np.exp(middle)
        term = total = np.ones(len(shape))
        for n in range(1, _TERMS):
            term = term * x / (shape + n)
            total = total + term
        is_below = shape * middle - x - norm + np.log(total) < math.log(chance)
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.where(high > _LEAST_LOG + 1.0, np.exp(high), 0.0)


def _shared(group: Codes, key: Codes, expected: Floats, relative: Floats, count: int) -> Floats:
    """Return each group's sum over keys of (relative error x the key's dollars in the group) squared."""
    own = np.asarray(key, dtype=np.int64) + 1
    size = int(own.max(initial=0)) + 1
    pair, place = np.unique(np.asarray(group, dtype=np.int64) * size + own, return_inverse=True)
    dollars = _added(place, np.sqrt(relative) * expected, len(pair))
    return _added(pair // size, dollars**2, count)


def _added(group: Codes, values: Floats, count: int) -> Floats:
    """Return the sum of each group; without weights `bincount` would count."""
    return np.bincount(group, values, count).astype(np.float64)
