"""Versions of the tables: up and down with rows in them, on both databases."""

from __future__ import annotations

import importlib
import pkgutil
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, inspect, text

import serving.store
from features.errors import Unavailable, UsageError
from serving.store import migrations
from serving.store.schema import METADATA
from serving.store.store import Store
from serving.store.writeoffs import writeoffs
from tests.serving.store.rows import stored_writeoff

for module in pkgutil.iter_modules(serving.store.__path__):
    importlib.import_module(f"serving.store.{module.name}")


def test_the_versions_make_the_tables_that_the_code_declares(store: Store) -> None:
    with store.write() as unit:
        context = MigrationContext.configure(unit.connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_every_version_goes_up_and_down_with_rows(store: Store) -> None:
    versions = [version for version, _ in migrations.history()]
    with store.write() as unit:
        unit.connection.execute(insert(writeoffs), [stored_writeoff("W1")])
    for version in reversed(["base", *versions[:-1]]):
        migrations.down(store, version)
        assert migrations.current(store) == (None if version == "base" else version)
    with store.read() as unit:
        assert set(inspect(unit.connection).get_table_names()) == {"alembic_version"}
    for version in versions:
        assert migrations.up(store, version) == [version]
    migrations.check(store)


def test_a_database_of_another_version_is_not_used(database_url: str) -> None:
    with Store.open(database_url) as store:
        with pytest.raises(Unavailable, match="empty"):
            migrations.check(store)
        migrations.up(store)
        migrations.check(store)
        with store.write() as unit:
            unit.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(Unavailable, match="newer"):
            migrations.check(store)


def test_a_version_nobody_knows_is_named(store: Store) -> None:
    with pytest.raises(UsageError, match="0001"):
        migrations.up(store, "12")


def test_many_processes_that_bring_it_up_at_once_do_it_once(database_url: str) -> None:
    done: list[list[str]] = []

    def bring() -> None:
        with Store.open(database_url) as mine:
            done.append(migrations.up(mine))

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(steps) for steps in done) == [0, 0, 0, len(migrations.history())]
