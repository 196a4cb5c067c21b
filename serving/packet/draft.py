"""What a packet is written from: its cases, the words of its kind, what is known of all of them, and which papers are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.packet.case import Case
from serving.packet.document import Item
from serving.packet.fields import Known
from serving.packet.people import Identity
from serving.packet.texts import Subject, Texts

TO_NEXT_PAYER = ("rebill_other_payer", "bill_secondary")
"""Remedies whose letter goes to another payer than the one that decided."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a packet is being written from: its cases, the words of its kind, and what is known of all of them."""

    kind: str
    cases: tuple[Case, ...]
    texts: Texts
    subject: Subject
    identities: Mapping[str, Identity | None]
    attachments: tuple[str, ...]
    void: bool
    names: Mapping[str, str]

    @property
    def case(self) -> Case:
        """The first case; of a single packet the only one."""
        return self.cases[0]

    @property
    def known(self) -> Known:
        """What sentences may say."""
        return self.subject.known

    @property
    def is_project(self) -> bool:
        """Whether it is about several lines."""
        return len(self.cases) > 1


def identity_of(draft: Draft, case: Case) -> Identity | None:
    """Return who the patient of a case is, if that is known."""
    return draft.identities.get(case.row.patient_id) if case.row.patient_id is not None else None


def original_number(case: Case) -> str | None:
    """Return the number that a replacement must name: that of the claim last decided."""
    return case.row.payer_claim_number or case.row.original_payer_claim_number


def needs_coder(draft: Draft) -> bool:
    """Whether an element of the claim that only a coder may change is on the sheet."""
    return any(entry.own.get("coder") for entry in draft.texts.sections.get("elements", ()) if entry.stands(draft.subject))


def state_of(draft: Draft, column: str) -> str:
    """Say whether a paper is on file: of a project only where that is so of all."""
    states = {getattr(case.row, column) for case in draft.cases}
    if states == {True}:
        return "on file"
    return "not known: check" if None in states else "to obtain" if states == {False} else "not on file for all"


def evidence(draft: Draft) -> tuple[tuple[Item, bool], ...]:
    """Return the papers that the remedy asks for with their state, and whether the letter may name each as enclosed."""
    found = []
    for entry in draft.texts.sections.get("evidence", ()):
        sentence = entry.fill(draft.subject)
        if sentence is None:
            continue
        column = str(entry.own.get("on_file", ""))
        always = bool(entry.own.get("always"))
        state = state_of(draft, column) if column else "attach" if always else "attach where it applies"
        note = f"; {entry.own['note']}" if entry.own.get("note") else ""
        fields = sentence.fields or ((column,) if column else ("remedy", "family"))
        found.append((Item(sentence.text, state + note, fields), always or state == "on file"))
    return tuple(found)
