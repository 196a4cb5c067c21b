"""Reads of one item and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, case, func, or_, select, true

from serving.access import Identity
from serving.store import efforts, items, remit_lines, reversals, scores, stories, writeoffs
from serving.store.store import Unit
from serving.worklist.detail import Detail, Line, PastCase, Similar
from serving.worklist.item import Item
from serving.worklist.sight import Sight

MOST_CASES = 10
DECIDED = ("recovered", "partially_recovered", "denied", "settled", "expired")


def detail(unit: Unit, who: Identity, item: Item, *, today: date, sight: Sight | None = None) -> Detail:
    """Return an item with its write-offs, scores, efforts, story, remittances and like cases."""
    client = item.client_id
    told = scores.of_items(unit, client, [item.item_id])
    ids = [row["writeoff_id"] for row in told]
    ledger = writeoffs.find(unit, client, ids)
    told.sort(key=lambda row: (-row["expected_recovery"], row["writeoff_id"]))
    rows = [ledger[row["writeoff_id"]] for row in told]
    seen: list[Any] = list(sight.look(rows, today)) if sight is not None else [None] * len(rows)
    claim = item.worth.claim_id
    return Detail(
        item=item,
        lines=tuple(Line(row, score, view) for row, score, view in zip(rows, told, seen, strict=True)),
        others=() if claim is None else tuple(one for one in items.of_claim(unit, client, claim) if one.item_id != item.item_id),
        efforts=tuple(efforts.of_writeoffs(unit, client, ids)),
        story=tuple(stories.of_item(unit, client, item.item_id)),
        remits=() if claim is None else tuple(remit_lines.of_claim(unit, client, claim)),
        similar=similar(unit, who, item),
        reversals=tuple(reversals.of_item(unit, client, item.item_id)),
    )


def main_lines(unit: Unit, who: Identity, listed: Sequence[Item], *, today: date, sight: Sight | None = None) -> dict[str, Line]:
    """Return the write-off of each item that is expected to bring most, by item."""
    told: dict[str, Mapping[str, Any]] = {}
    for row in scores.of_items(unit, who.client_id, [item.item_id for item in listed]):
        held = told.get(row["item_id"])
        if held is None or row["expected_recovery"] > held["expected_recovery"]:
            told[row["item_id"]] = row
    ledger = writeoffs.find(unit, who.client_id, [row["writeoff_id"] for row in told.values()])
    rows = [ledger[row["writeoff_id"]] for row in told.values()]
    seen: list[Any] = list(sight.look(rows, today)) if sight is not None else [None] * len(rows)
    return {item_id: Line(row, score, view) for (item_id, score), row, view in zip(told.items(), rows, seen, strict=True)}


def of_writeoff(unit: Unit, who: Identity, row: dict[str, Any], *, today: date, sight: Sight | None = None) -> Detail | Line:
    """Return the item that a write-off is in, with all that belongs to it; a write-off that is in none comes alone."""
    score = scores.of_writeoffs(unit, row["client_id"], [row["writeoff_id"]]).get(row["writeoff_id"])
    item = items.find(unit, row["client_id"], score["item_id"]) if score is not None and score["item_id"] is not None else None
    if item is not None and who.sees(item.client_id, item.worth.facility_id):
        return detail(unit, who, item, today=today, sight=sight)
    return Line(row, score if score is not None else {}, sight.look([row], today)[0] if sight is not None else None)


def similar(unit: Unit, who: Identity, item: Item) -> Similar:
    """Return decided efforts on write-offs of the same client, payer and reason code, other than those of the item."""
    e, w = efforts.efforts.c, writeoffs.writeoffs.c
    like = and_(
        w.client_id == item.client_id,
        w.payer_id == item.worth.payer_id,
        w.carc.is_not_distinct_from(item.worth.carc),
        e.status.in_(DECIDED),
        or_(e.item_id.is_(None), e.item_id != item.item_id),
        true() if who.facilities is None else or_(w.facility_id.is_(None), w.facility_id.in_(sorted(who.facilities))),
    )
    joined = efforts.efforts.join(writeoffs.writeoffs, and_(e.client_id == w.client_id, e.writeoff_id == w.writeoff_id))
    net = func.coalesce(e.recovered, 0) - e.taken_back
    sums = select(func.count(), func.coalesce(func.sum(case((net > 0, 1), else_=0)), 0), func.coalesce(func.sum(net), 0))
    count, won, cents = unit.connection.execute(sums.select_from(joined).where(like)).one()
    columns = (e.writeoff_id, e.item_id, e.action, e.status, w.writeoff_amount, net.label("net"), e.hours, e.worked_on, e.resolved_on)
    latest = select(*columns).select_from(joined).where(like, e.resolved_on.is_not(None))
    rows = unit.connection.execute(latest.order_by(e.resolved_on.desc(), e.writeoff_id).limit(MOST_CASES)).mappings()
    cases = tuple(PastCase(written_off=row["writeoff_amount"], **{n: v for n, v in row.items() if n != "writeoff_amount"}) for row in rows)
    return Similar(int(count), int(won), int(cents), cases)
