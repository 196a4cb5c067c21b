"""The sentences of each kind of packet: read from its file, checked, and filled with what is known."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from features.codes.tables import FAMILIES
from features.errors import BadData
from features.tables import CLAIM_TYPES, PAYER_TYPES, REMEDIES
from serving.packet.document import Sentence
from serving.packet.fields import NAMES, Known
from serving.packet.levels import ORDINALS

BUILT = ("patient", "claim", "remits", "computation", "citations", "resubmission", "payers", "schedule", "enclosures")
"""Sections that are not made of sentences."""
LISTS = ("elements", "documents", "evidence")
ASIDE = ("title_of_level", "title_of_reason", "before", "advice")
"""Sentences that stand in no section: titles above the first level and of a reason, what must be done first, what the worksheet advises."""
_FIELD = re.compile(r"\{(\w+)\}")
_CONDITIONS: Mapping[str, Sequence[str]] = {
    "families": FAMILIES,
    "remedies": REMEDIES,
    "not_remedies": REMEDIES,
    "payer_types": PAYER_TYPES,
    "not_payer_types": PAYER_TYPES,
    "claim_types": CLAIM_TYPES,
    "needs": tuple(NAMES),
    "unless": tuple(NAMES),
    "remarks": (),
    "shared_remarks": (),
    "not_shared_remarks": (),
    "levels": tuple(str(level) for level in range(1, len(ORDINALS))),
}
_OWN = {
    "elements": ("name", "field", "where", "coder", "about"),
    "documents": ("name",),
    "evidence": ("item", "always", "on_file", "note", "to_obtain"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What decides which sentences stand: routing of the row, and what is known; remarks of any line, and those that all lines share."""

    family: str
    remedy: str
    payer_type: str | None
    claim_type: str | None
    rarcs: tuple[str, ...]
    known: Known
    level: int = 1
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file: its wordings in order of preference, its conditions, and its other keys."""

    say: tuple[str, ...]
    conditions: Mapping[str, tuple[str, ...]]
    own: Mapping[str, Any]

    def stands(self, subject: Subject, but: tuple[str, ...] = ()) -> bool:
        """Whether its conditions hold, apart from those named."""
        return all(_HOLDS[name](wanted, subject) for name, wanted in self.conditions.items() if name not in but)

    def fill(self, subject: Subject) -> Sentence | None:
        """Return the first wording of which every field is known; None: none is, or the conditions do not hold."""
        if not self.stands(subject):
            return None
        for text in self.say:
            names = tuple(dict.fromkeys(_FIELD.findall(text)))
            if all(name in subject.known for name in names):
                filled = _FIELD.sub(lambda found: subject.known[found[1]], text)
                return Sentence(filled, (*names, *(name for name in self.conditions.get("needs", ()) if name not in names)))
        return None


_HOLDS: Mapping[str, Callable[[tuple[str, ...], Subject], bool]] = {
    "families": lambda wanted, subject: subject.family in wanted,
    "remedies": lambda wanted, subject: subject.remedy in wanted,
    "not_remedies": lambda wanted, subject: subject.remedy not in wanted,
    "payer_types": lambda wanted, subject: subject.payer_type in wanted,
    "not_payer_types": lambda wanted, subject: subject.payer_type not in wanted,
    "claim_types": lambda wanted, subject: subject.claim_type in wanted,
    "needs": lambda wanted, subject: all(name in subject.known for name in wanted),
    "unless": lambda wanted, subject: not any(name in subject.known for name in wanted),
    "remarks": lambda wanted, subject: any(code in wanted for code in subject.rarcs),
    "shared_remarks": lambda wanted, subject: any(code in wanted for code in subject.shared),
    "not_shared_remarks": lambda wanted, subject: not any(code in wanted for code in subject.shared),
    "levels": lambda wanted, subject: str(subject.level) in wanted,
}


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one kind of packet.

    Parameters
    ----------
    title, titles, remedy_titles
        By default, by kind of payer, by remedy (which stands over the kind of payer).
    order
        Sections in their order.
    headings
        By section.
    sections
        Sentences by section; the `LISTS` are among them, and what stands `ASIDE`.
    is_letter
        It is addressed and signed.
    follow_up_days
        Days after sending when somebody asks again (a practice norm).
    """

    title: str
    titles: Mapping[str, str]
    remedy_titles: Mapping[str, str]
    order: tuple[str, ...]
    headings: Mapping[str, str]
    sections: Mapping[str, tuple[Entry, ...]]
    is_letter: bool
    follow_up_days: int

    def title_of(self, subject: Subject) -> str:
        """Return the title for a row: above the first level that of the level, else that of its reason, where the file has one."""
        for section in ("title_of_level", "title_of_reason"):
            if found := self.say(section, subject):
                return found[0].text[:1].upper() + found[0].text[1:]
        return self.remedy_titles.get(subject.remedy) or self.titles.get(subject.payer_type or "", self.title)

    def say(self, section: str, subject: Subject) -> tuple[Sentence, ...]:
        """Return the sentences of a section that stand."""
        found = (entry.fill(subject) for entry in self.sections.get(section, ()))
        return tuple(sentence for sentence in found if sentence is not None)


