"""Reads of one item and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, case, false, func, or_, select, true

from features.codes.tables import Codes
from features.reversals import undo
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from serving.access import Identity
from serving.store import efforts, items, remit_lines, reversals, scores, stories, writeoffs
from serving.store.rows import EPOCH, batch_of
from serving.store.store import Unit
from serving.worklist.detail import Alike, Detail, Line, PastCase, Similar, TakenBack, ways_of
from serving.worklist.item import Item
from serving.worklist.sight import Sight

MOST_CASES, MOST_LIKE = 5, 400
"""Past cases that are shown, and the latest of them that are looked at for what they did."""
DECIDED = ("recovered", "partially_recovered", "denied", "settled", "expired")


def detail(unit: Unit, who: Identity, item: Item, *, today: date, sight: Sight | None = None) -> Detail:
    """Return an item with its write-offs, scores, efforts, story, remittances and like cases."""
    client = item.client_id
    told = scores.of_items(unit, client, [item.item_id])
    ids = [row["writeoff_id"] for row in told]
    ledger = writeoffs.find(unit, client, ids)
    told.sort(key=lambda row: (-row["expected_recovery"], row["writeoff_id"]))
    rows = [ledger[row["writeoff_id"]] for row in told]
    seen: list[Any] = list(sight.look(rows, today, with_terms=True)) if sight is not None else [None] * len(rows)
    claim = item.worth.claim_id
    taken = taken_back(writeoffs.of_claims(unit, client, {row["claim_id"] for row in rows if row["claim_id"] is not None}), today)
    return Detail(
        item=item,
        lines=tuple(Line(row, score, view, taken.get(row["writeoff_id"])) for row, score, view in zip(rows, told, seen, strict=True)),
        others=() if claim is None else tuple(one for one in items.of_claim(unit, client, claim) if one.item_id != item.item_id),
        efforts=tuple(efforts.of_writeoffs(unit, client, ids)),
        story=tuple(stories.of_item(unit, client, item.item_id)),
        remits=() if claim is None else tuple(remit_lines.of_claim(unit, client, claim)),
        similar=similar(unit, who, item),
        reversals=tuple(reversals.of_item(unit, client, item.item_id)),
    )


def taken_back(postings: Sequence[Mapping[str, Any]], today: date) -> dict[str, TakenBack]:
    """Return what reversals among all postings of some claims took back of the others by a morning, by write-off."""
    batch, found = batch_of(postings, WRITEOFFS, Vocabulary()), dict[str, TakenBack]()
    before = [0 if row["writeoff_amount"] is None else row["writeoff_amount"] for row in postings]
    for day in sorted({row["writeoff_date"] for row in postings if row["writeoff_date"] < today}):
        undone = undo(batch, (day - EPOCH).days + 1)
        if undone is None:
            return {}
        for place, (row, left, is_whole) in enumerate(zip(postings, undone.left_cents.tolist(), undone.is_reversed.tolist(), strict=True)):
            written_off, left = row["writeoff_amount"] or 0, 0 if is_whole else left
            # What is posted later than this morning is seen on its own day, and a reversal itself is not taken back.
            if written_off > 0 and row["writeoff_date"] <= day and left < before[place]:
                held = found.get(row["writeoff_id"])
                found[row["writeoff_id"]] = TakenBack(written_off - left, written_off, day if held is None else held.first, day)
                before[place] = left
    return found


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
    """Return decided efforts on write-offs of the same client that are like an item, other than its own.

    Those of its payer and reason code; where none was decided those of its payer and remedy, else those of its reason code anywhere.
    """
    e, w = efforts.efforts.c, writeoffs.writeoffs.c
    payer, code = w.payer_id == item.worth.payer_id, w.carc.is_not_distinct_from(item.worth.carc)
    tiers: Mapping[Alike, ColumnElement[bool]] = {
        Alike.PAYER_AND_CODE: and_(payer, code),
        Alike.PAYER_AND_REMEDY: and_(payer, e.action == item.remedy),
        Alike.CODE: code if item.worth.carc is not None else false(),
    }
    for alike, like in tiers.items():
        found = _decided(unit, who, item, alike, like)
        if found.decided:
            return found
    return Similar()


def _decided(unit: Unit, who: Identity, item: Item, alike: Alike, like: ColumnElement[bool]) -> Similar:
    e, w = efforts.efforts.c, writeoffs.writeoffs.c
    where = and_(
        w.client_id == item.client_id,
        like,
        e.status.in_(DECIDED),
        or_(e.item_id.is_(None), e.item_id != item.item_id),
        true() if who.facilities is None else or_(w.facility_id.is_(None), w.facility_id.in_(sorted(who.facilities))),
    )
    joined = efforts.efforts.join(writeoffs.writeoffs, and_(e.client_id == w.client_id, e.writeoff_id == w.writeoff_id))
    net = func.coalesce(e.recovered, 0) - e.taken_back
    sums = select(func.count(), func.coalesce(func.sum(case((net > 0, 1), else_=0)), 0), func.coalesce(func.sum(net), 0))
    count, won, cents = unit.connection.execute(sums.select_from(joined).where(where)).one()
    if not count:
        return Similar(alike=alike)
    papers = papers_of(item.worth.family)
    told = [e[name] for name in ("writeoff_id", "effort_id", "item_id", *_PAST)]
    latest = select(*told, w.payer_id, w.writeoff_amount, net.label("net"), w[papers].label("has_papers")).select_from(joined)
    latest = latest.where(where, e.resolved_on.is_not(None)).order_by(e.resolved_on.desc(), e.writeoff_id).limit(MOST_LIKE)
    rows = list(unit.connection.execute(latest).mappings())
    said = stories.arguments(unit, item.client_id, {row["item_id"] for row in rows if row["item_id"] is not None})
    cases = tuple(_case(row, said.get(row["effort_id"], ""), papers) for row in rows)
    return Similar(int(count), int(won), int(cents), cases[:MOST_CASES], alike, ways_of(cases))


def _case(row: RowMapping, argument: str, papers: str) -> PastCase:
    told = {name: row[name] for name in ("writeoff_id", "item_id", "payer_id", "net", *_PAST)}
    return PastCase(**told, argument=argument, papers=papers if row["has_papers"] else "", written_off=row["writeoff_amount"])


_PAST = ("action", "level", "channel", "status", "hours", "worked_on", "resolved_on")
"""What a past case tells of its effort."""


def papers_of(family: str | None) -> str:
    """Return the column that says whether the papers are on file that answer refusals of a family.

    >>> papers_of("timely_filing"), papers_of("bundling"), papers_of(None)
    ('timely_proof_on_file', 'records_on_file', 'records_on_file')
    """
    known = Codes.load().families.get(family or "")
    return known.evidence if known is not None and known.evidence else "records_on_file"
