"""Work that falls into pieces: what does them, one after the other here or side by side elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Each(Protocol):
    """Does a piece of work for each of many, and yields the results in their order.

    `work` is a function of a module, so that another process finds it; `shared` is what all pieces need, and each of `asked` what one of
    them needs besides. A piece changes nothing of what it is given.
    """

    def __call__(self, work: Callable[..., T], shared: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """Yield `work(shared, *one)` for each one asked."""
        ...


def one_by_one(work: Callable[..., T], shared: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[T]:
    """Do the pieces in this process, each when its result is asked for, so that one at a time is held.

    >>> list(one_by_one(lambda shared, one: shared + one, 10, [(1,), (2,)]))
    [11, 12]
    """
    return (work(shared, *one) for one in asked)
