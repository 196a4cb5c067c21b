"""Those who score parts on one machine: this process, or several."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.intake.output import replace_file
from features.intake.part import Part
from models.scorer import Scorer
from serving.batch.account import merge_runs
from serving.batch.parts import Task, Worker
from serving.batch.pool import Ready, hand_out, starting

ALONE = 1 << 17
"""Up to so many rows a second process would cost more than it brings."""


class Workers(Protocol):
    """Those who score parts: this process, several, or a cluster."""

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """Yield the files of sorted scores, in any order."""
        ...

    def merge(self, groups: Iterable[Sequence[Path]]) -> Iterator[Path]:
        """Yield a longer run of sorted scores for each group of such, in any order."""
        ...

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """Yield the reasons of rows of parts, in any order."""
        ...


class Alone:
    """One worker, in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """See `Workers`."""
        return map(self._worker.score, parts)

    def merge(self, groups: Iterable[Sequence[Path]]) -> Iterator[Path]:
        """See `Workers`."""
        return map(merge_runs, groups)

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """See `Workers`."""
        return (self._worker.explain(part, rows) for part, rows in asked)


class Processes:
    """Several workers, each in a process of its own, which finds the task in the job's private folder."""

    def __init__(self, pool: Executor, task: Task) -> None:
        self._pool, self._file = pool, task.cut.folder / _TASK_FILE
        replace_file(self._file, lambda file: pickle.dump(task, file), is_lasting=False)

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """See `Workers`."""
        return hand_out(self._pool, partial(_score, self._file), parts)

    def merge(self, groups: Iterable[Sequence[Path]]) -> Iterator[Path]:
        """See `Workers`."""
        return hand_out(self._pool, merge_runs, groups)

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """See `Workers`."""
        return hand_out(self._pool, partial(_explain, self._file), asked)


_TASK_FILE = "task-of-processes.pickle"


@contextmanager
def workers_of(task: Task, scorer: Scorer, count: int, *, alone: int = ALONE, pool: Executor | None = None) -> Iterator[Workers]:
    """Return so many workers for as long as the block runs; `pool` is one of `starting`, where it was known before that it is needed."""
    if pool is not None:
        yield Processes(pool, task)
    elif count <= 1 or len(task.cut) <= alone:
        yield Alone(Worker(task, scorer))
    else:
        with starting(count, None, None) as pool:
            yield Processes(pool, task)


class _Here:
    """What a process of a pool holds: the worker of the last task."""

    worker: tuple[Path, Worker] | None = None


def _worker(file: Path) -> Worker:
    if _Here.worker is None or _Here.worker[0] != file:
        with file.open("rb") as opened:
            task: Task = pickle.load(opened)
        _Here.worker = file, Worker(task, task.packed.unpack(Ready.model))
    return _Here.worker[1]


def _score(file: Path, part: Part) -> Path:
    return _worker(file).score(part)


def _explain(file: Path, asked: tuple[Part, NDArray[np.int64]]) -> dict[int, str]:
    return _worker(file).explain(*asked)
