"""Transactions of the store, on both databases."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import psycopg
import pysqlite3
import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError, ResourceClosedError

from features.errors import CheckFailed, Misconfigured, RecoupError, StorageFailed, TryAgain, Unavailable
from serving.store import migrations
from serving.store.faults import fault
from serving.store.store import Store, Unit
from serving.store.writeoffs import writeoffs
from tests.serving.store.rows import stored_writeoff


def count(unit: Unit) -> int:
    return unit.connection.execute(select(func.count()).select_from(writeoffs)).scalar_one()


def test_what_was_written_is_read(store: Store) -> None:
    row = stored_writeoff("W1")
    with store.write() as unit:
        unit.connection.execute(insert(writeoffs), [row])
    with store.read() as unit:
        found = unit.connection.execute(select(writeoffs)).mappings().one()
    assert {name: found[name] for name in row} == row


def test_a_unit_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("W1")])
        raise ZeroDivisionError
    with store.read() as unit:
        assert count(unit) == 0


def test_a_unit_that_reads_cannot_write(store: Store) -> None:
    with pytest.raises(RecoupError), store.read() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("W1")])
    with store.read() as unit:
        assert count(unit) == 0


def test_a_broken_rule_of_the_database_names_no_value(store: Store) -> None:
    with pytest.raises(CheckFailed) as raised, store.write() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("CANARY"), stored_writeoff("CANARY")])
    assert "CANARY" not in str(raised.value)
    assert "writeoffs" in str(raised.value)


def test_upsert_changes_only_what_it_is_told(store: Store) -> None:
    with store.write() as unit:
        unit.upsert(writeoffs, [stored_writeoff("W1", carc="50")])
        unit.upsert(writeoffs, [stored_writeoff("W1", carc="16", payer_id="NEW")], update=["carc"])
        unit.upsert(writeoffs, [stored_writeoff("W1", carc="97")])
    with store.read() as unit:
        assert unit.connection.execute(select(writeoffs.c.carc, writeoffs.c.payer_id)).one() == ("16", "AETNA")


def test_no_read_then_write_of_many_threads_is_lost(store: Store) -> None:
    with store.write() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("W1", writeoff_amount=0)])

    def add() -> None:
        for _ in range(10):
            with store.write() as unit:
                statement = select(writeoffs.c.writeoff_amount).with_for_update()
                found = unit.connection.execute(statement).scalar_one()
                unit.connection.execute(writeoffs.update().values(writeoff_amount=found + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as unit:
        assert unit.connection.execute(select(writeoffs.c.writeoff_amount)).scalar_one() == 80


def test_a_unit_is_closed_when_its_block_ends(store: Store) -> None:
    with store.read() as unit:
        pass
    with pytest.raises(ResourceClosedError):
        count(unit)


def test_who_waits_too_long_for_another_process_is_told_to_try_again(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/recoup.db", wait_seconds=0.1) as store:
        migrations.up(store)
        other = pysqlite3.connect(tmp_path / "recoup.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TryAgain), store.write():
            pass
        other.close()


def test_a_sqlite_file_is_set_up_to_keep_what_it_acknowledged(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as store:
        for opened in (store.write, store.read):
            with opened() as unit:
                found = {
                    name: unit.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "trusted_schema")
                }
            assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "trusted_schema": 0}


def test_a_sqlite_file_is_for_its_owner_only(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as store:
        migrations.up(store)
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "recoup.db").write_bytes(b"not a database at all" * 100)
    with Store.open(f"sqlite:///{tmp_path}/recoup.db") as store, pytest.raises(StorageFailed), store.read():
        pass


def test_a_database_that_does_not_answer_exits_69(tmp_path: Path) -> None:
    with Store.open(f"postgresql://nobody@/recoup?host={tmp_path}") as store:
        with pytest.raises(Unavailable) as raised, store.read():
            pass
    assert raised.value.exit_code == 69
    assert "nobody" not in str(raised.value)


def test_a_database_that_is_not_there_is_told_from_a_server_that_does_not_answer(postgresql_url: str) -> None:
    with Store.open(postgresql_url.replace("/postgres?", "/elsewhere?")) as store:
        with pytest.raises(Unavailable, match="no database of the name in `database_url`") as raised, store.read():
            pass
    assert "elsewhere" not in str(raised.value)


def test_a_wrong_password_is_told_from_a_server_that_does_not_answer() -> None:
    words = 'connection failed: FATAL:  password authentication failed for user "ana"'
    told = fault(OperationalError("", None, psycopg.OperationalError(words)))
    assert isinstance(told, Unavailable) and "refuses the user or the password" in str(told) and "ana" not in str(told)


@pytest.mark.parametrize("url", ["", "recoup", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/d", "postgresql://u:secret@h:port/d"])
def test_a_url_that_cannot_be_the_store_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        Store.open(url)
    assert "secret" not in str(raised.value)
