"""Which adjudication is current: examples, and a slow obvious twin with a generator between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.intake.remits.netting import chains, distinct_remits
from features.intake.remits.records import Transaction
from tests.features.intake.remits.reading import read
from tests.features.intake.remits.writer import Claim, Line, Remit, denied, encode, interchange, paid

FIRST, THEN = denied(), paid()


def _current(*remits: Remit, as_of: str = "9999-12-31") -> list[tuple[str, str, int | None]]:
    """Return day, status and payment of what is current, over files named in the order given."""
    found = [one for i, remit in enumerate(remits) for one in read(encode(remit.segments()), name=f"{i}.835")[0]]
    return [
        (one.remit.remit_date, one.claim.status, one.claim.paid) for chain in chains(distinct_remits(found)) for one in chain.current(as_of)
    ]


JANUARY = Remit((FIRST,), day="20240105", trace="T1", control=1)
FEBRUARY = Remit((FIRST.reversed(), THEN), day="20240205", trace="T2", control=2)


def test_the_correction_is_current_after_reversal() -> None:
    assert _current(JANUARY, FEBRUARY) == [("2024-02-05", "1", 10000)]


def test_what_was_current_on_a_day_knows_nothing_later() -> None:
    assert _current(JANUARY, FEBRUARY, as_of="2024-02-04") == [("2024-01-05", "1", 0)]
    assert _current(JANUARY, FEBRUARY, as_of="2024-01-04") == []


def test_reversal_and_correction_may_come_in_two_files() -> None:
    reversal = Remit((FIRST.reversed(),), day="20240205", trace="T2", control=2)
    correction = Remit((THEN,), day="20240305", trace="T3", control=3)
    assert _current(JANUARY, reversal) == []
    assert _current(correction, reversal, JANUARY) == [("2024-03-05", "1", 10000)]


def test_a_correction_that_stands_before_its_reversal_is_current() -> None:
    assert _current(JANUARY, replace(FEBRUARY, claims=(THEN, FIRST.reversed()))) == [("2024-02-05", "1", 10000)]


def test_a_correction_is_not_what_the_reversal_beside_it_takes_back() -> None:
    other = replace(denied(), lines=(Line(20000, (("CO", "29", 20000),)),))
    # the original came in a file that is not here, the correction has its charge and payment
    assert _current(Remit((FIRST.reversed(), other))) == [("2024-01-05", "1", 0)]
    assert _current(Remit((THEN, FIRST.reversed()))) == [("2024-01-05", "1", 10000)]
    february = Remit((other, FIRST.reversed()), day="20240205", trace="T2", control=2)
    assert _current(JANUARY, february) == [("2024-02-05", "1", 0)]


def test_adjudications_are_ordered_by_the_remit_and_not_by_its_envelope() -> None:
    late = read(encode(interchange([JANUARY], 9, "20240501")), name="late.835")[0]
    found = [one for chain in chains(distinct_remits([*late, *read(encode(FEBRUARY.segments()))[0]])) for one in chain.current()]
    assert [(one.remit.remit_date, one.claim.paid) for one in found] == [("2024-02-05", 10000)]


def test_a_correction_equal_to_the_original_is_current() -> None:
    again = Remit((FIRST.reversed(), FIRST), day="20240205", trace="T2", control=2)
    assert _current(JANUARY, again) == [("2024-02-05", "1", 0)]
    assert _current(Remit((FIRST, FIRST.reversed(), FIRST))) == [("2024-01-05", "1", 0)]


def test_a_later_adjudication_without_reversal_replaces_the_earlier() -> None:
    assert _current(JANUARY, Remit((THEN,), day="20240205", trace="T2", control=2)) == [("2024-02-05", "1", 10000)]


def test_a_correction_under_a_new_number_is_linked_by_ref_f8() -> None:
    correction = Remit((replace(THEN, icn="ICN2", original="ICN1"),), day="20240205", trace="T2", control=2)
    assert _current(JANUARY, correction) == [("2024-02-05", "1", 10000)]
    unlinked = Remit((replace(THEN, icn="ICN2"),), day="20240205", trace="T2", control=2)
    assert len(_current(JANUARY, unlinked)) == 2


def test_payers_do_not_reverse_each_other() -> None:
    secondary = replace(FEBRUARY, payer="OTHER")
    assert _current(JANUARY, secondary) == [("2024-01-05", "1", 0), ("2024-02-05", "1", 10000)]


def test_a_reversal_alone_leaves_nothing() -> None:
    assert _current(replace(FEBRUARY, claims=(FIRST.reversed(),))) == []


def test_a_reversal_that_cannot_be_read_still_reverses() -> None:
    broken = encode(replace(FEBRUARY, claims=(FIRST.reversed(),)).segments()).replace(b"CAS*CO*16*-200.00", b"CAS*CO*16*-2OO.00")
    found = [*read(encode(JANUARY.segments()))[0], *read(broken)[0]]
    assert [chain.current() for chain in chains(found)] == [()]


def test_without_a_payers_number_claims_of_other_days_stand_apart() -> None:
    other = replace(FIRST, lines=(replace(FIRST.lines[0], day="20231115"),))
    bare = [replace(claim, icn="") for claim in (FIRST, other)]
    assert len(_current(Remit(tuple(bare)))) == 2
    assert len(_current(Remit((bare[0],)), Remit((replace(THEN, icn=""),), day="20240205", trace="T2", control=2))) == 1
    assert _current(JANUARY, Remit((replace(FIRST.reversed(), icn=""),), day="20240205", trace="T2", control=2)) == []


def test_parts_of_a_split_claim_are_all_current() -> None:
    parts = tuple(replace(FIRST, lines=(replace(FIRST.lines[0], procedure=f"HC:9921{i}"),)) for i in range(3))
    assert len(_current(Remit(parts))) == 3
    assert len(_current(Remit((*parts, *parts)))) == 3
    later = Remit((parts[0].reversed(), replace(THEN, lines=(replace(THEN.lines[0], procedure="HC:99210"),))), day="20240205", trace="T2")
    assert _current(Remit(parts), later) == [("2024-02-05", "1", 10000)]


def test_a_predetermination_is_no_adjudication() -> None:
    assert _current(Remit((replace(FIRST, status="25"),))) == []
    assert _current(JANUARY, replace(FEBRUARY, claims=(replace(THEN, status="25"),))) == [("2024-01-05", "1", 0)]


@pytest.mark.parametrize("copies", [2, 3])
def test_sending_again_in_a_new_envelope_changes_nothing(copies: int) -> None:
    again = [replace(remit, control=100 + i) for i in range(copies) for remit in (JANUARY, FEBRUARY)]
    assert _current(JANUARY, FEBRUARY, *again) == _current(JANUARY, FEBRUARY)


def test_ten_thousand_adjudications_of_one_number_take_no_square() -> None:
    claims = tuple(replace(paid(), lines=(Line(100 + i),)) for i in range(5000))
    remit = Remit((*claims, *(claim.reversed() for claim in claims)))
    assert _current(remit) == []


# ---- twin -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One CLP of one claim in the twin: day, whether a reversal, and what it paid and charged."""

    day: str
    is_reversal: bool
    charge: int
    paid: int


