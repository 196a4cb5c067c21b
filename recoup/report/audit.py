"""The audit as one self-contained page of HTML: what a finance director asks, in that order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from markupsafe import Markup

from recoup.report import figures, svg
from recoup.report.pages import pages
from recoup.report.words import NAMES, plain
from serving.findings.figures import FIGURES

Result: TypeAlias = Mapping[str, Any]
"""The JSON that `serving.findings.result` returns."""

SHOWN = 12
FALLS = ("reversed", "contractual", "policy", "bad_debt", "patient", "wait", "no_scope", "worked", "expired", "above_owed")


class Fall(NamedTuple):
    """One bar of the bridge: its words, dollars and rows, and where it begins and ends in percent of the widest."""

    words: str
    dollars: float
    rows: int
    start: float
    width: float
    style: str


def audit_html(result: Result) -> str:
    """Return the report of one audit.

    Parameters
    ----------
    result
        What `serving.findings.result.result` returned, or the same read back from JSON.

    Returns
    -------
    str
        A whole HTML document that loads nothing from anywhere and runs no script.
    """
    made = pages()
    made.filters.update(short=short, luck=luck)
    opportunity = result["opportunity"]
    return made.get_template("audit.html.j2").render(
        result=result,
        o=opportunity,
        headline=headline(result),
        steps={one["step"]: one for one in opportunity["steps"]},
        ledger_bridge=falls(opportunity["steps"], ("total", *FALLS, "gross")),
        value_bridge=falls(opportunity["steps"], ("gross", "unlikely", "expected", "not_worth", "cost", "net")),
        groups=[(name, opportunity[key]) for name, key in (("payer", "by_payer"), ("reason", "by_family"), ("what to do", "by_remedy"))],
        found=sorted((rule for rule in result["rules"] if rule["findings"] and rule["kind"] != "list"), key=gravity),
        clean=[rule for rule in result["rules"] if rule["findings"] == 0],
        not_run=[rule for rule in result["rules"] if rule["not_run"]],
        lists=[rule for rule in result["rules"] if rule["findings"] and rule["kind"] == "list"],
        cash=Markup(_cash(result)),
        months=Markup(_months(result)),
        kpi_rows=kpi_rows(result),
        columns=NAMES,
        shown=SHOWN,
    )


def gravity(rule: Mapping[str, Any]) -> tuple[int, float]:
    """Return what sorts rules: the gravest first, then the dearest."""
    return ("high", "medium", "low", "info").index(rule["severity"]), -rule["amount"]


def luck(p: float) -> str:
    """Say how easily chance alone gives so many.

    >>> luck(4e-08), luck(0.004), luck(0.03)
    ('below 1 in 1,000', '1 in 250', '1 in 33')
    """
    return "below 1 in 1,000" if p < 0.001 else f"1 in {1 / p:,.0f}"


def short(value: float) -> str:
    """Write dollars for a tile: whole below a million, else in millions.

    >>> short(460_503.2), short(15_433_871.0)
    ('$460,503', '$15.4M')
    """
    return figures.dollars(value) if abs(value) < 1e6 else figures.short_dollars(value)


def headline(result: Result) -> str:
    """Return the finding in two sentences.

    >>> steps = [{"step": s, "dollars": d, "writeoffs": 1} for s, d in (("total", 900.0), ("expected", 50.0), ("net", 30.0))]
    >>> o = {"steps": steps, "expected_band": [20.0, 90.0], "expiring": [{"within_days": 30, "expected": 5.0, "writeoffs": 2}]}
    >>> headline({"opportunity": o, "is_ledger": True}).split(". ")[0]
    'Of $900 written off, about $50 should come back if it is worked now; nine times in ten between $20 and $90'
    """
    opportunity = result["opportunity"]
    steps = {one["step"]: one for one in opportunity["steps"]}
    low, high = opportunity["expected_band"]
    what = "written off" if result["is_ledger"] else "adjusted by payers"
    all_, expected = (figures.dollars(steps[name]["dollars"]) for name in ("total", "expected"))
    first = (
        f"Of {all_} {what}, about {expected} should come back if it is worked now; nine times in ten between "
        f"{figures.dollars(low)} and {figures.dollars(high)}."
    )
    soon = next((one for one in opportunity["expiring"] if one["within_days"] == 30), None)
    net = f" After the cost of the work {figures.dollars(steps['net']['dollars'])} remain."
    if soon is None or not soon["writeoffs"]:
        return first + net
    return first + net + f" Of what is expected {figures.dollars(soon['expected'])} is lost within 30 days if nobody acts."


def falls(steps: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Fall]:
    """Return the bars of a part of the bridge; a step without write-offs that takes nothing off is left out.

    >>> steps = [{"step": s, "words": s, "dollars": d, "writeoffs": 1} for s, d in (("a", 100.0), ("b", -25.0))]
    >>> [(fall.start, fall.width, fall.style) for fall in falls(steps, ("a", "b"))]
    [(0.0, 100.0, 'whole'), (75.0, 25.0, 'off')]
    >>> pairs = {"step": "reversed", "words": "reversals", "dollars": 0.0, "writeoffs": 2}
    >>> [(fall.words, fall.rows) for fall in falls([*steps, pairs], ("a", "reversed"))]
    [('a', 1), ('reversals', 2)]
    """
    by_name = {one["step"]: one for one in steps}
    widest = max([abs(by_name[name]["dollars"]) for name in names if name in by_name] or [0.0]) or 1.0
    told: list[Fall] = []
    level = 0.0
    for name in names:
        one = by_name.get(name)
        if one is None or (name in FALLS and one["dollars"] == 0 and not one["writeoffs"]):
            continue
        is_level = name in ("total", "gross", "expected", "net") or not told
        dollars = one["dollars"]
        if is_level:
            level, start, width = dollars, min(dollars, 0.0), abs(dollars)
        else:
            start, width = min(level, level + dollars), abs(dollars)
            level += dollars
        at = max(0.0, min(100.0, 100 * start / widest))
        style = "whole" if is_level else "off" if dollars <= 0 else "on"
        told.append(Fall(one["words"], dollars, one["writeoffs"], round(at, 2), round(min(100 - at, 100 * width / widest), 2), style))
    return told


def _cash(result: Result) -> str:
    """Draw cash by month for the smallest and the largest team."""
    teams = result["opportunity"]["staffing"]
    if not teams or not any(sum(team["cash"]) for team in teams):
        return ""
    first, last = teams[0], teams[-1]
    bars = [
        svg.Pair(str(i + 1), a, b if last is not first else None) for i, (a, b) in enumerate(zip(first["cash"], last["cash"], strict=True))
    ]
    return svg.pairs(
        bars,
        title="Expected cash by month",
        description=f"{first['people']} people (pale) bring {figures.dollars(first['cash_in_a_year'])} in a year, "
        f"{last['people']} people {figures.dollars(last['cash_in_a_year'])}.",
        beside="dollars a month",
        words=figures.short_dollars,
    )


def _months(result: Result) -> str:
    """Draw the share of write-offs with an error of posting or policy by month."""
    months = [one for one in result["kpis"]["by_month"] if one["writeoff_error_rate"] is not None][-24:]
    if len(months) < 2:
        return ""
    bars = [svg.Pair(one["month"][2:], None, 100 * one["writeoff_error_rate"]) for one in months]
    return svg.pairs(
        bars,
        title="Postings with an error, by month",
        description=f"From {months[0]['month']} to {months[-1]['month']}; last {100 * months[-1]['writeoff_error_rate']:.1f} in a hundred.",
        beside="percent of postings",
        words=lambda value: f"{value:.1f} %",
    )


def kpi_rows(result: Result) -> list[dict[str, str]]:
    """Return the key figures of the whole ledger with their definitions, as words."""
    told = []
    for name, definition in result["kpis"]["definitions"].items():
        told.append({"name": plain(name), "value": kpi_words(name, result["kpis"]["all"][name]), "definition": definition})
    return told


def kpi_words(name: str, value: float | None) -> str:
    """Write one key figure.

    >>> kpi_words("overturn_rate", 0.25), kpi_words("days_denial_to_action", 12.0), kpi_words("overturn_rate", None)
    ('25.0 %', '12 days', 'not known')
    """
    if value is None:
        return "not known"
    return KPI_WORDS[FIGURES[name].unit if name in FIGURES else "share"](value)


KPI_WORDS: Mapping[str, Callable[[float], str]] = {
    "count": lambda value: figures.count(int(value)),
    "days": lambda value: f"{value:.0f} days",
    "dollars": figures.dollars,
    "share": lambda value: figures.percent(value, 1),
    "times": lambda value: f"{value:.2f}",
}
