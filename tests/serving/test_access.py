"""Roles and actions: the table is whole, and says what it says."""

from __future__ import annotations

import pytest

from features.errors import NotPermitted, UsageError
from serving.access import ACTIONS, EMERGENCY, ROLES, Identity, Role, named_role

EXPECTED = """
action            viewer worker lead analyst admin service
api.describe      yes    yes    yes  yes     yes   yes
metrics.read      -      -      -    yes     yes   yes
scores.make       -      yes    yes  yes     yes   yes
queue.read        yes    yes    yes  yes     yes   yes
queue.work        -      yes    yes  -       yes   yes
queue.assign      -      -      yes  -       yes   -
queue.settings    -      -      yes  -       yes   -
writeoff.read     yes    yes    yes  yes     yes   yes
packet.read       -      yes    yes  -       yes   yes
packet.attach       -      yes    yes  -       yes   yes
outcome.record    -      yes    yes  -       yes   yes
reversal.approve  -      -      yes  -       yes   -
export.read       -      -      yes  yes     yes   -
job.run           -      -      yes  yes     yes   yes
model.read        yes    yes    yes  yes     yes   yes
model.promote     -      -      -    yes     yes   -
report.read       yes    -      yes  yes     yes   yes
posting.read      -      -      yes  -       yes   -
overpayment.read  -      -      yes  -       yes   -
overpayment.decide -     -      yes  -       yes   -
session.own       yes    yes    yes  yes     yes   yes
user.manage       -      -      -    -       yes   -
key.manage        -      -      -    -       yes   -
access.break      -      yes    yes  -       yes   -
trail.read        -      -      -    -       yes   -
"""
"""Written down a second time, so that a slip in the table of the code is one that two people make."""


def expected() -> list[tuple[str, Role, bool]]:
    head, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    return [(row[0], Role(role), cell == "yes") for row in rows for role, cell in zip(head[1:], row[1:], strict=True)]


def test_the_table_names_every_action_and_role() -> None:
    assert {(action, role) for action, role, _ in expected()} == {(action, role) for action in ACTIONS for role in Role}
    assert set(ROLES) == set(Role)


@pytest.mark.parametrize(("action", "role", "may"), expected())
def test_a_role_may_what_the_table_says(action: str, role: Role, may: bool) -> None:
    identity = Identity("person:x", "session", role)
    assert identity.may(action) is may
    if may:
        identity.check(action)
    else:
        with pytest.raises(NotPermitted, match=f"a {role} may not .* \\({action}\\)"):
            identity.check(action)


IN_EMERGENCY = {
    "api.describe", "scores.make", "queue.read", "queue.work", "writeoff.read", "packet.read", "packet.attach", "outcome.record",
    "model.read", "session.own", "access.break",
}  # fmt: skip
"""Seeing and working rows, and what concerns nobody's rows; written down a second time too."""


@pytest.mark.parametrize(("action", "role", "may"), expected())
def test_an_emergency_gives_no_right_that_the_role_has_not_and_none_of_deciding(action: str, role: Role, may: bool) -> None:
    identity = Identity("person:x", EMERGENCY, role)
    assert identity.may(action) is (may and action in IN_EMERGENCY)
    if may and action not in IN_EMERGENCY:
        with pytest.raises(NotPermitted, match=f"an emergency is for seeing and working rows; a {role} may not .* \\({action}\\)"):
            identity.check(action)


def test_who_stands_in_for_somebody_works_what_is_theirs() -> None:
    kinds = [Identity("person:x", kind, role).may_work_for_others for kind in ("session", EMERGENCY) for role in Role]
    assert kinds == [role in (Role.LEAD, Role.ADMIN) for role in Role] + [ACTIONS["queue.work"].roles.__contains__(role) for role in Role]


def test_rows_of_patients_are_told() -> None:
    """What shows or changes stored rows, or rights, is written to the access log."""
    assert {name for name, action in ACTIONS.items() if not action.is_told} == {
        "api.describe", "metrics.read", "scores.make", "model.read", "report.read", "session.own",
    }  # fmt: skip


def test_an_identity_of_one_client_sees_no_other() -> None:
    whole, part = Identity("a", "key", Role.ADMIN, "north"), Identity("b", "key", Role.ADMIN, "north", frozenset({"F1"}))
    assert [whole.sees("north", place) for place in (None, "F1", "F2")] == [True, True, True]
    assert [part.sees("north", place) for place in (None, "F1", "F2")] == [True, True, False]
    assert not any(who.sees("south", place) for who in (whole, part) for place in (None, "F1"))


@pytest.mark.parametrize("name", ["", "Admin", "root", "admin "])
def test_a_role_is_one_of_the_table(name: str) -> None:
    with pytest.raises(UsageError, match="roles are viewer"):
        named_role(name)
