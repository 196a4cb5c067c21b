"""The papers of items of the queue: of their level, of all their postings, and with the last day that the queue shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.errors import CheckFailed
from serving.packet.desk import Desk
from serving.packet.papers import Papers
from serving.store import items, scores, writeoffs
from serving.worklist.item import Item
from tests.serving.packet.cases import docx_text, pdf_text
from tests.serving.store.rows import stored_writeoff
from tests.serving.web.practice import Practice, practice
from tests.serving.worklist.queues import ANA, item_of, score_row

DECIDED = date(2026, 10, 1)
REMITTED = date(2026, 4, 15)


def office_of(home: Path, item: Item, *postings: dict[str, Any], remedy: str = "appeal") -> tuple[Practice, Papers]:
    """A practice with one item of some postings, scored as of its remedy."""
    office = practice(home, [replace(item, remedy=remedy)])
    shared = {
        "claim_id": "C1",
        "payer_id": "AETNA",
        "group_code": "CO",
        "carc": "50",
        "remit_date": REMITTED,
        "service_date": date(2026, 2, 3),
    }
    with office.gate.store.write() as unit:
        told = [stored_writeoff(f"i0001-{at}", writeoff_amount=20_000, **shared | one) for at, one in enumerate(postings)]
        writeoffs.keep(unit, told)
        scores.keep(unit, [score_row(replace(item, remedy=remedy), row["writeoff_id"], family="medical_necessity") for row in told])
    assert office.service.papers is not None
    return office, office.service.papers


def refuse(office: Practice) -> Item:
    """Send the item and take it to the second level, decided on 1 October."""
    with office.worklist.desk(ANA) as desk:
        sent = desk.send("i0001", 0, follow_up_on=date(2026, 12, 2), sent_on=date(2026, 7, 1))
        return desk.next_level("i0001", sent.version, decided_on=DECIDED)


def test_medicares_second_level_has_its_own_letter_and_worksheet_by_the_day_of_the_queue(tmp_path: Path) -> None:
    office, papers = office_of(tmp_path, item_of(1), {"payer_type": "medicare"})
    first = docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    assert "Request for redetermination" in first
    item = refuse(office)
    # 42 CFR 405.962: 180 days from receipt, which is presumed five days after the notice.
    assert (item.level, item.due_on) == (2, DECIDED + timedelta(days=185))
    letter = docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    assert "Request for reconsideration by a QIC" in letter
    assert "The redetermination of October 1, 2026 upheld the decision" in letter
    assert "The time limit for this request ends on April 4, 2027 (42 CFR 405.962)." in letter
    assert "Request for redetermination" not in letter and "405.942" not in letter
    sheet = pdf_text(papers.of_items(ANA, ["i0001"], "pdf", is_worksheet=True))
    assert "April 4, 2027" in sheet and "Level 2 comes next" in sheet and "180 days from receipt of the redetermination" in sheet


def test_what_lapses_later_changes_no_letter_of_a_higher_level_or_of_what_went_out(tmp_path: Path) -> None:
    office, papers = office_of(tmp_path, item_of(1), {"payer_type": "medicare"})
    # The night after the 125 days of the appeal were over the scores name the reopening.
    night = score_row(item_of(1, remedy="reopening"), "i0001-0", family="medical_necessity", as_of=REMITTED + timedelta(days=127))
    with office.worklist.desk(ANA) as desk:
        sent = desk.send("i0001", 0, follow_up_on=date(2026, 12, 2), sent_on=date(2026, 7, 1))
    with office.gate.store.write() as unit:
        scores.keep(unit, [night])
    assert "Request for redetermination" in docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    with office.worklist.desk(ANA) as desk:
        desk.next_level("i0001", sent.version, decided_on=DECIDED)
    letter = docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    assert "Request for reconsideration by a QIC" in letter and "April 4, 2027 (42 CFR 405.962)" in letter
    # Of an item of which nothing went out the letter is that of what is open.
    with office.gate.store.write() as unit:
        unit.connection.execute(items.items.update().values(state="open", level=1, remedy="reopening"))
    assert "Request for reopening" in docx_text(papers.of_items(ANA, ["i0001"], "docx"))


def test_a_commercial_second_level_names_the_first_decision_and_no_day_that_nobody_set(tmp_path: Path) -> None:
    office, papers = office_of(tmp_path, item_of(1), {"payer_type": "commercial"})
    item = refuse(office)
    assert item.due_source == "default"
    letter = docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    assert "Second-level appeal of a denied claim" in letter and "The decision of October 1, 2026 on our first request" in letter
    assert "time limit for this request" not in letter
    assert "December 30, 2026" in pdf_text(papers.of_items(ANA, ["i0001"], "pdf", is_worksheet=True))


def test_the_letter_never_names_another_last_day_than_the_queue(tmp_path: Path) -> None:
    # The scores were made when the payer's rule said so; today's tables say 125 days after the remittance.
    item = item_of(1, deadline_on=date(2026, 11, 20), deadline_source="payer_rule")
    office, papers = office_of(tmp_path, item, {"payer_type": "medicare"})
    letter = docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    assert "ends on November 20, 2026" in letter and "405.942" not in letter
    assert "November 20, 2026" in pdf_text(papers.of_items(ANA, ["i0001"], "pdf", is_worksheet=True))
    assert office.worklist.detail(ANA, "i0001").item.due_on == date(2026, 11, 20)


def test_an_item_of_several_postings_has_one_letter_for_all(tmp_path: Path) -> None:
    lines = ({"line_number": 1, "procedure_code": "99213"}, {"line_number": 2, "procedure_code": "10021", "carc": "151"})
    office, papers = office_of(tmp_path, item_of(1), *(one | {"payer_type": "medicare"} for one in lines), remedy="appeal")
    outlook = papers.outlook(office.worklist.detail(ANA, "i0001"))
    assert outlook.refusal == ""
    letter = docx_text(papers.of_items(ANA, ["i0001"], "docx"))
    assert "on line 1 (99213)" in letter and "on line 2 (10021)" in letter and "$400.00" in letter


CODED = {"payer_type": "commercial", "claim_type": "professional", "carc": "4"}


def test_the_coder_is_asked_for_on_an_item_of_several_postings(tmp_path: Path) -> None:
    lines = ({"line_number": 1, "procedure_code": "99213"}, {"line_number": 2, "procedure_code": "10021", "carc": "11"})
    office, papers = office_of(tmp_path, item_of(1), *(CODED | one for one in lines), remedy="corrected_claim")
    detail = office.worklist.detail(ANA, "i0001")
    outlook = papers.outlook(detail)
    assert outlook.refusal == "" and outlook.needs_coder
    with pytest.raises(CheckFailed, match="name the coder"):
        papers.check_coder(detail, None)
    papers.check_coder(detail, "R. Coda, CPC")


def test_what_cannot_be_looked_at_does_not_pass_the_coders_check(tmp_path: Path) -> None:
    # Today's tables say another remedy than the score did, so that no sheet can be written.
    office, papers = office_of(tmp_path, item_of(1), CODED | {"carc": "50"}, remedy="corrected_claim")
    detail = office.worklist.detail(ANA, "i0001")
    outlook = papers.outlook(detail)
    assert "score the ledger anew" in outlook.refusal and outlook.needs_coder
    with pytest.raises(CheckFailed, match="name the coder"):
        papers.check_coder(detail, None)
    blind = Papers(office.gate.store, office.worklist, desk=Desk.at(tmp_path), sight=lambda: None, tell=office.gate.log.tell)
    with pytest.raises(CheckFailed, match="name the coder"):
        blind.check_coder(detail, "")


def test_what_was_scored_as_an_appeal_and_would_be_a_corrected_claim_today_waits_for_the_coder_too(tmp_path: Path) -> None:
    office, papers = office_of(tmp_path, item_of(1), CODED)
    assert papers.outlook(office.worklist.detail(ANA, "i0001")).needs_coder


def test_an_appeal_that_has_no_papers_asks_for_no_coder(tmp_path: Path) -> None:
    office, papers = office_of(tmp_path, item_of(1), {"payer_type": "commercial", "carc": "29"}, remedy="send_records")
    detail = office.worklist.detail(ANA, "i0001")
    assert papers.outlook(detail).refusal and not papers.outlook(detail).needs_coder
    papers.check_coder(detail, None)
