"""The replayed history against a slow, obvious twin, and replay against snapshot and online update."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.feature import Floats
from features.history import FRACTION_ONE, KEYS, STATS, Events, History
from features.learned import HISTORY_COLUMNS, LEARNED, PLACE_OF_KEY, history_columns, learned_of, shrink
from features.lookup import ByCode, Lookup
from features.recall import Recall
from features.replay import replay, replay_columns
from features.tables import Columns

NAMES = sorted({name for names in KEYS for name in names})


def slow_sums(rows: Columns, days: np.ndarray, events: Events, decay_days: float = 180.0) -> Floats:
    """Ask for every row and key anew: which events share the key and were known before the day, each with its own decay."""
    out = np.zeros((len(days), len(KEYS), len(STATS)))
    for r, day in enumerate(days):
        for k, names in enumerate(KEYS):
            if any(rows[name][r] < 0 for name in names):
                continue
            for e in range(len(events)):
                if events.known_on[e] < day and all(events.keys[name][e] == rows[name][r] for name in names):
                    won = bool(events.recovered[e])
                    told = [1, won, round(events.fraction[e] * FRACTION_ONE) * won, events.days[e] * won, events.cents[e] * won]
                    out[r, k] += np.array(told) * np.exp(-(day - events.known_on[e]) / decay_days)
    return out


def slow_shrink(sums: Floats) -> Floats:
    """Write the chain out by hand, one key at a time."""
    place = {names: i for i, names in enumerate(KEYS)}
    parents = {
        ("carc",): (("family",), (), ()),
        ("payer_id", "family"): (("payer_id",), ("family",), ()),
        ("payer_id", "carc"): (("payer_id", "family"), ("carc",), ("family",)),
        ("payer_id", "adjustment_code"): (("payer_id",), ("adjustment_code",), ()),
        ("payer_id", "procedure_code"): (("payer_id",), ("procedure_code",), ()),
        ("payer_id", "remedy"): (("payer_id",), (), ()),
    }
    low, high, top = [0.005, 0.05, 1.0, 1.0], [0.995, 1.0, 3650.0, 1e9], [0.3, 0.7, 60.0, 200.0]
    scale = [1.0, 1.0 / FRACTION_ONE, 1.0, 0.01]
    out = np.zeros((len(sums), len(KEYS), len(LEARNED)))
    for r in range(len(sums)):
        done: dict[tuple[str, ...], list[float]] = {}
        for names in sorted(KEYS, key=lambda n: (len(n), n == ("carc",), n == ("payer_id", "carc"))):
            plus, also, minus = parents.get(names, ((), (), ()))
            found = []
            for i in range(len(LEARNED)):
                if names == ():
                    parent = top[i]
                else:
                    parent = min(max(done[plus][i] + done[also][i] - done[minus][i], low[i]), high[i])
                count = sums[r, place[names], 0 if i == 0 else 1]
                found.append((sums[r, place[names], i + 1] * scale[i] + 8.0 * parent) / (count + 8.0))
            done[names] = found
            out[r, place[names]] = found
    return out


def columns(draw: st.DrawFn, count: int) -> Columns:
    """Draw key columns with few codes, nulls among them."""
    return {name: np.array(draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count)), dtype=np.int64) for name in NAMES}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Columns, np.ndarray, Events]:
    """Draw rows with their days, and events."""
    n, m = draw(st.integers(1, 8)), draw(st.integers(0, 12))
    days = np.array(draw(st.lists(st.integers(18_000, 18_030), min_size=n, max_size=n)), dtype=np.int64)
    known = np.array(draw(st.lists(st.integers(17_990, 18_030), min_size=m, max_size=m)), dtype=np.int64)
    won = np.array(draw(st.lists(st.booleans(), min_size=m, max_size=m)), dtype=bool)
    fraction = np.array(draw(st.lists(st.floats(0, 1), min_size=m, max_size=m)), dtype=float)
    waited = np.array(draw(st.lists(st.integers(0, 400), min_size=m, max_size=m)), dtype=np.int64)
    cents = np.array(draw(st.lists(st.integers(0, 10**9), min_size=m, max_size=m)), dtype=np.int64)
    return columns(draw, n), days, Events(known, columns(draw, m), won, fraction, waited, cents)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_replay_equals_the_slow_twin(world: tuple[Columns, np.ndarray, Events]) -> None:
    rows, days, events = world
    fast, slow = replay(History(), rows, days, events), slow_sums(rows, days, events)
    # Decays are multiplied step by step in one and taken at once in the other: they differ in the last digits only.
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shrink(fast), slow_shrink(fast), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_a_row_alone_goes_another_way_and_equals_the_slow_twin(world: tuple[Columns, np.ndarray, Events]) -> None:
    rows, days, events = world
    slow, trained = slow_sums(rows, days, events), replay(History(), rows, days, events)
    for r, day in enumerate(days.tolist()):
        history = History()
        history.advance_all(events, until=day)
        flat = history.read_single({name: int(values[r]) for name, values in rows.items()}, day)
        sums = np.array(flat).reshape(trained[r].shape)
        # As for many rows: decays in steps and at once differ in the last digits only.
        np.testing.assert_allclose(sums, slow[r], rtol=1e-9, atol=1e-9)
        learned = slow_shrink(sums[None])[0]
        told = learned_of(flat, tuple(sorted(HISTORY_COLUMNS)))
        expected = {f"{key}_{what}": learned[place, i] for key, place in PLACE_OF_KEY.items() for i, what in enumerate(LEARNED)}
        expected |= {f"{key}_{what}": sums[place, i] for key, place in PLACE_OF_KEY.items() for i, what in enumerate(STATS[:2])}
        assert set(told) == set(expected)
        np.testing.assert_allclose([told[name] for name in expected], list(expected.values()), rtol=1e-12)
        # And what is served is, to the bit, what was trained on.
        assert sums.tobytes() == trained[r].tobytes()
        whole = history_columns(trained[r : r + 1])
        assert told == {name: whole[name][0] for name in HISTORY_COLUMNS}


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(18_000, 18_030))
def test_an_event_known_on_or_after_the_day_changes_no_feature(world: tuple[Columns, np.ndarray, Events], as_of: int) -> None:
    rows, days, events = world
    kept = days <= as_of
    rows, days = {name: values[kept] for name, values in rows.items()}, days[kept]
    if not len(days):
        days, rows = np.array([as_of]), {name: np.zeros(1, dtype=np.int64) for name in NAMES}
    everything = replay(History(), rows, days, events)
    known = replay(History(), rows, days, events.take(events.known_on < as_of))
    assert everything.tobytes() == known.tobytes()


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(17_995, 18_030))
def test_a_served_row_equals_the_training_row_bit_for_bit(world: tuple[Columns, np.ndarray, Events], cut: int) -> None:
    rows, days, events = world
    trained = replay(History(), rows, days, events)
    for r, day in enumerate(days.tolist()):
        before = History()
        before.advance_all(events, until=min(cut, day))
        served = History.restore(before.snapshot())
        served.advance_all(events.take(events.known_on >= min(cut, day)), until=day)
        one = {name: values[r : r + 1] for name, values in rows.items()}
        assert served.read(served.find(one), day).tobytes() == trained[r : r + 1].tobytes()


def test_the_order_of_events_within_a_file_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    m = 400
    keys = {name: rng.integers(-1, 5, m) for name in NAMES}
    events = Events(
        rng.integers(18_000, 18_100, m), keys, rng.random(m) < 0.4, rng.random(m), rng.integers(0, 90, m), rng.integers(0, 10**6, m)
    )
    shuffled = events.take(rng.permutation(m))
    one, other = History(), History()
    one.advance_all(events, until=18_200)
    other.advance_all(shuffled, until=18_200)
    first, second = one.snapshot(), other.snapshot()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_many_rows_are_remembered_as_each_of_them_is() -> None:
    rng = np.random.default_rng(4)
    rows, m = 9000, 500
    columns = {name: rng.integers(-1, 6, rows) for name in NAMES}
    days = rng.integers(18_000, 18_040, rows)
    keys = {name: rng.integers(-1, 5, m) for name in NAMES}
    known = rng.integers(17_990, 18_050, m)
    events = Events(known, keys, rng.random(m) < 0.4, rng.random(m), rng.integers(0, 90, m), rng.integers(0, 10**6, m))
    whole = history_columns(replay(History(), columns, days, events))
    parts: Columns = {name: np.empty(rows) for name in HISTORY_COLUMNS}
    replay_columns(History(), columns, days, events, parts)
    assert all(parts[name].tobytes() == whole[name].tobytes() for name in HISTORY_COLUMNS)
    # What is recalled of many rows at once is what is read of each.
    history = History()
    history.advance_all(events, until=18_050)
    recalled = Recall(history, 18_050).of(columns)
    for r in range(0, rows, 311):
        one = {name: values[r : r + 1] for name, values in columns.items()}
        told = history_columns(history.read(history.find(one), 18_050))
        assert all(recalled.column(name)[r] == told[name][0] for name in HISTORY_COLUMNS)


def test_a_lookup_finds_what_it_holds_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    for count in (0, 1, 7, 5000):
        numbers = np.unique(np.concatenate([rng.integers(0, 2**62, count), np.arange(count) << 20]))
        rng.shuffle(numbers)
        table = Lookup(numbers)
        assert table.find(numbers).tolist() == list(range(len(numbers)))
        others = np.setdiff1d(np.concatenate([numbers + 1, [-1, 0, 2**63 - 1]]), numbers)
        assert (table.find(others) == -1).all()


def test_what_is_known_by_codes_is_found_whether_it_is_tabled_or_searched() -> None:
    rng = np.random.default_rng(6)
    # The largest code decides whether all combinations have a place of their own.
    for most in (30, 40_000):
        codes = [rng.integers(0, most, 200), rng.integers(0, most, 200)]
        known = {(a, b): float(i + 1) for i, (a, b) in enumerate(zip(*(part.tolist() for part in codes), strict=True))}
        first, second = (np.array(part) for part in zip(*known, strict=True))
        asked = [np.concatenate([part, rng.integers(-1, most + 5, 300)]).astype(np.int32) for part in (first, second)]
        found = ByCode([first, second], np.array(list(known.values()))).find(asked)
        assert found.tolist() == [known.get(pair, 0.0) for pair in zip(*(part.tolist() for part in asked), strict=True)]
        alone = ByCode([np.unique(first)], np.unique(first) + 1.0).find([asked[0]])
        assert alone.tolist() == [code + 1.0 if code in set(first.tolist()) else 0.0 for code in asked[0].tolist()]
