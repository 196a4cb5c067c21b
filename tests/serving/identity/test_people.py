"""People: passwords, lockout, sessions, links and emergencies."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from sqlalchemy import select

from features.errors import BadData, NotPermitted, UsageError
from serving.access import Identity, Role
from serving.identity.gate import Gate
from serving.identity.passwords import Passwords
from serving.identity.refusals import FIRST
from serving.identity.visits import EMERGENCY_LASTS, FREE_FAILURES, IDLE, LONGEST
from serving.store.people import people
from serving.store.sessions import sessions
from serving.store.store import Store
from tests.serving.identity.clocks import BOSS, PASSWORD, Clock, acts, gate_on, small_gate

FROM = "10.0.0.7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(tmp_path: Path, clock: Clock) -> Gate:
    """Return a gate that knows ana, a worker, and leo, a lead."""
    return known(small_gate(tmp_path, clock))


@pytest.fixture
def either(store: Store, tmp_path: Path, clock: Clock) -> Gate:
    """Return such a gate on each database in turn."""
    return known(gate_on(store, tmp_path, clock))


def known(made: Gate) -> Gate:
    made.accounts.add(BOSS, "ana", Role.WORKER, password=PASSWORD, facilities=frozenset({"F1"}))
    made.accounts.add(BOSS, "leo", Role.LEAD, password=PASSWORD)
    return made


def signed_in(gate: Gate, name: str = "ana") -> str:
    return gate.visits.sign_in(name, PASSWORD, FROM)


def test_a_person_signs_in_as_what_they_are(gate: Gate) -> None:
    visit = gate.visits.of(gate.visits.sign_in("Ana", PASSWORD, FROM), FROM)
    assert visit is not None
    assert visit.identity == Identity("person:ana", "session", Role.WORKER, "default", frozenset({"F1"}), FROM)
    assert not visit.must_change_password and not visit.is_emergency
    assert acts(gate)[-1] == ("person:ana", "session.open", "done")


def test_a_wrong_name_or_password_gets_one_answer(either: Gate) -> None:
    said, told = set(), []
    for name in ("nobody", "", "x" * 5000, "ana\x00", "\ud800", "ANA ", "ana"):
        for password in ("", "x" * 100_000, "\ud800", "\x00"):
            with pytest.raises(NotPermitted) as refused:
                either.visits.sign_in(name, password, FROM)
            said.add(str(refused.value))
            told.append(acts(either)[-1])
    assert len(said) == 1 and "name or password is wrong" in said.pop()
    assert set(told[:-4]) == {("unknown", "session.open", "refused")}
    assert set(told[-4:]) == {("person:ana", "session.open", "refused")}


def test_whoever_is_refused_without_end_fills_no_disk_and_is_told(either: Gate, clock: Clock) -> None:
    def flood(name: str, count: int) -> None:
        for number in range(count):
            with pytest.raises(NotPermitted):
                # A password that is too long is refused without the work that would slow a flood down.
                either.visits.sign_in(name, "x" * 5000, f"192.0.2.{number % 70}" if number % 2 else FROM)

    before = len(acts(either))
    flood("nobody", 400)
    flood("ana", 200)
    lines = acts(either)[before:]
    assert Counter(lines) == {("unknown", "session.open", "refused"): FIRST, ("person:ana", "session.open", "refused"): FIRST}
    # The minute is not over, then it is: one line more for each, that says how many and from where most.
    either.refusals.write(either.store)
    assert len(acts(either)) == before + 2 * FIRST
    clock.move(seconds=61)
    either.refusals.write(either.store)
    either.refusals.write(either.store)
    with either.store.read() as unit:
        [stranger, ana] = [line.act() for line in list(either.log.lines(unit))[before + 2 * FIRST :]]
    assert (stranger.subject, stranger.outcome, stranger.origin, ana.subject) == ("unknown", "refused", FROM, "person:ana")
    assert stranger.purpose.startswith("390 more in the minute of ") and f"from {FROM} (195), " in stranger.purpose
    assert stranger.purpose.endswith(" more addresses") and ana.purpose.startswith("190 more ")
    assert either.log.verify(either.store).holds and either.refusals.totals() == {"session.open": 600}
    # In the next minute the first ones have lines of their own again; what was counted when the service stops is told too.
    flood("nobody", FIRST + 1)
    with either.refusals.writing(either.store, every=60.0):
        pass
    assert len(acts(either)) == before + 2 * FIRST + 2 + FIRST + 1


def test_the_store_holds_argon2id_hashes_and_digests_only(gate: Gate) -> None:
    secret = signed_in(gate)
    with gate.store.read() as unit:
        kept = unit.connection.execute(select(people.c.password_hash)).scalars().all()
        rows = str(unit.connection.execute(select(sessions)).all())
    assert all(value.startswith("$argon2id$v=19$") for value in kept) and len(set(kept)) == 2
    assert secret not in rows
    used = extract_parameters(Passwords().hash(PASSWORD, name="ana"))
    # RFC 9106, section 4, second recommended option.
    assert (used.type, used.time_cost, used.memory_cost, used.parallelism) == (Type.ID, 3, 64 * 1024, 4)


def test_five_wrong_passwords_lock_and_time_opens(gate: Gate, clock: Clock) -> None:
    for _ in range(FREE_FAILURES):
        with pytest.raises(NotPermitted):
            gate.visits.sign_in("ana", "wrong", FROM)
    with pytest.raises(NotPermitted):
        signed_in(gate)
    signed_in(gate, "leo")
    clock.move(seconds=59)
    with pytest.raises(NotPermitted):
        signed_in(gate)
    clock.move(seconds=1)
    signed_in(gate)
    # A right password forgets the wrong ones.
    with pytest.raises(NotPermitted):
        gate.visits.sign_in("ana", "wrong", FROM)
    signed_in(gate)


def test_a_lock_grows_to_fifteen_minutes(gate: Gate, clock: Clock) -> None:
    for _ in range(FREE_FAILURES + 6):
        with pytest.raises(NotPermitted):
            gate.visits.sign_in("ana", "wrong", FROM)
        clock.move(minutes=15)
    with pytest.raises(NotPermitted):
        gate.visits.sign_in("ana", "wrong", FROM)
    clock.move(minutes=14, seconds=59)
    with pytest.raises(NotPermitted):
        signed_in(gate)
    clock.move(seconds=1)
    signed_in(gate)


def test_many_guesses_at_once_are_all_counted(either: Gate) -> None:
    def guess() -> None:
        with pytest.raises(NotPermitted):
            either.visits.sign_in("ana", "wrong", FROM)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = either.accounts.find("ana")
    # Once locked, further ones are not looked at and not counted; none before was lost.
    assert found is not None and found.failures == FREE_FAILURES
    assert Counter(acts(either))["person:ana", "session.open", "refused"] == FIRST and either.refusals.totals() == {"session.open": 12}


def test_a_session_goes_idle_and_use_keeps_it(either: Gate, clock: Clock) -> None:
    secret = signed_in(either)
    for _ in range(4):
        clock.move(minutes=14)
        assert either.visits.of(secret, FROM) is not None
    clock.move(minutes=14)
    asked = either.visits.of(secret, FROM, is_use=False)
    assert asked is not None and (asked.idle_ends - clock.at).total_seconds() == 60
    clock.move(minutes=1)
    assert either.visits.of(secret, FROM) is None


def test_a_session_ends_after_twelve_hours_of_use(gate: Gate, clock: Clock) -> None:
    secret, began = signed_in(gate), clock.at
    while clock.at < began + LONGEST:
        visit = gate.visits.of(secret, FROM)
        assert visit is not None and visit.ends == began + LONGEST
        clock.move(minutes=10)
    assert gate.visits.of(secret, FROM) is None
    assert IDLE.total_seconds() == 15 * 60 and LONGEST.total_seconds() == 12 * 3600


def test_signing_out_ends_this_session_only(gate: Gate) -> None:
    here, there = signed_in(gate), signed_in(gate)
    visit = gate.visits.of(here, FROM)
    assert visit is not None
    gate.visits.close(visit)
    gate.visits.close(visit)
    assert gate.visits.of(here, FROM) is None and gate.visits.of(there, FROM) is not None
    assert [act[1] for act in acts(gate)].count("session.close") == 1


def test_a_form_belongs_to_its_session(gate: Gate) -> None:
    one, two = (gate.visits.of(signed_in(gate), FROM) for _ in range(2))
    assert one is not None and two is not None
    assert one.is_form_of(one.form_token)
    assert not any(one.is_form_of(token) for token in (two.form_token, "", None, "é", one.form_token + "0"))


def test_a_temporary_password_must_be_changed(gate: Gate) -> None:
    _, made = gate.accounts.add(BOSS, "kim", Role.VIEWER)
    secret = gate.visits.sign_in("kim", made, FROM)
    visit = gate.visits.of(secret, FROM)
    assert visit is not None and visit.must_change_password
    gate.visits.change_password(visit, made, PASSWORD)
    after = gate.visits.of(secret, FROM)
    assert after is not None and not after.must_change_password
    gate.visits.sign_in("kim", PASSWORD, FROM)
    with pytest.raises(NotPermitted):
        gate.visits.sign_in("kim", made, FROM)


def test_a_new_password_ends_the_other_sessions(gate: Gate) -> None:
    here, there = signed_in(gate), signed_in(gate)
    visit = gate.visits.of(here, FROM)
    assert visit is not None
    with pytest.raises(NotPermitted):
        gate.visits.change_password(visit, "wrong", "eight green pears fall")
    with pytest.raises(BadData):
        gate.visits.change_password(visit, PASSWORD, PASSWORD)
    with pytest.raises(BadData, match="at least 15"):
        gate.visits.change_password(visit, PASSWORD, "short")
    assert gate.visits.of(there, FROM) is not None
    gate.visits.change_password(visit, PASSWORD, "eight green pears fall")
    assert gate.visits.of(here, FROM) is not None and gate.visits.of(there, FROM) is None


def test_a_stolen_session_is_no_place_to_guess_the_password(gate: Gate) -> None:
    visit = gate.visits.of(signed_in(gate), FROM)
    for _ in range(FREE_FAILURES):
        assert visit is not None
        with pytest.raises(NotPermitted, match="not this one"):
            gate.visits.change_password(visit, "wrong", "eight green pears fall")
        visit = gate.visits.of(signed_in_by_link(gate), FROM)
    assert visit is not None
    with pytest.raises(NotPermitted, match="too many"):
        gate.visits.change_password(visit, PASSWORD, "eight green pears fall")


def signed_in_by_link(gate: Gate) -> str:
    """So that no right password makes the wrong ones forgotten."""
    return gate.visits.enter(gate.accounts.link(BOSS, "ana"), FROM) or ""


def test_a_password_that_is_guessed_first_is_refused(gate: Gate) -> None:
    short = ("", "x" * 14)
    plain = ("passwordpassword1", "123456789012345", "qwertyuiop12345", "ana.ana.ana.ana.ana", "a" * 18)
    for password in (*short, *plain, "x" * 201, "a tab\tin the middle of it"):
        with pytest.raises(BadData) as refused:
            gate.accounts.add(BOSS, "ana2", Role.VIEWER, password=password)
        assert not password or password not in str(refused.value)


def test_who_is_barred_is_out_at_once(gate: Gate) -> None:
    secret, link = signed_in(gate), gate.accounts.link(BOSS, "ana")
    gate.accounts.bar(BOSS, "ana")
    assert gate.visits.of(secret, FROM) is None and gate.visits.enter(link, FROM) is None
    with pytest.raises(NotPermitted):
        signed_in(gate)
    gate.accounts.unbar(BOSS, "ana")
    signed_in(gate)


def test_another_role_counts_from_the_next_request(gate: Gate) -> None:
    secret = signed_in(gate)
    gate.accounts.set_role(BOSS, "ana", Role.VIEWER, None)
    visit = gate.visits.of(secret, FROM)
    assert visit is not None and visit.identity.role is Role.VIEWER and visit.identity.facilities is None


def test_a_reset_ends_sessions_and_unlocks(either: Gate) -> None:
    secret = signed_in(either)
    for _ in range(FREE_FAILURES):
        with pytest.raises(NotPermitted):
            either.visits.sign_in("ana", "wrong", FROM)
    made = either.accounts.reset(BOSS, "ana")
    assert either.visits.of(secret, FROM) is None
    visit = either.visits.of(either.visits.sign_in("ana", made, FROM), FROM)
    assert visit is not None and visit.must_change_password


def test_a_link_opens_once_and_not_for_long(either: Gate, clock: Clock) -> None:
    link, late = either.accounts.link(BOSS, "ana"), either.accounts.link(BOSS, "ana")
    secret = either.visits.enter(link, FROM)
    assert either.visits.of(secret, FROM) is not None
    assert either.visits.enter(link, FROM) is None and either.visits.enter("guess", FROM) is None
    clock.move(minutes=15)
    assert either.visits.enter(late, FROM) is None


def test_a_name_is_given_once_and_in_one_form(gate: Gate) -> None:
    with pytest.raises(UsageError, match="already"):
        gate.accounts.add(BOSS, "ANA", Role.WORKER, password=PASSWORD)
    for name in ("", "-x", "a b", "a\n", "x" * 101, "å"):
        with pytest.raises(BadData, match="name to sign in with"):
            gate.accounts.add(BOSS, name, Role.WORKER, password=PASSWORD)


def test_people_of_another_client_are_not_there(gate: Gate) -> None:
    south = replace(BOSS, client_id="south")
    for attempt in (gate.accounts.bar, gate.accounts.reset, gate.accounts.link):
        with pytest.raises(UsageError, match="nobody signs in"):
            attempt(south, "ana")
    assert gate.accounts.everybody("south") == []


def test_only_an_admin_looks_after_people(gate: Gate) -> None:
    for role in set(Role) - {Role.ADMIN}:
        with pytest.raises(NotPermitted):
            gate.accounts.bar(Identity("person:x", "session", role), "ana")


def test_an_emergency_needs_a_reason_ends_and_is_told(either: Gate, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    visit = either.visits.of(signed_in(either), FROM)
    assert visit is not None
    for reason in ("", "short", "         x", "x" * 201, "with a \x00 in it"):
        with pytest.raises(BadData, match="has a reason"):
            either.visits.break_glass(visit, reason)
    secret = either.visits.break_glass(visit, "covering  for the\tcentral office")
    found = either.visits.of(secret, FROM)
    assert found is not None and found.is_emergency
    assert found.identity == Identity("person:ana", "break_glass", Role.WORKER, "default", None, FROM, "covering for the central office")
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["event"], line["subject"], line["role"], line["level"]) == ("emergency access opened", "person:ana", "worker", "warning")
    assert "central office" not in caplog.text
    with pytest.raises(NotPermitted, match="within another"):
        either.visits.break_glass(found, "and once more, for longer")
    with either.store.write() as unit:
        either.log.tell(unit, found.identity, "writeoff.read", ["W1"])
    with either.store.read() as unit:
        assert [line.act().purpose for line in either.log.lines(unit)][-3:] == ["covering for the central office"] * 3
    while clock.at < visit.ends and either.visits.of(secret, FROM) is not None:
        clock.move(minutes=5)
    assert (clock.at - Clock().at) == EMERGENCY_LASTS


@pytest.mark.parametrize("name", ["ana", "leo"])
def test_an_emergency_is_no_way_round_the_second_person(gate: Gate, name: str) -> None:
    before = gate.visits.of(signed_in(gate, name), FROM)
    assert before is not None
    within = gate.visits.of(gate.visits.break_glass(before, "covering for the other office"), FROM)
    assert within is not None and within.identity.role is before.identity.role and within.identity.facilities is None
    assert within.identity.may("queue.work") and within.identity.may("writeoff.read") and within.identity.may_work_for_others
    for action in ("reversal.approve", "queue.settings", "export.read", "job.run", "overpayment.decide", "posting.read", "report.read"):
        with pytest.raises(NotPermitted, match="an emergency is for"):
            within.identity.check(action)


def test_who_may_not_opens_no_emergency(gate: Gate) -> None:
    gate.accounts.add(BOSS, "vic", Role.VIEWER, password=PASSWORD)
    visit = gate.visits.of(signed_in(gate, "vic"), FROM)
    assert visit is not None
    with pytest.raises(NotPermitted, match="viewer may not"):
        gate.visits.break_glass(visit, "because I would like to")


def test_the_operator_opens_an_emergency_as_admin(gate: Gate) -> None:
    person = gate.accounts.find("ana")
    assert person is not None
    link = gate.visits.break_glass_link(BOSS, person, "the provider is down")
    visit = gate.visits.of(gate.visits.enter(link, FROM), FROM)
    assert visit is not None and visit.identity.role is Role.ADMIN and visit.identity.purpose == "the provider is down"
    # Whoever runs the command line may do everything, and gives all of it: people can be let in again.
    assert visit.is_emergency and visit.identity.may("user.manage")
    with pytest.raises(NotPermitted, match="within another"):
        gate.visits.break_glass(visit, "and once more, for longer")
    assert gate.visits.enter(link, FROM) is None
    assert gate.log.verify(gate.store).holds
