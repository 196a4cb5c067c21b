"""The same work as `serving.batch.parts`, part by part, on a Dask cluster: scores are those of one machine, to the last bit."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.errors import TryAgain, Unavailable, UsageError
from features.intake.cut import Part
from features.intake.output import replace_file
from serving.batch.parts import Task, Worker, Workers

if TYPE_CHECKING:
    from distributed import Client

TASK_FILE = "task.pickle"
"""Lies in the job's private folder beside its parts, so that a worker that joins late finds it as the first ones did."""

_AHEAD = 4
"""So many parts are handed out for each thread of a worker: none waits, and the scheduler holds little."""


@contextmanager
def cluster_workers(task: Task, address: str, *, patience: float = 20.0) -> Iterator[Workers]:
    """Return the workers of a cluster for as long as the block runs.

    Parameters
    ----------
    task
        What is scored. Its folder must be one that all workers see under the same path.
    address
        Of a Dask scheduler, like `tcp://10.0.0.7:8786`; or `local:N`: N processes of one thread on this machine.
    patience
        Seconds to wait for a scheduler to answer.

    Raises
    ------
    UsageError
        When it is neither.
    Unavailable
        When Dask is not installed, nobody answers, no worker is there, or a worker does not see the folder; exit code 69.
    """
    with _client(address, task.cut.folder, patience) as client:
        replace_file(task.cut.folder / TASK_FILE, lambda file: pickle.dump(task, file))
        blind = [where for where, sees in client.run(_sees, task.cut.folder).items() if not sees]
        if blind:
            raise Unavailable(
                f"workers {', '.join(sorted(blind)[:3])} do not see {task.cut.folder}; put RECOUP_HOME on storage that all of them share"
            )
        yield Cluster(client, task.cut.folder)


class Cluster:
    """Workers of a Dask cluster; see `Workers`. A part whose worker is lost is done again by another."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client, self._folder = client, folder

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        """See `Workers`."""
        return self._each(_score, ((part,) for part in parts))

    def explain(self, asked: Iterable[tuple[Part, NDArray[np.int64]]]) -> Iterator[dict[int, str]]:
        """See `Workers`."""
        return self._each(_explain, asked)

    def _each(self, work: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        waiting = iter(asked)
        most = max(sum(self._client.nthreads().values()), 1) * _AHEAD
        # Parts are handed out as others come back; a result stands in a file, so doing it twice does no harm.
        done = as_completed([self._hand_out(work, one) for _, one in zip(range(most), waiting, strict=False)])
        for future in done:
            try:
                result = future.result()
            except KilledWorker as error:
                raise TryAgain("workers of the cluster died again and again over one part; is their memory enough?") from error
            future.release()
            following = next(waiting, None)
            if following is not None:
                done.add(self._hand_out(work, following))
            yield result

    def _hand_out(self, work: Any, one: tuple[Any, ...]) -> Any:
        return self._client.submit(work, self._folder, *one, pure=False, retries=2)


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
    quiet = {"distributed.scheduler.worker-saturation": 1.1, "logging.distributed": "error"}
    with dask.config.set(quiet):
        if kind == "local":
            with (
                LocalCluster(
                    n_workers=int(count), threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(folder / "dask")
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


_ready: dict[Path, Worker] = {}
_making = Lock()


def _worker(folder: Path) -> Worker:
    """Return this process's worker of a job; the model is unpacked once."""
    with _making:
        if folder not in _ready:
            # A process that outlives a job need not remember its model.
            _ready.clear()
            with (folder / TASK_FILE).open("rb") as file:
                _ready[folder] = Worker(pickle.load(file))
        return _ready[folder]


def _score(folder: Path, part: Part) -> Path:
    return _worker(folder).score(part)


def _explain(folder: Path, part: Part, rows: NDArray[np.int64]) -> dict[int, str]:
    return _worker(folder).explain(part, rows)


def _sees(folder: Path) -> bool:
    return (folder / TASK_FILE).exists() and os.access(folder, os.W_OK)
