"""Cases read from a ledger as the practice sees it: the one place where arrays become a `Case`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.batch import Batch
from features.codes.tables import Codes
from features.contract import REASONS, SENTENCES
from features.deadlines import DEADLINE_RULES, SOURCES
from features.fallback import needs_cause
from features.guards import refusals
from features.money import NULL
from features.rules import rules
from features.tables import REMEDIES, WRITEOFFS, Kind
from features.view import View, Viewer
from models.scores import Scores
from serving.packet.case import Case, Citation, Code, Due, Remit, Row, Score
from serving.packet.computation import compute

_EPOCH = date(1970, 1, 1)
_ROW_FIELDS = tuple(field.name for field in fields(Row))
_MOST_CITATIONS = 5


def read_cases(
    viewer: Viewer,
    batch: Batch,
    scores: Scores,
    rows: Sequence[int],
    *,
    codes: Codes | None = None,
    remit_lines: Batch | None = None,
) -> Iterator[Case]:
    """Give the case of each of some rows.

    Parameters
    ----------
    viewer
        The eyes of the practice, with its contracts, rules and citations.
    batch
        The ledger: all of it, or at least every posting of the claims asked for, since caps and repeats look at neighbours.
    scores
        What `Scorer.score` gave for the batch, in its order; its `as_of` is the day the cases are read on.
    rows
        Positions in the batch.
    codes
        Code tables with licensed texts; None: those of the viewer.
    remit_lines
        Rows of `REMIT_LINES`; the lines of a row are those with its claim and line number.

    Examples
    --------
    >>> from models.scorer import Scorer
    >>> from features.intake.records import read_records
    >>> scorer = Scorer.prior()
    >>> record = {"writeoff_id": "W1", "payer_id": "ACME", "writeoff_date": "2026-05-01", "group_code": "CO", "carc": "29",
    ...           "writeoff_amount": "120.00"}
    >>> batch = read_records([record], WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
    >>> (case,) = read_cases(scorer.viewer, batch, scorer.score(batch, as_of=20600), [0])
    >>> case.row.writeoff_amount, case.carc.meaning, case.score.remedy
    (12000, 'timely filing limit passed', 'appeal')
    """
    if not len(rows):
        return
    view = viewer.serve(batch, int(scores.columns["as_of"][0]))
    told = [(place, _score(scores, place)) for place in rows]
    yield from view_cases(viewer, view, batch, told, codes=codes, remit_lines=remit_lines)


def view_cases(
    viewer: Viewer,
    view: View,
    batch: Batch,
    scores: Sequence[tuple[int, Score]],
    *,
    codes: Codes | None = None,
    remit_lines: Batch | None = None,
) -> Iterator[Case]:
    """Give the cases of rows that were viewed already, each with its position and score."""
    tables = codes if codes is not None else viewer.practice.codes
    lines = _lines_by_claim(remit_lines) if remit_lines is not None else {}
    for place, score in scores:
        row = Row(**{name: _value(batch, name, place) for name in _ROW_FIELDS})
        step = view.triage.next_steps[int(view.triage.next_step[place])]
        computation, unpriced = None, ""
        if viewer.rates is not None and view.priced is not None:
            computation = compute(viewer.rates, batch, place, view.priced)
            if computation is None and view.priced.reason is not None:
                unpriced = SENTENCES[REASONS[int(view.priced.reason[place])]]
        yield Case(
            row=row,
            score=score,
            next_step=step,
            why=view.triage.whys[int(view.triage.why[place])],
            carc=_meaning(row.carc, tables.carcs) if row.carc else None,
            rarcs=tuple(_remark(code, tables) for code in (row.rarcs or "").split()),
            due=_due(view, place),
            guards=refusals(int(view.triage.refused[place]), int(view.triage.asked[place])),
            contract=computation,
            unpriced=unpriced,
            citations=_citations(viewer.practice.citations, row),
            remits=tuple(lines.get((row.claim_id, row.line_number), ())) if row.claim_id else (),
            is_named_alone=_is_named_alone(row, tables),
        )


def _value(batch: Batch, name: str, place: int) -> Any:
    """Return one cell as a `Row` holds it."""
    kind, value = WRITEOFFS.column(name).kind, batch.columns[name][place]
    return _read(batch, name, kind, value)


def _read(batch: Batch, name: str, kind: Kind, value: Any) -> Any:
    if kind is Kind.ID:
        return value
    if kind is Kind.TEXT:
        return batch.vocabulary.word(name, int(value))
    if kind is Kind.BOOL:
        return None if value < 0 else bool(value)
    if kind is Kind.NUMBER:
        return None if np.isnan(value) else float(value)
    if int(value) == NULL:
        return None
    return _day(int(value)) if kind is Kind.DATE else int(value)


def _day(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _score(scores: Scores, place: int) -> Score:
    def cents(name: str) -> int | None:
        value = int(scores.columns[name][place])
        return None if value == NULL else value

    columns = scores.columns
    return Score(
        category=str(columns["category"][place]),
        family=str(columns["family"][place]),
        remedy=str(columns["remedy"][place]),
        recoverable_amount=cents("recoverable_amount"),
        underpayment_amount=cents("underpayment_amount"),
        usual_allowed_amount=cents("usual_allowed_amount"),
        expected_recovery=round(float(columns["expected_recovery"][place]) * 100),
        as_of=_day(int(columns["as_of"][place])),
        model_version=str(columns["model_version"][place]),
    )


def _meaning(code: str, table: Any) -> Code:
    known = table.get(code)
    return Code(code, known.meaning if known is not None else "")


def _remark(code: str, tables: Codes) -> Code:
    known = tables.rarcs.get(code)
    return Code(code, known.meaning, known.what) if known is not None else Code(code, "")


def _is_named_alone(row: Row, tables: Codes) -> bool:
    """Whether the reason says nothing without its remarks, and every remark that is no alert names the element that is wrong.

    A remark that no table has may mean anything, so with one the family's elements are to be looked at too.
    """
    reason = tables.carcs.get(row.carc or "")
    told = [tables.rarcs.get(code) for code in (row.rarcs or "").split()]
    speaking = [remark for remark in told if remark is None or not remark.alert]
    names_each = all(remark is not None and (remark.what or _MEANS_AGAIN == remark.track) for remark in speaking)
    return reason is not None and reason.rarc_required and names_each and any(remark is not None and remark.what for remark in speaking)


_MEANS_AGAIN = "unprocessable"
"""Track of the remark that a claim was returned whole (MA130): it says how to send it again, not what was wrong."""


def _due(view: View, place: int) -> Due | None:
    day = int(view.deadlines.day[place])
    if day == NULL:
        return None
    rule = DEADLINE_RULES[int(view.deadlines.rule[place])]
    told = rules().get(rule)
    source = SOURCES[int(view.deadlines.source[place])]
    has_moved = bool(view.deadlines.has_moved[place])
    return Due(
        _day(day),
        source,
        told.sentence if told else "",
        told.citation if told else "",
        REMEDIES[int(view.deadlines.own_remedy[place])] if has_moved else "",
        _day(int(view.deadlines.own_day[place])) if has_moved else None,
        bool(needs_cause(view.deadlines.level[place], view.triage.family[place])),
    )


def _citations(table: Batch | None, row: Row) -> tuple[Citation, ...]:
    """Return the passages whose payer, procedure and code are those of the row, or open, and that held on the day of service."""
    if table is None or not len(table):
        return ()
    asked = {name: table.words(name) for name in ("payer_id", "payer_type", "procedure_code", "carc")}
    own = {"payer_id": row.payer_id, "payer_type": row.payer_type, "procedure_code": row.procedure_code, "carc": row.carc}
    words = {name: table.words(name) for name in ("title", "section", "url", "quote")}
    day = row.service_date or row.remit_date
    found = []
    for place in range(len(table)):
        if any(asked[name][place] not in (None, own[name]) for name in asked):
            continue
        since, until = int(table.columns["effective_from"][place]), int(table.columns["effective_to"][place])
        if day is not None and ((since != NULL and day < _day(since)) or (until != NULL and day > _day(until))):
            continue
        weight = sum(asked[name][place] is not None for name in asked)
        found.append((-weight, place))
    return tuple(
        Citation(str(words["title"][place]), words["section"][place], words["url"][place], words["quote"][place])
        for _, place in sorted(found)[:_MOST_CITATIONS]
    )


def _lines_by_claim(table: Batch) -> dict[tuple[str | None, int | None], list[Remit]]:
    """Return remittance lines by claim and line, in order of their date."""
    names = ("claim_id", "line_number", "remit_date", "group_code", "carc", "rarcs", "amount", "paid_amount")
    kinds = {name: table.table.column(name).kind for name in names}
    found: dict[tuple[str | None, int | None], list[Remit]] = {}
    for place in range(len(table)):
        cell = {name: _read(table, name, kinds[name], table.columns[name][place]) for name in names}
        key = (cell.pop("claim_id"), cell.pop("line_number"))
        found.setdefault(key, []).append(Remit(**cell))
    for lines in found.values():
        lines.sort(key=lambda line: line.remit_date or date.min)
    return found