def twin(events: Iterable[Event]) -> list[Event]:
    """Strike out, one reversal after the other, what it reverses; what is left last is current."""
    left: list[Event] = []
    previous: Event | None = None
    for event in sorted(events, key=lambda one: one.day):
        if previous is not None and replace(previous, day=event.day) == event:
            continue
        previous = event
        if not event.is_reversal:
            left.append(event)
            continue
        matching = [one for one in left if (one.charge, one.paid) == (-event.charge, -event.paid)]
        struck = (matching or left)[-1:]
        for one in struck:
            position = len(left) - 1 - left[::-1].index(one)
            del left[position]
    return left[-1:]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, Claim]]:
    """Return adjudications and reversals of one claim, each with a day of its own."""
    known = [denied(), paid(), replace(paid(), lines=(Line(20000, (("CO", "45", 5000),)),)), replace(denied(), lines=(Line(15000),))]
    steps = draw(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=7))
    return [(day, known[which].reversed() if is_reversal else known[which]) for day, (which, is_reversal) in enumerate(steps, 1)]


def _remits(history: list[tuple[int, Claim]]) -> list[Remit]:
    return [Remit((claim,), day=f"202401{day:02d}", trace=f"T{day}", control=day) for day, claim in history]


def _read(remits: list[Remit], names: list[str] | None = None) -> list[Transaction]:
    labels = names or [f"{i}.835" for i in range(len(remits))]
    return [one for remit, name in zip(remits, labels, strict=True) for one in read(encode(remit.segments()), name=name)[0]]


@settings(max_examples=200, deadline=None)
@given(history=histories())
def test_current_equals_the_twin(history: list[tuple[int, Claim]]) -> None:
    events = [Event(f"2024-01-{day:02d}", claim.status == "22", claim.total, claim.paid) for day, claim in history]
    found = [
        Event(one.remit.remit_date, False, one.claim.charge or 0, one.claim.paid or 0)
        for chain in chains(distinct_remits(_read(_remits(history))))
        for one in chain.current()
    ]
    assert found == twin(events)


@settings(max_examples=100, deadline=None)
@given(history=histories(), data=st.data())
def test_order_of_files_and_sending_again_change_nothing(history: list[tuple[int, Claim]], data: st.DataObject) -> None:
    remits = _remits(history)
    names = [f"{i}.835" for i in range(len(remits))]
    again = data.draw(st.lists(st.sampled_from(range(len(remits))), max_size=4))
    places = data.draw(st.permutations([*range(len(remits)), *again]))
    plain = [chain.current() for chain in chains(distinct_remits(_read(remits, names)))]
    mixed = [chain.current() for chain in chains(distinct_remits(_read([remits[i] for i in places], [names[i] for i in places])))]
    assert mixed == plain
