"""The evaluation report: how well a model ranked, priced and calibrated, as one self-contained page of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, TypeAlias

from markupsafe import Markup

from recoup.report import figures, svg
from recoup.report.pages import pages
from recoup.report.words import titled

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
    "anomaly_top_precision": "Mis-posted among the 3 % of contractual rows with the highest anomaly score",
    "anomaly_caught_share": "Mis-posted rows that are called unusual",
    "anomaly_false_alarm_share": "Proper contractual rows that are called unusual",
    "odd_false_alarm_share": "Proper rows that are called odd for two codes that hardly ever come together",
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
    return (
        pages()
        .get_template("evaluation.html.j2")
        .render(
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
            bands=_bands(result),
            maturity=_maturity(result),
            use=_use(result),
            truth=_truth(result),
            truth_capacity=_capacity(result["truth"]) if result.get("truth") and result["truth"].get("capacity") else [],
        )
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


GROUPS_SHOWN = 12
"""Rows of a table of payers or payer-quarters."""


def _bands(result: Result) -> dict[str, Any] | None:
    """What the section on sums shows; None where the result has none or nothing is known yet."""
    told = result.get("bands")
    if not told or not told["window"]:
        return None
    window, covered = told["window"], told["coverage"]["payer_quarter"]
    return {
        **told,
        "finding": _inside(window),
        "covered": covered,
        "drawing": Markup(_ranges(told["months"])),
        "families": told["families"][:GROUPS_SHOWN],
        "payer_quarters": told["payer_quarters"][:GROUPS_SHOWN],
        "payer_quarters_in_all": len(told["payer_quarters"]),
        "held": [(GROUPING_WORDS[name], row) for name, row in (told["truth"] or {}).items()],
    }


GROUPING_WORDS = {"all": "Whole period", "month": "Months", "payer_quarter": "Payers by quarter", "family": "Code families"}
"""Ways to sum, in words."""


def _inside(row: Mapping[str, Any]) -> str:
    """Say where what came in lies.

    >>> _inside({"low": 10.0, "high": 20.0, "actual_dollars": 25.0})
    '$25 came in; the range was $10 to $20: more than expected.'
    """
    low, high, paid = row["low"], row["high"], row["actual_dollars"]
    where = "less than expected" if paid < low else "more than expected" if paid > high else "inside it"
    return f"{figures.dollars(paid)} came in; the range was {figures.dollars(low)} to {figures.dollars(high)}: {where}."


def _ranges(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw each month's range as a bar from its low to its high end, with a dot for what came in."""
    if not rows:
        return ""
    top = svg.nice_ceiling(max(1.0, *(max(row["high"], row["actual_dollars"]) for row in rows)))
    frame = svg.Frame(x_max=float(len(rows)), y_max=top)
    frame.grid([top * i / 4 for i in range(5)], figures.short_dollars)
    every = max(1, -(-len(rows) // 12))
    frame.feet([i + 0.5 for i in range(0, len(rows), every)], lambda at: str(rows[int(at)]["group"]))
    frame.axis_titles("", "dollars")
    for i, row in enumerate(rows):
        x, middle = frame.x(i + 0.5), frame.y(row["expected_dollars"])
        frame.add(f'<line class="range" x1="{x}" x2="{x}" y1="{frame.y(row["low"])}" y2="{frame.y(row["high"])}"/>')
        frame.add(f'<line class="middle" x1="{x - 14}" x2="{x + 14}" y1="{middle}" y2="{middle}"/>')
        style = "dot" if row["inside"] else "dot outside"
        title = f"<title>{escape(str(row['group']))}: {escape(_inside(row))}</title>"
        frame.add(f'<circle class="{style}" cx="{x}" cy="{frame.y(row["actual_dollars"])}" r="6">{title}</circle>')
    inside = sum(bool(row["inside"]) for row in rows)
    return frame.close("What came in each month, and the range expected", f"{inside} of {len(rows)} months lie inside their range")


def _maturity(result: Result) -> dict[str, Any] | None:
    """What the section on the speed of answers shows; None where nothing has ended."""
    told = result.get("maturity")
    if not told or not told["payers"]:
        return None
    return {**told, "payers": told["payers"][:GROUPS_SHOWN], "in_all": len(told["payers"]), "finding": _speed(told)}


def _speed(told: Mapping[str, Any]) -> str:
    """Say how far recoveries and refusals are known at the age at which both differ most.

    >>> both = {"recoveries": {"shares": [0.4, 0.9]}, "refusals": {"shares": [0.3, 0.5]}}
    >>> _speed({"ages": [30, 60], "all": both})
    'After 60 days 90 % of the recoveries are known and 50 % of the refusals: of young work the good news comes first.'
    """
    won, lost = told["all"]["recoveries"]["shares"], told["all"]["refusals"]["shares"]
    place = max(range(len(won)), key=lambda i: abs(won[i] - lost[i]))
    after = f"After {told['ages'][place]} days {figures.percent(won[place])} of the recoveries are known"
    end = "of young work the good news comes first" if won[place] > lost[place] else "of young work the bad news comes first"
    return f"{after} and {figures.percent(lost[place])} of the refusals: {end}."


def _use(result: Result) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """The tables of use: title, column, rows."""
    told = result.get("use") or {}
    titles = (("Kind of payer", "payer_type"), ("Facility", "facility_id"))
    return [(title, by, told[by][:GROUPS_SHOWN]) for title, by in titles if told.get(by)]


def _truth(result: Result) -> list[tuple[str, str]]:
    """Every single figure measured against the known truth of a synthetic practice, in words."""
    truth = result.get("truth") or {}
    return [(_label(name), _figure(name, value)) for name, value in truth.items() if isinstance(value, int | float | str)]


def _label(name: str) -> str:
    return TRUTH_WORDS.get(name, titled(name))


def _figure(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if "dollars" in name and not name.startswith("predicted_over"):
        return figures.dollars(value)
    return figures.count(value) if isinstance(value, int) else figures.decimal(value)
