"""Backup and restore: the store and the model that serves in one file, taken while the service runs; secrets apart."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from features.errors import BadData, CheckFailed, StorageFailed
from features.intake.output import put_file, replace_file
from models.pointer import FILE, read_pointer
from recoup.settings import Settings
from recoup.store import database_url
from serving.identity.keyring import FOLDER
from serving.store import dump, migrations
from serving.store.store import Store

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Backup:
    """What is in a backup.

    Parameters
    ----------
    version
        Of the tables.
    made_at
        ISO time.
    rows
        By table.
    files
        SHA-256 of everything in it, by name.
    """

    version: str
    made_at: str
    rows: dict[str, int]
    files: dict[str, str]


def back_up(settings: Settings, out: Path, keys_out: Path | None = None) -> Backup:
    """Write one state of the store, the pointer to the model and its bundle to a file, and read the file back.

    Others may go on changing the store meanwhile. The keys of the home (for digests, the access log and patient ids) go to a file of their
    own, or are left to you: whoever has both can read and sign as the service does.

    Raises
    ------
    Unavailable
        When the store does not answer, or is of another version.
    CheckFailed
        When the file does not read back as it was written.
    """
    made: list[Backup] = []
    with Store.open(database_url(settings)) as store:
        migrations.check(store)
        replace_file(out, lambda file: made.append(_write(store, settings.home, file)))
    _make_private(out)
    if verify(out) != made[0]:
        raise CheckFailed(f"{out} does not read back as it was written; do not rely on it")
    if keys_out is not None:
        replace_file(keys_out, lambda file: _write_keys(settings.home / FOLDER, file))
        _make_private(keys_out)
    return made[0]


def verify(path: Path) -> Backup:
    """Read a backup whole and return what is in it.

    Raises
    ------
    BadData
        When the file is none, is torn, or a byte of it was altered.
    """
    try:
        with tarfile.open(path) as archive:
            found = {name: hashlib.sha256(file.read()).hexdigest() for name, file in _members(archive) if name != MANIFEST}
        told = _manifest(path)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BadData(f"{path} is no backup, or a torn one") from error
    except OSError as error:
        raise StorageFailed.reading(path, error) from error
    if found != told.files:
        changed = sorted(name for name in set(found) | set(told.files) if found.get(name) != told.files.get(name))
        raise BadData(f"{path}: {', '.join(changed[:5])} was altered or is missing")
    return told


def restore(settings: Settings, path: Path) -> Backup:
    """Put a backup into an empty store and home: rows, pointer and bundle; the database may be of the other kind.

    Raises
    ------
    BadData
        When the file is no whole backup.
    CheckFailed
        When the store has rows, the home has a model, or the backup is of another version of the tables.
    """
    told = verify(path)
    if told.version != migrations.head():
        raise CheckFailed(
            f"the backup is of version {told.version} of the tables, this program has {migrations.head()}; "
            "restore it with the recoup that made it, then install this one and run `recoup store up`"
        )
    if (settings.home / FILE).exists():
        raise CheckFailed(f"{settings.home} has a model already; restore into an empty RECOUP_HOME")
    with Store.open(database_url(settings)) as store:
        migrations.up_if_behind(store)
        migrations.check(store)
        with tarfile.open(path) as archive, store.write() as unit:
            for table in dump.tables():
                count = dump.add_rows(unit, table, _lines(archive, table.name))
                if count != told.rows[table.name]:
                    raise CheckFailed(f"{count} rows of {table.name} were restored, {told.rows[table.name]} were backed up")
            _restore_model(archive, settings.home)
    return told


def _write(store: Store, home: Path, file: BinaryIO) -> Backup:
    rows: dict[str, int] = {}
    files: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w") as archive:
        with store.read() as unit:
            dump.hold_still(unit)
            for table in dump.tables():
                packed = io.BytesIO()
                with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as lines:
                    rows[table.name] = 0
                    for line in dump.rows_of(unit, table):
                        lines.write(line.encode() + b"\n")
                        rows[table.name] += 1
                _add(archive, f"tables/{table.name}.jsonl.gz", packed.getvalue(), files)
        pointer = read_pointer(home)
        if pointer is not None:
            for path in sorted(pointer.champion.folder(home).iterdir()):
                _add(archive, f"home/{pointer.champion.path}/{path.name}", path.read_bytes(), files)
            _add(archive, f"home/{FILE}", (home / FILE).read_bytes(), files)
        made = Backup(migrations.head(), datetime.now(UTC).isoformat(timespec="seconds"), rows, files)
        told = {"format": FORMAT, "version": made.version, "made_at": made.made_at, "rows": rows, "files": files}
        _add(archive, MANIFEST, json.dumps(told, indent=1).encode(), {})
    return made


def _add(archive: tarfile.TarFile, name: str, content: bytes, files: dict[str, str]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))
    files[name] = hashlib.sha256(content).hexdigest()


def _write_keys(folder: Path, file: BinaryIO) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in sorted(folder.glob("*.key")):
            _add(archive, f"{FOLDER}/{path.name}", path.read_bytes(), {})


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in archive:
        content = archive.extractfile(member)
        if content is None or member.name.startswith("/") or ".." in Path(member.name).parts:
            raise tarfile.TarError("only plain files belong into a backup")
        yield member.name, content


def _manifest(path: Path) -> Backup:
    with tarfile.open(path) as archive:
        content = archive.extractfile(MANIFEST)
        told: dict[str, Any] = json.loads(content.read()) if content is not None else {}
    if told["format"] != FORMAT:
        raise ValueError("another format")
    return Backup(told["version"], told["made_at"], told["rows"], told["files"])


def _lines(archive: tarfile.TarFile, table: str) -> Iterator[str]:
    content = archive.extractfile(f"tables/{table}.jsonl.gz")
    assert content is not None
    with gzip.open(content, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield line.rstrip("\n")


def _restore_model(archive: tarfile.TarFile, home: Path) -> None:
    """Write the bundle, then the pointer to it."""
    files = [(name, content.read()) for name, content in _members(archive) if name.startswith("home/")]
    for name, content in sorted(files, key=lambda file: file[0] == f"home/{FILE}"):
        place = home / name.removeprefix("home/")
        place.parent.mkdir(parents=True, exist_ok=True)
        put_file(place, content)


def _make_private(path: Path) -> None:
    os.chmod(path, 0o600)
