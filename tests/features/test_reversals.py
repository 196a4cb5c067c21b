"""What reversals leave of a posting, against a slow twin that looks at one row after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.batch import Batch
from features.codes import Codes
from features.money import NULL
from features.reversals import undo
from features.tables import CATEGORIES
from features.triage import classify
from tests.spec.writeoffs import Row, day, writeoffs

TODAY = day("2026-06-20")

posting = st.fixed_dictionaries(
    {
        "claim_id": st.sampled_from(["C1", "C1", "C1", "C2", None]),
        "line_number": st.sampled_from([1, 1, 1, 2]),
        "carc": st.sampled_from(["50", "50", "50", "97"]),
        "posting_kind": st.sampled_from([None, None, "reversal"]),
        "reverses_writeoff_id": st.sampled_from([None, None, None, None, "W0", "W1"]),
        "writeoff_date": st.integers(0, 6).map(lambda days: f"2026-06-{17 + days}"),
        "writeoff_amount": st.sampled_from([None, "250", "250", "100", "0", "-200", "-100", "-50", "-250"]),
    }
)


def test_what_a_reversal_leaves_is_still_written_off() -> None:
    line = {"claim_id": "C1", "line_number": 1, "carc": "50", "group_code": "CO"}
    rows = [
        line | {"writeoff_amount": "250", "writeoff_date": "2026-05-01"},
        line | {"writeoff_amount": "-200", "writeoff_date": "2026-05-10"},
        line | {"claim_id": "C2", "writeoff_amount": "250", "writeoff_date": "2026-05-01"},
        line | {"claim_id": "C2", "writeoff_amount": "200", "writeoff_date": "2026-06-20", "reverses_writeoff_id": "W2"},
    ]
    told = []
    for late in (0, 1):
        found = classify(writeoffs(*rows), codes=Codes.load(), as_of=TODAY + late)
        told.append([(CATEGORIES[place], int(cents)) for place, cents in zip(found.category, found.cap_cents, strict=True)])
    whole, part, undone = ("denial", 250_00), ("denial", 50_00), ("reversed", 0)
    assert told == [[part, undone, whole, undone], [part, undone, part, undone]]


def test_what_is_taken_back_bit_by_bit_is_reversed_in_the_end() -> None:
    line = {"claim_id": "C1", "line_number": 1, "carc": "50"}
    rows = [line | {"writeoff_amount": amount} for amount in ("250", "-200", "-60", "-50")]
    found = [undo(writeoffs(*rows[:many])) for many in (2, 3, 4)]
    # More than is left takes nothing.
    assert [(bool(one.is_reversed[0]), int(one.left_cents[0])) for one in found if one] == [(False, 50_00), (False, 50_00), (True, 250_00)]


def test_a_fee_cut_that_was_put_right_in_part_leaves_what_is_allowed() -> None:
    line = {"claim_id": "C1", "line_number": 1, "carc": "45", "group_code": "CO", "billed_amount": "300", "expected_allowed_amount": "250"}
    found = classify(writeoffs(line | {"writeoff_amount": "250"}, line | {"writeoff_amount": "-200"}), codes=Codes.load(), as_of=TODAY)
    assert [CATEGORIES[place] for place in found.category] == ["contractual", "reversed"]


@settings(max_examples=500, deadline=None)
@given(st.lists(posting, min_size=2, max_size=9), st.one_of(st.none(), st.integers(-5, 5)))
def test_reversals_leave_what_the_slow_twin_leaves(rows: list[Row], late: int | None) -> None:
    batch = writeoffs(*rows)
    as_of = None if late is None else TODAY + late
    found = undo(batch, as_of)
    expected = undone_slowly(batch, as_of)
    if found is None:
        assert all(undone is False for undone, _ in expected)
        return
    assert list(zip(found.is_reversed.tolist(), found.left_cents.tolist(), strict=True)) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(posting, min_size=2, max_size=9))
def test_a_morning_knows_nothing_of_what_was_posted_later(rows: list[Row]) -> None:
    batch = writeoffs(*rows)
    posted = batch.columns["writeoff_date"]
    whole = undone(batch, TODAY)
    for row in range(len(rows)):
        seen = np.flatnonzero(posted <= max(int(posted[row]), TODAY - 1))
        assert whole[row] == undone(batch.take(seen), TODAY)[int(np.searchsorted(seen, row))]


def undone(batch: Batch, as_of: int) -> list[tuple[bool, int]]:
    found = undo(batch, as_of)
    if found is None:
        return [(False, int(cents)) for cents in batch.columns["writeoff_amount"]]
    return list(zip(found.is_reversed.tolist(), found.left_cents.tolist(), strict=True))


def undone_slowly(batch: Batch, as_of: int | None) -> list[tuple[bool, int]]:
    """For each row: is it reversed, and what is left of it; every question is answered by going through all rows again."""
    rows = range(len(batch))
    amount, posted = batch.columns["writeoff_amount"].tolist(), batch.columns["writeoff_date"].tolist()
    ids, names, claims = (batch.columns[name].tolist() for name in ("writeoff_id", "reverses_writeoff_id", "claim_id"))
    kinds = batch.words("posting_kind")

    def is_reversal(row: int) -> bool:
        return kinds[row] == "reversal" or (amount[row] != NULL and amount[row] < 0) or names[row] is not None

    def place(row: int) -> tuple[object, ...]:
        return claims[row], batch.columns["line_number"][row], batch.columns["carc"][row]

    def sees(row: int, other: int) -> bool:
        return as_of is None or posted[other] <= max(as_of - 1, posted[row])

    def left_by(row: int, takers: list[int]) -> int | None:
        """Return what these reversals leave of a row; None: nothing."""
        left = amount[row]
        for taker in takers:
            if amount[row] == NULL or amount[taker] == NULL or abs(amount[taker]) >= left:
                return None
            left -= abs(amount[taker])
        return int(left)

    taken: dict[int, list[int]] = {row: [by for by in rows if names[by] == ids[row] and sees(row, by)] for row in rows}
    matched: dict[int, list[int]] = {row: [] for row in rows}
    gone = {row for row in rows if left_by(row, taken[row]) is None}
    for by in sorted(rows, key=lambda row: (posted[row], row)):
        if not is_reversal(by) or names[by] is not None or claims[by] is None or amount[by] == NULL:
            continue
        there = [row for row in rows if not is_reversal(row) and row not in gone and amount[row] != NULL and place(row) == place(by)]
        there = sorted((row for row in there if posted[row] <= posted[by]), key=lambda row: (posted[row], row))
        size = abs(amount[by])
        alike = [row for row in there if amount[row] == size]
        left = {row: left_by(row, taken[row] + matched[row]) or 0 for row in there}
        most = max(there, key=lambda row: left[row], default=None)
        if alike:
            matched[alike[0]].append(by)
            gone.add(alike[0])
        elif most is not None and 0 < size <= left[most]:
            matched[most].append(by)
            if size == left[most]:
                gone.add(most)
    found = []
    for row in rows:
        takers = [by for by in (*taken[row], *matched[row]) if sees(row, by)]
        left_over = left_by(row, takers)
        is_undone = is_reversal(row) or left_over is None
        found.append((is_undone, amount[row] if is_undone or left_over is None else left_over))
    return found
