"""Files that people put behind the letter of a work item: cleaned, sealed, kept per client, each act told to the access log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from features.errors import BadData, CheckFailed, NotFound, TryAgain
from serving.access import Identity
from serving.identity.keyring import new_id
from serving.packet.cleaning import Cleaned, clean
from serving.packet.enclosures import Enclosure
from serving.packet.seal import Seal
from serving.store import enclosures, items
from serving.store.enclosures import Filed
from serving.store.store import Store, Unit
from serving.worklist.steering import Tell

LONGEST_TITLE = 120
MOST_FILES, MOST_BYTES = 20, 40 * 2**20
"""Of one item."""

MOST_CLEANED, WAIT_SECONDS = 2, 10.0
"""Files that are read at a time, and how long another one waits for its turn."""

MOST_TOGETHER = 80 * 2**20
"""Bytes behind one letter, which may be that of many items."""


class Files:
    """Keeps the files of work items for whoever may make their papers.

    Parameters
    ----------
    store
        Where they are kept.
    seal
        Seals what is kept.
    clock
        The moment.
    tell
        Writes the access log.
    clean
        Writes a file anew without what it would do by itself; raises BadData.
    """

    def __init__(
        self, store: Store, *, seal: Seal, clock: Callable[[], datetime], tell: Tell, clean: Callable[[bytes], Cleaned] = clean
    ) -> None:
        self._store, self._seal, self._clock, self._tell, self._clean = store, seal, clock, tell, clean
        self._turns = threading.BoundedSemaphore(MOST_CLEANED)

    def of_item(self, who: Identity, item_id: str) -> list[Filed]:
        """Return what is enclosed with an item, in the order in which it came in."""
        who.check("packet.read")
        with self._store.read() as unit:
            _seen(unit, who, item_id)
            return enclosures.of_items(unit, who.client_id, [item_id])

    def attach(self, who: Identity, item_id: str, title: str, content: bytes) -> Filed:
        """Put a PDF behind the letter of an item.

        Raises
        ------
        BadData
            When it has no title, or is no PDF that may be kept (`serving.packet.cleaning`).
        CheckFailed
            When the item has as many files as it may.
        NotFound
            When the item is not there, or not theirs to see.
        TryAgain
            When others are being read.
        """
        who.check("packet.attach")
        with self._store.read() as unit:
            _seen(unit, who, item_id)
        name = " ".join(title.split())
        if not 1 <= len(name) <= LONGEST_TITLE:
            raise BadData(f"a file has a title of 1 to {LONGEST_TITLE} characters, as its index shall name it")
        # Outside of any transaction: while one is open nobody else writes.
        cleaned = self._in_turn(content)
        filed = Filed(who.client_id, new_id(), item_id, name, cleaned.pages, len(cleaned.content), self._clock(), who.subject)
        sealed = self._seal.close(cleaned.content, _name(filed))
        with self._store.write() as unit:
            _seen(unit, who, item_id)
            held = enclosures.of_items(unit, who.client_id, [item_id])
            if len(held) >= MOST_FILES or sum(one.size for one in held) + filed.size > MOST_BYTES:
                raise CheckFailed(f"an item has at most {MOST_FILES} files of {MOST_BYTES >> 20} MB together; take one away first")
            enclosures.keep(unit, filed, sealed)
            self._tell(unit, who, "packet.attach", [item_id, filed.enclosure_id])
        return filed

    def _in_turn(self, content: bytes) -> Cleaned:
        """Clean a file; each may take the memory and the seconds that its process is given, so few are read at a time."""
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise TryAgain("other files are being read; try again in a moment")
        try:
            return self._clean(content)
        finally:
            self._turns.release()

    def remove(self, who: Identity, item_id: str, enclosure_id: str) -> None:
        """Take a file away; raises NotFound."""
        who.check("packet.attach")
        with self._store.write() as unit:
            enclosures.remove(unit, _found(unit, who, item_id, enclosure_id))
            self._tell(unit, who, "packet.attach", [item_id, enclosure_id])

    def read(self, who: Identity, item_id: str, enclosure_id: str) -> bytes:
        """Return a file as it is kept; raises NotFound."""
        who.check("packet.read")
        with self._store.write() as unit:
            filed = _found(unit, who, item_id, enclosure_id)
            content = self._open(unit, filed)
            self._tell(unit, who, "packet.read", [item_id, enclosure_id])
            return content

    def behind(self, unit: Unit, client_id: str, item_ids: Sequence[str], claims: Sequence[str | None]) -> list[tuple[str, Enclosure]]:
        """Return the files behind one letter of some items, each with its id; where it is of many its title names the claim."""
        held = enclosures.of_items(unit, client_id, item_ids)
        if sum(one.size for one in held) > MOST_TOGETHER:
            raise BadData(f"the files behind these items are more than {MOST_TOGETHER >> 20} MB; make the letter of fewer items")
        claim = dict(zip(item_ids, claims, strict=True))
        named = [(one, one.title if len(item_ids) == 1 else f"{one.title} (claim {claim[one.item_id] or one.item_id})") for one in held]
        return [(one.enclosure_id, Enclosure(title, self._open(unit, one))) for one, title in named]

    def _open(self, unit: Unit, filed: Filed) -> bytes:
        return self._seal.open(enclosures.sealed_content(unit, filed), _name(filed))


def _name(filed: Filed) -> str:
    """Return what a sealed file is bound to: nobody passes one off as another's."""
    return f"{filed.client_id}/{filed.item_id}/{filed.enclosure_id}"


def _seen(unit: Unit, who: Identity, item_id: str) -> None:
    item = items.find(unit, who.client_id, item_id)
    if item is None or not who.sees(item.client_id, item.worth.facility_id):
        raise NotFound("there is no such item")


def _found(unit: Unit, who: Identity, item_id: str, enclosure_id: str) -> Filed:
    _seen(unit, who, item_id)
    held = enclosures.of_items(unit, who.client_id, [item_id])
    for filed in held:
        if filed.enclosure_id == enclosure_id:
            return filed
    raise NotFound("there is no such file")
