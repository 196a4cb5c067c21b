"""What a packet is written from: its cases, the words of its kind, what is known of all of them, and which papers are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from serving.packet.case import Case
from serving.packet.document import Item, Sentence
from serving.packet.fields import Known
from serving.packet.people import Identity
from serving.packet.texts import Entry, Subject, Texts

TO_NEXT_PAYER = ("rebill_other_payer", "bill_secondary", "coverage_discovery")
"""Remedies whose letter goes to another payer than the one that decided."""
_OF_CODER = re.compile(r"\b(codes?|modifiers?|diagnos[ie]s|procedures?|units)\b")
_OF_DAY = re.compile(r"^the (first |last )?dates?\b|\bdates?$")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a packet is being written from: its cases, the words of its kind, and what is known of all of them.

    `parts` are the families of the lines of one claim, each with what is known of its lines; empty: there is one family.
    """

    kind: str
    cases: tuple[Case, ...]
    texts: Texts
    subject: Subject
    identities: Mapping[str, Identity | None]
    attachments: tuple[str, ...]
    void: bool
    names: Mapping[str, str]
    parts: tuple[Subject, ...] = ()

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What sentences about the reason are said of: each family of the lines of one claim; else the whole."""
        return self.parts or (self.subject,)

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
        """Whether it is about several claims."""
        return len({case.claim for case in self.cases}) > 1

    @property
    def has_lines(self) -> bool:
        """Whether it is about several postings, of one claim or of many."""
        return len(self.cases) > 1


def identity_of(draft: Draft, case: Case) -> Identity | None:
    """Return who the patient of a case is, if that is known."""
    return draft.identities.get(case.row.patient_id) if case.row.patient_id is not None else None


def original_number(case: Case) -> str | None:
    """Return the number that a replacement must name: that of the claim last decided."""
    return case.row.payer_claim_number or case.row.original_payer_claim_number


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a claim to check: its name, the field that says how it was sent (empty: none does), where it stands, and whether
    only a coder may change it."""

    name: str
    field: str
    where: str
    is_coders: bool


def elements_of(draft: Draft) -> tuple[Element, ...]:
    """Return the elements of the claim that the denial is about.

    What a remark names is always among them. Where the remarks alone say what is wrong nothing else is: else those of the family are
    too, since the record may show that another is at fault.
    """
    named = tuple(dict.fromkeys(code.what for case in draft.cases for code in case.rarcs if code.what))
    is_alone = all(case.is_named_alone for case in draft.cases)
    found, known = list[Element](), set[str]()
    for entry in draft.texts.sections.get("elements", ()):
        hits = {what for what in named if any(words in what for words in entry.own.get("about", ()))}
        of_family = "families" in entry.conditions and any(map(entry.stands, draft.subjects)) and not is_alone
        if of_family or (hits and entry.stands(draft.subject, but=("families", "claim_types"))):
            known |= hits
            own = entry.own
            found.append(Element(entry.say[0], str(own.get("field", "")), str(own.get("where", "")), bool(own.get("coder"))))
    for what in named:
        if what not in known:
            # Whatever may be a code is the coder's: only what is plainly a day is not.
            is_coders = _OF_CODER.search(what) is not None and _OF_DAY.search(what.partition(",")[0]) is None
            name = what.removeprefix("the ")
            found.append(Element(name[:1].upper() + name[1:], "", "", is_coders))
    return tuple(found)


def needs_coder(draft: Draft) -> bool:
    """Whether an element of the claim that only a coder may change is on the sheet."""
    return any(element.is_coders for element in elements_of(draft))


def state_of(draft: Draft, column: str) -> str:
    """Say whether a paper is on file: of a project only where that is so of all."""
    states = {getattr(case.row, column) for case in draft.cases}
    if states == {True}:
        return "on file"
    return "not known: check" if None in states else "to obtain" if states == {False} else "not on file for all"


def evidence(draft: Draft) -> tuple[tuple[Item, bool], ...]:
    """Return the papers that the remedy asks for with their state, and whether the letter may name each as enclosed.

    What is `to_obtain` goes with the letter and is not at hand yet: it is enclosed, and `papers_to_obtain` names it as missing.
    """
    found = []
    for entry, sentence in _filled(draft, "evidence"):
        column = str(entry.own.get("on_file", ""))
        always = bool(entry.own.get("always"))
        is_wanted = bool(entry.own.get("to_obtain"))
        state = state_of(draft, column) if column else "to obtain" if is_wanted else "attach" if always else "attach where it applies"
        note = f"; {entry.own['note']}" if entry.own.get("note") else ""
        fields = sentence.fields or ((column,) if column else ("remedy", "family"))
        found.append((Item(sentence.text, state + note, fields), always or is_wanted or state == "on file"))
    return tuple(found)


def papers_to_obtain(draft: Draft) -> tuple[str, ...]:
    """Return the papers that must go with the letter and that nobody has at hand yet."""
    return tuple(sentence.text for entry, sentence in _filled(draft, "evidence") if entry.own.get("to_obtain"))


def papers_to_see(draft: Draft) -> tuple[str, ...]:
    """Return the papers that a letter to another payer rests on: files that are enclosed in their place are to hold them."""
    if draft.kind != "cob_facts":
        return papers_to_obtain(draft)
    told = _filled(draft, "evidence")
    return tuple(sentence.text for entry, sentence in told if entry.own.get("to_obtain") or entry.own.get("always"))


def say(draft: Draft, section: str) -> tuple[Sentence, ...]:
    """Return the sentences of a section that stand: of each family of the lines of a claim, each sentence once."""
    return tuple(sentence for _, sentence in _filled(draft, section))


def _filled(draft: Draft, section: str) -> list[tuple[Entry, Sentence]]:
    found: dict[str, tuple[Entry, Sentence]] = {}
    # A sentence that is said of all lines alike is said once, of all.
    for entry in draft.texts.sections.get(section, ()):
        subjects = draft.subjects if "families" in entry.conditions else (draft.subject,)
        for subject in subjects:
            sentence = entry.fill(subject)
            if sentence is not None:
                found.setdefault(sentence.text, (entry, sentence))
    return list(found.values())
