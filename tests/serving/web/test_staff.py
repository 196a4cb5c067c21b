"""What staff are told: what won here before, which day counts, what stands first, why an act was not done; and what the lead hears."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from serving.access import Role
from serving.api.app import create_app
from serving.store import outcomes, sessions, writeoffs
from serving.worklist.events import Effort
from serving.worklist.item import Item, State
from serving.worklist.policy import Policy
from tests.serving.client import Client
from tests.serving.identity.clocks import BOSS
from tests.serving.store.rows import stored_writeoff
from tests.serving.web.practice import TODAY, Practice, practice
from tests.serving.worklist.queues import ANA, LEA, NOW, item_of

DECIDED = date(2026, 8, 1)


@pytest.fixture
def office(tmp_path: Path) -> Practice:
    return practice(tmp_path)


def past(office: Practice, count: int, *, net: int, payer: str = "AETNA", carc: str = "50", **told: object) -> None:
    """Put decided efforts on write-offs that are in no item."""
    name = f"{payer}-{carc}-{net}-{len(told)}"
    with office.gate.store.write() as unit:
        rows = [stored_writeoff(f"P{name}-{n}", payer_id=payer, carc=carc, records_on_file=True) for n in range(count)]
        writeoffs.keep(unit, rows)
        usual = {"action": "appeal", "status": "recovered" if net else "denied", "resolved_on": DECIDED, "recovered": net}
        said = [Effort(row["writeoff_id"], "E1", date(2026, 6, 1), **(usual | told)) for row in rows]  # type: ignore[arg-type]
        outcomes.record(unit, "default", said, source="file", today=TODAY, at=NOW, by="test")


def test_like_cases_say_what_was_done_and_how_often_that_won(office: Practice) -> None:
    past(office, 3, net=10_000, channel="fax")
    past(office, 2, net=0, channel="mail")
    page = office.client("ana").read("/items/i0001")
    assert "3 of 5 with this payer and reason code brought something, $300 in all." in page
    assert '<b class="for">3 of 3 won</b> appeal, by fax, with records on file' in page
    assert '<b class="against">0 of 2 won</b> appeal, by mail, with records on file' in page


def test_an_argument_that_won_is_offered_for_the_next_like_case(office: Practice) -> None:
    ana = office.client("ana")
    assert ana.send("/items/i0003/send", version="0", follow_up_on="2026-12-02", argument="meets LCD criterion 2").status_code == 303
    version = re.search(r'name="version" value="(\d+)"', ana.read("/items/i0003"))
    assert version is not None and "resting on meets LCD criterion 2" in ana.read("/items/i0003")
    assert ana.send("/items/i0003/win", version=version[1], amount="80").status_code == 303
    page = ana.read("/items/i0005")
    assert "1 of 1 won</b> appeal, meets LCD criterion 2" in page and '<option value="meets LCD criterion 2">' in page


def test_a_like_case_is_paid_in_full_only_where_all_that_was_written_off_stayed(office: Practice) -> None:
    past(office, 1, net=20_000)
    past(office, 1, net=5_000)
    past(office, 1, net=7_000, taken_back=7_000)
    page = office.client("ana").read("/items/i0001")
    assert page.count("Paid in full") == 1 and page.count("Paid in part") == 1 and page.count("Nothing stayed") == 1


def test_with_no_like_case_at_the_payer_those_of_its_remedy_then_of_the_code_speak(office: Practice) -> None:
    assert "has been decided here yet" in office.client("ana").read("/items/i0001")
    past(office, 1, net=5_000, payer="CIGNA")
    assert "1 of 1 of this reason code with other payers" in office.client("ana").read("/items/i0001")
    past(office, 2, net=0, carc="16")
    assert "0 of 2 of this remedy with this payer" in office.client("ana").read("/items/i0001")


def test_a_default_day_that_passed_never_reads_as_one_that_somebody_set(tmp_path: Path) -> None:
    gone = TODAY - timedelta(days=40)
    queue = [item_of(1, deadline_on=gone, deadline_source="default"), item_of(2, deadline_on=gone, deadline_source="statute")]
    ana = practice(tmp_path, queue).client("ana")
    guessed, set_by_law = ana.read("/queue"), ana.read("/queue?which=lapsed")
    assert '<span class="small guess">guessed, 40 days ago</span>' in guessed and "passed 40 days ago" not in guessed
    assert '<span class="small urgent">passed 40 days ago</span>' in set_by_law
    assert "our guess of 90 days: ask the payer" in ana.read("/items/i0001")


def test_the_list_begins_with_what_the_next_turn_offers(tmp_path: Path) -> None:
    near, far = TODAY + timedelta(days=13), TODAY + timedelta(days=15)
    queue = [
        item_of(1, deadline_on=near, deadline_source="payer_rule"),
        item_of(2, deadline_on=near, deadline_source="default"),
        item_of(3, deadline_on=far, deadline_source="payer_rule"),
        item_of(4, deadline_on=near, deadline_source="statute", value_per_hour=-100),
        item_of(9),
    ]
    ana = practice(tmp_path, queue).client("ana")
    shown = re.findall(r'href="/items/(i\d{4})" data-open', ana.read("/queue"))
    assert shown == ["i0001", "i0009", "i0003", "i0002", "i0004"]
    assert ana.send("/take-next").headers["location"] == "/items/i0001"


def test_what_was_sent_shows_the_day_to_ask_and_what_was_decided_the_day_of_that(tmp_path: Path) -> None:
    late, near = TODAY - timedelta(days=20), TODAY + timedelta(days=3)
    sent = item_of(1, state=State.SENT, sent_on=late, follow_up_on=late, deadline_on=near, deadline_source="statute")
    won = item_of(2, state=State.WON, decided_on=late)
    ana = practice(tmp_path, [sent, won]).client("ana")
    page = ana.read("/follow-ups")
    assert "ask again, 20 days late" in page and "in 3 days" not in page
    assert '<time datetime="2026-10-13">13 Oct 2026</time><span class="small soft">won</span>' in ana.read("/queue?which=won")


def test_who_asked_a_payer_goes_on_to_what_nobody_else_has(tmp_path: Path) -> None:
    def sent(number: int, to: str | None, payer: str = "AETNA") -> Item:
        return item_of(number, state=State.SENT, sent_on=DECIDED, follow_up_on=DECIDED, assigned_to=to, payer_id=payer)

    queue = [sent(1, "person:ana"), sent(2, "person:ben"), sent(3, None), sent(4, "person:ana", "BCBS")]
    ana = practice(tmp_path, queue).client("ana")
    asked = ana.send("/items/i0001/follow_up", version="0", was="sent", again_on="2026-12-01")
    assert asked.headers["location"] == "/items/i0003"
    asked = ana.send("/items/i0003/follow_up", version="0", was="sent", again_on="2026-12-01")
    assert asked.headers["location"] == "/items/i0004"
    asked = ana.send("/items/i0004/follow_up", version="0", was="sent", again_on="2026-12-01")
    assert asked.headers["location"] == "/follow-ups"


def test_an_item_given_to_another_says_so_and_offers_nothing(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(1, assigned_to="person:ben")])
    page = office.client("ana").read("/items/i0001")
    assert "ben was given this item" in page and "What was done" not in page and "Take it</button>" not in page
    assert "What was done" in office.client("lea").read("/items/i0001")


def test_what_cannot_be_taken_is_not_offered_and_says_where_it_stands(tmp_path: Path) -> None:
    gone = TODAY - timedelta(days=20)
    queue = [
        item_of(1, snoozed_until=date(2026, 12, 5)),
        item_of(2, deadline_on=gone, deadline_source="statute"),
        item_of(3, state=State.WON, decided_on=gone),
        item_of(4, deadline_on=TODAY, deadline_source="statute"),
        item_of(5, assigned_to="person:ben"),
        item_of(6),
    ]
    office = practice(tmp_path, queue)
    ana, lea = office.client("ana"), office.client("lea")
    asleep, late = ana.read("/items/i0001"), ana.read("/items/i0002")
    for page, item_id, state in ((asleep, "i0001", "Asleep until 5 Dec 2026"), (late, "i0002", "Past its day")):
        assert f'<span class="state">{state}</span>' in page and "Take it</button>" not in page
        assert ana.send(f"/items/{item_id}/take", version="0").status_code == 409
    assert "Asleep until 5 Dec 2026" in ana.read("/queue?which=asleep") and "Past its day" in ana.read("/queue?which=lapsed")
    # A lead may act on what another was given, but not take it for themselves.
    assert "Take it</button>" not in lea.read("/items/i0005") and lea.send("/items/i0005/take", version="0").status_code == 409
    assert "Give to" not in lea.read("/items/i0003") and "Give to" in lea.read("/items/i0006")
    assert lea.send("/items/i0003/assign", version="0", to="person:ben").status_code == 409
    # It cannot be put off beyond its last day, which is today.
    assert "Put off</button>" not in ana.read("/items/i0004") and "Put off</button>" in ana.read("/items/i0006")
    assert "Take it</button>" in ana.read("/items/i0006")


def test_an_item_that_sleeps_is_woken_by_who_begins_it(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(1, snoozed_until=date(2026, 12, 5)), item_of(2)])
    ana = office.client("ana")
    assert "Wake it and begin" in ana.read("/items/i0001") and "Wake it" not in ana.read("/items/i0002")
    assert ana.send("/items/i0001/begin", version="0").headers["location"] == "/items/i0001"
    page = ana.read("/items/i0001")
    assert "Being drafted" in page and "Asleep" not in page and "Awake again, and begun by you." in page
    assert "Wake it" not in office.client("vic").read("/items/i0001")


def test_a_lead_wakes_what_another_put_off_and_it_stays_theirs(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(1, snoozed_until=date(2026, 12, 5), assigned_to=ANA.subject)])
    lea, ben = office.client("lea"), office.client("ben")
    assert "Wake it</button>" in lea.read("/items/i0001") and "Wake it" not in ben.read("/items/i0001")
    assert ben.send("/items/i0001/wake", version="0").status_code == 409
    assert lea.send("/items/i0001/wake", version="0").status_code == 303
    page = lea.read("/items/i0001")
    assert "Asleep" not in page and "Being drafted" not in page and "lea woke it" in page
    assert "i0001" in office.client("ana").read("/queue")


def test_who_asked_the_ledger_learns_what_became_of_it(office: Practice) -> None:
    office.worklist.set_policy(LEA, Policy(approval_over=1_000))
    ana, lea = office.client("ana"), office.client("lea")
    for item_id, amount in (("i0003", "187.82"), ("i0005", "2712.18"), ("i0007", "5")):
        assert ana.send(f"/items/{item_id}/win", version="0", amount=amount).status_code == 303
    assert "<b>$187.82</b> of i0003-0: waits for a second person to approve it" in ana.read("/items/i0003")
    for one in office.worklist.waiting_reversals(LEA):
        said = (
            {"answer": "refuse", "reason": "wrong_amount", "note": "the check says 178.82."}
            if one.item_id == "i0003"
            else {"answer": "approve"}
        )
        assert lea.send("/lead/reversals", reversal_id=one.reversal_id, **said).status_code == 303
    won = ana.read("/queue?which=won")
    assert won.count("reversal refused") == 1 and "reversal refused" in won.split("claim C3</span></td>")[1].split("</tr>")[0]
    refused, approved, small = (ana.read(f"/items/{item_id}") for item_id in ("i0003", "i0005", "i0007"))
    assert '<b class="against">$187.82</b> of i0003-0: refused by lea on 2 Nov 2026, 09:00: the amount is not what came in' in refused
    assert (
        "the amount is not what came in, the check says 178.82. The ledger stays as it is" in refused
        and "refused the reversal" in refused
        and "asked for by ana on 2 Nov 2026, 09:00" in refused
    )
    assert "<b>$2,712.18</b> of i0005-0: approved by lea on 2 Nov 2026, 09:00; goes out with the next file" in approved
    assert "lea approved the reversal" in approved
    assert "<b>$5.00</b> of i0007-0: needed no second person; goes out with the next file" in small
    assert lea.send("/lead/reversals/file", batch="first").status_code == 200
    assert "went out to the ledger in the file first" in ana.read("/items/i0005")


def test_of_a_win_the_payer_may_take_some_back_or_pay_more(office: Practice) -> None:
    ana = office.client("ana")
    assert "took some of it back" not in ana.read("/items/i0003")
    assert ana.send("/items/i0003/win", version="0", amount="50").status_code == 303
    assert ana.send("/items/i0003/take_back", version="1", amount="$50", decided_on="2026-11-02").headers["location"] == "/items/i0003"
    page = ana.read("/items/i0003")
    # What is gone cannot be taken back once more.
    assert "<b>-$50.00</b> of i0003-0: needed no second person" in page and "took some of it back" not in page
    assert ana.send("/items/i0003/pay_again", version="2", amount="1,020.50").status_code == 303
    page = ana.read("/items/i0003")
    assert "<dt>Came in</dt><dd>$1,020</dd>" in page and "<b>$1,020.50</b> of i0003-0" in page and "took some of it back" in page


def test_what_was_done_shows_what_came_in_and_why_it_ended(office: Practice) -> None:
    ana, lea = office.client("ana"), office.client("lea")
    assert ana.send("/items/i0005/win", version="0", amount="80").status_code == 303
    assert ana.send("/items/i0006/lose", version="0", reason="payer_right").status_code == 303
    assert ana.send("/items/i0007/skip", version="0", reason="not_worth_it").status_code == 303
    won, lost, skipped = (ana.read(f"/queue?which={which}") for which in ("won", "lost", "skipped"))
    assert "<dd>$80</dd><dt>came in, $5 had been expected</dt>" in won and "of work" not in won
    assert '<td role="cell" data-label="Came in" class="number expected">$80<span' in won and ">Came in</th>" in won
    assert "the payer is right" in lost and "<dd>$0</dd><dt>came in, $6 had been expected</dt>" in lost
    assert "it would cost more than it brings" in skipped and "had been expected</dt>" in skipped
    assert '$80<span class="small soft">came in</span>' in ana.read("/queue?which=all")
    told = lea.send("/bulk", scope="all", act="export_csv", q_which="lost").text.splitlines()
    assert dict(zip(told[0].split(","), told[1].split(","), strict=True))["reason"] == "the payer is right"
    told = lea.send("/bulk", scope="all", act="export_csv", q_which="won").text.splitlines()
    assert dict(zip(told[0].split(","), told[1].split(","), strict=True))["came_in"] == "80.00"


def test_a_form_that_came_after_the_session_ended_is_said_to_be_lost(office: Practice) -> None:
    ana = office.client("ana")
    with office.gate.store.write() as unit:
        unit.connection.execute(sessions.sessions.delete())
    body, sent = b"version=0&text=a+secret+thought", {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1"}
    there = ana.client.post("/items/i0003/note", body, sent).headers["location"]
    assert there == "/sign-in?lost=yes"
    page = ana.read(there)
    assert "nothing of what you typed was kept" in page and "secret" not in page
    assert "was kept" not in ana.read("/sign-in") and ana.client.post("/sign-out", b"", sent).headers["location"] == "/sign-in"


@pytest.mark.parametrize("amount", ["80", "1234.5", "1,234.56", "$12", "$1,250.50", " 7 "])
def test_the_amount_of_a_win_may_be_written_as_the_server_reads_it(office: Practice, amount: str) -> None:
    ana = office.client("ana")
    field = re.search(r'name="amount"[^>]*pattern="([^"]+)"[^>]*title="Dollars like', ana.read("/items/i0003"))
    assert field is not None
    assert re.fullmatch(field[1], amount) and not any(re.fullmatch(field[1], wrong) for wrong in ("", "12,50", "1e3", "$", "-5", "1.234"))
    assert ana.send("/items/i0003/win", version="0", amount=amount).status_code == 303


@pytest.mark.parametrize(
    ("remitted", "words"),
    [
        (date(2026, 4, 15), "<b>ask for a reopening</b> until <b>15 Apr 2027</b>"),
        (date(2025, 4, 15), "<b>ask for a reopening</b>, for good cause which must be shown, until <b>15 Apr 2029</b>"),
        (date(2022, 4, 15), ""),
    ],
)
def test_past_its_day_an_item_says_what_is_still_open_and_until_when(tmp_path: Path, remitted: date, words: str) -> None:
    # Medicare: 120 days, and five of mail, for the appeal; a reopening within a year of the remittance for any reason, within four for
    # good cause (42 CFR 405.942, 405.980).
    last = remitted + timedelta(days=125)
    office = practice(tmp_path, [item_of(1, deadline_on=last, deadline_source="statute"), item_of(2)])
    told = {"payer_type": "medicare", "group_code": "CO", "carc": "50", "remit_date": remitted, "writeoff_date": remitted}
    with office.gate.store.write() as unit:
        writeoffs.keep(unit, [stored_writeoff(f"i000{n}-0", writeoff_amount=20_000, claim_id=f"C{n}", **told) for n in (1, 2)])
    ana = office.client("ana")
    page = ana.read("/items/i0001")
    assert (f"Still open: {words}." in page) if words else "Still open" not in page
    assert ("The last day to appeal was" in page) is bool(words)
    assert "Still open" not in ana.read("/items/i0002")


def test_an_item_that_scoring_turned_says_what_could_be_done_before_and_until_when(tmp_path: Path) -> None:
    remitted = date(2026, 4, 15)
    office = practice(tmp_path, [item_of(1, remedy="reopening", deadline_on=date(2027, 4, 15), deadline_source="statute")])
    told = {"payer_type": "medicare", "group_code": "CO", "carc": "50", "remit_date": remitted, "writeoff_date": remitted}
    with office.gate.store.write() as unit:
        writeoffs.keep(unit, [stored_writeoff("i0001-0", writeoff_amount=20_000, claim_id="C1", **told)])
    page = office.client("ana").read("/items/i0001")
    assert "The last day to appeal was 18 Aug 2026. Still open: <b>ask for a reopening</b> until <b>15 Apr 2027</b>." in page
    assert "Ask for a reopening with the new evidence" in page and "Appeal with the records" not in page


def test_a_refusal_for_good_keeps_why_it_ends(office: Practice) -> None:
    ana = office.client("ana")
    assert ana.send("/items/i0001/lose", version="0", reason="payer_right").status_code == 303
    assert "the payer is right" in ana.read("/items/i0001")
    assert ana.send("/items/i0002/lose", version="0", reason="because").status_code == 400


def test_the_lead_hears_what_staff_say_against_the_ranking(office: Practice) -> None:
    ana, lea = office.client("ana"), office.client("lea")
    assert "Nobody disagreed" in lea.read("/lead")
    ana.send("/items/i0004/note", version="0", kind="disagree", text="The payer already paid this")
    ana.send("/items/i0004/note", version="0", kind="note", text="called twice")
    ana.send("/items/i0005/skip", version="0", reason="wrong_remedy")
    page = lea.read("/lead")
    assert "Claim C4</a> ana disagrees with a reason: The payer already paid this" in page and "called twice" not in page
    assert "1: another step is needed than the one proposed" in page
    assert "ana noted" in lea.read("/items/i0004") and "disagrees with a reason" in lea.read("/items/i0004")


def test_back_leads_to_the_list_that_the_item_was_opened_from(office: Practice) -> None:
    ana = office.client("ana").client
    came = {"Referer": "http://127.0.0.1/queue?payer_id=BCBS&sort=due"}
    assert 'href="/queue?payer_id=BCBS&amp;sort=due">Back to the list' in ana.request("GET", "/items/i0002", headers=came).text
    for foreign in ("https://evil.example/queue", "http://127.0.0.1/items/i0001", "no address"):
        assert 'href="/queue">Back to the list' in ana.request("GET", "/items/i0002", headers={"Referer": foreign}).text


def test_an_error_is_a_page_to_a_browser_and_stays_a_document_to_a_program(office: Practice) -> None:
    ana = office.client("ana").client
    told = ana.request("GET", "/nowhere", headers={"Accept": "text/html"})
    assert told.status_code == 404 and told.headers["content-type"].startswith("text/html") and "There is no such page" in told.text
    assert "script-src 'self'" in told.headers["content-security-policy"] and told.headers["cache-control"] == "no-store"
    swapped = ana.request("GET", "/items/" + "x" * 90, headers={"HX-Request": "true"})
    assert '<div id="page">' in swapped.text and swapped.status_code in (404, 422)
    assert ana.get("/v1/nowhere").headers["content-type"] == "application/problem+json"
    assert ana.get("/nowhere").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("effort", "state", "day"),
    [
        (Effort("i0001-0", "E1", date(2026, 9, 20)), State.SENT, date(2026, 10, 20)),
        (Effort("i0001-0", "E1", date(2026, 9, 20), follow_up_on=date(2026, 12, 1)), State.SENT, date(2026, 12, 1)),
        (Effort("i0001-0", "E1", date(2026, 9, 20), "denied", DECIDED, recovered=0), State.LOST, None),
        (Effort("i0001-0", "E1", date(2026, 9, 20), "upheld_next_level_open", DECIDED, recovered=0), State.SENT, TODAY),
        (Effort("i0001-0", "E1", date(2026, 9, 20), "abandoned", DECIDED, recovered=0), State.OPEN, None),
    ],
)
def test_what_a_file_says_was_worked_elsewhere_does_not_wait_to_be_worked_again(
    office: Practice, effort: Effort, state: State, day: date | None
) -> None:
    with office.gate.store.write() as unit:
        outcomes.record(unit, "default", [effort], source="file", today=TODAY, at=NOW, by="test")
    item = office.worklist.detail(ANA, "i0001").item
    assert (item.state, item.follow_up_on) == (state, day)
    assert "Worked before" in office.client("ana").read("/items/i0001")


@pytest.mark.parametrize(
    ("recovered", "taken_back", "words"),
    [
        (5_573, 5_573, "$55.73 of $200.00 came in on 1 Aug 2026; all $55.73 taken back later"),
        (5_573, 1_000, "$55.73 of $200.00 came in on 1 Aug 2026; $10.00 taken back later"),
        (5_573, 0, "$55.73 of $200.00 came in on 1 Aug 2026"),
        (20_000, 0, "paid in full, $200.00 on 1 Aug 2026"),
        (0, 0, "nothing came in on 1 Aug 2026"),
    ],
)
def test_an_effort_made_elsewhere_is_told_by_what_came_whatever_its_status_says(
    office: Practice, recovered: int, taken_back: int, words: str
) -> None:
    effort = Effort("i0001-0", "E1", date(2026, 5, 20), "recovered", DECIDED, recovered=recovered, taken_back=taken_back)
    with office.gate.store.write() as unit:
        outcomes.record(unit, "default", [effort], source="file", today=TODAY, at=NOW, by="test")
    page = office.client("ana").read("/items/i0001")
    assert words in page and ("paid in full" in page) == (recovered == 20_000) and ("taken back" in words) == ("taken back later" in page)


def test_what_somebody_here_has_begun_is_left_as_it_is_by_a_file(office: Practice) -> None:
    office.client("ana").send("/items/i0001/draft", version="0")
    with office.gate.store.write() as unit:
        outcomes.record(unit, "default", [Effort("i0001-0", "E1", DECIDED)], source="file", today=TODAY, at=NOW, by="test")
    assert office.worklist.detail(LEA, "i0001").item.state is State.DRAFTED


def test_an_item_of_many_write_offs_gives_no_range_that_holds_for_one(tmp_path: Path) -> None:
    office = practice(tmp_path, [replace(item_of(1), level=2, state=State.NEXT_LEVEL, next_deadline_on=TODAY + timedelta(days=5))])
    page = office.client("ana").read("/items/i0001")
    assert "level 2" in page and "mostly" not in page


def test_nothing_that_changes_a_code_is_sent_before_a_coder_has_signed(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(1, remedy="corrected_claim", carc="4", family="coding"), item_of(2)])
    ana = office.client("ana")
    assert "Coder who signed the change" in ana.read("/items/i0001") and "Coder who signed" not in ana.read("/items/i0002")
    unsigned = ana.send("/items/i0001/send", version="0", follow_up_on="2026-12-02")
    assert unsigned.status_code == 409 and "name the coder" in unsigned.text.lower()
    key = office.gate.programs.make(BOSS, Role.SERVICE, owner="test").secret
    sent = json.dumps({"version": 0, "act": "send", "follow_up_date": "2026-12-02"}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    by_program = Client(create_app(office.service)).post("/v1/queue/i0001/disposition", sent, headers)
    assert by_program.status_code == 409 and "name the coder" in by_program.text
    assert ana.send("/items/i0001/send", version="0", follow_up_on="2026-12-02", coder="R. Coda, CPC").status_code == 303
    assert "signed off by coder R. Coda, CPC" in ana.read("/items/i0001")
