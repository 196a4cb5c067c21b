"""The report of drift: which payers changed their minds, since when, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from markupsafe import Markup

from recoup.report import figures, svg
from recoup.report.pages import pages
from training.drift import PSI_LOOK
from training.fit import REFERENCE_DAYS

Result: TypeAlias = Mapping[str, Any]
"""The JSON that `training.drift.watch` returns."""

SHOWN = 10


def drift_html(result: Result) -> str:
    """Return the report as one page of HTML that loads nothing and runs no script."""
    return (
        pages()
        .get_template("drift.html.j2")
        .render(result=result, headline=headline(result), drawing=Markup(heights(result)), reference_days=REFERENCE_DAYS, psi_look=PSI_LOOK)
    )


def headline(result: Result) -> str:
    """Say in one sentence whether anything changed.

    >>> headline({"alarms": [], "results": 310, "days": 45})
    'No alarm: the 310 results of these 45 days came as predicted, as far as they can tell.'
    """
    payers = list(dict.fromkeys(row["payer"] for row in result["alarms"]))
    if not payers:
        results = figures.count(result["results"])
        return f"No alarm: the {results} results of these {result['days']} days came as predicted, as far as they can tell."
    named = ", ".join(payers[:3]) + (f" and {len(payers) - 3} more" if len(payers) > 3 else "")
    return f"{len(payers)} payer{'s' if len(payers) > 1 else ''} changed: {named}."


def heights(result: Result) -> str:
    """Draw the highest sums with the height at which they ring."""
    rows = result["groups"][:SHOWN]
    if not rows:
        return ""
    spans = [
        svg.Span(f"{row['payer']} {row['family'] or ''}".strip()[:24].replace("_", " "), 0.0, row["highest"], row["highest"])
        for row in rows
    ]
    high = max(result["threshold"] * 1.2, *(row["highest"] for row in rows))
    return svg.ranges(
        spans,
        low=0.0,
        high=high,
        mark=result["threshold"],
        title="Highest sum of each group",
        description="The dashed line is the height at which an alarm rings",
        words=lambda value: f"{value:.1f}",
    )
