"""The pages of the queue without scripts: lists, one item, and what is done with it."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

import pytest

from features.deadlines import SOURCES
from features.tables import REMEDIES
from serving.store import writeoffs
from serving.web.lists import address, query_of
from serving.web.words import ACTIONS, BANDS, SOURCE_WORDS
from serving.worklist.listing import Query, Sort, Which
from tests.serving.store.rows import NOW, stored_writeoff
from tests.serving.web.practice import Practice, practice
from tests.serving.worklist.queues import item_of


@pytest.fixture
def office(tmp_path: Path) -> Practice:
    return practice(tmp_path)


def _shown(page: str) -> list[str]:
    return re.findall(r'href="/items/(i\d+)" data-open', page)


def test_the_best_value_for_an_hour_stands_first_with_sums_above(office: Practice) -> None:
    page = office.client("ana").read("/queue")
    assert _shown(page) == [f"i{n:04d}" for n in range(8, 0, -1)]
    assert "$36" in page and "8</dd>" in page  # 1 + 2 + ... + 8 dollars expected
    assert "necess" in page and "50</span>" in page  # CARC 50 in plain words, and its number


def test_filters_and_order_live_in_the_address(office: Practice) -> None:
    ana = office.client("ana")
    assert _shown(ana.read("/queue?payer_id=BCBS")) == ["i0008", "i0006", "i0004", "i0002"]
    assert "Nothing fits these filters" in ana.read("/queue?payer_id=NOBODY")
    refused = ana.client.get("/queue?sort=colour")
    assert refused.status_code == 400 or refused.status_code == 422
    assert "no such sort" in refused.text and "colour" not in refused.text


@pytest.mark.parametrize("query", [Query(), Query(Which.MINE, Sort.DUE, payer_id="A & B"), Query(Which.SENT, carc="50")])
def test_an_address_asks_what_it_was_made_of(query: Query) -> None:
    from urllib.parse import parse_qsl, urlsplit

    assert query_of(dict(parse_qsl(urlsplit(address(query)).query))) == query


def test_items_whose_last_day_is_near_stand_before_dearer_ones(tmp_path: Path) -> None:
    from datetime import date

    late = item_of(1, deadline_on=date(2026, 11, 9), deadline_source="statute")
    page = practice(tmp_path, [late, item_of(5), item_of(9)]).client("ana").read("/queue")
    assert _shown(page) == ["i0001", "i0009", "i0005"]
    assert "in 7 days" in page


def test_the_next_one_is_taken_worked_and_followed_by_another(office: Practice) -> None:
    ana = office.client("ana")
    taken = ana.send("/take-next")
    assert taken.headers["location"] == "/items/i0008"
    page = ana.read("/items/i0008")
    assert "It is yours now." in page and "Sent to the payer" in page and "Next step" in page
    sent = ana.send("/items/i0008/send", version=_version(page), follow_up_on="2026-12-02", channel="fax", reference="R-7")
    assert sent.status_code == 303 and sent.headers["location"] == "/items/i0007"
    following = ana.read("/items/i0007")
    assert "Sent. The day to ask again is noted." in following
    story = ana.read("/items/i0008")
    assert "ana sent it" in story and "by fax" in story and "ask again on 2 Dec 2026" in story and "reference R-7" in story
    assert _shown(ana.read("/queue?which=sent")) == ["i0008"]


@pytest.mark.parametrize("number", ["C0003059", "c0003059", "i0001-0", "I0001-0"])
def test_a_claim_or_a_write_off_is_found_in_capitals_or_not_and_stays_out_of_the_address(tmp_path: Path, number: str) -> None:
    ana = practice(tmp_path, [item_of(1, claim_id="C0003059"), item_of(2)]).client("ana")
    assert ana.send("/find", what=number).headers["location"] == "/items/i0001"
    assert ana.send("/find", what="C000305").headers["location"] == "/queue"
    assert "No claim or write-off of that number is in the queue." in ana.read("/queue")


def _version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


def test_who_comes_second_sees_what_is_and_what_they_sent(office: Practice) -> None:
    ana, lea = office.client("ana"), office.client("lea")
    version = _version(lea.read("/items/i0003"))
    assert ana.send("/items/i0003/draft", version=version).status_code == 303
    late = lea.send("/items/i0003/skip", version=version, reason="not_worth_it", text="small")
    assert late.status_code == 409
    assert "ana was faster" in late.text and "You had sent: skip, reason it would cost more than it brings, text small" in late.text
    assert "Being drafted" in late.text


def test_what_another_one_holds_is_read_only(office: Practice) -> None:
    ana, ben = office.client("ana"), office.client("ben")
    assert ana.send("/take-next").headers["location"] == "/items/i0008"
    page = ben.read("/items/i0008")
    assert "ana holds this item until" in page and "Sent to the payer" not in page
    assert ben.send("/items/i0008/draft", version="1").status_code == 409
    assert ben.send("/take-next").headers["location"] == "/items/i0007"


def test_an_item_says_what_the_ledger_has_taken_back_of_it(office: Practice) -> None:
    with office.gate.store.write() as unit:
        back = {"claim_id": "C3", "carc": "50", "loaded_at": NOW}
        of = {"writeoff_amount": -5_000, "reverses_writeoff_id": "i0003-0"}
        writeoffs.keep(unit, [stored_writeoff("R1", writeoff_date=date(2026, 10, 6), **back, **of)])
    ana = office.client("ana")
    assert ana.read("/items/i0003").count("$50.00 of $200.00 were taken back on 6 Oct 2026.") == 2
    assert "taken back" not in ana.read("/items/i0004")
    with office.gate.store.write() as unit:
        # Found by claim, code and amount; the one of today is known tomorrow.
        again = [("R2", date(2026, 10, 20), -3_000), ("R3", date(2026, 11, 2), -1_000)]
        writeoffs.keep(unit, [stored_writeoff(key, writeoff_date=day, writeoff_amount=cents, **back) for key, day, cents in again])
    assert "$80.00 of $200.00 were taken back from 6 Oct 2026 to 20 Oct 2026." in ana.read("/items/i0003")


def test_a_viewer_reads_and_changes_nothing(office: Practice) -> None:
    vic = office.client("vic")
    assert "Take the next one" not in vic.read("/queue")
    assert "What was done" not in vic.read("/items/i0001")
    assert vic.send("/items/i0001/draft", version="0").status_code == 403
    assert vic.send("/take-next").status_code == 403


@pytest.mark.parametrize(
    ("act", "fields", "words"),
    [
        ("send", {"follow_up_on": ""}, "Follow up on is missing"),
        ("send", {"follow_up_on": "soon"}, "is a day like 2026-11-30"),
        ("send", {"follow_up_on": "2026-10-01"}, "a follow-up is after 2026-11-02"),
        ("skip", {"reason": ""}, "the reason is one of"),
        ("win", {"amount": "1e9"}, "not an amount"),
        ("win", {"amount": "$1,2,3.4"}, "in groups of three like 1,234.50; 1,2,3.4 came"),
        ("win", {"amount": "12,50"}, "in groups of three"),
        ("win", {"amount": "1234,500"}, "in groups of three"),
        ("win", {"amount": "1.000,00"}, "in groups of three"),
        ("win", {"amount": "0"}, "a win brings more than nothing"),
        ("snooze", {"until": "2027-12-31"}, "at most 180 days ahead"),
        ("note", {"text": " "}, "a note says something"),
    ],
)
def test_what_a_form_may_not_say_is_told_and_nothing_changes(office: Practice, act: str, fields: dict[str, str], words: str) -> None:
    lea = office.client("lea")
    before = lea.read("/items/i0002")
    told = lea.send(f"/items/i0002/{act}", version=_version(before), **fields)
    assert 400 <= told.status_code < 500 and words.lower() in told.text.replace("&#39;", "'").lower()
    assert _version(lea.read("/items/i0002")) == _version(before)


def test_a_claim_is_found_by_its_number(office: Practice) -> None:
    ana = office.client("ana")
    assert ana.send("/find", what="C5").headers["location"] == "/items/i0005"
    assert ana.send("/find", what="C99").headers["location"] == "/queue"
    assert "No claim or write-off of that number" in ana.read("/queue")


def test_a_view_is_kept_under_its_name(office: Practice) -> None:
    ana, ben = office.client("ana"), office.client("ben")
    assert ana.send("/views", name="My BCBS", which="ready", payer_id="BCBS").headers["location"] == "/queue?payer_id=BCBS"
    assert 'href="/queue?payer_id=BCBS">My BCBS' in ana.read("/queue")
    assert "My BCBS" not in ben.read("/queue")
    assert ben.send("/views/remove", name="My BCBS").status_code == 404
    assert "Remove the view “My BCBS”" in ana.read("/queue")
    assert ana.send("/views/remove", name="My BCBS").headers["location"] == "/queue"
    assert "My BCBS" not in ana.read("/queue")


def test_reading_an_item_is_in_the_access_log(office: Practice) -> None:
    office.client("ana").read("/items/i0004")
    with office.gate.store.read() as unit:
        told = [line.act() for line in office.gate.log.lines(unit)]
    assert [act.subject for act in told if act.action == "writeoff.read" and "i0004" in act.ids] == ["person:ana"]


def test_another_clients_item_is_not_there(office: Practice) -> None:
    assert office.client("ana").client.get("/items/i9999").status_code == 404
    assert office.client("ana").client.get("/items/" + "x" * 80).status_code in (404, 422)


def test_htmx_is_the_distributed_file_with_its_licence() -> None:
    folder = Path("serving/web/static")
    digest = hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest()
    assert digest == "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"  # htmx.org 4.0.1, dist/htmx.min.js
    assert "Zero-Clause BSD" in (folder / "htmx.LICENSE.txt").read_text()


def test_every_remedy_and_source_has_words() -> None:
    assert set(ACTIONS) == set(REMEDIES) and set(SOURCES) - {"none"} == set(SOURCE_WORDS)
    assert [least for least, *_ in BANDS] == sorted((least for least, *_ in BANDS), reverse=True)
