"""The lead's pages: capacity, who has what, settings, reversals; and the page of the model."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest

from recoup.card import card_of
from serving.champion import Champion
from serving.web.cards import Alarm, Dot
from serving.worklist.item import State
from serving.worklist.policy import Policy
from tests.serving.fakes import FixedScorer, load_fake
from tests.serving.web.practice import TODAY, Practice, practice
from tests.serving.worklist.queues import LEA, item_of


@pytest.fixture
def office(tmp_path: Path) -> Practice:
    sent = {"state": State.SENT, "assigned_to": "person:ana", "sent_on": date(2026, 10, 1), "follow_up_on": date(2026, 10, 31)}
    return practice(tmp_path, [item_of(n) for n in range(1, 9)] + [item_of(20, **sent)])


SETTINGS = {"lease_minutes": "45", "pin_days": "7", "sample_share": "5", "sample_turn": "10", "hours_per_week": "3", "approval_over": "50"}


def test_a_week_is_as_long_as_its_hours_and_names_where_to_stop(office: Practice) -> None:
    lea = office.client("lea")
    assert lea.send("/lead/settings", **SETTINGS).headers["location"] == "/lead"
    assert office.worklist.policy(LEA) == Policy(45, 7, 0.05, 0.1, 3.0, 5_000)
    page = lea.read("/lead")
    # Items bring 1 to 8 dollars in an hour each: three hours bring 8 + 7 + 6.
    assert "$21" in page and "3 items in 3 hours" in page and "$6 an hour" in page
    assert '<b class="urgent">1</b>' in page


def test_a_week_of_which_only_some_pays_says_how_many_bring_more_than_they_cost(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(n, value_per_hour=100 * n - 350, net=100 * n - 350) for n in range(1, 6)])
    page = office.client("lea").read("/lead")
    # Items 4 and 5, an hour each, are above nothing an hour; $4 and $5 are expected of them.
    assert "$9</dd>" in page and "2 of the week's 5 items, in 2 hours of 160 hours, bring more than they cost" in page
    assert "the rest cost more than they bring" in page and "$0 an hour" in page and "enough for all" not in page


def test_a_week_of_which_nothing_pays_says_so(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(n, value_per_hour=-100, net=-100) for n in range(1, 6)])
    page = office.client("lea").read("/lead")
    assert "$0</dd>" in page and "each of the week's 5 items costs more than it brings" in page


def test_all_that_waits_is_said_as_the_week_is(tmp_path: Path) -> None:
    asleep = {"snoozed_until": TODAY + timedelta(days=3)}
    queue = [item_of(n, value_per_hour=100 * n - 350, net=100 * n - 350, **(asleep if n == 5 else {})) for n in range(1, 6)]
    page = practice(tmp_path, queue).client("lea").read("/lead")
    week, in_all = page.split("A week's work brings")[1], page.split("Waiting in all")[1]
    for tile in (week, in_all):
        assert "<dd>$9</dd>" in tile.split("</div>")[0]
    assert "2 of 5 items, in 2 hours of work, bring more than they cost; 1 of them sleeps and wakes within 7 days" in in_all


def test_a_batch_that_somebody_took_is_counted_as_theirs(tmp_path: Path) -> None:
    office = practice(tmp_path, [item_of(n) for n in range(1, 15)])
    assert office.client("ana").send("/payers/take", payer_id="AETNA", most="10").status_code == 303
    lea = office.client("lea")
    people = lea.read("/lead").split('id="people"')[1].split("</section>")[0]
    row = re.search(r'<a href="([^"]+)">ana</a></th><td class="number">(\d+)</td>', people)
    assert row is not None and row[2] == "10" and '>nobody yet</a></th><td class="number">4</td>' in people
    assert lea.read(unescape(row[1])).count("data-open") == 10


@pytest.mark.parametrize(("name", "value", "words"), [("lease_minutes", "0", "from 1 to 480"), ("sample_share", "much", "is a number")])
def test_a_setting_out_of_its_bounds_changes_nothing(office: Practice, name: str, value: str, words: str) -> None:
    told = office.client("lea").send("/lead/settings", "/account", **(SETTINGS | {name: value}))
    assert 400 <= told.status_code < 500 and words in told.text
    assert office.worklist.policy(LEA) == Policy()


def test_a_large_reversal_waits_for_a_second_person_and_leaves_once(office: Practice) -> None:
    ana, lea = office.client("ana"), office.client("lea")
    office.worklist.set_policy(LEA, Policy(approval_over=1_000))
    assert ana.send("/items/i0005/win", version="0", amount="80").status_code == 303
    page = lea.read("/lead")
    assert "$80.00" in page and "asked for by ana" in page
    request = page.split('name="reversal_id" value="')[1].split('"')[0]
    assert lea.send("/lead/reversals/file", batch="first").status_code == 404
    assert lea.send("/lead/reversals", reversal_id=request, answer="approve").status_code == 303
    told = lea.send("/lead/reversals/file", batch="first")
    assert told.text.splitlines()[1].startswith(f"{request},i0005-0,80.00,2026-11-02,person:ana,person:lea,first")
    assert lea.send("/lead/reversals/file", batch="second").status_code == 404
    assert "$80 came in, $5 were expected" in lea.read("/lead")


def test_who_asked_does_not_approve(office: Practice) -> None:
    lea = office.client("lea")
    office.worklist.set_policy(LEA, Policy(approval_over=1_000))
    assert lea.send("/items/i0005/win", version="0", amount="80").status_code == 303
    page = lea.read("/lead")
    assert "Somebody else has to approve your own request" in page and 'value="approve"' not in page
    request = office.worklist.waiting_reversals(LEA)[0].reversal_id
    assert lea.send("/lead/reversals", reversal_id=request, answer="approve").status_code == 403


def test_a_refusal_needs_a_reason_and_what_the_ledger_did_not_take_is_told(office: Practice) -> None:
    ana, lea = office.client("ana"), office.client("lea")
    office.worklist.set_policy(LEA, Policy(approval_over=1_000))
    for item_id, amount in (("i0005", "80"), ("i0003", "5")):
        assert ana.send(f"/items/{item_id}/win", version="0", amount=amount).status_code == 303
    (asked,) = office.worklist.waiting_reversals(LEA)
    assert "No payment of the payer is found" in lea.read("/lead")
    told = lea.send("/lead/reversals", "/lead", reversal_id=asked.reversal_id, answer="refuse")
    assert 400 <= told.status_code < 500 and "reason of a refusal is one of" in told.text
    assert office.worklist.waiting_reversals(LEA) == [asked]
    lea.send("/lead/reversals/file", batch="first")
    sent = ana.read("/items/i0003")
    assert "went out to the ledger in the file first" in sent
    (small,) = (one for one in office.worklist.export_reversals(LEA, "first"))
    refusal = {"answer": "refuse", "reason": "ledger_refused", "note": "its account is closed"}
    assert lea.send("/lead/reversals", reversal_id=small.reversal_id, **refusal).status_code == 303
    assert "the ledger system does not take it, its account is closed. The ledger stays as it is" in ana.read("/items/i0003")


def test_workers_do_not_see_the_leads_pages(office: Practice) -> None:
    ana = office.client("ana")
    assert "/lead" not in ana.read("/queue") and ana.client.get("/lead").status_code == 403
    assert ana.send("/lead/settings", "/account", **SETTINGS).status_code == 403


def test_the_model_page_says_that_priors_serve(office: Practice) -> None:
    page = office.client("ana").read("/models")
    assert "Version prior" in page and "recoup drift" in page


def test_a_card_reads_the_latest_reports_and_stands_without_them(tmp_path: Path) -> None:
    champion = Champion(tmp_path, load=load_fake, prior=lambda: FixedScorer("prior"))
    assert card_of(tmp_path, champion).drift is None
    (tmp_path / "reports").mkdir()
    alarm: dict[str, object] = {"payer": "ACME", "family": "timely", "direction": "pays less often", "changed_about": "2026-09-01"}
    alarm |= {"results_since": 40, "recovered_since": 3, "predicted_since": 14.2}
    drift = {"as_of": "2026-11-01", "days": 30, "results": 200, "alarms": [alarm]}
    (tmp_path / "reports" / "drift.json").write_text(json.dumps(drift))
    bins = [{"low": 0.2, "high": 0.3, "rows": 40, "predicted": 0.25, "observed": 0.2}]
    (tmp_path / "evaluation.json").write_text(json.dumps({"reliability": bins, "from": "2026-03-01", "to": "2026-06-30"}))
    card = card_of(tmp_path, champion)
    words = "pays less often; 3 of 40 results brought something, 14 were predicted"
    assert card.drift is not None and card.drift.alarms == (Alarm("ACME", "timely", "1 Sep 2026", words),)
    assert card.dots == (Dot(0.25, 0.2, 40),) and "1 Mar 2026" in card.judged_on
    (tmp_path / "reports" / "drift.json").write_text("{")
    assert card_of(tmp_path, champion).drift is None
