"""Processes that score parts of a ledger, and set down its stretches before."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from importlib.abc import MetaPathFinder
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from threading import active_count
from typing import Any, TypeVar

from features.errors import StorageFailed
from features.pieces import Each
from models.scorer import Scorer
from serving.batch.memory import keep_memory

S = TypeVar("S")
T = TypeVar("T")


class Ready:
    """What a process of the pool holds: the model that it was started with; None: it comes with the task."""

    model: Scorer | None = None


@contextmanager
def starting(count: int, scorer: Scorer | None, cache: Path | None, *, is_early: bool = False) -> Iterator[Executor]:
    """Return so many processes, which end with the block.

    Parameters
    ----------
    count
        How many.
    scorer, cache
        The model that they are going to be asked for, as it was loaded from its bundle, and the private folder of its compiled trees;
        None: they come with the task.
    is_early
        This process has scored nothing yet: its libraries have started no thread that a fork would lose, but Arrow's, which sees to its
        own. Where the system can, and it has no thread of Python's own, the processes are forked of it and have at once what it has.
    """
    is_forked = is_early and active_count() == 1 and can_fork()
    if is_forked:
        # What is there already lives as long as the process: neither is to look at it again, or pages would part that both could share.
        gc.freeze()
    begin = partial(_take, scorer) if is_forked else partial(_get_ready, scorer.folder if scorer is not None else None, cache)
    with ProcessPoolExecutor(count, mp_context=get_context("fork" if is_forked else "spawn"), initializer=begin) as pool:
        try:
            with warnings.catch_warnings():
                # What is told of threads and forks does not hold for threads that libraries themselves see through a fork.
                warnings.filterwarnings("ignore", ".*use of fork.*", DeprecationWarning)
                for _ in range(count):
                    pool.submit(_be_there)
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def can_fork() -> bool:
    """Tell whether a process can be made of another; macOS does it, and some of its libraries do not bear it."""
    return "fork" in get_all_start_methods() and sys.platform != "darwin"


def set_down_beside(count: int, cut: Callable[[Each], T], make: Callable[[], S]) -> tuple[T, S]:
    """Let so many processes set a ledger down while this one makes something else, and return both; they have ended then."""
    go_without_pandas()
    with ThreadPoolExecutor(1) as aside, starting(count, None, None, is_early=True) as pool:
        cutting = aside.submit(cut, each_of(pool))
        made = make()
        return cutting.result(), made


def each_of(pool: Executor) -> Each:
    """Return what does pieces of work in the processes of a pool."""

    def each(work: Callable[..., T], shared: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        return hand_out(pool, partial(_piece, work, shared), asked)

    return each


def hand_out(pool: Executor, work: Callable[..., T], asked: Iterable[Any]) -> Iterator[T]:
    """Hand work out at once, and return what comes back, in order.

    Raises
    ------
    StorageFailed
        When a process was ended from outside.
    """
    with _telling_of_loss():
        found = pool.map(work, asked)

    def come_back() -> Iterator[T]:
        with _telling_of_loss():
            yield from found

    return come_back()


@contextmanager
def _telling_of_loss() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        told = "a process was ended from outside, which happens where memory runs out; started again, the job goes on where it was"
        raise StorageFailed(told) from None


def _piece(work: Callable[..., T], shared: Any, one: tuple[Any, ...]) -> T:
    return work(shared, *one)


def _take(scorer: Scorer | None) -> None:
    """Begin as a fork of a process that has everything."""
    go_without_pandas()
    Ready.model = scorer


def _get_ready(bundle: Path | None, cache: Path | None) -> None:
    """Begin as a new process."""
    go_without_pandas()
    keep_memory()
    if bundle is not None:
        Ready.model = Scorer.load(bundle)
        if cache is not None:
            Ready.model.made_ready(cache)


def _be_there() -> None:
    """Do nothing: a process is started when it is first asked for something."""


def go_without_pandas() -> None:
    """Tell this process that there is no pandas, unless it has it already.

    Arrow looks for it when it is handed its first array, and importing it takes longer than a model.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    """Says that there is no pandas."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuse pandas alone."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)
