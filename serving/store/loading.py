"""Scores and their write-offs into the queue: chunk by chunk, each one transaction, so that a load may be cut short at any moment."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from features.batch import Batch
from features.errors import BadData, CheckFailed
from serving.store import items, loads, scores, stories, writeoffs
from serving.store.policies import find as policy_of
from serving.store.rows import EPOCH, rows_of
from serving.store.store import Store, Unit
from serving.worklist.choice import Draw
from serving.worklist.item import Item, State, Worth
from serving.worklist.shelf import Entry
from serving.worklist.worth import Scored, worth_of

CHUNK_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did.

    Parameters
    ----------
    client_id, load_id
        Whose, and which: the hash of what was loaded.
    writeoffs, chunks
        How many there are in it, and in how many chunks.
    chunks_there
        Chunks that were in already.
    items_new, checks_drawn, items_withdrawn
        Items that came into the queue, those of them drawn as sample checks, and items that nothing is left in.
    """

    client_id: str
    load_id: str
    writeoffs: int
    chunks: int
    chunks_there: int = 0
    items_new: int = 0
    checks_drawn: int = 0
    items_withdrawn: int = 0

    @property
    def is_repeated(self) -> bool:
        """Whether all of it was in already."""
        return self.chunks_there == self.chunks


@dataclass(frozen=True, slots=True)
class Change:
    """What a chunk did to items."""

    new: int = 0
    drawn: int = 0
    withdrawn: int = 0


def load(
    store: Store,
    ledger: Batch,
    scored: Batch,
    *,
    client_id: str,
    identity: str,
    clock: Callable[[], datetime],
    draw: Draw | None = None,
    chunk_rows: int = CHUNK_ROWS,
    progress: Callable[[int], None] | None = None,
    after_chunk: Callable[[Unit, Sequence[str]], None] | None = None,
) -> Load:
    """Put a client's scores and the write-offs they are of into the store.

    A load that was cut short goes on after its last chunk when it is begun again; one that is in is not done twice. Scores replace
    older ones. People's work stays: an item in somebody's hands, or of which anything was told, keeps its write-offs also where their
    remedy has lapsed and another is open, and is turned to that while nothing went out; a decided one stays decided.

    Parameters
    ----------
    store
        The store.
    ledger, scored
        Rows of `WRITEOFFS` and of `serving.worklist.scored.SCORES`.
    client_id
        Whose they are; rows of the ledger that name another client are refused.
    identity
        What tells this load from others, such as the hashes of its files.
    clock, draw
        The time, and random numbers in [0, 1) for the sample checks; None: the system's.
    chunk_rows
        Write-offs of a transaction, about: a work item is never cut.
    progress
        Called with the number of write-offs of each chunk.
    after_chunk
        Called within the transaction of each chunk with the ids of its write-offs, as to write the access log.

    Raises
    ------
    BadData
        When a score is of no write-off of the ledger, or a write-off is another client's.
    CheckFailed
        When scores of a later day are in the queue.
    """
    order, at = _places(ledger, scored, client_id)
    load_id = hashlib.sha256(f"{client_id}\x1f{identity}".encode()).hexdigest()[:32]
    chunks = list(_chunks(scored.columns["work_item_id"][order], chunk_rows))
    as_of = EPOCH + _days(scored)
    version = scored.vocabulary.word("model_version", int(scored.columns["model_version"][0])) or "prior" if len(scored) else "prior"
    found = Load(client_id, load_id, len(scored), len(chunks))
    with store.write() as unit:
        latest = loads.latest(unit, client_id)
        if latest is not None and latest["as_of"] > as_of:
            raise CheckFailed(f"the queue has scores of {latest['as_of']}; those of {as_of} are older and do not replace them")
        loads.begin(unit, client_id, load_id, as_of=as_of, model_version=version, writeoffs=len(scored), chunks=len(chunks), at=clock())
    for number, (first, last) in enumerate(chunks):
        rows = order[first:last]
        pair = rows_of(ledger.take(at[rows])), rows_of(scored.take(rows)), _extras(ledger, at[rows])
        with store.write() as unit:
            done = _load_chunk(unit, client_id, load_id, number, *pair, at=clock(), draw=draw or secrets.SystemRandom().random)
            if done is not None and after_chunk is not None:
                after_chunk(unit, [row["writeoff_id"] for row in pair[1]])
        if done is None:
            found = replace(found, chunks_there=found.chunks_there + 1)
        else:
            found = replace(
                found,
                items_new=found.items_new + done.new,
                checks_drawn=found.checks_drawn + done.drawn,
                items_withdrawn=found.items_withdrawn + done.withdrawn,
            )
        if progress is not None:
            progress(last - first)
    with store.write() as unit:
        loads.end(unit, client_id, load_id, clock())
        unit.connection.exec_driver_sql("ANALYZE")
    return found


