"""What sentences count of earlier efforts, against counting them one by one."""

from __future__ import annotations

import statistics

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history import KEYS, PARTS, Events
from features.record import DAYS, LEAST, Record, Seen
from features.tables import Columns

UNTIL = 1000

effort = st.tuples(
    st.integers(UNTIL - DAYS - 3, UNTIL + 2), st.booleans(), st.integers(0, 90), st.tuples(*[st.integers(-1, 2)] * len(PARTS))
)


def slow(efforts: list[tuple[int, bool, int, tuple[int, ...]]], place: int, row: int) -> Seen | None:
    """Return what the efforts of the last year say of the key of one of them."""
    names = KEYS[place]

    def parts(one: tuple[int, ...]) -> list[int]:
        return [one[PARTS.index(name)] for name in names]

    wanted = parts(efforts[row][3])
    like = [e for e in efforts if parts(e[3]) == wanted and -1 not in wanted and UNTIL - DAYS <= e[0] < UNTIL]
    won = [days for _, is_won, days, _ in like if is_won]
    if len(like) < LEAST:
        return None
    return Seen(len(like), len(won), min(e[0] for e in like), statistics.median_low(won) if won else 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(effort, min_size=1, max_size=30))
def test_every_key_is_counted_as_one_would_by_hand(efforts: list[tuple[int, bool, int, tuple[int, ...]]]) -> None:
    codes: Columns = {name: np.array([e[3][i] for e in efforts]) for i, name in enumerate(PARTS)}
    known, won, days = (np.array([e[i] for e in efforts]) for i in range(3))
    events = Events(known, codes, won, np.ones(len(efforts)), days, days)
    counted = Record.of(events, UNTIL)
    again = Record.restore(counted.snapshot())
    for place in range(1, len(KEYS)):
        for row in range(len(efforts)):
            assert counted.look(place, codes, row) == again.look(place, codes, row) == slow(efforts, place, row)


def test_no_efforts_are_no_record() -> None:
    nobody = np.empty(0, dtype=np.int64)
    codes: Columns = dict.fromkeys(PARTS, nobody)
    assert not len(Record.of(Events(nobody, codes, nobody > 0, np.empty(0), nobody, nobody), UNTIL).key)
    assert Record().look(1, {"payer_id": np.array([0])}, 0) is None
