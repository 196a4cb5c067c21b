"""One write-off, or the item that it is in, with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self

from features.tables import REMIT_LINES, WRITEOFFS, Kind
from serving.wire.fields import Told
from serving.wire.items import WireItem
from serving.worklist.detail import Detail, Line
from serving.worklist.scored import SCORES


class WireGuard(Told):
    """What must not be done with a write-off, or must be asked before."""

    rule: str
    sentence: str
    citation: str
    is_question: bool


class WireLine(Told):
    """A write-off: its row of the ledger and its score in the canonical columns (dollars), and what the rules say of it today."""

    writeoff: dict[str, Any]
    score: dict[str, Any]
    step: str | None
    guards: list[WireGuard]

    @classmethod
    def of(cls, line: Line) -> Self:
        """Return a write-off as it is told."""
        guards = line.seen.guards if line.seen is not None else ()
        return cls(
            writeoff=_told(line.writeoff, _WRITEOFF_MONEY),
            score=_told(line.score, _SCORE_MONEY),
            step=line.seen.step if line.seen is not None else None,
            guards=[
                WireGuard(rule=one.rule_id, sentence=one.sentence, citation=one.citation, is_question=one.is_question) for one in guards
            ],
        )


class WireEffort(Told):
    """An effort as it is known now, in the columns of outcomes; dollars."""

    writeoff_id: str
    effort_id: str
    worked_date: date
    action: str | None
    level: int | None
    sent_date: date | None
    follow_up_date: date | None
    resolved_date: date | None
    status: str
    recovered_amount: float | None
    taken_back_amount: float
    hours_spent: float | None


class WireEntry(Told):
    """A line of an item's story."""

    at: datetime
    by: str
    act: str
    state: str
    text: str
    facts: dict[str, Any]


class WireSimilar(Told):
    """Past cases of the same payer and reason code: how many were decided and won, dollars of all, and the latest ones."""

    decided: int
    won: int
    net: float
    cases: list[dict[str, Any]]


class DetailTold(Told):
    """Everything that belongs to a write-off, or to the item that it is in; `item` is null for one that is in none."""

    item: WireItem | None
    lines: list[WireLine]
    efforts: list[WireEffort] = []
    story: list[WireEntry] = []
    remit_lines: list[dict[str, Any]] = []
    similar: WireSimilar | None = None

    @classmethod
    def of(cls, found: Detail | Line) -> Self:
        """Return it as it is told."""
        if isinstance(found, Line):
            return cls(item=None, lines=[WireLine.of(found)])
        cases = [
            {
                "writeoff_id": case.writeoff_id,
                "action": case.action,
                "status": case.status,
                "net": case.net / 100,
                "hours": case.hours,
                "worked_date": case.worked_on,
                "resolved_date": case.resolved_on,
            }
            for case in found.similar.cases
        ]
        return cls(
            item=WireItem.of(found.item),
            lines=[WireLine.of(line) for line in found.lines],
            efforts=[
                WireEffort(
                    writeoff_id=one.writeoff_id,
                    effort_id=one.effort_id,
                    worked_date=one.worked_on,
                    action=one.action,
                    level=one.level,
                    sent_date=one.sent_on,
                    follow_up_date=one.follow_up_on,
                    resolved_date=one.resolved_on,
                    status=one.status,
                    recovered_amount=None if one.recovered is None else one.recovered / 100,
                    taken_back_amount=one.taken_back / 100,
                    hours_spent=one.hours,
                )
                for one in found.efforts
            ],
            story=[
                WireEntry(at=one.at, by=one.by, act=one.act, state=one.after.value, text=one.text, facts=dict(one.facts))
                for one in found.story
            ],
            remit_lines=[_told(row, _REMIT_MONEY) for row in found.remits],
            similar=WireSimilar(decided=found.similar.decided, won=found.similar.won, net=found.similar.net / 100, cases=cases),
        )


_WRITEOFF_MONEY, _REMIT_MONEY, _SCORE_MONEY = (
    frozenset(column.name for column in table.columns if column.kind is Kind.MONEY) for table in (WRITEOFFS, REMIT_LINES, SCORES)
)
_INTERNAL = frozenset(("loaded_at", "scored_at", "load_id", "extras", "remit_line_id"))


def _told(row: Mapping[str, Any], money: frozenset[str]) -> dict[str, Any]:
    """Return a stored row in dollars, without what only the store needs."""
    return {name: value / 100 if name in money and value is not None else value for name, value in row.items() if name not in _INTERNAL}
