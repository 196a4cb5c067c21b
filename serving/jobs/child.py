"""The process of one job: a program that calls `main`, the task on standard input, and nothing else to be reached from there.

It lives as long as its standard input is open: when the worker dies, however it dies, its pipe closes and this process ends.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import RecoupError, StorageFailed
from serving.jobs.failpoints import FailPoints
from serving.jobs.task import Limits, Problem, Task

if TYPE_CHECKING:
    from serving.jobs.work import Make

ORPHANED = 75
UNEXPECTED = 70
NO_MEMORY = 74


def main(more: Callable[[], Mapping[str, Make]] = dict) -> None:
    """Read the task, bound this process, and work.

    Parameters
    ----------
    more
        Returns what else this program can make beside `serving.jobs.work.MAKE`, by kind; asked within the bounds.
    """
    line = sys.stdin.buffer.readline()
    task = Task.from_json(line.decode())
    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    bound(task.limits)
    sys.exit(run(task, more))


def run(task: Task, more: Callable[[], Mapping[str, Make]] = dict) -> int:
    """Work on a task, and return the exit code; a problem is left in the folder of the result."""
    try:
        from serving.jobs.work import MAKE, work

        work(task, FailPoints(task.fail_at), {**MAKE, **more()})
        return 0
    except RecoupError as error:
        problem = Problem(error.exit_code, _without_places(str(error), task))
    except MemoryError:
        problem = Problem(NO_MEMORY, _too_much(task.limits))

    except OSError as error:
        problem = Problem(StorageFailed.exit_code, f"the disk failed: {error.strerror or type(error).__name__}")
    except Exception as error:
        from serving.log import where

        if "alloc" in str(error) and "fail" in str(error):  # Arrow's own, where it does not raise MemoryError
            problem = Problem(NO_MEMORY, _too_much(task.limits))
        else:
            problem = Problem(UNEXPECTED, f"unexpected {type(error).__name__} at {where(error)}")
    problem.write(Path(task.out))
    return problem.exit_code


def _without_places(words: str, task: Task) -> str:
    """Take the folders of this machine out of words that are shown to whoever sent the file."""
    return words.replace(task.input.path, "the file").replace(f"{task.out}{os.sep}", "")


def _too_much(limits: Limits) -> str:
    return f"it needs more memory than a job may use ({limits.memory_bytes >> 20} MB); send parts of the file"


def bound(limits: Limits) -> None:
    """Bound what this process may use from now on; files it makes are its owner's only, and it leaves no core file."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    # The signal of the soft limit ends it; the hard one would come a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_the_worker() -> None:
    # The descriptor itself: the stream's lock, held by a thread that waits, would abort the interpreter at its end.
    while os.read(0, 1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
