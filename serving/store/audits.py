"""Audits that were kept for the pages and the API, and what they found that may be owed back, with what people decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Date, Integer, Row, Table, Text, func, or_, select, update

from features.errors import BadData, NotFound
from features.money import parse_cents
from serving.store.remit_lines import remit_lines
from serving.store.schema import METADATA, Document, Moment
from serving.store.store import Unit
from serving.store.writeoffs import writeoffs

audits = Table(
    "audits",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("made_at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("document", Document, nullable=False),
)
"""One row per client and morning; an audit of the same morning takes the place of an earlier one."""

overpayments = Table(
    "overpayments",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("overpayment_id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("writeoff_id", Text),
    Column("claim_id", Text),
    Column("line_number", Integer),
    Column("payer_id", Text),
    Column("file", Text),
    Column("segment", Integer),
    Column("amount", BigInteger),
    Column("evidence", Text, nullable=False),
    Column("detected_on", Date, nullable=False),
    Column("found_on", Date, nullable=False),
    Column("investigation_started_on", Date),
    Column("identified_on", Date),
    Column("decided_by", Text),
)
"""One row per client and finding. `found_on` is the morning of the last audit that found it; a row is never taken off for want of one."""

_FOUND = ("rule", "writeoff_id", "claim_id", "line_number", "payer_id", "file", "segment", "amount", "evidence")
DECIDED = ("investigation_started_on", "identified_on", "decided_by")
"""What people say of an overpayment; no audit changes it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An audit that was kept: the morning it is of, when and by whom it was made, and its document."""

    as_of: date
    made_at: datetime
    by: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """What may be owed back; fields as the columns of `overpayments`."""

    client_id: str
    overpayment_id: str
    rule: str
    writeoff_id: str | None
    claim_id: str | None
    line_number: int | None
    payer_id: str | None
    file: str | None
    segment: int | None
    amount: int | None
    evidence: str
    detected_on: date
    found_on: date
    investigation_started_on: date | None
    identified_on: date | None
    decided_by: str | None


def keep(unit: Unit, client_id: str, document: Mapping[str, Any], owed: Mapping[str, Sequence[Any]], *, at: datetime, by: str) -> None:
    """Keep the document of an audit, and its list of what may be owed back (the table of `overpayments.csv`).

    What people decided about an entry stays as the store has it; for an entry that is new to the store, what the list says is taken.
    """
    as_of = date.fromisoformat(document["as_of"])
    kept = {"client_id": client_id, "as_of": as_of, "made_at": at, "by": by, "document": dict(document)}
    unit.upsert(audits, [kept], update=["made_at", "by", "document"])
    rows = [dict(zip(owed, values, strict=True)) for values in zip(*owed.values(), strict=True)]
    unit.upsert(overpayments, [_row(row, client_id, as_of) for row in rows], update=[*_FOUND, "found_on"])


def latest(unit: Unit, client_id: str, *, before: date | None = None) -> Kept | None:
    """Return a client's latest audit, or the latest of a morning before a day; None where there is none."""
    wanted = select(audits).where(audits.c.client_id == client_id)
    if before is not None:
        wanted = wanted.where(audits.c.as_of < before)
    row = unit.connection.execute(wanted.order_by(audits.c.as_of.desc()).limit(1)).first()
    return None if row is None else Kept(row.as_of, row.made_at, row.by, row.document)


def owed_of(unit: Unit, client_id: str) -> list[Owed]:
    """Return everything that may be owed back, the largest first."""
    o = overpayments.c
    largest = select(overpayments).where(o.client_id == client_id).order_by(func.coalesce(o.amount, 0).desc(), o.overpayment_id)
    return [_owed(row) for row in unit.connection.execute(largest)]


def decide(unit: Unit, client_id: str, overpayment_id: str, *, started: date | None, identified: date | None, by: str) -> Owed:
    """Write down what a person found out about an entry: when they began to look into it, and when they knew.

    Raises
    ------
    NotFound
        When the client has no such entry.
    BadData
        When it was known before anybody looked, or either was before the payer's first answer on the claim, where that is known.
    """
    if started is not None and identified is not None and identified < started:
        raise BadData("an overpayment is identified on or after the day on which its investigation began")
    o = overpayments.c
    the = (o.client_id == client_id, o.overpayment_id == overpayment_id)
    row = unit.connection.execute(select(overpayments).where(*the)).one_or_none()
    if row is None:
        raise NotFound("there is no such overpayment")
    first = _first_answer(unit, _owed(row))
    for what, day in (("the investigation of an overpayment begins", started), ("an overpayment is identified", identified)):
        if first is not None and day is not None and day < first:
            raise BadData(f"{what} on or after the day of its remittance, {first}; {day} came")
    told = {"investigation_started_on": started, "identified_on": identified, "decided_by": by}
    unit.connection.execute(update(overpayments).where(*the).values(told))
    return _owed(unit.connection.execute(select(overpayments).where(*the)).one())


def _first_answer(unit: Unit, owed: Owed) -> date | None:
    """Return the day of the first remittance on what an entry is about: what is owed back was paid by one of them."""
    r, w = remit_lines.c, writeoffs.c
    days = [
        unit.connection.scalar(select(func.min(r.remit_date)).where(r.client_id == owed.client_id, r.claim_id == owed.claim_id)),
        unit.connection.scalar(
            select(func.min(w.remit_date)).where(
                w.client_id == owed.client_id, or_(w.writeoff_id == owed.writeoff_id, w.claim_id == owed.claim_id)
            )
        ),
    ]
    return min((day for day in days if day is not None), default=None)


def _row(row: Mapping[str, Any], client_id: str, as_of: date) -> dict[str, Any]:
    days = {name: _day(row[name]) for name in ("detected_on", "investigation_started_on", "identified_on")}
    return {
        **{name: row[name] for name in (*_FOUND, "overpayment_id", "decided_by")},
        **days,
        "detected_on": days["detected_on"] or as_of,
        "client_id": client_id,
        "found_on": as_of,
        "evidence": row["evidence"] or "",
        "amount": None if row["amount"] is None else parse_cents(row["amount"]),
        "line_number": None if row["line_number"] is None else int(row["line_number"]),
        "segment": None if row["segment"] is None else int(row["segment"]),
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _owed(row: Row[Any]) -> Owed:
    return Owed(**row._mapping)
