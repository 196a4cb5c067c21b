"""What a job's own process is told, and the files by which it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from serving.jobs.sealed import Sealed

KINDS: Mapping[str, str] = {
    "score": "a table of write-offs becomes its ranking",
    "import-remits": "an 835 file, or a table of remit_lines, becomes write-off candidates",
    "load": "a table of write-offs is scored and put into the queue",
    "audit": "a ledger, remittances, or a ZIP of a practice becomes the report of an audit and its tables, in a ZIP",
}
"""Every kind of job, and what it does."""

ACCOUNT, PROBLEM = "account.json", "problem.json"
KEPT = "kept.json"
"""What an audit leaves to be kept in the store: its document, and the list of what may be owed back."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process of a job may use.

    Parameters
    ----------
    memory_bytes
        Of address space.
    cpu_seconds
        Of all its threads.
    file_bytes
        Of one file that it writes.
    cells
        Rows times columns of a table that it reads.
    """

    memory_bytes: int = 3 * 1024**3
    cpu_seconds: int = 900
    file_bytes: int = 2 * 1024**3
    cells: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model that serves: its folder, and the hash that it was promoted with."""

    folder: str
    hash: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the client knew since the model's data cut: its efforts, and the write-offs they were on; see `serving.jobs.known`."""

    worked: Sealed
    efforts: Sealed


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a job.

    Parameters
    ----------
    kind
        One of `KINDS`.
    input
        The file that was handed in.
    out
        The folder that takes the result: nobody else writes there.
    client_id
        Whose rows they are; a row that names another client is not taken.
    options
        `as_of` (YYYY-MM-DD), `reasons` (how many ranks get them; None: all), `keep` (whether the store keeps an audit), `today`.
    bundle
        The model; None: expert rates.
    costs
        Dollars an hour costs, and dollars an action costs beside.
    patients_key
        File of the key by which patient ids are hashed.
    limits
        What the process may use.
    known
        What the client knew since the model's data cut; None: nothing.
    codes
        Folder of licensed lists of codes; None: our own tables alone.
    fail_at
        A fail-point, in tests.
    """

    kind: str
    input: Sealed
    out: str
    client_id: str
    options: Mapping[str, Any]
    bundle: Bundle | None
    costs: tuple[float, float]
    patients_key: str
    limits: Limits
    known: Known | None = None
    codes: str | None = None
    fail_at: str | None = None

    def as_json(self) -> str:
        """Return the task as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Read what `as_json` wrote."""
        told = json.loads(text)
        bundle, known = told["bundle"], told["known"]
        parts = {
            "input": Sealed(**told["input"]),
            "bundle": None if bundle is None else Bundle(**bundle),
            "costs": tuple(told["costs"]),
            "limits": Limits(**told["limits"]),
            "known": None if known is None else Known(**{name: Sealed(**file) for name, file in known.items()}),
        }
        return cls(**{**told, **parts})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a job's process gave up: an exit code as the command line has them, and words that hold no value of a row."""

    exit_code: int
    words: str

    def write(self, folder: Path) -> None:
        """Leave it for whoever started the process."""
        (folder / PROBLEM).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Problem | None:
        """Return what was left; None if nothing was, or half of it."""
        try:
            return cls(**json.loads((folder / PROBLEM).read_text()))
        except (OSError, ValueError, TypeError):
            return None
