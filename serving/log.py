"""What the service writes to its log: one JSON object a line, and only keys of a list, so that no value of a row can slip in."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

KEYS = {
    "event": "what happened, in words that stand in the code",
    "level": "info, warning or error",
    "timestamp": "when, UTC",
    "logger": "which part of the program",
    "route": "the template of the route, never the path that was asked for",
    "method": "the HTTP method",
    "status": "the HTTP status",
    "milliseconds": "how long it took",
    "seconds": "how long it lasted",
    "kind": "the kind of an error or of a job",
    "where": "file and line of an error, innermost first",
    "model_version": "the model that serves",
    "job_id": "a job's number",
    "state": "a job's state",
    "step": "the step of a job",
    "attempt": "how often a job was begun",
    "exit_code": "what a process exited with",
    "count": "a number of things",
    "subject": "who, as the access log names them",
    "role": "a role of the table of rights",
    "dropped": "names of keys that are not on this list",
}
"""Every key that a line may have, and what it holds."""


def logger(name: str) -> Any:
    """Return a structlog logger on top of the standard logger of a name; Any, as structlog types its own.

    >>> logger("recoup.doctest").bind(count=3)._context
    {'count': 3}
    """
    processors: list[Any] = [structlog.stdlib.add_log_level, _stamp, only_known_keys, structlog.processors.JSONRenderer(sort_keys=True)]
    return structlog.wrap_logger(logging.getLogger(name), processors=processors, wrapper_class=structlog.stdlib.BoundLogger)


def only_known_keys(log: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the keys of the list and name the others, without their values.

    >>> only_known_keys(None, "info", {"event": "scored", "count": 2, "patient": "Doe"})
    {'event': 'scored', 'count': 2, 'dropped': ['patient']}
    """
    kept = {key: value for key, value in event.items() if key in KEYS}
    dropped = sorted(set(event) - set(kept))
    return kept | {"dropped": dropped} if dropped else kept


def where(error: BaseException) -> str:
    """Return the last lines that an error passed; its text may hold what was sent."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))


class JsonLines(logging.Formatter):
    """Writes records as lines: ours are JSON already; of anybody else's only the template is told, the values may be a patient's."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        if record.name.startswith("recoup"):
            return record.getMessage()
        told: dict[str, Any] = {
            "event": str(record.msg) if isinstance(record.msg, str) else type(record.msg).__name__,
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": _now(),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told |= {"kind": type(error).__name__, "where": where(error)}
        return json.dumps(told, sort_keys=True)


def write_to(stream: TextIO) -> None:
    """Send every log line of this process to a stream; called once, by a program that serves."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("recoup").setLevel(logging.INFO)


def _stamp(log: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = _now()
    return event


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