def read_texts(kind: str, own: Path | None = None) -> Texts:
    """Read the words of a kind, the practice's own file before the one that ships.

    Parameters
    ----------
    own
        Folder of the practice's own `KIND.toml` files; None: there is none.

    Raises
    ------
    BadData
        When a file names a field, section or condition that does not exist: which, and what is allowed.
    """
    path = None if own is None else own / f"{kind}.toml"
    if path is not None and path.is_file():
        return parse_texts(path.read_text(encoding="utf-8"), path.name)
    return parse_texts(files("serving.packet").joinpath("letters", f"{kind}.toml").read_text(encoding="utf-8"), f"{kind}.toml")


def parse_texts(text: str, name: str) -> Texts:
    """Read and check the words of a kind.

    >>> parse_texts('title = "T"\\norder = ["a"]\\n[[a]]\\nsay = ["Paid {payd_amount}."]', "appeal.toml")
    Traceback (most recent call last):
    features.errors.BadData: appeal.toml: [[a]] names {payd_amount}, which is no field; docs/packets.md lists the fields
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadData(f"{name} is not TOML: {error}") from error
    if not isinstance(told.get("title"), str) or not isinstance(told.get("order"), list):
        raise BadData(f"{name} needs a title and an order of sections")
    sections = {key: tuple(_entry(entry, key, name) for entry in value) for key, value in told.items() if _is_entries(value)}
    loose = [part for part in told["order"] if part not in BUILT and part not in sections]
    if loose:
        raise BadData(f"{name}: order names {', '.join(map(str, loose))}; sections are those of the file and {', '.join(BUILT)}")
    return Texts(
        title=told["title"],
        titles=told.get("titles", {}),
        remedy_titles=told.get("remedy_titles", {}),
        order=tuple(told["order"]),
        headings=told.get("headings", {}),
        sections=sections,
        is_letter=bool(told.get("is_letter", True)),
        follow_up_days=int(told.get("follow_up_days", 30)),
    )


def _is_entries(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _entry(told: Mapping[str, Any], section: str, name: str) -> Entry:
    """Read one entry; everything in it must be known."""
    own = _OWN.get(section, ())
    text_key = own[0] if own else "say"
    for key in told:
        if key not in _CONDITIONS and key not in own and key != text_key:
            raise BadData(f"{name}: [[{section}]] has {key}; allowed are {', '.join((text_key, *own[1:], *_CONDITIONS))}")
    said = told.get(text_key, [])
    say = (said,) if isinstance(said, str) else tuple(said)
    if not say or not all(isinstance(text, str) for text in say):
        raise BadData(f"{name}: an entry of [[{section}]] has no {text_key}")
    named = {field for text in say for field in _FIELD.findall(text)} | {str(told[key]) for key in ("field", "on_file") if key in told}
    for field in sorted(named - NAMES):
        raise BadData(f"{name}: [[{section}]] names {{{field}}}, which is no field; docs/packets.md lists the fields")
    conditions = {key: tuple(told[key]) for key in _CONDITIONS if key in told}
    for key, words in conditions.items():
        unknown = [word for word in words if _CONDITIONS[key] and word not in _CONDITIONS[key]]
        if unknown:
            raise BadData(f"{name}: [[{section}]] {key} names {', '.join(unknown)}; allowed are {', '.join(sorted(_CONDITIONS[key]))}")
    return Entry(say, conditions, {key: told[key] for key in own if key in told})