def _places(ledger: Batch, scored: Batch, client_id: str) -> tuple[Any, Any]:
    """Return the order in which scores are loaded, item by item, and where the write-off of each stands in the ledger."""
    place = {key: row for row, key in enumerate(ledger.columns["writeoff_id"].tolist())}
    at = np.array([place.get(key, -1) for key in scored.columns["writeoff_id"].tolist()], dtype=np.int64).reshape(len(scored))
    strange = int((at < 0).sum())
    if strange:
        raise BadData(f"{strange} of {len(scored)} scores are of write-offs that the ledger does not have; load the ledger that was scored")
    others = {word for word in set(ledger.take(at).words("client_id")) if word not in (None, client_id)}
    if others:
        raise BadData(f"the ledger has write-offs of {len(others)} other clients than {client_id}; load each client by itself (--client)")
    order = np.lexsort((scored.columns["writeoff_id"].astype(str), scored.columns["work_item_id"].astype(str)))
    return order, at


def _days(scored: Batch) -> Any:
    from datetime import timedelta

    return timedelta(days=int(scored.columns["as_of"].max())) if len(scored) else timedelta(0)


def _extras(ledger: Batch, rows: Any) -> list[dict[str, Any]]:
    names = sorted(ledger.extras)
    if not names:
        return [{} for _ in range(len(rows))]
    told = [ledger.extras[name][rows].tolist() for name in names]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in zip(*told, strict=True)]


def _chunks(item_ids: Any, size: int) -> Iterator[tuple[int, int]]:
    """Yield spans of about `size` rows; rows of one item stand together and stay so.

    >>> list(_chunks(np.array(["a", "a", "b", "b", "c"]), 3))
    [(0, 4), (4, 5)]
    """
    first, rows = 0, len(item_ids)
    while first < rows:
        last = min(first + size, rows)
        while last < rows and item_ids[last] == item_ids[last - 1]:
            last += 1
        yield first, last
        first = last


def _load_chunk(
    unit: Unit,
    client_id: str,
    load_id: str,
    number: int,
    ledger: Sequence[dict[str, Any]],
    scored: Sequence[dict[str, Any]],
    extras: Sequence[dict[str, Any]],
    *,
    at: datetime,
    draw: Draw,
) -> Change | None:
    """Load one chunk; None if it is in."""
    content = hashlib.sha256(json.dumps([ledger, scored, extras], default=str).encode()).hexdigest()
    there = loads.chunk(unit, client_id, load_id, number)
    if there is not None:
        if there != content:
            raise CheckFailed(f"chunk {number} of this load is in with other content; load the files as they were, or as new files")
        return None
    loads.add_chunk(unit, client_id, load_id, number, content, len(scored), at)
    stored = {"client_id": client_id, "loaded_at": at}
    writeoffs.keep(unit, [{**row, **stored, "extras": extra} for row, extra in zip(ledger, extras, strict=True)])
    return _place_items(unit, client_id, load_id, scored, at=at, draw=draw)


def _place_items(unit: Unit, client_id: str, load_id: str, scored: Sequence[dict[str, Any]], *, at: datetime, draw: Draw) -> Change:
    """Write scores, and the items that they make, keep or empty."""
    before = {key: row["item_id"] for key, row in scores.of_writeoffs(unit, client_id, [row["writeoff_id"] for row in scored]).items()}
    wanted = {row["work_item_id"] for row in scored if is_work(row)}
    held = items.find_many(unit, client_id, sorted(wanted | {key for key in before.values() if key is not None}), lock=True)
    told = stories.told_of(unit, client_id, sorted(held))
    rows = [_score_row(row, client_id, load_id, _item_of(row, before, held, told, at), at) for row in scored]
    scores.keep(unit, rows)
    touched = {row["item_id"] for row in rows if row["item_id"] is not None} | set(held)
    remedies = {row["work_item_id"]: row["remedy"] for row in scored}
    parts = parts_of(unit, client_id, sorted(touched))
    policy = policy_of(unit, client_id)
    changed: list[Item] = []
    change = {"new": 0, "drawn": 0, "withdrawn": 0}
    for item_id in sorted(touched):
        item, mine = held.get(item_id), parts.get(item_id, [])
        if item is None:
            drawn = draw() < policy.sample_share
            fresh = Item(client_id, item_id, remedies[item_id], worth_of(mine), in_lot=drawn, lot_share=policy.sample_share)
            changed.append(replace(fresh, lot_order=draw() if drawn else 0.0, came_with=load_id))
            change["new"] += 1
            change["drawn"] += drawn
        elif mine:
            state = State.OPEN if item.state is State.WITHDRAWN else item.state
            changed.append(replace(item, worth=worth_of(mine), state=state, remedy=_remedy_of(item, mine)))
            if changed[-1].remedy != item.remedy:
                words = f"from {item.remedy} to {changed[-1].remedy}".replace("_", " ")
                stories.tell(unit, Entry(client_id, item_id, at, "scoring", "turned", item.state, state, words))
        elif item.state is State.OPEN:
            changed.append(replace(item, state=State.WITHDRAWN, worth=_nothing(item.worth)))
            change["withdrawn"] += 1
    items.keep_scored(unit, changed)
    return Change(**change)


