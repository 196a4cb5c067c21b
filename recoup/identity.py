"""The gate that the settings describe: people, keys and the access log, around the store."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from recoup.settings import Settings
from recoup.store import open_store
from serving.access import DEFAULT_CLIENT, Identity, Role
from serving.identity.gate import Gate


@contextmanager
def opened_gate(settings: Settings) -> Iterator[Gate]:
    """Open the gate for the length of a block; the first call makes the store and the keys.

    Raises
    ------
    RecoupError
        When the store or the keys cannot be had.
    """
    with open_store(settings) as store:
        yield Gate.open(store, settings.home, head=settings.trail_head)


def operator(client_id: str = DEFAULT_CLIENT) -> Identity:
    """Return whoever runs the command line: who reads the keys under `home` may do everything, and is named in the access log."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        name = "unnamed"
    return Identity(f"operator:{name}", "command", Role.ADMIN, client_id)
