"""The proof of a packet: every amount, day and number in it is the row's, and nothing is left to fill in but the identity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date

from features.money import exact_dollars
from serving.packet.case import Case, Row, Score, lines_of
from serving.packet.document import TO_COMPLETE, Document, Packet
from serving.packet.words import long_day, short_day

_AMOUNT = re.compile(r"-?\$[0-9][0-9,]*(?:\.[0-9]+)?")
_LONG_DAY = re.compile(r"[A-Z][a-z]{2,8} [0-9]{1,2}, [0-9]{4}")
_SHORT_DAY = re.compile(r"\b[0-9]{2}/[0-9]{2}/[0-9]{4}\b")
_UNFILLED = re.compile(r"\{|\}|\[[^\]]*\]|<[^>]*>|__+|\b(?:None|nan|NaT|TBD|TODO|XXX+)\b")


def faults(packet: Packet, cases: Sequence[Case]) -> list[str]:
    """Return what is wrong with a packet, in words without values; empty: nothing is.

    It is read from the text alone, apart from how the text was made: amounts and days are looked up among those of the cases.
    """
    found = [f"{document.kind}: {fault}" for document in (packet.letter, packet.worksheet) for fault in _of(document, cases)]
    found += [f"{document.kind}: a text traces to no field" for document in (packet.letter, packet.worksheet) if not _is_traced(document)]
    return found


def strange_figures(text: str, cases: Sequence[Case]) -> list[str]:
    """Return amounts and days in a text that no case has."""
    amounts, days = amounts_of(cases), days_of(cases)
    known_days = {long_day(day) for day in days} | {short_day(day) for day in days}
    found = [amount for amount in _AMOUNT.findall(text) if amount not in amounts]
    return found + [day for pattern in (_LONG_DAY, _SHORT_DAY) for day in pattern.findall(text) if day not in known_days]


def _of(document: Document, cases: Sequence[Case]) -> Iterable[str]:
    patient = [section for section in document.sections if section.name == "patient"]
    allowed = sum(text.count(TO_COMPLETE) for section in patient for text in _texts_of(document, section.name))
    texts = list(document.texts())
    if sum(text.count(TO_COMPLETE) for text in texts) != allowed:
        yield "something is to be completed outside the identity block"
    for text in texts:
        for match in _UNFILLED.findall(text.replace(TO_COMPLETE, "")):
            # What the row itself says in such signs is no placeholder.
            if not any(match in str(value) for case in cases for value in _values(case)):
                yield "a placeholder is unfilled"
    if strange_figures(" \n".join(_without_identity(document)), cases):
        yield "a figure is not the row's"


def _texts_of(document: Document, name: str) -> Iterable[str]:
    """Return the texts of one section."""
    sections = tuple(section for section in document.sections if section.name == name)
    return Document(document.kind, "", "", "", (), (), sections, document.is_letter).texts()


def _without_identity(document: Document) -> Iterable[str]:
    sections = tuple(section for section in document.sections if section.name != "patient")
    return Document(document.kind, document.title, document.reference, document.prepared, (), (), sections, document.is_letter).texts()


def _is_traced(document: Document) -> bool:
    return all(sentence.fields for sentence in document.trace())


def _values(case: Case) -> Iterable[object]:
    yield from (getattr(case.row, item.name) for item in fields(Row))
    yield from (case.next_step, case.why, case.unpriced, *(text for told in case.citations for text in (told.title, told.quote, told.url)))
    yield from (code.meaning for code in (case.carc, *case.rarcs) if code is not None)


def amounts_of(cases: Sequence[Case]) -> set[str]:
    """Return every amount that a packet of these cases may name: those of the rows, scores, contract and remittances, and their sums."""
    cents: set[int] = set()
    rates: set[str] = set()
    for kind, names in ((Row, [item.name for item in fields(Row)]), (Score, [item.name for item in fields(Score)])):
        for name in names:
            if name.endswith("_amount") or name == "expected_recovery":
                for counted in (cases, lines_of(cases)):
                    values = [getattr(case.row if kind is Row else case.score, name) for case in counted]
                    known = [value for value in values if value is not None]
                    cents |= {*known, sum(known)}
    for case in cases:
        cents |= {line_cents for line in case.remits for line_cents in (line.amount, line.paid_amount) if line_cents is not None}
        if case.contract is not None:
            cents |= {case.contract.allowed, *(step.cents for step in case.contract.steps if step.cents is not None)}
            rates |= {step.text for step in case.contract.steps if step.cents is None}
            if case.row.allowed_amount is not None:
                cents.add(case.row.allowed_amount - case.contract.allowed)
        row = case.row
        if row.paid_amount is not None and row.other_payer_paid_amount is not None and row.billed_amount is not None:
            cents.add(row.paid_amount + row.other_payer_paid_amount - row.billed_amount)
    priced = [case.contract for case in lines_of(cases) if case.contract is not None]
    cents |= {sum(told.allowed for told in priced), sum(told.short or 0 for told in priced)}
    texts = {text for case in cases for text in (case.next_step, case.why)}
    return {exact_dollars(value) for value in cents} | rates | {amount for text in texts for amount in _AMOUNT.findall(text)}


def days_of(cases: Sequence[Case]) -> set[date]:
    """Return every day that a packet of these cases may name."""
    found: set[date] = set()
    for case in cases:
        found |= {value for item in fields(Row) if isinstance(value := getattr(case.row, item.name), date)}
        found |= {case.score.as_of, *(line.remit_date for line in case.remits if line.remit_date)}
        found |= {case.stage.decided_on} if case.stage is not None and case.stage.decided_on is not None else set()
        found |= {day for day in (case.due.day, case.due.lapsed_day) if day is not None} if case.due is not None else set()
        if case.contract is not None:
            found |= case.contract.span_days
    return found
