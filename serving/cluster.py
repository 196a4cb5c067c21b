"""The same work as on one machine, in parts or pieces, on a Dask cluster: scores and fits are those of one machine, to the last bit."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from features.errors import TryAgain, Unavailable, UsageError
from features.intake.output import replace_file
from features.intake.part import Part
from serving.batch.account import merge_runs
from serving.batch.memory import keep_memory
from serving.batch.parts import Task, Worker
from serving.batch.workers import Workers

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

_SELDOM_WATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "1s",
}
"""As often as it is preset, Dask's watching of itself takes 3 % of the core of each worker and 5 % of the command's."""

TASK_FILE = "task.pickle"
"""Lies in the job's private folder beside its parts, so that a worker that joins late finds it as the first ones did."""

_AHEAD = 4
"""So many parts are handed out for each thread of a worker: none waits, and the scheduler holds little."""


@contextmanager
def open_cluster(folder: Path, address: str, *, patience: float = 20.0) -> Iterator[Cluster]:
    """Return a cluster for as long as the block runs.

    Parameters
    ----------
    folder
        A private one that all workers see under the same path; what they need lies there while they work.
    address
        Of a Dask scheduler, like `tcp://10.0.0.7:8786`; or `local:N`: N processes of one thread on this machine.
    patience
        Seconds to wait for a scheduler to answer.

    Raises
    ------
    UsageError
        When it is neither.
    Unavailable
        When Dask is not installed, nobody answers, no worker is there, or a worker does not see the folder or has another version of
        recoup; exit code 69.
    """
    with _client(address, folder, patience) as client:
        mark = folder / "mark"
        mark.touch()
        seen, own = client.run(_look_at, mark), version("recoup")
        if other := sorted({known for _, known in seen.values()} - {own}):
            raise Unavailable(f"workers have recoup {', '.join(other)}, and this is {own}; install the same version on all")
        if blind := [where for where, (sees, _) in seen.items() if not sees]:
            raise Unavailable(
                f"workers {', '.join(sorted(blind)[:3])} do not see {folder}; put RECOUP_HOME on storage that all of them share"
            )
        yield Cluster(client, folder)


