"""The doctor: what is wrong with this installation, or what a practice's file holds and how to read it."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from features.batch import Batch
from features.codes.tables import Codes
from features.errors import BadData, RecoupError, UsageError
from features.intake.cells import latest_day
from features.intake.proposal import Proposal, propose, quoted
from features.intake.pseudonyms import Pseudonyms
from features.intake.rejects import MOST_REJECTED
from features.intake.sources import open_source
from features.intake.spellings import spellings
from features.intake.table_file import read_table
from features.silent import silent_codes
from features.tables import TABLES, WRITEOFFS, Table
from features.triage import classify
from features.vocabulary import Vocabulary
from recoup.settings import Settings
from serving.findings.words import counted
from serving.numbers import dollars

if TYPE_CHECKING:
    from datetime import date

    from features.intake.table_read import TableRead

State: TypeAlias = Literal["ok", "warn", "fail"]

PACKAGES = ("numpy", "pandas", "pyarrow", "lightgbm", "scikit-learn", "pylignum", "mlflow", "fastapi", "uvicorn", "jinja2", "typer", "rich")
SAMPLE_ROWS = 200
FREE_GIGABYTES = 2.0
LEAST_ROWS, MOST_PAYERS, MOST_CODES = 11, 100, 20
"""Payers and codes of fewer rows are only counted; at most so many are named."""
LEAST_KNOWN = 0.25
"""Share of the columns that must be known for a file to look like a table."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, how it is, and a sentence."""

    name: str
    state: State
    words: str


def environment(settings: Settings, tracking_uri: str | None) -> list[Check]:
    """Look at everything that commands need; nothing is changed but the home being made if it is missing."""
    return [
        _python(),
        *(_package(name) for name in PACKAGES),
        _sqlite(),
        _compiler(),
        _home(settings.home),
        _space(settings.home),
        _registry(settings, tracking_uri),
        _champion(settings),
    ]


def _python() -> Check:
    good = sys.version_info >= (3, 11)
    return Check(
        "python", "ok" if good else "fail", f"{platform.python_version()} at {sys.executable}" + ("" if good else "; 3.11 is needed")
    )


def _package(name: str) -> Check:
    try:
        return Check(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, "fail", "not installed; `make setup` installs it")


def _sqlite() -> Check:
    """SQLite 3.7.0-3.51.2 can corrupt a database in WAL mode (fixed in 3.51.3, backported to 3.44.6 and 3.50.7)."""
    number = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    sound = number >= (3, 51, 3) or (3, 50, 7) <= number < (3, 51) or (3, 44, 6) <= number < (3, 45)
    words = sqlite3.sqlite_version + (
        "" if sound else "; not to be used in WAL mode, which only the model registry's file would, and does not"
    )
    return Check("sqlite", "ok" if sound else "warn", words)


def _compiler() -> Check:
    found = next((place for name in ("cc", "gcc", "clang") if (place := shutil.which(name))), None)
    return Check("compiler", "ok" if found else "warn", found or "none; large files are scored without compiled trees")


