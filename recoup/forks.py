"""Pieces of a fit done side by side, in forks of this process: each has at once whatever they share."""

from __future__ import annotations

import gc
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from features.errors import StorageFailed
from features.pieces import Each, one_by_one
from serving.batch.pool import can_fork

T = TypeVar("T")

FEWEST, MOST = 10_000, 500_000
"""Efforts from which on a second process brings more than it costs, and up to which there is memory for what each makes of its own."""

_MOST_FORKS = 8
"""A fit has some five large pieces at a time."""

_AHEAD = 2
"""So many pieces for each process are handed out before the first is done."""


def hands_for(efforts: int, cores: int) -> Each:
    """Return what does the pieces of a fit on so many efforts: forks, or this process where they would not pay or cannot be."""
    if cores < 2 or not can_fork() or not FEWEST <= efforts <= MOST:
        return one_by_one
    return forked(min(cores, _MOST_FORKS))


def forked(count: int) -> Each:
    """Return what does pieces in so many forks of this process, which last as long as the pieces.

    Raises
    ------
    StorageFailed
        When one of them is ended from outside.
    """

    def each(work: Callable[..., T], shared: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        waiting: deque[Future[T]] = deque()
        try:
            with _frozen(), ProcessPoolExecutor(count, get_context("fork"), _begin, (work, shared)) as pool:
                for one in asked:
                    waiting.append(_submitted(pool, one))
                    if len(waiting) > _AHEAD * count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
        except BrokenProcessPool:
            raise StorageFailed("a process of the fit was ended from outside, which happens where memory runs out") from None

    return each


@contextmanager
def _frozen() -> Iterator[None]:
    """Keep what is there out of the collector's sight, or its marks would part pages that all could share."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _submitted(pool: ProcessPoolExecutor, one: tuple[Any, ...]) -> Future[Any]:
    with warnings.catch_warnings():
        # The threads of this process that forks lose are those of libraries which a fork with one thread does without.
        warnings.filterwarnings("ignore", ".*use of fork.*", DeprecationWarning)
        return pool.submit(_piece, one)


class _Fork:
    """What a fork was made for."""

    work: Callable[..., Any]
    shared: Any


def _begin(work: Callable[..., Any], shared: Any) -> None:
    from threadpoolctl import threadpool_limits

    # A library that ran threads before the fork would wait for them for ever; and there is a fork for each core.
    threadpool_limits(1)
    _Fork.work, _Fork.shared = work, shared


def _piece(one: tuple[Any, ...]) -> Any:
    return _Fork.work(_Fork.shared, *one)