class Cluster:
    """Workers of a Dask cluster; see `Workers` and `Each`. A part or piece whose worker is lost is done again by another.

    `take_up` comes before `score` and `explain`.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        self._client, self._folder = client, folder
        self._turn = 0
        self._shared: tuple[Any, Any, str] | None = None

    def all_see(self, path: Path) -> bool:
        """Tell whether a file or folder lies before each worker as it does here."""
        here = _size(path)
        return here >= 0 and set(self._client.run(_size, path.absolute()).values()) == {here}

    def take_up(self, task: Task) -> Workers:
        """Return itself as workers of a task whose folder is the cluster's."""
        _set_down(self._folder / TASK_FILE, task)
        return self

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """See `Workers`."""
        return self._each(_score, ((part,) for part in parts))

    def merge(self, groups: Iterable[Sequence[Path]]) -> Iterator[Path]:
        """See `Workers`."""
        return self._each(_merge, ((group,) for group in groups))

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """See `Workers`."""
        return self._each(_explain, asked)

    def each(self, work: Callable[..., T], shared: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """See `Each`. What pieces need goes to the workers as files, so that one which joins late or anew finds them."""
        self._turn += 1
        name, turn = self._handed_out(work, shared), self._turn

        def handed() -> Iterator[tuple[str, str]]:
            for number, one in enumerate(asked):
                _set_down(self._folder / f"piece-{turn}-{number}", one)
                yield name, f"piece-{turn}-{number}"

        # In their order, so that what a slow one holds up is no more than those that are out.
        waiting: deque[Any] = deque()
        for number, one in enumerate(handed()):
            waiting.append((number, self._hand_out(_piece, one)))
            if len(waiting) >= self._most:
                yield self._piece_of(turn, *waiting.popleft())
        while waiting:
            yield self._piece_of(turn, *waiting.popleft())

    def _piece_of(self, turn: int, number: int, future: Any) -> Any:
        found = _result_of(future)
        (self._folder / f"piece-{turn}-{number}").unlink()
        return found

    def _handed_out(self, work: Any, shared: Any) -> str:
        """Set down what pieces share, unless it is what the last ones shared; return the file's name."""
        if self._shared is None or self._shared[0] is not work or self._shared[1] is not shared:
            if self._shared is not None:
                (self._folder / self._shared[2]).unlink()
            self._shared = work, shared, f"shared-{self._turn}"
            _set_down(self._folder / self._shared[2], (work, shared))
        return self._shared[2]

    def _each(self, work: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        from distributed import as_completed

        waiting = iter(asked)
        # Parts are handed out as others come back; a result stands in a file, so doing it twice does no harm.
        done = as_completed([self._hand_out(work, one) for _, one in zip(range(self._most), waiting, strict=False)])
        for future in done:
            result = _result_of(future)
            following = next(waiting, None)
            if following is not None:
                done.add(self._hand_out(work, following))
            yield result

    @property
    def _most(self) -> int:
        threads: dict[str, int] = self._client.nthreads()
        return max(sum(threads.values()), 1) * _AHEAD

    def _hand_out(self, work: Any, one: tuple[Any, ...]) -> Any:
        # Storage that machines share fails for a moment now and then.
        return self._client.submit(work, self._folder, *one, pure=False, retries=2)


def _result_of(future: Any) -> Any:
    from distributed.client import FutureCancelledError
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        result = future.result()
    except KilledWorker as error:
        raise TryAgain("workers of the cluster died again and again over one part; is their memory enough?") from error
    except (CommClosedError, FutureCancelledError) as error:
        raise Unavailable("the scheduler of the cluster is gone; started again, the job goes on where it was") from error
    future.release()
    return result


@contextmanager
def _client(address: str, folder: Path, patience: float) -> Iterator[Client]:
    kind, _, count = address.partition(":")
    if kind == "local" and not (count.isascii() and count.isdigit() and int(count) > 0):
        raise UsageError(f"--cluster {address}: local:N starts N processes on this machine, N being 1 or more")
    if kind != "local" and not address.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
        raise UsageError(f"--cluster {address}: local:N, or the address of a Dask scheduler like tcp://10.0.0.7:8786")
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise Unavailable("Dask is not installed here; pip install 'recoup[cluster]'") from error
    # One thread a worker: the work is NumPy's and holds the interpreter. What workers spill stays in the private folder.
    settled = {"distributed.scheduler.worker-saturation": 1.1, "logging.distributed": "error"}
    with dask.config.set(settled | _SELDOM_WATCHED if kind == "local" else settled):
        if kind == "local":
            with (
                LocalCluster(
                    n_workers=int(count),
                    threads_per_worker=1,
                    processes=True,
                    # Any free port: the usual one is another cluster's as soon as two run.
                    dashboard_address="127.0.0.1:0",
                    local_directory=str(folder / "dask"),
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(address, timeout=patience)
        except (OSError, TimeoutError, ValueError) as error:
            raise Unavailable(f"no Dask scheduler answers at {address}") from error
        with client:
            if not client.nthreads():
                raise Unavailable(f"the cluster at {address} has no workers")
            yield client


_ready: dict[Path, Any] = {}
_making = Lock()


def _made(path: Path, make: Callable[[Any], T]) -> T:
    """Return what this process made of a file of the job: once."""
    with _making:
        if path not in _ready:
            # A process that outlives a job, or a turn of it, need not remember what that one needed.
            _ready.clear()
            _ready[path] = make(_taken_up(path))
        return cast(T, _ready[path])


def _worker(folder: Path) -> Worker:
    return _made(folder / TASK_FILE, _begun)


def _begun(task: Task) -> Worker:
    keep_memory()
    return Worker(task)


def _piece(folder: Path, shared: str, asked: str) -> Any:
    work, known = _made(folder / shared, lambda taken: taken)
    return work(known, *_taken_up(folder / asked))


def _set_down(path: Path, value: Any) -> None:
    replace_file(path, lambda file: pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL), is_lasting=False)


def _taken_up(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _score(folder: Path, part: Part) -> Path:
    return _worker(folder).score(part)


def _merge(folder: Path, group: Sequence[Path]) -> Path:
    return merge_runs(group)


def _explain(folder: Path, part: Part, rows: NDArray[np.int64]) -> dict[int, str]:
    return _worker(folder).explain(part, rows)


def _look_at(path: Path) -> tuple[bool, str]:
    """Return whether a file is there that may be written beside, and the version that a worker has."""
    return path.exists() and os.access(path.parent, os.W_OK), version("recoup")


def _size(path: Path) -> int:
    """Return the bytes of a file or of all files of a folder; -1 where there is neither."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file()] if path.is_dir() else [path] if path.is_file() else []
    return sum(file.stat().st_size for file in files) if files else -1
