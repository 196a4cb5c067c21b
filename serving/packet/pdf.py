"""A document as PDF: the same sections, drawn; the same document gives the same bytes."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, HRFlowable, KeepTogether, SimpleDocTemplate, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from features.errors import Unavailable
from serving.packet.document import Block, Document, Facts, Listing, Paragraph, Section, Signature, Table
from serving.packet.stock import notice_of
from serving.packet.word import MARKED, MARKED_EDGE, MUTED, RULE, SHORT

_INK = colors.HexColor("#1a1a1a")
_MARGIN = inch
_WIDTH = letter[0] - 2 * _MARGIN
_LINE = colors.HexColor("#404040")
_WIDE_FONTS = ("DejaVuSans", "LiberationSans-Regular")
"""Fonts of the system for names that the built-in ones cannot write."""


def to_pdf(document: Document, *, before: int = 0, total: int = 0) -> bytes:
    """Return a document as PDF, on US letter paper.

    A symbol that no font here has (an emoji in the title of a file) stands as its number, such as (U+1F9B7): nothing is lost in silence.

    Parameters
    ----------
    before, total
        Pages that stand before it, and of the whole, for the numbers at the foot; 0: it stands alone.

    Raises
    ------
    Unavailable
        When a name needs letters that neither the built-in fonts nor those of the system have; the Word file holds them.
    """
    drawer = _Drawer(*_fonts("".join(document.texts())))
    _, pages = _build(drawer, document, before, total)
    # How many pages there are is known once they are set.
    return _build(drawer, document, before, total or before + pages)[0]


def _build(drawer: _Drawer, document: Document, before: int, total: int) -> tuple[bytes, int]:
    """Set a document on pages; return the file and how many there are."""
    out = io.BytesIO()
    pages = SimpleDocTemplate(
        out,
        pagesize=letter,
        # The frame pads its sides by six points.
        leftMargin=_MARGIN - 6,
        rightMargin=_MARGIN - 6,
        topMargin=0.65 * inch,
        bottomMargin=0.8 * inch,
        title=document.title,
        author=document.sender[0],
        creator="recoup",
        invariant=1,
    )
    foot = drawer.foot(document, before, total)
    pages.build(drawer.story(document), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue(), int(pages.page)


def _fonts(text: str) -> tuple[str, str, frozenset[str]]:
    """Return a plain and a bold font that can write a text, and the symbols of it that they cannot."""
    signs = frozenset(text) - {"\u2610"}
    wide = frozenset(sign for sign in signs if not _is_western(sign))
    if not wide:
        return "Helvetica", "Helvetica-Bold", wide
    fitting = []
    for name in _WIDE_FONTS:
        try:
            font = _WideFont(name, f"{name}.ttf")
        except TTFError:
            continue
        lacking = frozenset(sign for sign in signs if ord(sign) not in font.face.charToGlyph)
        if all(map(_is_symbol, lacking)):
            fitting.append((len(lacking), name, font, lacking))
    if fitting:
        _, name, font, lacking = min(fitting, key=lambda found: found[0])
        pdfmetrics.registerFont(font)
        return name, name, lacking
    if all(map(_is_symbol, wide)):
        return "Helvetica", "Helvetica-Bold", wide
    raise Unavailable("a name has letters that no font here can draw as PDF; take the Word file, or install fonts-dejavu-core")


def _is_western(sign: str) -> bool:
    try:
        sign.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _is_symbol(sign: str) -> bool:
    """Whether a sign is no letter of a word: an emoji, its tone, or what joins or varies it."""
    return unicodedata.category(sign) in ("So", "Sk", "Cf", "Co", "Cn") or sign in _VARIANTS


_VARIANTS = "".join(map(chr, range(0xFE00, 0xFE10)))


class _WideFont(TTFont):  # type: ignore[misc]  # reportlab tells no types
    """A font of the system whose text can be copied out of the file.

    The library writes a sign beyond U+FFFF as one number of five digits, where a ToUnicode map wants a surrogate pair
    (ISO 32000-1, 9.10.3): readers lose the sign.
    """

    def addObjects(self, doc: Any) -> None:  # noqa: N802  # the library's name
        super().addObjects(doc)
        for name, told in doc.idToObject.items():
            if name.startswith("toUnicodeCMap:"):
                told.content = _BEYOND.sub(lambda found: f"<{chr(int(found[1], 16)).encode('utf-16-be').hex().upper()}>", told.content)


_BEYOND = re.compile(r"<([0-9A-F]{5,6})>")


class _Drawer:
    """Draws blocks in one pair of fonts."""

    def __init__(self, plain: str, bold: str, lacking: frozenset[str]) -> None:
        self._plain, self._bold = plain, bold
        # What only joins or varies a sign says nothing without it.
        self._instead = {
            ord(sign): "" if sign in _VARIANTS or unicodedata.category(sign) == "Cf" else f"(U+{ord(sign):04X})" for sign in lacking
        }
        self._body = ParagraphStyle("body", fontName=plain, fontSize=10, leading=13, textColor=_INK, spaceAfter=5)
        self._cell = ParagraphStyle("cell", parent=self._body, fontSize=9, leading=11.2, spaceAfter=0)
        self._label = ParagraphStyle("label", parent=self._cell, textColor=colors.HexColor(f"#{MUTED}"))
        self._head = ParagraphStyle("head", parent=self._label, fontName=bold)
        self._strong = ParagraphStyle("strong", parent=self._cell, fontName=bold)
        self._heading = ParagraphStyle(
            "heading", parent=self._body, fontName=bold, fontSize=11, spaceBefore=8, spaceAfter=3, keepWithNext=1
        )
        self._title = ParagraphStyle("title", parent=self._body, fontName=bold, fontSize=15, leading=18, spaceAfter=1)
        self._name = ParagraphStyle("name", parent=self._body, fontName=bold, fontSize=12, spaceAfter=1)
        self._item = ParagraphStyle("item", parent=self._body, leftIndent=20, bulletIndent=2, spaceAfter=3)

    def _safe(self, text: str) -> str:
        """Return a text as markup: what it says is text, and every sign of it can be drawn."""
        return escape(text.translate(self._instead))

    def story(self, document: Document) -> list[Flowable]:
        """Return what stands on the pages."""
        found: list[Flowable] = [Text(self._safe(document.sender[0]), self._name)]
        found += [Text(self._safe(line), self._label) for line in document.sender[1:]]
        found += [HRFlowable(width="100%", thickness=0.75, color=_LINE, spaceBefore=4, spaceAfter=9), Text(document.prepared, self._body)]
        if document.is_letter:
            found += [Text(self._safe(line), ParagraphStyle("to", parent=self._body, spaceAfter=0)) for line in document.addressee]
            found.append(Spacer(1, 12))
        found.append(Text(self._safe(document.title), self._title))
        found += [Text(self._safe(f"Re: {document.reference}"), self._label), Spacer(1, 8)]
        if document.salutation:
            found.append(Text(self._safe(document.salutation), self._body))
        for section in document.sections:
            found += self._section(section)
        return found

    def _section(self, section: Section) -> list[Flowable]:
        parts = [part for block in section.blocks for part in self._block(block)]
        heading = [Text(self._safe(section.heading), self._heading)] if section.heading else []
        # A heading is not left alone at the foot of a page, nor a line to sign without its words.
        if isinstance(section.blocks[-1], Signature):
            return [KeepTogether([*heading, *parts])]
        if sum(len(block.rows) for block in section.blocks if isinstance(block, Table)) <= SHORT:
            return [KeepTogether([*heading, *parts])]
        return [CondPageBreak(1.5 * inch), *heading, *parts]

    def _block(self, block: Block) -> list[Flowable]:
        if isinstance(block, Paragraph):
            return [Text(self._safe(" ".join(sentence.text for sentence in block.sentences)), self._body)]
        if isinstance(block, Facts):
            return [self._facts(block), Spacer(1, 8)]
        if isinstance(block, Table):
            return [self._table(block), Spacer(1, 8)]
        if isinstance(block, Listing):
            return self._listing(block)
        return self._signature(block)

    def _facts(self, block: Facts) -> Flowable:
        columns = 1 if len(block.rows) < 4 else 2
        count = -(-len(block.rows) // columns)
        rows: list[list[object]] = [[""] * (2 * columns) for _ in range(count)]
        for place, fact in enumerate(block.rows):
            rows[place % count][2 * (place // count)] = Text(self._safe(fact.label), self._label)
            rows[place % count][2 * (place // count) + 1] = Text(self._safe(fact.value), self._cell)
        widths = [0.2, 0.3, 0.2, 0.3] if columns == 2 else [0.3, 0.7]
        style: list[tuple[Any, ...]] = [("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.HexColor(f"#{RULE}"))]
        if block.marked:
            style = [
                ("GRID", (0, 0), (-1, -1), 0.75, colors.HexColor(f"#{MARKED_EDGE}")),
                ("LEFTPADDING", (0, 0), (-1, -1), 5),
                ("BACKGROUND", (0, 0), (-1, -1), colors.HexColor(f"#{MARKED}")),
            ]
        return self._grid(rows, widths, style)

    def _table(self, block: Table) -> Flowable:
        right = {style.name: ParagraphStyle(f"{style.name}_right", parent=style, alignment=TA_RIGHT) for style in self._of_cells()}
        rows: list[list[object]] = [
            [Text(self._safe(label), right["head"] if at in block.right else self._head) for at, label in enumerate(block.head)]
        ]
        for number, line in enumerate(block.rows, start=1):
            style = self._strong if block.has_total and number == len(block.rows) else self._cell
            rows.append([Text(self._safe(told.text), right[style.name] if at in block.right else style) for at, told in enumerate(line)])
        lines: list[tuple[Any, ...]] = [
            ("LINEBELOW", (0, 0), (-1, 0), 0.75, _LINE),
            ("LINEBELOW", (0, 1), (-1, -1), 0.5, colors.HexColor(f"#{RULE}")),
        ]
        if block.has_total:
            lines += [("LINEABOVE", (0, -1), (-1, -1), 0.75, _LINE), ("LINEBELOW", (0, -1), (-1, -1), 0.75, _LINE)]
        return self._grid(rows, list(block.widths), lines, repeated=1)

    def _of_cells(self) -> Sequence[ParagraphStyle]:
        return (self._cell, self._head, self._strong)

    def _grid(self, rows: list[list[object]], widths: list[float], style: list[tuple[Any, ...]], repeated: int = 0) -> Flowable:
        padding = [("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        padding += [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 5)]
        return Grid(rows, colWidths=[_WIDTH * width for width in widths], repeatRows=repeated, style=[*padding, *style], hAlign="LEFT")

    def _listing(self, block: Listing) -> list[Flowable]:
        found: list[Flowable] = []
        for number, item in enumerate(block.items, start=1):
            text = item.text + (f" ({item.state})" if item.state else "")
            if block.numbered:
                found.append(Text(self._safe(text), self._item, bulletText=f"{number}."))
            else:
                found.append(_Ticked(Text(self._safe(text), self._body)))
        return found

    def _signature(self, block: Signature) -> list[Flowable]:
        gap = 0.03
        width = (1 - gap * (len(block.lines) - 1)) / len(block.lines)
        widths = [width if place % 2 == 0 else gap for place in range(2 * len(block.lines) - 1)]
        row: list[object] = [Text(block.lines[place // 2], self._label) if place % 2 == 0 else "" for place in range(len(widths))]
        lines: list[tuple[Any, ...]] = [("LINEABOVE", (2 * at, 0), (2 * at, 0), 0.75, _LINE) for at in range(len(block.lines))]
        return [Spacer(1, 4), Text(self._safe(block.statement), self._body), Spacer(1, 26), self._grid([row], widths, lines), Spacer(1, 6)]

    def foot(self, document: Document, before: int, total: int) -> Callable[[Canvas, Any], None]:
        """Return what draws the foot of each page."""
        notice, reference = notice_of(document.kind), document.reference.translate(self._instead)

        def draw(canvas: Canvas, pages: Any) -> None:
            canvas.saveState()
            canvas.setFont(self._plain, 8)
            canvas.setFillColor(colors.HexColor(f"#{MUTED}"))
            page = f"{reference}, page {before + pages.page} of {total}"
            line = f"{notice}  {page}"
            # The number of a page is never cut off: a long reference stands on a line of its own.
            lines = [line] if canvas.stringWidth(line, self._plain, 8) <= _WIDTH else [page, notice]
            for at, text in enumerate(lines):
                canvas.drawString(_MARGIN, 0.55 * inch + 10 * at, text)
            canvas.restoreState()

        return draw


class _Ticked(Flowable):  # type: ignore[misc]  # reportlab tells no types
    """A text with a box before it."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self._text = text

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Return the size."""
        _, tall = self._text.wrap(width - 20, height)
        self.width, self.height = width, tall + 4
        return self.width, self.height

    def draw(self) -> None:
        """Draw the box and the text."""
        self.canv.setStrokeColor(_LINE)
        self.canv.rect(2, self.height - 15, 9, 9)
        self._text.drawOn(self.canv, 20, 2)
