"""The private folder of a batch job: found again by the same job after it was killed, gone when the job is done."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from features.errors import RecoupError, StorageFailed, TryAgain, Unavailable
from features.native import private_folder

_WORTH_ANOTHER = (StorageFailed, TryAgain, Unavailable)

_KEPT_DAYS = 7
"""What a killed job left is taken away after so many days."""


@contextmanager
def batch_folder(home: Path, told: Mapping[str, object] | None) -> Iterator[Path]:
    """Yield a folder that only its owner can enter.

    Parameters
    ----------
    home
        Batch jobs keep their folders below it, in `batch`.
    told
        What the job's result depends on: a job that is told the same finds what an earlier one, which was killed, left there. None:
        no other job is like it.

    Notes
    -----
    A job that fails by its input leaves nothing; one that is killed, interrupted, out of disk or without its cluster leaves what it
    has done.
    """
    base = private_folder(home / "batch")
    _take_away_old(base)
    # What lies in it was not waited for until the disk had it: after the machine went down, a job begins anew.
    name = hashlib.sha256(json.dumps([told, _start_of_machine()], sort_keys=True, default=str).encode()).hexdigest()[:32]
    with ExitStack() as held:
        lock = held.enter_context(_locked(base / f"{name}.lock")) if told is not None else None
        # Where the same job runs already, this one goes its own way.
        folder = base / name if lock is not None else Path(mkdtemp(prefix="alone-", dir=base))
        folder.mkdir(mode=0o700, exist_ok=True)
        is_done = True
        try:
            yield folder
        except BaseException as error:
            is_done = isinstance(error, RecoupError) and not isinstance(error, _WORTH_ANOTHER)
            raise
        finally:
            if is_done or lock is None:
                shutil.rmtree(folder, ignore_errors=True)
                if lock is not None:
                    # While it is still held: whoever waits for it finds that it is no longer the one of this name.
                    lock.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[Path | None]:
    """Hold the lock of this name, or tell by None that somebody else does."""
    while True:
        with path.open("w") as lock:
            is_free, is_current = True, False
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_current = os.path.samestat(os.fstat(lock.fileno()), path.stat())
            except BlockingIOError:
                is_free = False
            except FileNotFoundError:
                # Who held it before took it away between the opening and the locking: another one is made.
                continue
            if is_current or not is_free:
                yield path if is_free else None
                return


def _start_of_machine() -> str:
    """Return what names the time since the machine was last started; blank where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""


def _take_away_old(base: Path) -> None:
    limit = time.time() - _KEPT_DAYS * 86_400
    for path in base.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < limit:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def state_of(path: Path) -> list[object]:
    """Return what tells that a file or folder is as it was: names, sizes and times of change."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [[str(file.resolve()), (stat := file.stat()).st_size, stat.st_mtime_ns] for file in files if file.is_file()]
