"""The pages of the audit: sums for whoever reads reports, what may be owed back for a lead alone, with the clock that people start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from features.tables import PAYER_TYPES
from features.unworked import NO_LOT
from serving.access import Role
from serving.findings.clock import LAWS
from serving.store import writeoffs
from serving.web.opportunity import OTHERWISE, OWED, PAGE
from serving.web.prevention import KPIS, PAYERS, POSTING
from tests.serving.identity.clocks import BOSS, PASSWORD, acts
from tests.serving.store.rows import stored_writeoff
from tests.serving.web.audited import Owed, audited, keep
from tests.serving.web.practice import Practice, practice

Made = tuple[dict[str, Any], Owed]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return audited(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def office(tmp_path: Path, made: Made) -> Practice:
    found = practice(tmp_path)
    keep(found.gate, *made)
    return found


def test_the_page_says_what_the_document_says(office: Practice, made: Made) -> None:
    document = made[0]
    page = office.client("lea").read(PAGE)
    steps = {one["step"]: one["dollars"] for one in document["opportunity"]["steps"]}
    assert all(f"${steps[name]:,.0f}" in page for name in ("total", "gross", "expected", "net"))
    low, high = document["opportunity"]["expected_band"]
    assert f"between ${low:,.0f} and ${high:,.0f}" in page
    assert NO_LOT not in page
    first = document["opportunity"]["by_payer"][0]
    assert f"payer_id={first['group']}" in page and f"${first['expected']:,.0f}" in page
    for one in document["opportunity"]["expiring"]:
        assert f"${one['expected']:,.0f}" in page
    assert "style=" not in page and "<script src" in page


def test_the_audit_before_is_laid_beside_it(office: Practice, made: Made) -> None:
    document, owed = made
    rule = next(one for one in document["rules"] if one["findings"] and one["kind"] != "list")
    before = [one | {"findings": 7_777} if one is rule else one for one in document["rules"]]
    keep(office.gate, document | {"as_of": "2026-08-01", "rules": before}, owed)
    page = office.client("lea").read(PAGE)
    assert "Since the audit of 1 Aug 2026" in page and f"7,777 then, <b>{rule['findings']:,}</b> now" in page


def test_without_an_audit_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    assert "--keep" in practice(tmp_path).client("vic").read(PAGE)


def test_a_viewer_sees_sums_and_nothing_of_what_may_be_owed_back(office: Practice) -> None:
    vic = office.client("vic")
    assert OWED not in vic.read(PAGE) and "owed back" not in vic.read(PAGE)
    assert vic.client.get(OWED).status_code == 403
    assert office.client("ana").client.get(PAGE).status_code == 403


def test_who_sees_only_some_facilities_sees_no_sums_of_all(office: Practice) -> None:
    office.gate.accounts.add(BOSS, "fay", Role.LEAD, password=PASSWORD, facilities=frozenset({"F1"}))
    fay = office.client("fay")
    for path in (PAGE, OWED):
        answer = fay.client.get(path)
        assert answer.status_code == 404 and "all facilities" in answer.text


def test_only_what_a_person_enters_starts_the_clock(office: Practice, made: Made) -> None:
    lea, number = office.client("lea"), made[1]["overpayment_id"][0]
    page = lea.read(OWED)
    assert "no clock runs" in page and "Dec 2026" not in page
    assert lea.send(f"{OWED}/{number}", started="2026-10-05", identified="2026-10-12").headers["location"] == OWED
    page = lea.read(OWED)
    # 60 days after 12 October
    assert "11 Dec 2026" in page and "To be reported and returned, by lea" in page
    keep(office.gate, *made)
    assert "11 Dec 2026" in lea.read(OWED)


@pytest.mark.parametrize(
    ("kind", "words", "day"),
    [
        # 60 days after 12 October; in Medicare an investigation begun on 5 April ends the wait after 180 days, on 2 October.
        ("medicare", "42 CFR 401.305</span>", "1 Dec 2026"),
        ("medicaid", "42 USC 1320a-7k(d)</span>", "11 Dec 2026"),
        ("commercial", "Contract or state law decides by when", ""),
        ("bcbs", "Contract or state law decides by when", ""),
        ("auto", "Contract or state law decides by when", ""),
        ("medicare_advantage", "The contract with the plan decides by when", ""),
        (None, "its kind is not known", "1 Dec 2026"),
        ("a word that is no kind", "its kind is not known", "1 Dec 2026"),
    ],
)
def test_a_day_to_return_is_shown_where_a_law_sets_one(office: Practice, made: Made, kind: str | None, words: str, day: str) -> None:
    lea, owed = office.client("lea"), made[1]
    with office.gate.store.write() as unit:
        writeoffs.keep(unit, [stored_writeoff(owed["writeoff_id"][0], payer_type=kind)])
    assert lea.send(f"{OWED}/{owed['overpayment_id'][0]}", started="2026-04-05", identified="2026-10-12").status_code == 303
    entry = next(row for row in lea.read(OWED).split("<tr ") if "To be reported and returned" in row)
    assert words in entry and (f">{day}</time>" in entry if day else "no day by federal law" in entry and "</time>" not in entry)


def test_of_every_kind_of_payer_it_is_said_what_decides() -> None:
    assert LAWS.keys() | OTHERWISE.keys() == set(PAYER_TYPES) and not LAWS.keys() & OTHERWISE.keys()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"identified": "2027-01-01"}, "later than today"),
        ({"identified": "soon"}, "written as"),
        ({"started": "2026-10-12", "identified": "2026-10-05"}, "on or after"),
    ],
)
def test_days_that_cannot_be_are_refused(office: Practice, made: Made, fields: dict[str, str], words: str) -> None:
    answer = office.client("lea").send(f"{OWED}/{made[1]['overpayment_id'][0]}", **fields)
    assert answer.status_code == 422 and words in answer.text


def test_an_entry_that_is_not_there_is_not_found_and_reading_the_list_is_told(office: Practice) -> None:
    lea = office.client("lea")
    lea.read(OWED)
    assert lea.send(f"{OWED}/none", identified="2026-10-01").status_code == 404
    assert ("overpayment.read", "done") in {(action, outcome) for _, action, outcome in acts(office.gate)}


def test_the_scorecard_says_what_the_document_says(office: Practice, made: Made) -> None:
    page = office.client("vic").read(PAYERS)
    first = made[0]["prevention"]["scorecard"][0]
    assert first["payer"] in page and f"${first['written_off']:,.0f}" in page and f"{first['lines']:,}" in page
    short = made[0]["underpayments"][0]
    assert f"{short['payer']}, {short['procedure']}" in page and f"${short['dollars']:,.0f}" in page


def test_key_figures_are_told_by_month_and_of_one_payer(office: Practice, made: Made) -> None:
    kpis, vic = made[0]["kpis"], office.client("vic")
    page = vic.read(KPIS)
    assert f"{100 * kpis['all']['overturn_rate']:.1f} %" in page and "2026-10" in page and "2026-11" not in page
    payer = kpis["by_payer"][0]
    page = vic.read(f"{KPIS}?payer={payer['payer']}")
    assert f"Key figures of {payer['payer']}" in page and f"{100 * payer['writeoff_error_rate']:.1f} %" in page
    assert vic.client.get(f"{KPIS}?payer=nobody").status_code == 404


def test_posters_are_for_who_runs_the_queue_and_reading_them_is_told(office: Practice, made: Made) -> None:
    document, owed = made
    poster = {
        "cell": {"posted_by": "hasty", "payer_id": "P7"}, "posted_by": "hasty", "rule": "duplicate_posting", "findings": 31,
        "postings": 400, "rate": 0.0775, "rate_elsewhere": 0.004, "trend": None, "dollars_a_year": 900.0,
        "excess_dollars_a_year": 850.0, "p": 1e-9,
        "p_adjusted": 1e-8, "rows": ["W1"],
    }  # fmt: skip
    keep(office.gate, document | {"prevention": document["prevention"] | {"posters": [poster]}}, owed)
    lea = office.client("lea")
    page = lea.read(POSTING)
    assert "Poster hasty, payer P7" in page and "77.5" in page and "$850" in page and "never for blame" in page
    errors = document["kpis"]["errors"]["posted_by"][0]
    assert errors["posted_by"] in page and f"{errors['postings']:,}" in page
    assert office.client("vic").client.get(POSTING).status_code == 403 and POSTING not in office.client("vic").read(PAGE)
    assert ("posting.read", "done") in {(action, outcome) for _, action, outcome in acts(office.gate)}


@pytest.mark.parametrize("path", [PAYERS, POSTING, KPIS])
def test_behind_the_sums_is_nothing_while_no_audit_was_kept_nor_for_who_sees_some_facilities(
    tmp_path: Path, office: Practice, path: str
) -> None:
    assert practice(tmp_path / "other").client("lea").client.get(path).status_code == 404
    office.gate.accounts.add(BOSS, "fay", Role.LEAD, password=PASSWORD, facilities=frozenset({"F1"}))
    fay = office.client("fay")
    assert fay.client.get(path).status_code == 404
    assert 'href="/opportunity"' not in fay.read("/queue")


def test_without_choice_by_lot_the_page_says_so(office: Practice, made: Made) -> None:
    document, owed = made
    keep(office.gate, document | {"unworked": {"warnings": [NO_LOT], "payers": [], "carcs": []}}, owed)
    assert NO_LOT in office.client("vic").read(PAGE)
