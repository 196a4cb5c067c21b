"""The evaluation report is whole, loads nothing, and says what the result says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from recoup.report.evaluation import PROPENSITY_WORDS, RULES, evaluation_html, headline
from recoup.report.svg import Dot, Line, Pair, curves, nice_ceiling, pairs, reliability
from tests.recoup.results import evaluation_result

VOID = {"meta", "link", "br", "hr", "img", "input"}
ENDS = {"/>"}


class Tags(HTMLParser):
    """Checks that every tag is closed in order, and keeps what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    return tags


def test_report_is_well_formed_and_loads_nothing() -> None:
    page = evaluation_html(evaluation_result())
    tags = parsed(page)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags.seen}
    assert not any(name in attrs for _, attrs in tags.seen for name in ("src", "href"))
    assert "url(" not in page and "@import" not in page and not re.search(r"https?://(?!www\.w3\.org)", page)


def test_report_says_the_figures_of_the_result() -> None:
    page = evaluation_html(evaluation_result())
    for words in ("9,120", "1,288", "$251,120", "$268,400", "0.783", "PAYER 19", "2026-07", "Only 81 % of the efforts"):
        assert words in page
    assert "PAYER 00" not in page
    for name, _ in RULES.values():
        assert name in page


def test_every_drawing_is_xml_with_words_for_screen_readers() -> None:
    page = evaluation_html(evaluation_result())
    drawings = re.findall(r'<svg viewBox="[^"]*" role="img".*?</svg>', page, flags=re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("aria-label") and root.find("title") is not None


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>'])
def test_names_from_data_stay_text(text: str) -> None:
    result = evaluation_result(
        payers=[{"payer": text, "rows": 1, "predicted_dollars": 1.0, "actual_dollars": 1.0}],
        months=[{"month": text, "rows": 1, "predicted_dollars": 1.0, "actual_dollars": 1.0}],
        warnings=[text],
    )
    page = evaluation_html(result)
    assert text not in page
    parsed(page)


def test_a_period_without_known_results_is_reported_and_not_drawn() -> None:
    nothing = dict.fromkeys(("auc", "brier", "ece", "gini"))
    page = evaluation_html(
        evaluation_result(
            **nothing,
            rows=0,
            resolved_rows=0,
            recovered_rows=0,
            matured_share=None,
            predicted_dollars=0.0,
            actual_dollars=0.0,
            capacity=[{"share": 0.1, "model": None, "oldest_first": None}],
            curve={"hours_share": [], "model": []},
            reliability=[],
            months=[],
            payers=[],
            importance=[],
            warnings=[],
        )  # fmt: skip
    )
    parsed(page)
    assert "nothing can be said" in page and "<polyline" not in page


def test_truth_is_shown_only_where_there_is_one() -> None:
    assert "Against the known truth" not in evaluation_html(evaluation_result())
    truth = {"auc": 0.912, "capacity": [{"share": 0.1, "model": 0.9, "oldest_first": None}], "top_dollars": 12_000.0}
    page = evaluation_html(evaluation_result(truth=truth))
    for words in ("Against the known truth", "0.912", "90.0 %", "$12,000"):
        assert words in page


def policy_value(**changes: Any) -> dict[str, Any]:
    """Return a believable comparison of orders, with changes."""
    told = {"dr": 61_234.4, "ips": 60_000.0, "snips": 59_000.0, "model": 58_765.0, "low": 50_111.0, "high": 72_222.0, "effective": 87.4}
    policies = {"model": {**told, "by_lot": {**told, "dr": 63_333.0}}, "oldest_first": {**told, "dr": 9_876.0, "by_lot": None}}
    value = {"rows": 6000, "until": "2026-06-20", "worked_rows": 1100, "explored_rows": 580, "exploration_rate": 0.1}
    return {**value, "propensity": "logged and estimated", "capacity": [{"share": 0.1, "hours": 420.0, "policies": policies}], **changes}


def test_the_value_of_each_order_is_shown_with_range_and_ground() -> None:
    page = evaluation_html(evaluation_result(policy_value=policy_value()))
    parsed(page)
    for words in (
        "What each order would bring",
        "$61,234",
        "$50,111 to $72,222",
        "$63,333",
        "$9,876",
        ">87<",
        "580 by lot",
        "2026-06-20",
        "on record",
    ):
        assert words in page


@pytest.mark.parametrize("propensity", PROPENSITY_WORDS)
def test_the_value_says_what_its_weights_rest_on(propensity: str) -> None:
    page = evaluation_html(evaluation_result(policy_value=policy_value(propensity=propensity)))
    assert [name for name, words in PROPENSITY_WORDS.items() if words in page] == [propensity]


def test_no_value_is_shown_where_none_was_estimated() -> None:
    for result in (evaluation_result(), evaluation_result(policy_value=None)):
        assert "What each order would bring" not in evaluation_html(result)


def test_headline_names_the_best_simple_order() -> None:
    assert "fixed code rule, 38 %" in headline(evaluation_result())


def test_drawings_stay_inside_their_frame() -> None:
    drawings = [
        curves([Line("model", "m", [(0, 0), (1, 1)])], title="t", description="d", below="b", beside="s"),
        reliability([Dot(0.02, 0.03, 0, "none"), Dot(1.0, 1.0, 9e9, "all")], title="t", description="d", below="b", beside="s"),
        pairs([Pair("a", 0.0, 1e9), Pair("b", None, -5.0)], title="t", description="d", beside="s", words=str),
    ]
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
        for part in root.iter():
            for name, limit in (("x", width), ("cx", width), ("x2", width), ("y", height), ("cy", height), ("y2", height)):
                assert 0 <= float(part.get(name, "0")) <= limit


@pytest.mark.parametrize("value", [0.001, 0.9, 1.0, 7.3, 99.9, 12_345.0])
def test_axis_ends_at_or_above_the_largest_value(value: float) -> None:
    # Never more than 2.5 times too long: the largest gap between two steps is 1 to 2, then 2 to 4.
    assert value <= nice_ceiling(value) * (1 + 1e-9) <= 2.5 * value
