"""Places where a test lets a process die as if somebody had pulled the plug; a service that is told none passes them by."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from features.errors import Misconfigured

UPLOAD = ("upload-written", "upload-recording", "upload-recorded")
CHILD = ("child-began", "child-read", "child-written", "child-named")
WORKER = ("job-claimed", "child-started", "child-ended", "result-kept", "job-finishing", "job-finished")
LOAD = ("load-began", "chunk-loading", "chunk-loaded")
"""Of taking a file in; of the process that works on it; of the worker around it; and of loading into the queue, by whomever."""

NAMES = (*UPLOAD, *WORKER, *CHILD, *LOAD)


@dataclass(frozen=True, slots=True)
class FailPoints:
    """The one place where this process ends, if any.

    Parameters
    ----------
    at
        A name of `NAMES`; None: nowhere.

    Examples
    --------
    >>> FailPoints(None).reach("job-claimed")
    >>> FailPoints("teatime")
    Traceback (most recent call last):
    features.errors.Misconfigured: FAIL_AT: no fail-point is called teatime; there are upload-written, upload-recording, ...
    """

    at: str | None = None

    def __post_init__(self) -> None:
        if self.at is not None and self.at not in NAMES:
            raise Misconfigured(f"FAIL_AT: no fail-point is called {self.at}; there are {', '.join(NAMES[:2])}, ...")

    def reach(self, name: str) -> None:
        """End the process by SIGKILL if this is the place: nothing is cleaned up, closed or flushed."""
        if name == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