def _item_of(
    row: Mapping[str, Any], before: Mapping[str, str | None], held: Mapping[str, Item], told: Collection[str], at: datetime
) -> str | None:
    """Return the item that a write-off is in from now on: the one that people have or have told of, else the one that scoring says.

    A remedy that lapses turns a write-off to the next: what was noted, put off or decided of it goes along, and it is not offered anew
    beside that.
    """
    old = held.get(before.get(row["writeoff_id"]) or "")
    if old is not None and is_in_hand(old, at):
        return old.item_id
    if not is_work(row):
        return None
    is_told = old is not None and old.item_id in told and old.state is not State.WITHDRAWN and old.reason != "wrong_remedy"
    return old.item_id if old is not None and is_told else str(row["work_item_id"])


def _remedy_of(item: Item, parts: Sequence[Scored]) -> str:
    """Return what is to be done with an item: while nothing went out that is what scoring says of all its write-offs."""
    said = {part.remedy for part in parts} - {"none"}
    is_free = item.level == 1 and item.state in (State.OPEN, State.DRAFTED, State.WITHDRAWN)
    return said.pop() if is_free and len(said) == 1 else item.remedy


def is_work(score: Mapping[str, Any]) -> bool:
    """Tell whether somebody can do something for a write-off: it may still be owed, and there is a remedy.

    A copy of a claim that a crossover answers is in scope, and nothing is to be done for it.
    """
    return bool(score["in_scope"]) and score["remedy"] != "none"


def is_in_hand(item: Item, now: datetime) -> bool:
    """Tell whether somebody works an item, or it brought something: then scoring takes nothing away from it."""
    if item.state is State.OPEN:
        return item.holder(now) is not None or item.assigned_to is not None
    return item.state in (State.DRAFTED, State.SENT, State.NEXT_LEVEL, State.WON)


def _nothing(worth: Worth) -> Worth:
    return replace(worth, writeoffs=0, written_off=0, recoverable=0, expected=0, net=0, value_per_hour=0)


def _score_row(row: Mapping[str, Any], client_id: str, load_id: str, item_id: str | None, at: datetime) -> dict[str, Any]:
    known = {name: row[name] for name in row if name != "reasons"}
    reasons = json.loads(row["reasons"]) if row["reasons"] else []
    return {**known, "client_id": client_id, "item_id": item_id, "reasons": reasons, "load_id": load_id, "scored_at": at}


def parts_of(unit: Unit, client_id: str, item_ids: Sequence[str]) -> dict[str, list[Scored]]:
    """Return the scored write-offs of items, by item."""
    found: dict[str, list[Scored]] = {}
    told = scores.of_items(unit, client_id, item_ids)
    ledger = writeoffs.find(unit, client_id, [row["writeoff_id"] for row in told])
    for row in told:
        found.setdefault(row["item_id"], []).append(_scored(row, ledger[row["writeoff_id"]]))
    return found


def _scored(score: Mapping[str, Any], writeoff: Mapping[str, Any]) -> Scored:
    return Scored(
        writeoff_id=score["writeoff_id"],
        payer_id=writeoff["payer_id"],
        claim_id=writeoff["claim_id"],
        facility_id=writeoff["facility_id"],
        carc=writeoff["carc"],
        family=score["family"],
        category=score["category"],
        written_off=writeoff["writeoff_amount"],
        recoverable=score["recoverable_amount"],
        expected=score["expected_recovery"],
        net=score["expected_net_recovery"],
        probability=score["recovery_probability"],
        hours=score["expected_hours"],
        deadline_on=score["deadline_date"],
        deadline_source=score["deadline_source"],
        as_of=score["as_of"],
        model_version=score["model_version"],
        remedy=score["remedy"],
    )


def load_remit_lines(store: Store, lines: Batch, *, client_id: str, chunk_rows: int = CHUNK_ROWS) -> int:
    """Put lines of remittances into the store; those that are there stay once. Returns how many there were."""
    from serving.store import remit_lines

    for first in range(0, len(lines), chunk_rows):
        with store.write() as unit:
            remit_lines.keep(unit, client_id, rows_of(lines.take(np.arange(first, min(first + chunk_rows, len(lines))))))
    return len(lines)
