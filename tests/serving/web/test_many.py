"""What is done with many items at once: a payer's batch, a project and its letter, bulk acts, exports."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from serving.access import Role
from serving.worklist.item import State
from tests.serving.identity.clocks import BOSS, PASSWORD
from tests.serving.web.practice import Browser, Practice, practice
from tests.serving.worklist.queues import item_of


@pytest.fixture
def office(tmp_path: Path) -> Practice:
    return practice(tmp_path, [item_of(n, payer_id="AETNA" if n % 2 else "BCBS", probability=0.5) for n in range(1, 25)])


def _shown(page: str) -> list[str]:
    return re.findall(r'href="/items/(i\d+)" data-open', page)


def _picks(page: str) -> list[str]:
    return re.findall(r'name="item" value="(i\d+ \d+)"', page)


def test_payers_stand_with_their_sums_and_the_value_of_an_hour(office: Practice) -> None:
    page = office.client("ana").read("/payers")
    rows = re.findall(r'<tr role="row" data-row>.*?</tr>', page, re.S)
    # Twelve items each: 1 + 3 + ... + 23 dollars expected of one, 2 + 4 + ... + 24 of the other.
    sums = {re.findall(r"data-open>(\w+)<", row)[0]: re.findall(r'data-label="Expected back">([^<]+)<', row)[0] for row in rows}
    assert sums == {"AETNA": "$144", "BCBS": "$156"}


def test_a_batch_of_one_payer_is_held_and_opens_one_after_the_other(office: Practice) -> None:
    ana, ben = office.client("ana"), office.client("ben")
    there = ana.send("/payers/take", payer_id="BCBS", most="10").headers["location"]
    assert there == "/queue?which=mine&payer_id=BCBS"
    batch = _shown(ana.read(there))
    assert batch == [f"i{n:04d}" for n in range(24, 4, -2)]
    assert ben.send("/take-next").headers["location"] == "/items/i0023"
    version = _version(ana.read("/items/i0024"))
    sent = ana.send("/items/i0024/send", version=version, was="open", follow_up_on="2026-12-02")
    assert sent.headers["location"] == "/items/i0022"
    assert ben.send("/payers/take", payer_id="BCBS", most="10").headers["location"] == "/queue?which=mine&payer_id=BCBS"
    assert _shown(ben.read("/queue?which=mine&payer_id=BCBS")) == ["i0004", "i0002"]
    assert ana.send("/payers/take", payer_id="NOBODY", most="10").headers["location"] == "/payers"
    assert ana.send("/payers/take", payer_id="BCBS", most="9").status_code >= 400


def _version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


def test_after_a_follow_up_the_next_one_that_is_due_opens(tmp_path: Path) -> None:
    due = {"state": State.SENT, "assigned_to": "person:ana", "sent_on": date(2026, 10, 1), "follow_up_on": date(2026, 11, 1)}
    ana = practice(tmp_path, [item_of(1, **due), item_of(2, **due), item_of(9)]).client("ana")
    asked = ana.send("/items/i0001/follow_up", version="0", was="sent", again_on="2026-12-01", text="still looking")
    assert asked.headers["location"] == "/items/i0002"
    assert ana.send("/items/i0002/follow_up", version="0", was="sent", again_on="2026-12-01").headers["location"] == "/follow-ups"


def test_all_of_a_list_is_counted_before_it_is_changed(office: Practice) -> None:
    lea = office.client("lea")
    told = lea.send("/bulk", scope="all", act="skip", q_payer_id="AETNA")
    assert told.status_code == 200 and "Skip: 12 items" in told.text
    assert len(_picks(told.text)) == 12 and _shown(lea.read("/queue?payer_id=AETNA")) != []
    done = lea.send("/bulk/do", act="skip", item=_picks(told.text), reason="not_worth_it", back="/queue?payer_id=AETNA")
    assert done.headers["location"] == "/queue?payer_id=AETNA"
    assert len(_shown(lea.read("/queue?which=skipped"))) == 12 and _shown(lea.read("/queue?payer_id=AETNA")) == []


def test_who_was_changed_meanwhile_is_told_by_claim_and_the_others_are_done(office: Practice) -> None:
    ana, lea = office.client("ana"), office.client("lea")
    chosen = ["i0003 0", "i0004 0", "i0005 0"]
    assert ana.send("/items/i0004/draft", version="0").status_code == 303
    told = lea.send("/bulk/do", act="assign", item=chosen, to="person:ben", back="/queue")
    assert told.status_code == 409 and "2 done, 1 left as they were" in told.text
    assert "claim C4</a>: it was changed meanwhile" in told.text
    assert _shown(office.client("ben").read("/queue?which=mine")) == ["i0005", "i0003"]


def test_many_that_sleep_are_woken_at_once_by_a_lead_whoever_has_them(tmp_path: Path) -> None:
    asleep = {"snoozed_until": date(2026, 12, 5)}
    office = practice(tmp_path, [item_of(1, **asleep), item_of(2, assigned_to="person:ben", **asleep), item_of(3, **asleep), item_of(4)])
    ana, lea = office.client("ana"), office.client("lea")
    assert '<option value="wake">Wake</option>' in lea.read("/queue?which=asleep")
    assert 'value="wake"' not in lea.read("/queue") and 'value="wake"' not in office.client("vic").read("/queue?which=asleep")
    told = ana.send("/bulk/do", act="wake", item=["i0002 0", "i0003 0"], back="/queue?which=asleep")
    assert told.status_code == 409 and "1 done, 1 left as they were" in told.text and "claim C2</a>" in told.text
    told = lea.send("/bulk", scope="all", act="wake", q_which="asleep")
    assert told.status_code == 200 and "Wake: 2 items" in told.text
    done = lea.send("/bulk/do", act="wake", item=_picks(told.text), back="/queue?which=asleep")
    assert done.headers["location"] == "/queue?which=asleep" and _shown(lea.read("/queue?which=asleep")) == []
    assert _shown(lea.read("/queue")) == ["i0004", "i0003", "i0002", "i0001"]
    again = lea.send("/bulk/do", act="wake", item="i0004 0", back="/queue")
    assert again.status_code == 409 and "it is awake" in again.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"act": "skip", "reason": ""}, "Choose a reason"),
        ({"act": "snooze", "until": ""}, "Until is missing"),
        ({"act": "assign", "to": "person:nobody"}, "nobody of that name"),
        ({"act": "assign", "to": "person:vic"}, "vic is a viewer"),
        ({"act": "project", "name": " "}, "a project has a name"),
        ({"act": "delete"}, "choose what to do"),
        ({"act": "skip", "reason": "other", "item": "i0001"}, "cannot be read"),
    ],
)
def test_what_cannot_be_done_with_many_is_said(office: Practice, fields: dict[str, str | list[str]], words: str) -> None:
    given: dict[str, str | list[str]] = {"item": "i0001 0"}
    told = office.client("lea").send("/bulk/do", "/account", **(given | fields))
    assert 400 <= told.status_code < 500 and words.lower() in told.text.lower()


def test_items_are_offered_to_those_who_work_and_see_them_and_the_others_are_told_one_by_one(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(n, facility_id=f"F{n}") for n in (1, 2, 3)])
    office.gate.accounts.add(BOSS, "fay", Role.WORKER, password=PASSWORD, facilities=frozenset({"F1"}))
    lea = office.client("lea")
    offered = {
        chosen: re.findall(r'<option value="(person:\w+)">', lea.send("/bulk", act="assign", item=f"{chosen} 0").text)
        for chosen in ("i0001", "i0002")
    }
    assert offered == {
        "i0001": ["person:ana", "person:ben", "person:fay", "person:lea"],
        "i0002": ["person:ana", "person:ben", "person:lea"],
    }
    told = lea.send("/bulk/do", act="assign", item=["i0001 0", "i0002 0"], to="person:fay", back="/queue")
    assert told.status_code == 409 and "claim C2</a>: it is of facility F2, which fay does not see" in told.text
    assert _shown(office.client("fay").read("/queue?which=mine")) == ["i0001"]
    refused = lea.send("/items/i0002/assign", version="0", to="person:fay")
    assert refused.status_code == 400 and "is of facility F2, which fay does not see" in refused.text


def test_a_worker_neither_gives_away_nor_exports(office: Practice) -> None:
    ana = office.client("ana")
    page = ana.read("/queue")
    assert 'value="skip"' in page and 'value="assign"' not in page and "Export as CSV" not in page
    for act in ("assign", "project", "export_csv"):
        assert ana.send("/bulk", scope="all", act=act).status_code == 403
    assert ana.send("/bulk/do", act="assign", item="i0001 0", to="person:ana").status_code == 403


def test_one_cause_becomes_a_project_with_one_letter(office: Practice) -> None:
    lea = office.client("lea")
    chosen = [f"i{n:04d} 0" for n in range(2, 24, 2)]
    there = lea.send("/bulk/do", act="project", item=chosen, name="Wrong fax", cause="lost by the payer").headers["location"]
    page = lea.read(there)
    assert "Wrong fax" in page and "lost by the payer" in page and len(_shown(page)) == 11 and "11 to do" in page
    letter = lea.client.get(f"{there}/letter.docx")
    assert letter.status_code == 200 and letter.content.startswith(b"PK") and letter.headers["cache-control"] == "no-store"
    assert lea.send(there, act="end").headers["location"] == there and "Go on with it" in lea.read(there)
    assert lea.client.get("/projects/none").status_code == 404
    with office.gate.store.read() as unit:
        told = [line.act() for line in office.gate.log.lines(unit)]
    assert [act.ids[0] for act in told if act.action == "packet.read"] == ["i0022"]


def test_items_that_do_not_fit_into_one_letter_are_refused_with_the_reason(office: Practice) -> None:
    told = office.client("ana").send("/bulk", scope="chosen", act="letter_pdf", item=["i0001 0", "i0002 0"])
    assert told.status_code == 400
    assert "one payer" in told.text


def test_papers_of_an_item_are_files_that_name_nobody(office: Practice) -> None:
    ana = office.client("ana")
    page = ana.read("/items/i0003")
    assert "Letter as Word" in page and "Incomplete" in page
    for name, start in (("packet.docx", b"PK"), ("packet.pdf", b"%PDF"), ("worksheet.pdf", b"%PDF")):
        told = ana.client.get(f"/items/i0003/{name}")
        assert told.status_code == 200 and told.content.startswith(start)
        assert "i0003" in told.headers["content-disposition"] and "C3" not in told.headers["content-disposition"]
    assert office.client("vic").client.get("/items/i0003/packet.pdf").status_code == 403


def test_programs_get_the_papers_of_a_write_off(office: Practice) -> None:
    ana = office.client("ana").client
    for path, start in (("packet.docx", b"PK"), ("packet.pdf", b"%PDF"), ("packet.pdf?worksheet=true", b"%PDF")):
        told = ana.get(f"/v1/writeoffs/i0003-0/{path}")
        assert told.status_code == 200 and told.content.startswith(start), told.text
    assert ana.get("/v1/writeoffs/i9999-0/packet.pdf").status_code == 404
    assert office.client("vic").client.get("/v1/writeoffs/i0003-0/packet.pdf").status_code == 403


def test_a_spreadsheet_of_the_list_holds_no_formula_and_is_in_the_access_log(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(1, payer_id="=HYPERLINK(1)", claim_id="@SUM(A1)"), item_of(2, net=-350, value_per_hour=-350)])
    lea: Browser = office.client("lea")
    told = lea.send("/bulk", scope="all", act="export_csv")
    rows = {row["item_id"]: row for row in csv.DictReader(io.StringIO(told.text))}
    assert rows["i0001"]["payer_id"] == "'=HYPERLINK(1)" and rows["i0001"]["claim_id"] == "'@SUM(A1)"
    assert rows["i0002"]["value_per_hour"] == "-3.50" and rows["i0002"]["what_to_do"] == "Appeal"
    book = load_workbook(io.BytesIO(lea.send("/bulk", scope="chosen", act="export_xlsx", item="i0001 0").content))
    assert [cell.data_type for row in book.active.iter_rows() for cell in row].count("f") == 0 and book.active.max_row == 2
    with office.gate.store.read() as unit:
        told_ids = [act.ids for act in (line.act() for line in office.gate.log.lines(unit)) if act.action == "export.read"]
    assert [sorted(ids) for ids in told_ids] == [["i0001", "i0002"], ["i0001"]]


def test_a_slip_is_taken_back(office: Practice) -> None:
    ana = office.client("ana")
    skipped = ana.send("/items/i0007/skip", version="0", was="open", reason="other")
    page = ana.read(skipped.headers["location"])
    undo = re.search(r'action="/items/i0007/undo".*?name="version" value="(\d+)"', page, re.S)
    assert undo is not None
    back = ana.send("/items/i0007/undo", version=undo[1])
    assert back.headers["location"] == "/items/i0007" and "Taken back." in ana.read("/items/i0007")
    assert _shown(ana.read("/queue?which=skipped")) == []


def test_an_act_on_many_that_is_not_theirs_is_refused_and_told(office: Practice) -> None:
    ana = office.client("ana")
    picks = _picks(ana.read("/queue"))
    told = ana.send("/bulk", act="assign", item=picks[0])
    assert told.status_code == 403
    assert ana.send("/bulk/do", act="export_csv", item=picks[0]).status_code == 403
    assert ana.send(f"/items/{picks[0].split()[0]}/assign", version="0", to="person:ben").status_code == 403
    with office.gate.store.read() as unit:
        acts = [line.act() for line in office.gate.log.lines(unit)]
    refused = [(act.subject, act.action) for act in acts if act.outcome == "refused"]
    assert refused == [("person:ana", "queue.assign"), ("person:ana", "export.read"), ("person:ana", "queue.assign")]
