"""The store that the settings name."""

from __future__ import annotations

from recoup.settings import Settings
from serving.store import migrations
from serving.store.engine import place
from serving.store.store import Store

FILE = "recoup.db"


def database_url(settings: Settings) -> str:
    """Return where the store is: `database_url` if it is set, else a SQLite file in `home`.

    >>> database_url(Settings())
    'sqlite:///var/recoup.db'
    """
    return settings.database_url or f"sqlite:///{settings.home / FILE}"


def place_of(settings: Settings) -> str:
    """Say which kind of store the settings name, and where; never a user's password.

    Examples
    --------
    >>> place_of(Settings())
    'SQLite, var/recoup.db'
    >>> place_of(Settings(database_url="postgresql://recoup:secret@db.example:5433/office?sslmode=require"))
    'PostgreSQL, database office on db.example:5433'
    """
    return place(database_url(settings))


def open_store(settings: Settings) -> Store:
    """Open the store and see that its tables are those of this program.

    An empty database gets them, and so does a SQLite file of an older version: nobody else looks after it. A PostgreSQL database of an
    older version is left to `recoup store up`, because other programs may be at work on it.

    Raises
    ------
    Unavailable
        When the database does not answer or is of another version.
    """
    store = Store.open(database_url(settings))
    try:
        if settings.database_url is None or migrations.current(store) is None:
            migrations.up_if_behind(store)
        migrations.check(store)
    except BaseException:
        store.close()
        raise
    return store
