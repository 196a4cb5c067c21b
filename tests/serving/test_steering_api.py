"""Projects, views, settings, notes and sums over `/v1`: what programs may, what is refused, and that a change is made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.access import Role
from serving.client import Refused
from serving.store.store import Store
from tests.serving.identity.clocks import gate_on
from tests.serving.test_queue_api import House


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    return House(gate_on(store, tmp_path), tmp_path)


def refused(status: int) -> pytest.RaisesExc[Refused]:
    return pytest.raises(Refused, match=f"^{status}")


def test_settings_are_changed_by_who_saw_them(house: House) -> None:
    boss, worker = house.caller(Role.LEAD), house.caller(Role.WORKER)
    seen = worker.settings()
    after = boss.change_settings(seen, hours_per_week=200, approval_over="500.50")
    assert (after.hours_per_week, after.approval_over, after.lease_minutes) == (200.0, 500.5, seen.lease_minutes)
    assert worker.settings() == after and after.version != seen.version
    with refused(409):
        boss.change_settings(seen, hours_per_week=10)
    with refused(403):
        worker.change_settings(after, hours_per_week=10)
    strange_ones: list[dict[str, Any]] = [{"hours_per_week": -1}, {"lease_minutes": 0}, {"lease_minutes": 1.5}, {"sample_share": "much"}]
    for strange in (*strange_ones, {"approval_over": "1.005"}, {"hours": 3}):
        with refused(422):
            boss.change_settings(after, **strange)
    assert worker.settings() == after
    assert worker.overview().hours_per_week == 200.0


def test_a_change_that_is_sent_twice_is_made_once(house: House) -> None:
    boss = house.caller(Role.LEAD)
    first = boss.begin_project("bundles", once="k1")
    assert boss.begin_project("bundles", once="k1") == first and len(boss.projects()) == 1
    seen = boss.settings()
    after = boss.change_settings(seen, pin_days=9, once="k2")
    assert boss.change_settings(seen, pin_days=9, once="k2") == after
    with refused(422):
        boss.change_settings(seen, pin_days=10, once="k2")


def test_a_project_gathers_what_its_filter_lists_and_is_ended(house: House) -> None:
    boss = house.caller(Role.LEAD)
    listed = [item.item_id for item in boss.every_item(which="all")]
    made = boss.begin_project("everything", cause="one edit", template="As agreed,", items={"which": "all"})
    assert made.items_new == len(listed) > 0
    told = boss.project(made.project.project_id)
    assert told.totals is not None and told.totals.items == len(listed)
    assert {item.item_id for item in boss.every_item(which="all", project_id=made.project.project_id)} == set(listed)
    # What is in a project stays there.
    assert boss.begin_project("again", items={"which": "all"}).items_new == 0
    ended = boss.change_project(made.project, is_ended=True, cause="two edits")
    assert ended.ended_at is not None and (ended.name, ended.cause) == ("everything", "two edits")
    with refused(409):
        boss.change_project(made.project, name="late")
    assert boss.change_project(ended, is_ended=False).ended_at is None
    with refused(422):
        boss.begin_project("x", items={"colour": "red"})
    with refused(422):
        boss.begin_project("x", template="All {claim_count} claims")


def test_an_item_is_put_into_a_project_that_goes_on_and_out_again(house: House) -> None:
    boss, other = house.caller(Role.LEAD), house.caller(Role.LEAD, "other")
    project, foreign = boss.begin_project("one").project, other.begin_project("theirs").project
    item = next(boss.every_item())
    placed = boss.place(item, project.project_id)
    assert placed.project_id == project.project_id
    with refused(409):
        boss.place(item, None)
    assert boss.place(placed, None).project_id is None
    item = boss.item(item.item_id).item or item
    for nowhere in (foreign.project_id, "0" * 16):
        with refused(404):
            boss.place(item, nowhere)
    boss.change_project(project, is_ended=True)
    with refused(409):
        boss.place(item, project.project_id)
    with refused(404):
        other.project(project.project_id)
    with refused(403):
        house.caller(Role.WORKER).place(item, None)


def test_views_are_ones_own_unless_a_lead_shares_them(house: House) -> None:
    boss, worker = house.caller(Role.LEAD), house.caller(Role.WORKER)
    mine = worker.save_view("large ones", {"least_expected": "500.25", "sort": "due", "payer_id": "A & B"})
    assert mine.query == {"least_expected": "500.25", "sort": "due", "payer_id": "A & B"}
    assert boss.views() == [] and worker.views() == [mine]
    with refused(403):
        worker.save_view("for all", {}, is_shared=True)
    shared = boss.save_view("for all", {"which": "mine"}, is_shared=True)
    assert worker.views() == [shared, mine]
    with refused(409):
        worker.save_view("large ones", {})
    changed = worker.save_view("large ones", {}, seen=mine)
    assert changed.query == {}
    with refused(409):
        worker.save_view("large ones", {}, seen=mine)
    with refused(404):
        worker.remove_view("for all")
    worker.remove_view("large ones")
    assert worker.views() == [shared]
    for strange in ({"which": "none"}, {"sort": "colour"}, {"due_before": "soon"}, {"after": "x"}):
        with refused(422):
            worker.save_view("strange", strange)


def test_a_note_is_a_line_of_the_story(house: House) -> None:
    worker = house.caller(Role.WORKER)
    item = next(worker.every_item())
    assert worker.note(item.item_id, "spoke to Ms. Roe\nshe looks", is_call=True).version == item.version
    entry = worker.item(item.item_id).story[-1]
    assert (entry.act, entry.text) == ("call", "spoke to Ms. Roe\nshe looks")
    for text in ("", "  ", "\x07", "x" * 4001):
        with refused(422):
            worker.note(item.item_id, text)
    with refused(404):
        house.caller(Role.WORKER, "other").note(item.item_id, "hello")
    with refused(403):
        house.caller(Role.VIEWER).note(item.item_id, "hello")
