"""The private folder of a batch job: found again by the same job after it was killed, gone when the job is done."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
    with (base / f"{name}.lock").open("w") as lock:
        folder = base / name
        try:
            if told is None:
                raise BlockingIOError
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.mkdir(mode=0o700, exist_ok=True)
        except BlockingIOError:
            # The same job runs already: this one goes its own way.
            folder = Path(mkdtemp(prefix="alone-", dir=base))
        try:
            yield folder
        except RecoupError as error:
            if not isinstance(error, _WORTH_ANOTHER) or folder.name != name:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        except BaseException:
            if folder.name != name:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        else:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                (base / f"{name}.lock").unlink()


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
