"""The evaluation report: how well a model ranked, priced and calibrated, as one self-contained page of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recoup.report import figures, svg

Result: TypeAlias = Mapping[str, Any]
"""The JSON that `training.evaluate` returns."""

RULES = {
    "model": ("This model", "by expected dollars per hour, deadline and chance"),
    "static_rule": ("Fixed code rule", "a recovery rate per reason code, times dollars"),
    "dollars_per_hour": ("Dollars per hour", "largest amount per expected hour first"),
    "dollars_first": ("Dollars first", "largest amount first"),
    "oldest_first": ("Oldest first", "in the order they were written off"),
}
"""Ways to order the work: the column of the result, its name, and how it orders. The model comes first."""

PAYERS_SHOWN = 15

TRUTH_WORDS = {
    "auc": "AUC: recoverable write-offs rank above others",
    "brier": "Brier score of the chance",
    "ece": "Calibration error of the chance",
    "predicted_over_true_dollars": "Predicted dollars over true expected dollars",
    "anomaly_average_precision": "Average precision of the anomaly score on mis-posted rows",
}
"""Figures against a known truth, in words."""


def evaluation_html(result: Result) -> str:
    """Return the report of one evaluation.

    Parameters
    ----------
    result
        What `training.evaluate.evaluate` returned, or the same read back from JSON.

    Returns
    -------
    str
        A whole HTML document that loads nothing from anywhere and runs no script.
    """
    loader = PackageLoader("recoup.report")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.filters.update(
        dollars=figures.dollars, percent=figures.percent, decimal=figures.decimal, count=figures.count, sentence=_sentence, named=_named
    )
    return pages.get_template("evaluation.html.j2").render(
        result=result,
        rules=_rules(result),
        propensity_words=PROPENSITY_WORDS,
        headline=headline(result),
        capacity=_capacity(result),
        ratio=_ratio(result),
        captured=Markup(_captured(result)),
        reliability=Markup(_reliability(result)),
        months=Markup(_months(result)),
        payers=sorted(result["payers"], key=lambda row: -row["actual_dollars"])[:PAYERS_SHOWN],
        value=_value(result),
        truth=_truth(result),
        truth_capacity=_capacity(result["truth"]) if result.get("truth") and result["truth"].get("capacity") else [],
    )


def headline(result: Result) -> str:
    """Return the finding in one sentence: what the model's order brings at the middle capacity, against the best simple order.

    >>> headline({"capacity": [{"share": 0.1, "model": 0.5, "dollars_first": 0.4, "oldest_first": None}]}).split("; ")[1]
    'the best simple order, dollars first, 40 %.'
    """
    rows = [row for row in result["capacity"] if row.get("model") is not None]
    if not rows:
        return "No write-off of this period has a known result yet, so nothing can be said about the order."
    row = min(rows, key=lambda item: abs(item["share"] - 0.1))
    others = {name: row[name] for name in RULES if name != "model" and row.get(name) is not None}
    share, model = figures.percent(row["share"]), figures.percent(row["model"])
    start = f"Working the first {share} of the hours in the order of this model would have brought in {model} of the recovered dollars"
    if not others:
        return f"{start}."
    best = max(others, key=lambda name: float(others[name]))
    return f"{start}; the best simple order, {RULES[best][0].lower()}, {figures.percent(others[best])}."


def _ratio(result: Result) -> float | None:
    predicted, actual = result["predicted_dollars"], result["actual_dollars"]
    return predicted / actual if actual else None


def _rules(result: Result) -> list[tuple[str, str, str]]:
    """The orders that this result knows: key, name, how."""
    known = set(result["curve"]) | {name for row in result["capacity"] for name in row}
    return [(key, name, how) for key, (name, how) in RULES.items() if key in known]


def _capacity(result: Result) -> list[dict[str, Any]]:
    """Rows of the capacity table, with the model's gain over dollars per hour."""
    rows = []
    for row in result["capacity"]:
        model, plain = row.get("model"), row.get("dollars_per_hour")
        rows.append({**row, "gain": model / plain if model is not None and plain else None})
    return rows


PROPENSITY_WORDS = {
    "logged": "The chance with which each write-off was chosen is on record.",
    "logged and estimated": "The chance of the lot is on record; the chance that people choose one is estimated from what is known of it.",
    "estimated": "No chance is on record: all of them are estimated from what is known of a write-off, so hidden reasons can mislead.",
}
"""What the weights rest on."""


def _value(result: Result) -> list[dict[str, Any]]:
    """Rows of the value table: one per share of the hours and order, the model's first."""
    value = result.get("policy_value") or {"capacity": []}
    return [
        {"share": at["share"], "hours": at["hours"], "key": key, "name": RULES[key][0], **at["policies"][key]}
        for at in value["capacity"]
        for key in RULES
        if key in at["policies"]
    ]


def _captured(result: Result) -> str:
    curve = result["curve"]
    hours: Sequence[float] = curve.get("hours_share", [])
    lines = [
        svg.Line(name, f"rule-{key}", [(x, y) for x, y in zip(hours, curve[key], strict=True) if y is not None])
        for key, name, _ in _rules(result)
        if key in curve
    ]
    if not hours or not any(line.points for line in lines):
        return ""
    return svg.curves(
        lines,
        title="Dollars brought in, by hours worked",
        description=headline(result),
        below="share of the staff hours worked",
        beside="share of the recovered dollars",
    )


def _reliability(result: Result) -> str:
    bins = [row for row in result["reliability"] if row["rows"] and row["predicted"] is not None and row["observed"] is not None]
    if not bins:
        return ""
    dots = [svg.Dot(row["predicted"], row["observed"], row["rows"], _bin(row)) for row in bins]
    return svg.reliability(
        dots,
        title="Predicted chance against what came in",
        description="Dots on the dashed line were predicted exactly; above it more came in than predicted",
        below="predicted chance of recovery",
        beside="share that was recovered",
    )


def _bin(row: Mapping[str, Any]) -> str:
    rows, predicted, observed = figures.count(row["rows"]), figures.percent(row["predicted"]), figures.percent(row["observed"])
    return f"{rows} write-offs: predicted {predicted}, came in {observed}"


def _months(result: Result) -> str:
    bars = [svg.Pair(row["month"], row["predicted_dollars"], row["actual_dollars"]) for row in result["months"]]
    if not bars:
        return ""
    return svg.pairs(
        bars,
        title="Dollars by month: predicted, then recovered",
        description="Each month has two bars, the paler one predicted and the darker one recovered",
        beside="dollars",
        words=figures.short_dollars,
    )


def _truth(result: Result) -> list[tuple[str, str]]:
    """Every single figure measured against the known truth of a synthetic practice, in words."""
    truth = result.get("truth") or {}
    return [(_label(name), _figure(name, value)) for name, value in truth.items() if isinstance(value, int | float | str)]


def _label(name: str) -> str:
    return TRUTH_WORDS.get(name, _named(name))


def _figure(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if "dollars" in name:
        return figures.dollars(value)
    return figures.count(value) if isinstance(value, int) else figures.decimal(value)


def _named(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
