"""The replayed usual allowed amount against a slow, obvious twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.allowed import UsualAllowed
from features.money import NULL
from features.tables import Columns
from features.usual import KEPT, RATIO_ONE, Usual, advance_by, replay_usual


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[Columns, Columns, np.ndarray]:
    """Draw postings, and rows with the day each is read on."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(0, 60))

    def ints(low: int, high: int, count: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(low, high), min_size=count, max_size=count)), dtype=np.int64)

    postings: Columns = {
        "payer_id": ints(-1, 1, m),
        "procedure_code": ints(-1, 1, m),
        "writeoff_date": ints(18_000, 18_010, m),
        "allowed_amount": np.where(ints(0, 3, m) == 0, NULL, ints(-100, 90_000, m)),
        "units": np.where(ints(0, 2, m) == 0, np.nan, ints(1, 3, m).astype(float)),
    }
    rows: Columns = {"payer_id": ints(-1, 1, n), "procedure_code": ints(-1, 1, n), "units": ints(1, 4, n).astype(float)}
    return postings, rows, ints(18_000, 18_012, n)


def slow_smoothed(postings: Columns, payer: int, procedure: int, units: float, day: int) -> float:
    """Walk through all postings of before the day and keep every list in full."""
    pairs: dict[tuple[int, int], list[int]] = {}
    procedures: dict[int, list[int]] = {}
    payers: dict[int, list[int]] = {}

    def median(values: list[int]) -> int:
        last = sorted(values[-KEPT:])
        return last[int(np.rint((len(last) - 1) * 0.5))]

    for morning in sorted(set(postings["writeoff_date"].tolist())):
        if morning >= day:
            break
        middle = {p: median(values) for p, values in procedures.items()}
        for i in np.flatnonzero(postings["writeoff_date"] == morning).tolist():
            who, what = int(postings["payer_id"][i]), int(postings["procedure_code"][i])
            units_here = postings["units"][i]
            cents = int(np.rint(postings["allowed_amount"][i] / (1.0 if np.isnan(units_here) else units_here)))
            if who < 0 or what < 0 or postings["allowed_amount"][i] <= 0 or cents == 0:
                continue
            pairs.setdefault((who, what), []).append(cents)
            procedures.setdefault(what, []).append(cents)
            if what in middle and np.rint(cents / middle[what] * RATIO_ONE):
                payers.setdefault(who, []).append(int(np.rint(cents / middle[what] * RATIO_ONE)))
    if payer < 0 or procedure not in procedures:
        return float("nan")
    expected = median(procedures[procedure]) * (median(payers[payer]) / RATIO_ONE if payer in payers else 1.0)
    own = pairs.get((payer, procedure), [])
    return (len(own) * (median(own) if own else 0) + 2.0 * expected) / (len(own) + 2.0) * units


def slow_usual(postings: Columns, payer: int, procedure: int, units: float, day: int) -> tuple[int, int, int, float]:
    """Collect the latest postings of the pair anew and take their quantiles."""
    order = np.argsort(postings["writeoff_date"], kind="stable")
    seen = []
    for i in order:
        same = postings["payer_id"][i] == payer >= 0 and postings["procedure_code"][i] == procedure >= 0
        if same and postings["writeoff_date"][i] < day and postings["allowed_amount"][i] > 0:
            each = postings["units"][i]
            cents = int(np.rint(postings["allowed_amount"][i] / (1.0 if np.isnan(each) else each)))
            # Less than half a cent a unit is no price.
            seen += [cents] if cents else []
    last = sorted(seen[-KEPT:])
    if not last:
        return NULL, NULL, NULL, 0.0
    at = [last[int(np.rint((len(last) - 1) * share))] for share in (0.5, 0.1, 0.9)]
    return int(np.rint(at[0] * units)), int(np.rint(at[1] * units)), int(np.rint(at[2] * units)), float(len(seen))


@settings(max_examples=80, deadline=None)
@given(ledgers())
def test_replay_equals_the_slow_twin(ledger: tuple[Columns, Columns, np.ndarray]) -> None:
    held_to_the_twin(*ledger)


def held_to_the_twin(postings: Columns, rows: Columns, days: np.ndarray) -> None:
    """Replay, and find of each row what the slow twin finds."""
    found = replay_usual(Usual(), postings, rows, days)
    for r, day in enumerate(days.tolist()):
        expected = slow_usual(postings, int(rows["payer_id"][r]), int(rows["procedure_code"][r]), float(rows["units"][r]), day)
        got = (found.median_cents[r], found.low_cents[r], found.high_cents[r], found.count[r])
        assert got == expected
        slow = slow_smoothed(postings, int(rows["payer_id"][r]), int(rows["procedure_code"][r]), float(rows["units"][r]), day)
        # The same few operations; only the last digit may differ.
        np.testing.assert_allclose(found.smoothed_cents[r], slow, rtol=1e-12)


def test_a_day_may_hold_more_postings_of_a_key_than_are_kept() -> None:
    rng = np.random.default_rng(6)
    count = 8 * KEPT
    postings: Columns = {
        "payer_id": np.repeat([0, 1], count // 2),
        "procedure_code": np.zeros(count, dtype=np.int64),
        "writeoff_date": rng.integers(18_000, 18_002, count),
        "allowed_amount": rng.integers(1, 90_000, count),
        "units": np.ones(count),
    }
    days = np.array([18_000, 18_001, 18_002])
    rows: Columns = {"payer_id": np.array([0, 1, 0]), "procedure_code": np.zeros(3, dtype=np.int64), "units": np.ones(3)}
    held_to_the_twin(postings, rows, days)


@settings(max_examples=40, deadline=None)
@given(ledgers(), st.integers(18_000, 18_012))
def test_a_snapshot_goes_on_where_it_stopped(ledger: tuple[Columns, Columns, np.ndarray], cut: int) -> None:
    postings, rows, days = ledger
    day = int(days.max())
    whole, first = Usual(), Usual()
    advance_by(whole, postings, until=day)
    advance_by(first, postings, until=min(cut, day))
    second = Usual.restore(first.snapshot())
    advance_by(second, {name: values[postings["writeoff_date"] >= min(cut, day)] for name, values in postings.items()}, until=day)
    one, other = whole.read(whole.find(rows), rows["units"]), second.read(second.find(rows), rows["units"])
    assert one.median_cents.tolist() == other.median_cents.tolist()
    assert one.count.tolist() == other.count.tolist()
    assert one.smoothed_cents.tobytes() == other.smoothed_cents.tobytes()


@settings(max_examples=40, deadline=None)
@given(ledgers())
def test_one_row_reads_as_among_many(ledger: tuple[Columns, Columns, np.ndarray]) -> None:
    postings, rows, days = ledger
    usual = Usual()
    advance_by(usual, postings, until=int(days.max()))
    together = usual.read(usual.find(rows), rows["units"])
    for r in range(len(days)):
        one = {name: values[r : r + 1] for name, values in rows.items()}
        alone = usual.read(usual.find(one), one["units"])
        for name in UsualAllowed.__slots__:
            assert getattr(alone, name).tobytes() == getattr(together, name)[r : r + 1].tobytes(), name
