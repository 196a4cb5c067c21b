"""The month in one page: key figures against the month and the year before, and what changed between two audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from features.errors import UsageError
from recoup.report.audit import kpi_words
from recoup.report.pages import pages
from recoup.report.words import named, plain

Result = Mapping[str, Any]
YEAR = 12


def monthly(result: Result, month: str | None = None, before: Result | None = None) -> dict[str, Any]:
    """Return the document of one month.

    Parameters
    ----------
    result
        The `audit.json` of an audit.
    month
        As `2026-10`; None: the last whole month before the audit's day.
    before
        The `audit.json` of an earlier audit, to say what changed.

    Raises
    ------
    UsageError
        When the audit has no postings of that month.
    """
    months = {one["month"]: one for one in result["kpis"]["by_month"]}
    ended = [name for name in sorted(months) if name < result["as_of"][:7]]
    wanted = month or (ended[-1] if ended else "")
    if wanted not in months:
        known = f"{min(months)} to {max(months)}" if months else "none"
        raise UsageError(f"month {month or 'before the audit'!r}: the audit has postings of {known}")
    earlier = [name for name in sorted(months) if name < wanted]
    year = earlier[-YEAR:]
    figures_ = [
        {
            "figure": name,
            "definition": definition,
            "now": months[wanted][name],
            "before": months[earlier[-1]][name] if earlier else None,
            "year": _mean([months[one][name] for one in year]),
        }
        for name, definition in result["kpis"]["definitions"].items()
    ]
    return {
        "month": wanted,
        "as_of": result["as_of"],
        "previous": earlier[-1] if earlier else None,
        "figures": figures_,
        "opportunity": {one["step"]: one["dollars"] for one in result["opportunity"]["steps"]},
        "band": result["opportunity"]["expected_band"],
        "expiring": result["opportunity"]["expiring"],
        "changes": None if before is None else changes(before, result),
        "made": result["prevention"].get("changes", []),
        "causes": [one for one in result["prevention"]["causes"] if (one["trend"] or {}).get("word") == "rising"][:10],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 4) if known else None


def changes(before: Result, now: Result) -> dict[str, Any]:
    """Return findings then and now by rule, what the open part was worth, and the root causes that came and went.

    >>> empty = {"as_of": "2026-01-01", "rules": [], "prevention": {"causes": []}, "opportunity": {"steps": []}}
    >>> changes(empty, empty)["rules"]
    []
    """
    old = {rule["rule"]: rule for rule in before["rules"]}
    rules = [
        {"rule": rule["rule"], "sentence": rule["sentence"], "before": old[rule["rule"]]["findings"], "now": rule["findings"]}
        for rule in now["rules"]
        if rule["rule"] in old and rule["findings"] != old[rule["rule"]]["findings"] and rule["kind"] != "list"
    ]
    causes = [{(named(one["cell"]), one["carc"]): one for one in audit["prevention"]["causes"]} for audit in (before, now)]
    steps = [{one["step"]: one["dollars"] for one in audit["opportunity"]["steps"]} for audit in (before, now)]
    return {
        "since": before["as_of"],
        "rules": rules,
        "expected": [one.get("expected") for one in steps],
        "new_causes": [f"{cell}, reason {carc}" for cell, carc in causes[1] if (cell, carc) not in causes[0]][:10],
        "gone_causes": [f"{cell}, reason {carc}" for cell, carc in causes[0] if (cell, carc) not in causes[1]][:10],
    }


def monthly_html(told: Result) -> str:
    """Return the page: a whole HTML document that loads nothing and runs no script."""
    rows = [
        {"name": plain(one["figure"]), **{when: kpi_words(one["figure"], one[when]) for when in ("now", "before", "year")}}
        | {"definition": one["definition"]}
        for one in told["figures"]
    ]
    return pages().get_template("monthly.html.j2").render(told=told, rows=rows)
