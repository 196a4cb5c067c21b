"""A document as Word: the practice's template, with our sections in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from docx import Document as new_word
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Inches, Pt, RGBColor
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree
from markupsafe import Markup

from features.errors import BadData
from serving.packet.document import Block, Document, Facts, Listing, Paragraph, Section, Sentence, Signature, Table

PAGE_WIDTH = 6.5
"""Inches between the margins of the templates that ship."""
MUTED = "595959"
RULE = "BFBFBF"
MARKED, MARKED_EDGE = "FFF6D6", "B8860B"
SMALL = 9
SHORT = 12
"""Rows of a table that is kept on one page, with what stands before it."""


def to_docx(document: Document, *, own: Path | None = None) -> bytes:
    """Return a document as a Word file.

    Parameters
    ----------
    own
        Folder of the practice's own `KIND.docx` templates; None, or a folder without one: that which ships.

    Raises
    ------
    BadData
        When a template names something that there is not, or is no Word file: which template, and what.
    """
    name = f"{document.kind}.docx"
    content = _template(name, own)
    try:
        template = DocxTemplate(io.BytesIO(content))
        template.init_docx()
        scratch = _Writer(content)
        environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
        template.render(_context(document, scratch), environment, autoescape=True)
    except UndefinedError as error:
        raise BadData(f"template {name}: {error.message}; docs/packets.md lists what a template may name") from error
    except TemplateError as error:
        raise BadData(f"template {name}: {error.message}") from error
    except (KeyError, ValueError, OSError, BadZipFile, PackageNotFoundError, etree.XMLSyntaxError) as error:
        raise BadData(f"template {name} is no Word file that can be filled: {type(error).__name__}") from error
    out = io.BytesIO()
    properties = template.docx.core_properties
    properties.title, properties.author, properties.comments = document.title, document.sender[0], ""
    template.save(out)
    return out.getvalue()


def _template(name: str, own: Path | None) -> bytes:
    path = None if own is None else own / name
    if path is not None and path.is_file():
        return path.read_bytes()
    return files("serving.packet").joinpath("templates", name).read_bytes()


def _context(document: Document, writer: _Writer) -> dict[str, Any]:
    """Return what a template may name; text is escaped, sections are Word's own markup already."""
    sections = [{"name": told.name, "heading": told.heading, "body": writer.body(told)} for told in document.sections]
    return {
        "title": document.title,
        "reference": document.reference,
        "prepared": document.prepared,
        "sender": {"name": document.sender[0], "lines": document.sender[1:]},
        "addressee": document.addressee,
        "salutation": document.salutation,
        "sections": sections,
        "section": {str(told["name"]): told for told in sections},
    }


