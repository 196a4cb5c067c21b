"""The audit as a workbook: one sheet for each list, numbers as numbers, and no text that a spreadsheet would run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException

from recoup.report.audit import headline
from recoup.report.words import authority, named, plain

MOST_ROWS = 50_000
"""Rows of the sheets of findings and of patients' shares, the gravest first; the file `findings.csv` has all."""

_MONEY = ("dollars", "amount", "gross", "expected", "low", "high", "net", "posted", "reversed", "in_bridge", "unexplained", "cost",
          "cash_in_a_year", "lost_to_deadlines", "written_off", "open_expected", "underpaid", "interest_paid", "excess_dollars_a_year",
          "dollars_a_year", "on_a_remittance_in_hand", "predicted", "realised", "of_it_by_rule_or_law", "recovered_per_hour",
          "allowed", "initial_denied_charges", "expired_untouched", "saved_dollars_a_year")  # fmt: skip
_SHARES = ("rate", "rate_elsewhere", "refused_share", "rate_variance", "overturned_share", "initial_denial_rate", "net_recovery_rate",
           "initial_denial_dollars_rate", "primary_denial_rate", "denial_writeoffs_share", "overturn_rate", "writeoff_error_rate",
           "unknown_code_rate", "initial_denial_rate_3_months", "remittance_denial_rate", "realised_over_predicted", "cost_to_collect",
           "bad_debt_share", "charity_share", "share_low", "share_high", "rate_before", "rate_after", "elsewhere_before",
           "elsewhere_after", "ratio", "ratio_low", "ratio_high")  # fmt: skip
_WIDE = {
    "evidence": 90,
    "sentence": 80,
    "citation": 40,
    "change": 60,
    "training": 60,
    "words": 60,
    "cell": 44,
    "definition": 100,
    "rows": 44,
}
FITTED_ROWS, LINE_HEIGHT = 500, 15
"""Sheets of up to so many rows have rows as high as their words; points of a line."""

_NUMBERS = ("amount", "segment", "line_number")