def _home(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        return Check("home", "fail", f"{home} cannot be written: {error.strerror}")
    return Check("home", "ok", f"{home.resolve()} can be written")


def _space(home: Path) -> Check:
    try:
        free = shutil.disk_usage(home).free / 1e9
    except OSError as error:
        return Check("disk", "fail", f"{home}: {error.strerror}")
    words = f"{free:.1f} GB free, {os.cpu_count()} processors"
    return Check("disk", "ok" if free >= FREE_GIGABYTES else "warn", words)


def _registry(settings: Settings, tracking_uri: str | None) -> Check:
    from models.registry import Registry

    try:
        return Check("registry", "ok", Registry(settings.home, tracking_uri).check())
    except (RecoupError, ImportError) as error:
        return Check("registry", "fail", str(error))


def _champion(settings: Settings) -> Check:
    from models.pointer import read_pointer
    from models.scorer import Scorer

    try:
        pointer = read_pointer(settings.home)
        if pointer is None:
            return Check("champion", "warn", "no model was promoted yet; expert rates score until `recoup train` makes one")
        scorer = Scorer.load(pointer.champion.folder(settings.home))
    except (RecoupError, OSError) as error:
        return Check("champion", "fail", str(error))
    return Check("champion", "ok", f"version {pointer.champion.version}, model {scorer.version}, intact")


@dataclass(frozen=True, slots=True)
class Examination:
    """What a file looks like and how it reads.

    Parameters
    ----------
    path
        The file.
    table
        The table that it looks like most.
    proposal
        A mapping for it.
    read
        What reading it so gave; None when a required column is missing.
    """

    path: Path
    table: Table
    proposal: Proposal
    read: TableRead | None

    @property
    def is_readable(self) -> bool:
        """Whether a command would read it with this mapping."""
        read = self.read
        return read is not None and read.rows_rejected <= MOST_REJECTED * max(read.rows_read, 1)

    def toml(self) -> str:
        """Return the mapping, with what was found as remarks, so that the whole text is a mapping file."""
        lines = [f"# {line}" for line in self._remarks()]
        return "\n".join([*lines, "", self.proposal.toml.rstrip("\n"), *self._asked()]) + "\n"

    def _asked(self) -> Iterator[str]:
        """Yield, as remarks, what the whole ledger asks of whoever knows the practice."""
        if self.read is not None and self.table is WRITEOFFS and len(self.read.batch):
            for lines in (_payers(self.read.batch), _own_codes(self.read.batch)):
                yield from (line and f"# {line}" for line in lines)

    def _remarks(self) -> Iterator[str]:
        yield f"{self.path.name} looks like table {self.table.name}: {self.table.grain}."
        if self.read is None:
            yield f"It cannot be read yet: no column for {', '.join(self.proposal.missing)} was found."
            return
        yield f"With this mapping {self.read.rows_read:,} rows read, {self.read.rows_rejected:,} rejected."
        for (column, rule), count in rejects_by_rule(self.read):
            yield f"  {column or 'row'}: {rule}, {count:,} times"
        for issue in self.read.issues:
            yield f"  note: {issue.message}"
        if not self.is_readable:
            yield f"More than {100 * MOST_REJECTED:.0f} % are rejected: a command would stop."


def _payers(ledger: Batch) -> Iterator[str]:
    """Yield which payers differ only in case or spaces, with lines that make one of them once the mark of a remark is off."""
    count = Counter(name for name in ledger.words("payer_id") if name)
    found = spellings(count)
    if not found:
        return
    yield ""
    yield f"Written in several ways that differ only in case or spaces: {counted(len(found), 'payer')}; each way is a payer of its own."
    yield "Where they are one, take the mark of a remark off:"
    yield "[payers]"
    usual = {name: max(names, key=lambda one: (count[one], one)) for names in found for name in names}
    # A name that hardly comes may be a patient's, who pays for himself.
    lines = [f"{quoted(name)} = {quoted(one)}" for name, one in usual.items() if name != one and count[name] >= LEAST_ROWS]
    yield from lines[:MOST_PAYERS]
    more = sum(name != one for name, one in usual.items()) - len(lines[:MOST_PAYERS])
    if more:
        yield f"and {more:,} more"


def _own_codes(ledger: Batch) -> Iterator[str]:
    """Yield the adjustment codes that stand alone and say nothing known here, those of most dollars first, as lines to fill in."""
    triage = classify(ledger, codes=Codes.load(), as_of=int(ledger.columns["writeoff_date"].max()) + 1)
    silent = silent_codes(ledger, triage.category)
    if not silent:
        return
    rows, cents = sum(one.rows for one in silent), sum(one.cents for one in silent)
    yield ""
    yield f"{rows:,} rows ({dollars(cents / 100)}) have no reason code but an adjustment code of your own, of which nothing is known: they"
    yield "are unclassified, and bad debt or charity among them is not told. Say for which reasons of payers the codes stand; name those of"
    yield "your own policies in the table of --policies. Those with most dollars:"
    yield "[adjustment_codes]"
    named = [one for one in silent if one.rows >= LEAST_ROWS][:MOST_CODES]
    yield from (f'{quoted(one.code)} = "<as CO-29>"  # {one.rows:,} rows, {dollars(one.cents / 100)}' for one in named)
    if len(silent) > len(named):
        yield f"and {len(silent) - len(named):,} more"


def rejects_by_rule(read: TableRead) -> list[tuple[tuple[str, str], int]]:
    """Return column and rule with how often it was broken, the most frequent first."""
    return Counter((reject.column, reject.rule.value) for reject in read.rejects).most_common()


def examine(path: Path, *, today: date, progress: Callable[[int], None] | None = None) -> Examination:
    """Find out which table a file is, propose a mapping, and read it so.

    Raises
    ------
    BadData
        When it is no table, or an 835, which `import-remits` reads.
    """
    if str(path) == "-":
        raise UsageError("the doctor reads a file twice: name one, not -")
    if _is_835(path):
        raise BadData(f"{path} is an 835: `recoup import-remits {path} --out candidates.csv` reads it")
    header, rows = _beginning(path)
    table, proposal = _most_like(header, rows)
    if _known_share(proposal, header) < LEAST_KNOWN:
        raise BadData(f"{path} looks like none of the tables {', '.join(TABLES)}: hardly any of its columns is known")
    if proposal.missing:
        return Examination(path, table, proposal, None)
    read = read_table(
        path,
        table,
        vocabulary=Vocabulary(),
        mapping=proposal.mapping,
        # Nothing is kept, so any key will do.
        identity=Pseudonyms(secrets.token_bytes(32)),
        latest=latest_day(today),
        allow_empty=True,
        most_rejected=None,
        progress=progress,
    )
    return Examination(path, table, proposal, read)


def _is_835(path: Path) -> bool:
    """Whether it begins as an interchange does; the first bytes may be a mark of order or blanks."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"ISA", b"ST*835"))
    except OSError:
        return False


def _beginning(path: Path) -> tuple[list[str], list[list[str | None]]]:
    """Return the header and the first rows as text."""
    with closing(open_source(path)) as source:
        header = list(source.header)
        blocks = source.blocks(range(len(header)))
        count, columns = next(iter(blocks), (0, {}))
        few = min(count, SAMPLE_ROWS)
        cells = [columns[place].slice(0, few).to_pylist() if place in columns else [None] * few for place in range(len(header))]
    return header, [[None if cell is None else str(cell) for cell in row] for row in zip(*cells, strict=True)]


def _most_like(header: list[str], rows: list[list[str | None]]) -> tuple[Table, Proposal]:
    """The table that knows most of the columns and misses fewest of those that it needs."""
    proposals = [(table, propose(header, rows, table)) for table in TABLES.values()]
    return max(proposals, key=lambda pair: _known_share(pair[1], header) - _missing_share(*pair))


def _missing_share(table: Table, proposal: Proposal) -> float:
    return len(proposal.missing) / max(sum(not column.nullable for column in table.columns), 1)


def _known_share(proposal: Proposal, header: list[str]) -> float:
    doubt = sum(1 - guess.confidence for guess in proposal.guesses)
    return (len(header) - len(proposal.ignored) - doubt) / max(len(header), 1)