class _Writer:
    """Writes sections as paragraphs and tables of Word, in a copy of the template so that its styles hold."""

    def __init__(self, template: bytes) -> None:
        self._word: Any = new_word(io.BytesIO(template))
        self._body = self._word.element.body

    def body(self, section: Section) -> Markup:
        """Return a section's XML."""
        for element in list(self._body):
            if not element.tag.endswith("sectPr"):
                self._body.remove(element)
        for block, following in pairwise((*section.blocks, None)):
            if block is not None:
                self._write(block)
            if isinstance(following, Table) and len(following.rows) <= SHORT:
                self._word.paragraphs[-1].paragraph_format.keep_with_next = True
        kept = [element for element in self._body if not element.tag.endswith("sectPr")]
        return Markup("".join(etree.tostring(element, encoding="unicode") for element in kept))

    def _write(self, block: Block) -> None:
        if isinstance(block, Paragraph):
            self._paragraph(" ".join(sentence.text for sentence in block.sentences))
        elif isinstance(block, Facts):
            self._facts(block)
        elif isinstance(block, Table):
            self._table(block)
        elif isinstance(block, Listing):
            self._listing(block)
        else:
            self._signature(block)

    def _paragraph(self, text: str, *, after: float = 6, left: float = 0) -> Any:
        paragraph = self._word.add_paragraph(text)
        paragraph.paragraph_format.space_after = Pt(after)
        if left:
            paragraph.paragraph_format.left_indent = Inches(left)
            paragraph.paragraph_format.first_line_indent = Inches(-left)
        return paragraph

    def _gap(self) -> None:
        """Keep tables apart: two that touch become one."""
        paragraph = self._paragraph("", after=0)
        paragraph.paragraph_format.line_spacing = Pt(6)

    def _facts(self, block: Facts) -> None:
        columns = 1 if len(block.rows) < 4 else 2
        count = -(-len(block.rows) // columns)
        widths = [0.2, 0.3, 0.2, 0.3] if columns == 2 else [0.3, 0.7]
        table = self._grid(count, widths)
        for place, fact in enumerate(block.rows):
            row, column = place % count, 2 * (place // count)
            _fill(table.cell(row, column), fact.label, colour=MUTED)
            _fill(table.cell(row, column + 1), fact.value)
        for row in table.rows:
            for cell in row.cells:
                _edge(
                    cell, MARKED_EDGE if block.marked else RULE, sides=("top", "bottom", "left", "right") if block.marked else ("bottom",)
                )
                if block.marked:
                    _shade(cell, MARKED)
        self._gap()

    def _table(self, block: Table) -> None:
        table = self._grid(1 + len(block.rows), list(block.widths))
        for column, label in enumerate(block.head):
            cell = table.cell(0, column)
            _fill(cell, label, colour=MUTED, is_bold=True, is_right=column in block.right)
            _edge(cell, "404040", sides=("bottom",))
        _repeat(table.rows[0])
        for number, line in enumerate(block.rows, start=1):
            is_last = block.has_total and number == len(block.rows)
            self._line(table.rows[number], line, block, is_last=is_last)
        if len(block.rows) <= SHORT:
            for row in table.rows[:-1]:
                row.cells[0].paragraphs[0].paragraph_format.keep_with_next = True
        self._gap()

    def _line(self, row: Any, line: Sequence[Sentence], block: Table, *, is_last: bool) -> None:
        for column, (cell, told) in enumerate(zip(row.cells, line, strict=True)):
            _fill(cell, told.text, is_bold=is_last, is_right=column in block.right)
            _edge(cell, "404040" if is_last else RULE, sides=("top", "bottom") if is_last else ("bottom",))

    def _listing(self, block: Listing) -> None:
        for number, item in enumerate(block.items, start=1):
            mark = f"{number}." if block.numbered else "\u2610"
            state = f" ({item.state})" if item.state else ""
            self._paragraph(f"{mark}\t{item.text}{state}", after=3, left=0.3)

    def _signature(self, block: Signature) -> None:
        """Lines for hands, kept on one page with what is signed."""
        self._paragraph(block.statement, after=24).paragraph_format.keep_with_next = True
        gap = 0.03
        width = (1 - gap * (len(block.lines) - 1)) / len(block.lines)
        widths = [width if place % 2 == 0 else gap for place in range(2 * len(block.lines) - 1)]
        table = self._grid(1, widths)
        for place, label in enumerate(block.lines):
            cell = table.cell(0, 2 * place)
            _fill(cell, label, colour=MUTED)
            _edge(cell, "404040", sides=("top",))
        self._gap()

    def _grid(self, rows: int, widths: Sequence[float]) -> Any:
        """Add a table of fixed widths, whose rows stay whole."""
        table = self._word.add_table(rows=rows, cols=len(widths))
        table.autofit = False
        # LibreOffice reads the width of the column, Word that of the cells.
        for place, width in enumerate(widths):
            table.columns[place].width = Inches(PAGE_WIDTH * width)
            for cell in table.columns[place].cells:
                cell.width = Inches(PAGE_WIDTH * width)
        _align(table)
        for row in table.rows:
            whole = OxmlElement("w:cantSplit")
            row._tr.get_or_add_trPr().append(whole)
        return table


def _align(table: Any) -> None:
    """Let the text of a table begin where that of a paragraph does: no padding at its sides but between cells."""
    properties = table._tbl.tblPr
    margins = OxmlElement("w:tblCellMar")
    for side, width in (("left", 0), ("right", 80)):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), str(width))
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    properties.append(margins)


def _fill(cell: Any, text: str, *, colour: str = "", is_bold: bool = False, is_right: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(1)
    paragraph.paragraph_format.space_before = Pt(1)
    run = paragraph.add_run(text)
    run.font.size, run.bold = Pt(SMALL), is_bold
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    if is_right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _edge(cell: Any, colour: str, *, sides: Sequence[str]) -> None:
    borders = OxmlElement("w:tcBorders")
    for side in ("top", "left", "bottom", "right"):
        if side in sides:
            edge = OxmlElement(f"w:{side}")
            for key, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", colour)):
                edge.set(qn(f"w:{key}"), value)
            borders.append(edge)
    cell._tc.get_or_add_tcPr().append(borders)


def _shade(cell: Any, colour: str) -> None:
    shade = OxmlElement("w:shd")
    for key, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shade.set(qn(f"w:{key}"), value)
    cell._tc.get_or_add_tcPr().append(shade)


def _repeat(row: Any) -> None:
    """Repeat a heading on every page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
