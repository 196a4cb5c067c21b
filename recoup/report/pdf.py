"""The audit on a few pages, for a meeting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from recoup.report.audit import FALLS, Fall, falls, gravity, headline
from recoup.report.figures import count, dollars, percent, short_dollars
from recoup.report.words import named, plain

_INK, _SOFT, _ACCENT, _OFF, _RULE = (colors.HexColor(code) for code in ("#1d2433", "#566076", "#0b5c6b", "#b4541e", "#dfe2e8"))
_WIDTH = 6.9 * inch
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=13, textColor=_INK)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=10.5, textColor=_SOFT)
_LEAD = ParagraphStyle("lead", parent=_BODY, fontSize=11.5, leading=16)
_TITLE = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=17, leading=21)
_HEAD = ParagraphStyle("head", parent=_BODY, fontName="Helvetica-Bold", fontSize=11.5, leading=15, spaceBefore=10, spaceAfter=3)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=8.5, leading=10.5)

ROWS = 6


def audit_pdf(result: Mapping[str, Any]) -> bytes:
    """Return the summary as PDF; the same result gives the same bytes."""
    stream = BytesIO()
    page = SimpleDocTemplate(
        stream,
        pagesize=letter,
        leftMargin=0.7 * inch,
        rightMargin=0.7 * inch,
        topMargin=0.6 * inch,
        bottomMargin=0.6 * inch,
        title=f"Audit of write-offs as of {result['as_of']}",
        author="recoup",
        lang="en",
        invariant=1,
    )
    page.build(_story(result), onFirstPage=_foot, onLaterPages=_foot)
    return stream.getvalue()


def _foot(canvas: Any, page: Any) -> None:
    canvas.setFont("Helvetica", 7.5)
    canvas.setFillColor(_SOFT)
    canvas.drawString(
        page.leftMargin,
        0.38 * inch,
        "Findings are leads for people to decide on. Details and evidence: report.html, workbook.xlsx, findings.csv",
    )
    canvas.drawRightString(letter[0] - page.rightMargin, 0.38 * inch, f"page {canvas.getPageNumber()}")


def _story(result: Mapping[str, Any]) -> list[Any]:
    opportunity, inputs = result["opportunity"], result["inputs"]
    steps = opportunity["steps"]
    story: list[Any] = [
        Paragraph("What was written off, and what can still come back", _TITLE),
        Paragraph(
            f"{count(inputs['writeoffs'])} write-offs of {inputs['from']} to {inputs['to']}, as known on the morning of {result['as_of']}; "
            f"expected dollars by {escape(opportunity['basis'])}.",
            _SMALL,
        ),
        Spacer(1, 7),
        Paragraph(escape(headline(result)), _LEAD),
        *(Paragraph(f"Check first: {escape(words)}.", _BODY) for words in result["warnings"]),
        *(Paragraph(escape(words), _BODY) for words in (result["unworked"] or {}).get("warnings", ())),
        Paragraph("From everything written off to what could still come", _HEAD),
        _bridge(falls(steps, ("total", *FALLS, "gross"))),
        Paragraph("What that is worth", _HEAD),
        _bridge(falls(steps, ("gross", "unlikely", "expected", "not_worth", "cost", "net"))),
    ]
    story.append(_section("What runs out if nobody acts", ["", "write-offs", "at most", "expected"], [
        ["expired untouched" if one["within_days"] is None else f"within {one['within_days']} days", count(one["writeoffs"]),
         dollars(one["gross"]), dollars(one["expected"])] for one in opportunity["expiring"]
    ]))  # fmt: skip
    story.append(_section("Where it is", ["payer", "write-offs", "expected", "low", "high", "net"], [
        [one["group"], count(one["writeoffs"]), *(dollars(one[name]) for name in ("expected", "low", "high", "net"))]
        for one in opportunity["by_payer"][:ROWS]
    ]))  # fmt: skip
    found = sorted((rule for rule in result["rules"] if rule["findings"] and rule["kind"] != "list"), key=gravity)
    story.append(_section("What was found (amounts of different rules overlap)", ["rule", "severity", "findings", "at stake"], [
        [rule["sentence"], rule["severity"], count(rule["findings"]), dollars(rule["amount"])] for rule in found
    ], wide=True))  # fmt: skip
    owed = result["overpayments"]
    story.append(
        KeepTogether(
            [
                Paragraph("What may be owed back", _HEAD),
                Paragraph(f"{count(owed['findings'])} possible overpayments, {dollars(owed['amount'])}. {escape(owed['words'])}", _BODY),
            ]
        )
    )
    changes = result["prevention"]["recommendations"][:ROWS]
    story.append(_section("What to change first", ["team", "change", "excess a year"], [
        [f"{plain(one['team'])}: {plain(one['family'])}", one["change"], dollars(one["excess_dollars_a_year"])] for one in changes
    ], wide=True, widths=(1.6, 4.3, 1.0)))  # fmt: skip
    causes = result["prevention"]["causes"][:ROWS]
    story.append(_section("Where refusals stand out", ["where", "reason", "rate", "elsewhere", "trend"], [
        [named(one["cell"]), one["carc"], percent(one["rate"], 1), percent(one["rate_elsewhere"], 1), (one["trend"] or {}).get("word", "–")]
        for one in causes
    ], wide=True))  # fmt: skip
    story.append(_section("Teams of different sizes", ["people", "cash in a year", "cost", "net", "lost to deadlines"], [
        [f"{one['people']:g}", dollars(one["cash_in_a_year"]), dollars(one["cost"]), dollars(one["net"]), dollars(one["lost_to_deadlines"])]
        for one in opportunity["staffing"]
    ]))  # fmt: skip
    return story


def _section(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, wide: bool = False, widths: Sequence[float] | None = None
) -> Any:
    if not rows:
        return Spacer(1, 0)
    if widths is None:
        widths = (3.8, *[3.1 / (len(head) - 1)] * (len(head) - 1)) if wide else (2.2, *[4.7 / (len(head) - 1)] * (len(head) - 1))
    texts = [
        [Paragraph(escape(cell), _CELL) if i == 0 or (wide and len(cell) > 30) else cell for i, cell in enumerate(row)] for row in rows
    ]
    table = Table([list(head), *texts], colWidths=[width * inch for width in widths], repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Helvetica", 8.5),
                ("TEXTCOLOR", (0, 0), (-1, 0), _SOFT),
                ("TEXTCOLOR", (0, 1), (-1, -1), _INK),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
                ("ALIGN", (1, 0), (1, 0), "LEFT" if widths[1] > 2 else "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _RULE),
                ("TOPPADDING", (0, 0), (-1, -1), 2.2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
            ]
        )
    )
    title_ = Paragraph(escape(title), _HEAD)
    return KeepTogether([title_, table])


def _bridge(bars: Sequence[Fall]) -> Drawing:
    height, words, amount = 15.0, 3.35 * inch, 0.85 * inch
    drawing = Drawing(_WIDTH, height * len(bars))
    room = _WIDTH - words - amount
    for i, bar in enumerate(bars):
        y = height * (len(bars) - 1 - i)
        is_whole = bar.style == "whole"
        font = "Helvetica-Bold" if is_whole else "Helvetica"
        drawing.add(String(0, y + 4, bar.words, fontName=font, fontSize=8.5, fillColor=_INK))
        drawing.add(
            String(words + amount - 8, y + 4, short_dollars(bar.dollars), fontName=font, fontSize=8.5, fillColor=_INK, textAnchor="end")
        )
        width = max(0.7, room * bar.width / 100)
        drawing.add(
            Rect(
                words + amount + room * bar.start / 100, y + 2, width, height - 5, fillColor=_ACCENT if is_whole else _OFF, strokeColor=None
            )
        )
    return drawing
