"""What is written, before it is Word or PDF: sections of sentences, facts, tables, lists and lines to sign, each with its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

TO_COMPLETE = "[complete from the practice system]"
"""What stands in the identity block where the vault does not know the patient; it stands nowhere else."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the names of the fields that it rests on (`serving.packet.fields`).

    Its text, which may name a patient, is not in its `repr`: no traceback tells it.
    """

    text: str = field(repr=False)
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences that follow each other."""

    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with its value, and the fields that the value rests on."""

    label: str
    value: str = field(repr=False)
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with values; `marked`: one block to be noticed, with what is still to be completed."""

    rows: tuple[Fact, ...]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a heading.

    Parameters
    ----------
    head
        Heading of each column.
    rows
        Cells with their fields; those of an empty cell are none.
    widths
        Shares of the page's width.
    right
        Columns aligned to the right.
    has_total
        The last row is a sum or result.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Sentence, ...], ...]
    widths: tuple[float, ...]
    right: tuple[int, ...] = ()
    has_total: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list, and its state where it has one (on file, to obtain ...)."""

    text: str
    state: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries: numbered, or with a box to tick."""

    items: tuple[Item, ...]
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class Signature:
    """Lines for a person's hand, with what is signed."""

    statement: str
    lines: tuple[str, ...]


Block: TypeAlias = Paragraph | Facts | Table | Listing | Signature


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document by name, its heading (empty: none) and what stands in it."""

    name: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Parameters
    ----------
    kind
        Which template it goes into.
    title, reference
        What it is, and what it is about, for heading and foot of the page.
    prepared
        The day, in words.
    sender, addressee
        Lines of the letterhead and of the address; the first is the name.
    sections
        In order.
    is_letter
        It is addressed and signed; else it is a sheet.
    salutation
        Whom it speaks to, at the addressee; empty: nobody, it is a sheet.
    """

    kind: str
    title: str
    reference: str
    prepared: str
    sender: tuple[str, ...]
    addressee: tuple[str, ...]
    sections: tuple[Section, ...]
    is_letter: bool
    salutation: str = ""

    def trace(self) -> Iterator[Sentence]:
        """Give every text that says something of the case, with the fields it rests on."""
        for section in self.sections:
            for block in section.blocks:
                yield from _trace(block)

    def texts(self) -> Iterator[str]:
        """Give every text of the document."""
        yield from (self.title, self.reference, self.prepared, *self.sender, *self.addressee, self.salutation)
        for section in self.sections:
            yield section.heading
            for block in section.blocks:
                yield from (sentence.text for sentence in _trace(block))
                if isinstance(block, Facts):
                    yield from (fact.label for fact in block.rows)
                elif isinstance(block, Table):
                    yield from block.head
                elif isinstance(block, Listing):
                    yield from (item.state for item in block.items)
                elif isinstance(block, Signature):
                    yield from (block.statement, *block.lines)


def _trace(block: Block) -> Iterator[Sentence]:
    if isinstance(block, Paragraph):
        yield from block.sentences
    elif isinstance(block, Facts):
        yield from (Sentence(fact.value, fact.fields) for fact in block.rows)
    elif isinstance(block, Table):
        yield from (cell for row in block.rows for cell in row if cell.text)
    elif isinstance(block, Listing):
        yield from (Sentence(item.text, item.fields) for item in block.items)


@dataclass(frozen=True, slots=True)
class Packet:
    """The documentation of one write-off, or of a project.

    Parameters
    ----------
    kind
        One of `serving.packet.kinds.KINDS`.
    writeoff_ids
        What it is about.
    letter
        What goes out once somebody has signed it. Nothing is sent by itself.
    worksheet
        For the staff alone: next step, deadline, evidence, questions, guards, sign-offs.
    missing
        What must be done before it may go out; empty: it is complete.
    needs_coder
        A code, modifier or diagnosis may be changed by it, which only a coder signs off.
    """

    kind: str
    writeoff_ids: tuple[str, ...]
    letter: Document
    worksheet: Document
    missing: tuple[str, ...]
    needs_coder: bool = False

    @property
    def status(self) -> str:
        """Return `complete` or `incomplete`."""
        return "incomplete" if self.missing else "complete"
