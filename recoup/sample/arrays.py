"""The kinds of array that the sample is made of, and the streams of chance that fill them."""

from __future__ import annotations

import zlib
from datetime import date

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EPOCH = date(1970, 1, 1)


def stream(seed: int, noun: str) -> np.random.Generator:
    """Open the stream of chance of one noun.

    Each noun has its own, so that a change in one (another payer, say) leaves the draws of the others alone.

    Examples
    --------
    >>> stream(7, "payers").integers(100) == stream(7, "payers").integers(100)
    np.True_
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(noun.encode())])))


def pick(rng: np.random.Generator, weights: Floats, n: int) -> Ints:
    """Draw `n` positions of `weights`, each as likely as its weight.

    Examples
    --------
    >>> pick(stream(1, "x"), np.array([0.0, 2.0, 0.0]), 3).tolist()
    [1, 1, 1]
    """
    edges = np.cumsum(weights)
    drawn: Ints = np.searchsorted(edges, rng.random(n) * edges[-1], side="right").astype(np.int64)
    return drawn


def to_cents(dollars: Floats) -> Ints:
    """Round dollars to whole cents.

    Examples
    --------
    >>> to_cents(np.array([1.234, 2.0])).tolist()
    [123, 200]
    """
    return np.rint(dollars * 100).astype(np.int64)


def day_number(day: date) -> int:
    """Count the days from 1970-01-01.

    Examples
    --------
    >>> day_number(date(1970, 1, 31))
    30
    """
    return (day - EPOCH).days


def sigmoid(x: Floats) -> Floats:
    """Turn log odds into a probability.

    Examples
    --------
    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    result: Floats = 1.0 / (1.0 + np.exp(-x))
    return result


def logit(p: float) -> float:
    """Turn a probability into log odds.

    Examples
    --------
    >>> logit(0.5)
    0.0
    """
    return float(np.log(p / (1.0 - p)))
