"""Backups: one state while others write, every row back in either database, and no altered byte goes in."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.kill import finish, hand_in
from benchmarks.site import Site
from features.errors import BadData, CheckFailed
from models.pointer import read_pointer
from recoup.backup import back_up, restore, verify
from recoup.settings import Settings
from recoup.store import open_store
from serving.identity.gate import Gate
from serving.store import counts, dump, efforts
from serving.store.store import Store
from tests.serving.fakes import promote_fake
from tests.serving.store_fixtures import database_url, make_url, migrated, postgresql_url

__all__ = ["database_url", "make_url", "migrated", "postgresql_url"]


def settings_of(home: Path, url: str | None = None) -> Settings:
    given = {"RECOUP_HOME": str(home)} | ({} if url is None else {"RECOUP_DATABASE_URL": url})
    return Settings.read({}, given, folder=None)


def everything(store: Store) -> dict[str, list[str]]:
    with store.read() as unit:
        return {table.name: list(dump.rows_of(unit, table)) for table in dump.tables()}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a file was loaded into the queue, with the lines of the access log about it."""
    home = tmp_path_factory.mktemp("full") / "home"
    site = Site(home, None)
    with site.open() as (_, shop):
        hand_in(shop, "load", "north")
        finish(shop)
    promote_fake(home, "1", "h1")
    return home


def test_every_row_comes_back_in_either_database(full: Path, database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "backup.tar"
    made = back_up(settings_of(full), out, tmp_path / "keys.tar")
    assert made.rows["work_items"] > 1_000 and made.rows["access_log"] > 0 and out.stat().st_mode & 0o777 == 0o600
    there = settings_of(tmp_path / "there", database_url)
    assert restore(there, out) == made == verify(out)
    with open_store(settings_of(full)) as old, open_store(there) as new:
        assert everything(old) == everything(new)
    pointer = read_pointer(there.home)
    assert pointer is not None and (pointer.champion.folder(there.home) / "manifest.json").is_file()
    with pytest.raises(CheckFailed, match="empty"):
        restore(there, out)
    # The other way round it is the same file but for its time.
    again = back_up(there, tmp_path / "again.tar")
    assert {name: digest for name, digest in again.files.items() if name.startswith("tables/")} == {
        name: digest for name, digest in made.files.items() if name.startswith("tables/")
    }


def test_a_restored_store_is_gone_on_with(full: Path, database_url: str, tmp_path: Path) -> None:
    back_up(settings_of(full), tmp_path / "backup.tar", tmp_path / "keys.tar")
    there = settings_of(tmp_path / "there", database_url)
    restore(there, tmp_path / "backup.tar")
    (there.home / "keys").mkdir()
    for key in (full / "keys").glob("*.key"):
        (there.home / "keys" / key.name).write_bytes(key.read_bytes())
        (there.home / "keys" / key.name).chmod(0o600)
    with open_store(there) as store:
        Gate.open(store, there.home)
        with store.write() as unit:
            assert unit.connection.execute(efforts.events.select()).first() is None


def test_a_backup_is_one_state_while_others_write(full: Path, tmp_path: Path) -> None:
    stop, minute = threading.Event(), datetime(2026, 11, 23, tzinfo=UTC)

    def write() -> None:
        with open_store(settings_of(full)) as store:
            while not stop.is_set():
                # Two rows in one transaction: a backup has both or neither.
                with store.write() as unit:
                    counts.add(unit, {("a", "k", minute): (1, 1), ("b", "k", minute): (1, 1)})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(2):
            back_up(settings_of(full), tmp_path / f"{number}.tar")
            there = settings_of(tmp_path / f"there{number}")
            restore(there, tmp_path / f"{number}.tar")
            with open_store(there) as store, store.read() as unit:
                rows = {client: [row["rows"] for row in counts.since(unit, client, minute)] for client in ("a", "b")}
            assert rows["a"] == rows["b"]
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("harm", ["torn", "flipped", "none"])
def test_an_altered_backup_is_refused_and_nothing_is_written(full: Path, tmp_path: Path, harm: str) -> None:
    out = tmp_path / "backup.tar"
    back_up(settings_of(full), out)
    content = bytearray(out.read_bytes())
    if harm == "torn":
        out.write_bytes(content[: len(content) // 2])
    elif harm == "flipped":
        place = content.index(b"\x1f\x8b") + 40
        content[place] ^= 1
        out.write_bytes(content)
    else:
        out.write_bytes(b"no tar")
    there = settings_of(tmp_path / "there")
    with pytest.raises(BadData):
        restore(there, out)
    assert not there.home.exists()
