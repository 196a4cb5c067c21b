"""The packet as one PDF: the letter, an index, and every file enclosed, with numbered pages and bookmarks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, NameObject
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas

from features.errors import BadData
from serving.packet.document import Document, Section, Sentence, Table
from serving.packet.pdf import to_pdf

MOST_PAGES = 2000
_ACTIONS = ("/A", "/AA", "/PA")
_SHOWN = (
    "/Widget",
    "/Stamp",
    "/FreeText",
    "/Text",
    "/Highlight",
    "/Underline",
    "/StrikeOut",
    "/Squiggly",
    "/Line",
    "/Square",
    "/Circle",
    "/Ink",
)
"""Annotations that only show something, such as the filled fields of a form; links, sounds and attached files are left behind."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file to enclose: its title in the index, and the PDF."""

    title: str
    content: bytes


def compile_pdf(document: Document, enclosures: Sequence[Enclosure] = ()) -> bytes:
    """Return a document with its index and enclosures as one PDF; without enclosures the document alone.

    Every page of an enclosure is stamped with the number of the enclosure and its page, and has a bookmark; what a file would do by
    itself (scripts, links, forms) is left behind.

    Raises
    ------
    BadData
        When a file is no PDF that can be read, is encrypted or too long: which, by its title.
    """
    if not enclosures:
        return to_pdf(document)
    read = [_read(enclosure) for enclosure in enclosures]
    before = len(_pages(to_pdf(document)))
    # The index says on which page each enclosure begins, which depends on its own length: it is set twice.
    length = len(_pages(to_pdf(_index(document, enclosures, read, before + 1))))
    total = before + length + sum(len(pages) for pages in read)
    if total > MOST_PAGES:
        raise BadData(f"the packet has {total} pages; at most {MOST_PAGES} are allowed: enclose only what the dates of service need")
    letter = _pages(to_pdf(document, total=total))
    index = _pages(to_pdf(_index(document, enclosures, read, before + length), before=before, total=total))
    writer = PdfWriter()
    writer.add_metadata({"/Title": document.title, "/Creator": "recoup", "/Producer": "recoup"})
    for title, pages in ((document.title, letter), ("Index of enclosures", index)):
        first = len(writer.pages)
        for page in pages:
            writer.add_page(page)
        writer.add_outline_item(title=title, page_number=first)
    for number, (enclosure, pages) in enumerate(zip(enclosures, read, strict=True), start=1):
        first = len(writer.pages)
        for place, page in enumerate(pages, start=1):
            added = writer.add_page(page)
            calm(added)
            added.merge_page(_stamp(added, f"Enclosure {number}, page {place} of {len(pages)} (page {len(writer.pages)} of {total})"))
        writer.add_outline_item(title=f"Enclosure {number}: {enclosure.title}", page_number=first)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def calm(page: PageObject) -> None:
    """Take away what a page would do by itself, and keep what it shows."""
    page.pop("/AA", None)
    found = page.get("/Annots")
    annotations = [told.get_object() for told in found.get_object()] if found is not None else []
    kept = ArrayObject(told for told in annotations if told.get("/Subtype") in _SHOWN)
    for told in kept:
        for key in _ACTIONS:
            told.pop(key, None)
    page.pop("/Annots", None)
    if kept:
        page[NameObject("/Annots")] = kept


def _pages(content: bytes) -> list[PageObject]:
    return list(PdfReader(io.BytesIO(content)).pages)


def _read(enclosure: Enclosure) -> list[PageObject]:
    try:
        reader = PdfReader(io.BytesIO(enclosure.content))
        if reader.is_encrypted:
            raise BadData(f"enclosure {enclosure.title!r} is encrypted; save it without a password")
        pages = list(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadData(f"enclosure {enclosure.title!r} is no PDF that can be read ({type(error).__name__})") from error
    if not pages:
        raise BadData(f"enclosure {enclosure.title!r} has no page")
    return pages


def _index(document: Document, enclosures: Sequence[Enclosure], read: Sequence[Sequence[PageObject]], front: int) -> Document:
    rows, page = [], front + 1
    for number, (enclosure, pages) in enumerate(zip(enclosures, read, strict=True), start=1):
        cells = (str(number), enclosure.title, str(len(pages)), str(page))
        rows.append(tuple(Sentence(text, ("attachments",)) for text in cells))
        page += len(pages)
    table = Table(("No.", "Enclosure", "Pages", "From page"), tuple(rows), (0.1, 0.6, 0.14, 0.16), right=(2, 3))
    return Document(
        kind="index",
        title="Index of enclosures",
        reference=document.reference,
        prepared=document.prepared,
        sender=document.sender,
        addressee=(),
        sections=(Section("index", "", (table,)),),
        is_letter=False,
    )


def _stamp(page: PageObject, text: str) -> PageObject:
    """Return a page with a line of text at its foot, of the size and place of another."""
    box = page.mediabox
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(float(box.right), float(box.top)), invariant=1)
    canvas.setFont("Helvetica", 8)
    width = canvas.stringWidth(text, "Helvetica", 8)
    left, low = float(box.right) - width - 24, float(box.bottom) + 10
    canvas.setFillColor(colors.white)
    canvas.rect(left - 3, low - 3, width + 6, 12, stroke=0, fill=1)
    canvas.setFillColor(colors.HexColor("#404040"))
    canvas.drawString(left, low, text)
    canvas.save()
    return PdfReader(io.BytesIO(out.getvalue())).pages[0]
