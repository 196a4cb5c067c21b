"""The vault of patient identities: its own encrypted file, opened only while a document is written, each read logged."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

import sqlcipher3

from features.errors import BadData, Misconfigured, StorageFailed, TooManyRejects
from features.intake.pseudonyms import Pseudonyms
from serving.packet.people import Identity

PLACE = Path("identities") / "vault.db"
"""Below RECOUP_HOME; the key is not there."""
COLUMNS = ("patient_id", "payer_id", "name", "birth_date", "member_id", "group_number")
REQUIRED = ("patient_id", "name")
MOST_REJECTED = 0.05
_LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PRAGMAS = (
    "cipher_memory_security = ON",
    "trusted_schema = OFF",
    "temp_store = MEMORY",
    "secure_delete = ON",
    "synchronous = FULL",
)
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS identity (
  patient_id TEXT NOT NULL, payer_id TEXT NOT NULL DEFAULT '', name TEXT NOT NULL, birth_date TEXT, member_id TEXT, group_number TEXT,
  PRIMARY KEY (patient_id, payer_id)
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS reading (
  number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, subject TEXT NOT NULL, patient_id TEXT NOT NULL, payer_id TEXT NOT NULL,
  found INTEGER NOT NULL
) STRICT
""",
    *(
        f"CREATE TRIGGER IF NOT EXISTS reading_no_{act.lower()} BEFORE {act} ON reading BEGIN SELECT RAISE(ABORT, 'reads are kept'); END"
        for act in ("UPDATE", "DELETE")
    ),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One read of an identity: when, by whom, of which patient's hash and payer, and whether it was found; never who it is."""

    at: str
    subject: str
    patient_id: str
    payer_id: str
    found: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: rows read and kept, and the refused ones as (row, column, rule)."""

    rows: int
    kept: int
    rejects: tuple[tuple[int, str, str], ...]


class Vault:
    """Identities by the hash of the patient, in one SQLCipher file.

    Parameters
    ----------
    path
        The file; made on the first import, readable by its owner alone.
    key
        What it is encrypted with; it is kept elsewhere.
    clock
        Gives the time of a read.
    """

    def __init__(self, path: Path, key: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._key, self._clock = path, key, clock

    @property
    def exists(self) -> bool:
        """Whether anything was imported."""
        return self._path.is_file()

    @contextmanager
    def reader(self, subject: str, log: Callable[[Reading], None]) -> Iterator[Callable[[str, str], Identity | None]]:
        """Open the vault for one document and give what looks a patient up; what the payer knows stands over what any payer does.

        Each read is written into the vault, told to `log`, and only then given away: when either fails, nothing is read.

        Parameters
        ----------
        subject
            Who reads, as the access log names them.
        log
            Told of each read; the service writes it into its access log.

        Raises
        ------
        Misconfigured
            When the key does not open the file.
        """
        connection = self._open()
        try:

            def look_up(patient_id: str, payer_id: str) -> Identity | None:
                row = connection.execute(
                    "SELECT name, birth_date, member_id, group_number FROM identity "
                    "WHERE patient_id = ? AND payer_id IN (?, '') ORDER BY payer_id DESC LIMIT 1",
                    (patient_id, payer_id),
                ).fetchone()
                reading = Reading(self._clock().isoformat(timespec="seconds"), subject, patient_id, payer_id, row is not None)
                told = (reading.at, subject, patient_id, payer_id, int(reading.found))
                connection.execute("INSERT INTO reading (at, subject, patient_id, payer_id, found) VALUES (?, ?, ?, ?, ?)", told)
                log(reading)
                if row is None:
                    return None
                return Identity(row[0], date.fromisoformat(row[1]) if row[1] else None, row[2], row[3])

            yield look_up
        finally:
            connection.close()

    def readings(self, most: int = 1000) -> list[Reading]:
        """Return the last reads, the latest first."""
        connection = self._open()
        try:
            rows = connection.execute("SELECT at, subject, patient_id, payer_id, found FROM reading ORDER BY number DESC LIMIT ?", (most,))
            return [Reading(at, subject, patient, payer, bool(found)) for at, subject, patient, payer, found in rows]
        finally:
            connection.close()

    def import_rows(self, stream: TextIO, source: str, pseudonyms: Pseudonyms) -> Imported:
        """Read identities from CSV into the vault, in one transaction; a patient and payer known already is replaced.

        Columns: `patient_id` (raw, as in the ledger before intake, or hashed), `payer_id` (blank: any), `name`, `birth_date`,
        `member_id`, `group_number`; the first and `name` are required.

        Raises
        ------
        BadData
            When the file has not these columns, or more than 5 % of its rows cannot be read: nothing is kept.
        """
        rows, rejects, read = [], [], 0
        reader = csv.DictReader(stream)
        heading = reader.fieldnames or ()
        lacking = [name for name in REQUIRED if name not in heading]
        if lacking:
            raise BadData(f"{source} lacks {', '.join(lacking)}; columns are {', '.join(COLUMNS)}")
        for number, told in enumerate(reader, start=1):
            read = number
            problem = _problem(told)
            if problem:
                rejects.append((number, *problem))
                continue
            cell = {name: (told.get(name) or "").strip() for name in COLUMNS}
            rows.append((pseudonyms.of(cell["patient_id"]), cell["payer_id"], cell["name"], *(cell[name] or None for name in COLUMNS[3:])))
        if len(rejects) > MOST_REJECTED * read:
            first = "; ".join(f"row {row}: {column}: {rule}" for row, column, rule in rejects[:5])
            raise TooManyRejects(f"{source}: {len(rejects)} of {read} rows cannot be read, nothing was kept ({first})")
        self._store(rows)
        return Imported(read, len(rows), tuple(rejects))

    def _store(self, rows: list[tuple[str | None, ...]]) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file is made with its mode before anything is in it.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StorageFailed(f"{self._path}: vault of identities: {error.strerror or error}") from error
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.executemany("INSERT OR REPLACE INTO identity VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        except sqlcipher3.OperationalError as error:
            raise StorageFailed(f"{self._path}: vault of identities: {error}") from None
        finally:
            connection.close()

    def _open(self) -> Any:
        if not self._path.is_file():
            raise Misconfigured(f"{self._path}: there is no vault of identities; `recoup identities import FILE` makes one")
        mode = self._path.stat().st_mode & 0o777
        if mode & 0o077:
            raise Misconfigured(f"{self._path}: others may read this vault (mode {mode:o}); run `chmod 600 {self._path}`")
        connection = sqlcipher3.connect(str(self._path), isolation_level=None, timeout=5)
        try:
            quoted = self._key.replace("'", "''")
            connection.execute(f"PRAGMA key = '{quoted}'")
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlcipher3.DatabaseError:
            connection.close()
            raise Misconfigured(f"{self._path}: the key does not open this vault; it is RECOUP_IDENTITY_KEY") from None
        return connection


def _problem(told: dict[str, Any]) -> tuple[str, str] | None:
    """Return the column and rule that a row breaks; never its value."""
    if None in told:
        return "", "more cells than columns"
    for name in COLUMNS:
        text = (told.get(name) or "").strip()
        if not text and name in REQUIRED:
            return name, "blank"
        if len(text) > _LONGEST:
            return name, "too_long"
        if _CONTROL.search(text):
            return name, "control_character"
    born = (told.get("birth_date") or "").strip()
    try:
        if born and (len(born) != 10 or date.fromisoformat(born).year < 1850):
            return "birth_date", "not_a_day"
    except ValueError:
        return "birth_date", "not_a_day"
    return None