def audit_workbook(
    result: Mapping[str, Any],
    findings: Mapping[str, Sequence[object]],
    shares: Mapping[str, Sequence[object]],
    overpayments: Mapping[str, Sequence[object]],
    sample: Sequence[Mapping[str, Any]],
    *,
    answer: str,
    note: str,
    answers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the workbook.

    Parameters
    ----------
    result
        What `serving.findings.result` returned.
    findings, shares, overpayments
        Tables by column: findings, the gravest first, patients' shares, and what may be owed back.
    sample
        Write-offs for a person to judge; what the audit says of them is in no cell of the sheet.
    answer, note
        Heads of the columns that a person fills in.
    answers
        What was filled in before, by write-off.
    """
    stream = BytesIO()
    # Text stays text: nothing is taken for a formula, a link or a number.
    safe = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "in_memory": True,
        "constant_memory": False,
    }
    with xlsxwriter.Workbook(stream, safe) as book:
        # The morning that it speaks of, not the clock's: the same audit gives the same bytes.
        book.set_properties({"created": datetime.fromisoformat(result["as_of"])})
        sheets = _Sheets(book)
        sheets.columns("Summary", _summary(result))
        _add_opportunity(sheets, result["opportunity"])
        _add_findings(sheets, result, findings, shares, overpayments)
        sheets.table("Staffing", [{**one, **_by_month(one["cash"])} for one in result["opportunity"]["staffing"]])
        _add_prevention(sheets, result["prevention"])
        _add_key_figures(sheets, result["kpis"])
        sheets.table("Tie-out", result["opportunity"]["tie_out"])
        sheets.table("Remit issues", result["remit_issues"], ("severity", "count", "message", "file", "segment"))
        if unworked := result["unworked"]:
            sheets.table("Never worked", [{"payer": None, "carc": None, **one} for key in ("payers", "carcs") for one in unworked[key]])
        blind = [{**one["cells"], answer: (answers or {}).get(one["cells"]["writeoff_id"], ""), note: ""} for one in sample]
        sheets.table(VALIDATION, blind)
    return stream.getvalue()


def _add_opportunity(sheets: _Sheets, opportunity: Mapping[str, Any]) -> None:
    sheets.table("Bridge", opportunity["steps"], ("words", "writeoffs", "dollars"))
    sheets.table("Expiring", [{**one, "within_days": one["within_days"] or "expired untouched"} for one in opportunity["expiring"]])
    for name, key in (("By payer", "by_payer"), ("By family", "by_family"), ("By remedy", "by_remedy")):
        sheets.table(name, [{**one, "group": plain(one["group"])} for one in opportunity[key]])


def _add_findings(
    sheets: _Sheets,
    result: Mapping[str, Any],
    findings: Mapping[str, Sequence[object]],
    shares: Mapping[str, Sequence[object]],
    overpayments: Mapping[str, Sequence[object]],
) -> None:
    rules = [{**rule, "citation": authority(rule["citation"])} for rule in result["rules"] if rule["rule"] != "classified"]
    sheets.table("Rules", rules, ("rule", "severity", "kind", "findings", "amount", "sentence", "citation", "not_run"))
    sheets.columns("Findings", findings)
    sheets.table("Underpayments", result["underpayments"])
    sheets.columns("Overpayments", overpayments)
    names = ("writeoff_id", "claim_id", "line_number", "amount", "evidence")
    sheets.columns("Patient shares", {name: shares[name] for name in names})


def _add_prevention(sheets: _Sheets, prevention: Mapping[str, Any]) -> None:
    causes, posters = (
        [{**one, "cell": named(one["cell"]), "trend": (one["trend"] or {}).get("word")} for one in prevention[key]]
        for key in ("causes", "posters")
    )
    sheets.table("Root causes", causes)
    sheets.table("Changes", prevention["recommendations"], ("team", "family", "change", "training", "excess_dollars_a_year", "rows"))
    sheets.table("Posters", posters)
    sheets.table("What changes did", prevention["changes"], _CHANGE if prevention["changes"] else None)
    before = [
        {"family": one["family"], **dict(zip(one["quarters"], one["per_hundred_lines"], strict=True))}
        for one in prevention["before_and_after"]
    ]
    sheets.table("Before and after", before)
    sheets.table("Payers", prevention["scorecard"])


def _add_key_figures(sheets: _Sheets, kpis: Mapping[str, Any]) -> None:
    definitions = [{"figure": name, "value": kpis["all"][name], "definition": words} for name, words in kpis["definitions"].items()]
    sheets.table("Key figures", definitions)
    sheets.table("Figures by month", kpis["by_month"])
    sheets.table("Figures by payer", kpis["by_payer"])
    for name, key in (("Errors by poster", "posted_by"), ("Errors by reason", "carc"), ("Errors by code", "adjustment_code")):
        sheets.table(name, kpis["errors"][key])


VALIDATION = "Validation"
_CHANGE = (
    "change", "team", "changed_on", "payer_id", "facility_id", "procedure_code", "provider_id", "posted_by", "family", "carc", "rule",
    "verdict", "before", "after", "rate_before", "rate_after", "elsewhere_before", "elsewhere_after", "ratio", "ratio_low", "ratio_high",
    "saved_dollars_a_year",
)  # fmt: skip

_HEADS = {
    "words": "step",
    "group": "which",
    "carc": "reason",
    "cell": "where",
    "p": "chance alone",
    "p_adjusted": "chance alone, of so many tests",
}


def _summary(result: Mapping[str, Any]) -> dict[str, Sequence[object]]:
    """Return the first sheet: what a reader should know if nothing else is read."""
    opportunity = result["opportunity"]
    steps = {one["step"]: one for one in opportunity["steps"]}
    told: list[tuple[str, float | str]] = [
        ("written off" if result["is_ledger"] else "adjusted by payers", steps["total"]["dollars"]),
        ("at most still owed", steps["gross"]["dollars"]),
        ("expected if all is worked now", steps["expected"]["dollars"]),
        ("nine times in ten at least", opportunity["expected_band"][0]),
        ("nine times in ten at most", opportunity["expected_band"][1]),
        ("net of the cost of the work", steps["net"]["dollars"]),
        ("possible overpayments, netted against nothing", result["overpayments"]["amount"]),
    ]
    words = [
        headline(result),
        *(f"Check first: {one}." for one in result["warnings"]),
        *(result["unworked"] or {}).get("warnings", ()),
        f"Expected dollars by {opportunity['basis']}.",
    ]
    return {"sentence": [*words, *(name for name, _ in told)], "dollars": [*(None for _ in words), *(value for _, value in told)]}


def read_answers(path: Path, answer: str) -> dict[str, str]:
    """Return what a person filled into the sheet of an earlier workbook, by write-off; nothing where there is none."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (FileNotFoundError, InvalidFileException, BadZipFile, KeyError):
        return {}
    with closing(book):
        if VALIDATION not in book.sheetnames:
            return {}
        rows = book[VALIDATION].iter_rows(values_only=True)
        head = [str(name) for name in next(rows, ())]
        if answer not in head or "writeoff_id" not in head:
            return {}
        key, at = head.index("writeoff_id"), head.index(answer)
        return {str(row[key]): str(row[at]) for row in rows if row[key] is not None and row[at] not in (None, "")}


def _by_month(cash: Sequence[float]) -> dict[str, float]:
    return {f"month {i}": value for i, value in enumerate(cash, start=1)}


class _Sheets:
    """Writes sheets with heads that stay in sight, filters, widths and number formats."""

    def __init__(self, book: Any) -> None:
        self._book = book
        head = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
        self._head, self._head_of_numbers = book.add_format(head), book.add_format({**head, "align": "right"})
        self._text = book.add_format({"valign": "top"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._money = book.add_format({"num_format": "#,##0.00;[Red]-#,##0.00", "valign": "top"})
        self._share = book.add_format({"num_format": "0.0%", "valign": "top"})

    def table(self, name: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str] | None = None) -> None:
        """Write rows; the columns of the first one unless they are named."""
        names = list(columns) if columns is not None else list(rows[0]) if rows else []
        names = [one for one in names if one not in ("cash", "examples")]
        self.columns(name, {one: [row.get(one) for row in rows] for one in names})

    def columns(self, name: str, columns: Mapping[str, Sequence[object]]) -> None:
        """Write columns."""
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        rows = max((len(values) for values in columns.values()), default=0)
        is_short = rows <= FITTED_ROWS
        for at, (head, values) in enumerate(columns.items()):
            is_money, is_share = head in _MONEY or head.startswith("month "), head in _SHARES
            style = self._money if is_money else self._share if is_share else self._wrap if head in _WIDE and is_short else self._text
            sheet.set_column(at, at, _WIDE.get(head, 16 if is_money else _width(head, values)), style)
            is_number = is_money or is_share or any(isinstance(value, (int, float)) for value in values[:20])
            words = head if name == VALIDATION else plain(_HEADS.get(head, head))
            sheet.write_string(0, at, words, self._head_of_numbers if is_number else self._head)
            for row, value in enumerate(values, start=1):
                _write(sheet, row, at, value, is_number=head in _NUMBERS)
        wide = [(values, _WIDE[head]) for head, values in columns.items() if head in _WIDE]
        for row in range(rows) if is_short else ():
            # Not every program fits the height of a row to its text.
            lines = max((math.ceil(len(str(values[row] or "")) / width) for values, width in wide), default=1)
            if lines > 1:
                sheet.set_row(row + 1, LINE_HEIGHT * lines)
        if columns and rows:
            sheet.autofilter(0, 0, rows, len(columns) - 1)
        if not rows:
            sheet.write_string(1, 0, "nothing")


def _width(head: str, values: Sequence[object]) -> int:
    """Return the width of a column that shows its head and its first words."""
    longest = max((len(str(value)) for value in values[:200] if isinstance(value, str)), default=0)
    return max(10, min(36, max(len(head), longest) + 2))


def _write(sheet: Any, row: int, column: int, value: object, *, is_number: bool) -> None:
    if value is None or value == "":
        return
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        sheet.write_number(row, column, value)
    elif is_number and isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit():
        sheet.write_number(row, column, float(value))
    elif isinstance(value, (list, tuple)):
        sheet.write_string(row, column, ", ".join(str(one) for one in value))
    else:
        sheet.write_string(row, column, str(value)[:32_000])
