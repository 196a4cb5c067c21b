"""Processes that get ready to score while whoever asks for them is still busy; nothing large is imported to start them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.scorer import Scorer


class Ready:
    """What a process of the pool holds: the model that it was started for; None: it comes with the task."""

    model: Scorer | None = None


@contextmanager
def starting(count: int, bundle: Path | None, cache: Path | None) -> Iterator[Executor]:
    """Return so many processes, which get ready while the caller goes on; they end with the block.

    Parameters
    ----------
    count
        How many.
    bundle, cache
        The model that they are going to be asked for, and the private folder of its compiled trees; None: they come with the task.
    """
    # Spawned, not forked: libraries that this process has opened have threads, which a fork would lose.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_get_ready, initargs=(bundle, cache)) as pool:
        try:
            for _ in range(count):
                pool.submit(_be_there)
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _get_ready(bundle: Path | None, cache: Path | None) -> None:
    sys.meta_path.insert(0, _NoPandas())
    # Here, not above: who starts the processes is not kept waiting by what they need.
    from models.scorer import Scorer
    from serving.batch.memory import keep_memory

    keep_memory()
    if bundle is not None:
        Ready.model = Scorer.load(bundle)
        Ready.model.get_ready_to_explain()
        if cache is not None:
            Ready.model.compile(cache)


def _be_there() -> None:
    """Do nothing: a process is started when it is first asked for something."""


class _NoPandas(MetaPathFinder):
    """Says that there is no pandas: Arrow looks for it when it is handed its first array, and importing it takes longer than a model."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuse pandas alone."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)
