"""The report of a retraining: in dollars, is the new model better, and what did every gate say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from markupsafe import Markup

from recoup.report import figures, svg
from recoup.report.pages import pages

Result: TypeAlias = Mapping[str, Any]
"""The JSON that `training.retrain` reports."""


def retrain_html(result: Result) -> str:
    """Return the report as one page of HTML that loads nothing and runs no script."""
    at = _at(result)
    return (
        pages()
        .get_template("retrain.html.j2")
        .render(
            result=result,
            headline=headline(result),
            failed=[_said(gate) for gate in result["gates"] if not gate["held"]],
            against=against(result),
            at=at,
            names=list(at["names"]) if at else [],
            gains=Markup(gains(result)),
            reliability=Markup(reliability(result)),
            tuning=Markup(losses(result)),
        )
    )


def headline(result: Result) -> str:
    """Say in one sentence whether the new model is better, in dollars.

    >>> headline({"gates": [{"held": False}], "held": False})
    'Nothing was fitted: 1 check of the data does not hold.'
    """
    failed = sum(not gate["held"] for gate in result["gates"])
    at = _at(result)
    if at is None:
        return f"Nothing was fitted: {failed} check{'s' if failed != 1 else ''} of the data {'do' if failed != 1 else 'does'} not hold."
    share, low, high = (figures.percent(result["judged_at"]), figures.dollars(at["gain_low"]), figures.dollars(at["gain_high"]))
    size = figures.dollars(abs(at["gain"]))
    way = "more" if at["gain"] >= 0 else "less"
    start = (
        f"In the first {share} of the hours the new model would have brought in {size} {way} than the {against(result)} ({low} to {high})"
    )
    if result["held"]:
        return f"{start}: it is better, and every gate holds."
    shown = "it is better, but" if at["gain_low"] > 0 else "it is not shown to be better;"
    return f"{start}: {shown} {failed} of {len(result['gates'])} gates fail."


def against(result: Result) -> str:
    """Name what the new model was compared with."""
    return "champion" if result["champion"] else "static rule"


def gains(result: Result) -> str:
    """Draw the gain at each capacity with its range."""
    rows = [(row["share"], row["entries"][against(result)]) for row in result.get("capacity", [])]
    if not rows:
        return ""
    low, high = svg.nice_range(min(0.0, *(row["gain_low"] for _, row in rows)), max(1.0, *(row["gain_high"] for _, row in rows)))
    return svg.ranges(
        [svg.Span(f"{figures.percent(share)} of the hours", row["gain_low"], row["gain"], row["gain_high"]) for share, row in rows],
        low=low,
        high=high,
        title=f"Dollars gained over the {against(result)}",
        description="A bar for each share of the hours, from the low to the high end of the range; right of the line is a gain",
        words=figures.short_dollars,
    )


def reliability(result: Result) -> str:
    """Draw the new model's chances against what came of them."""
    bins = result.get("reliability", {}).get("challenger", [])
    if not bins:
        return ""
    dots = [
        svg.Dot(
            row["predicted"],
            row["observed"],
            row["rows"],
            f"{row['rows']} efforts: {row['predicted']:.0%} predicted, {row['observed']:.0%} seen",
        )
        for row in bins
    ]
    return svg.reliability(
        dots,
        title="Predicted chance against what came in",
        description="Dots on the dashed line were predicted exactly; above it more came in than predicted",
        below="predicted chance of recovery",
        beside="share that was recovered",
    )


def losses(result: Result) -> str:
    """Draw the loss of each recipe that was tried."""
    trials: Sequence[Mapping[str, Any]] = (result.get("tuning") or {}).get("trials", [])
    if len(trials) < 2:
        return ""
    found = [trial["loss"] for trial in trials]
    return svg.dots_in_order(
        found,
        title="Loss of each recipe",
        description="Log loss on later efforts; lower is better, and the first is the fixed recipe",
        below="recipe",
        beside="log loss",
    )


def _at(result: Result) -> dict[str, Any] | None:
    """The comparison at the capacity that the gates look at; None where nothing was compared."""
    for row in result.get("capacity", []):
        if row["share"] == result["judged_at"]:
            entries = row["entries"]
            return {**entries[against(result)], "dollars_first": entries["challenger"]["dollars"], "names": list(entries)}
    return None


def _said(gate: Mapping[str, Any]) -> str:
    value = figures.measure(gate["value"])
    note = f" ({gate['note']})" if gate["note"] else ""
    return f"{gate['name']} is {value}; it must be {gate['side']} {figures.measure(gate['limit'])}: {gate['meaning']}{note}"
