"""Draws the Word templates that ship: `python -m serving.packet.stock FOLDER` writes them anew."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from docx import Document as new_word
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Inches, Pt, RGBColor

from serving.packet.kinds import ADDRESSED, KINDS

TEMPLATES = (*KINDS, "worksheet")
_NOTICES = {
    "worksheet": "Internal. Not to be sent. Contains protected health information.",
    "ledger_correction": "Internal. Contains protected health information.",
}
_NOTICE = "Confidential: contains protected health information, for the addressee only."


def notice_of(kind: str) -> str:
    """Return what stands at the foot of every page of a kind."""
    return _NOTICES.get(kind, _NOTICE)


def draw(kind: str) -> bytes:
    """Return the template of a kind as a Word file."""
    word: Any = new_word()
    page = word.sections[0]
    page.page_width, page.page_height = Inches(8.5), Inches(11)
    page.left_margin = page.right_margin = Inches(1)
    page.top_margin, page.bottom_margin = Inches(0.7), Inches(0.7)
    _style(word)
    _head(word, is_letter=kind in ADDRESSED)
    title = word.add_paragraph("{{ title }}", style="Title")
    title.paragraph_format.space_after = Pt(0)
    _grey(word.add_paragraph("Re: {{ reference }}"), after=8)
    if kind in ADDRESSED:
        word.add_paragraph("{{ salutation }}")
    word.add_paragraph("{%p for section in sections %}")
    word.add_paragraph("{%p if section.heading %}")
    word.add_paragraph("{{ section.heading }}", style="Heading 2")
    word.add_paragraph("{%p endif %}")
    word.add_paragraph("{{p section.body }}")
    word.add_paragraph("{%p endfor %}")
    _foot(page, notice_of(kind))
    properties = word.core_properties
    properties.title, properties.author, properties.comments = "", "", ""
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def _style(word: Any) -> None:
    for name, size, bold in (("Normal", 10, False), ("Heading 2", 10.5, True), ("Title", 15, True)):
        style = word.styles[name]
        style.font.name, style.font.size, style.font.bold = "Arial", Pt(size), bold
        style.font.color.rgb = RGBColor(0x1A, 0x1A, 0x1A)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{kind}"), "Arial")
        for theme in ("asciiTheme", "hAnsiTheme", "cstheme", "eastAsiaTheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
    normal = word.styles["Normal"].paragraph_format
    normal.space_after, normal.line_spacing = Pt(6), 1.1
    heading = word.styles["Heading 2"].paragraph_format
    heading.space_before, heading.space_after, heading.keep_with_next = Pt(9), Pt(3), True
    border = word.styles["Title"].element.get_or_add_pPr().find(qn("w:pBdr"))
    if border is not None:
        border.getparent().remove(border)


def _head(word: Any, *, is_letter: bool) -> None:
    name = word.add_paragraph()
    run = name.add_run("{{ sender.name }}")
    run.bold, run.font.size = True, Pt(12)
    name.paragraph_format.space_after = Pt(0)
    word.add_paragraph("{%p for line in sender.lines %}")
    _grey(word.add_paragraph("{{ line }}"), after=0)
    word.add_paragraph("{%p endfor %}")
    rule = word.add_paragraph()
    rule.paragraph_format.space_after, rule.paragraph_format.line_spacing = Pt(8), Pt(4)
    _underline(rule)
    word.add_paragraph("{{ prepared }}")
    if is_letter:
        word.add_paragraph("{%p for line in addressee %}")
        word.add_paragraph("{{ line }}").paragraph_format.space_after = Pt(0)
        word.add_paragraph("{%p endfor %}")
        word.add_paragraph().paragraph_format.space_after = Pt(0)


def _grey(paragraph: Any, *, after: float) -> None:
    paragraph.paragraph_format.space_after = Pt(after)
    for run in paragraph.runs:
        run.font.color.rgb = RGBColor(0x59, 0x59, 0x59)
        run.font.size = Pt(9.5)


def _underline(paragraph: Any) -> None:
    borders, edge = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for key, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "404040")):
        edge.set(qn(f"w:{key}"), value)
    borders.append(edge)
    paragraph._p.get_or_add_pPr().append(borders)


def _foot(page: Any, notice: str) -> None:
    paragraph = page.footer.paragraphs[0]
    paragraph.add_run(f"{notice}  {{{{ reference }}}}, page ")
    _number(paragraph, "PAGE")
    paragraph.add_run(" of ")
    _number(paragraph, "NUMPAGES")
    _grey(paragraph, after=0)
    for run in paragraph.runs:
        run.font.size = Pt(8)


def _number(paragraph: Any, field: str) -> None:
    """Add a number that Word counts."""
    for kind in ("begin", "", "end"):
        run = paragraph.add_run()
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = field
        run._r.append(element)


def main(folder: Path) -> None:
    """Write every template into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in TEMPLATES:
        (folder / f"{kind}.docx").write_bytes(draw(kind))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
