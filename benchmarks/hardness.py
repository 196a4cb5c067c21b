"""How hard the synthetic practice is: shares of the oracle's dollars that simple rules capture.

``python -m benchmarks.hardness [--rows N] [--seeds 1 2 ...] [--quick]`` draws one practice per seed and prints one table.
The share is that of MODEL.md: rows posted in the last four months are taken in an order until 10 % of the sum of their
true hours is used, the last row in part; the true expected dollars of what was taken, over the same for the oracle's order.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.peers import NUMBERS, PLAIN, fit, levels_of, matrix, read_ledger
from recoup.sample import codes
from recoup.sample.practice import write_sample

Floats = npt.NDArray[np.float64]
END = date(2026, 11, 1)
CUT = "2026-07-01"
CAPACITY = 0.10
RECOVERABLE = {"high": 0.65, "medium": 0.375, "low": 0.15, "none": 0.02}
"""What the experts' letters are worth to the static rule; others are worth nothing."""

BANDS = {
    "oldest": (0.05, 0.30),
    "dollars": (0.42, 0.60),
    "per_hour": (0.55, 0.67),
    "static": (0.75, 0.84),
    "classifier": (0.72, 0.84),
    "classifier_raw": (0.68, 0.84),
    "ceiling": (0.90, 0.97),
    "anomaly_ap": (0.70, 0.90),
}
"""What the mean of several seeds of 60,000 rows should lie in; `ceiling` and `anomaly_ap` are what can be reached."""

PAPERS = "referral_on_file records_on_file timely_proof_on_file other_coverage_on_file denial_count".split()
SMALL = PLAIN | {"num_leaves": 8, "feature_fraction": 0.5, "cat_smooth": 50, "cat_l2": 20, "min_data_in_leaf": 40}


def main() -> None:
    """Print one line per seed, their mean, and the bands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--quick", action="store_true", help="leave out the models that show what can be reached")
    parser.add_argument("--check", action="store_true", help="end with 1 when the mean of the seeds lies outside a band")
    options = parser.parse_args()
    table = pd.DataFrame({str(seed): measure_seed(options.rows, seed, is_quick=options.quick) for seed in options.seeds}).T
    table.loc["mean"] = table.mean()
    print(table.round(3).to_string())
    print("bands of the mean:", ", ".join(f"{name} {low:.2f}-{high:.2f}" for name, (low, high) in BANDS.items()))
    means = {str(name): float(value) for name, value in zip(table.columns, table.loc["mean"].to_numpy(), strict=True)}
    outside = [name for name, (low, high) in BANDS.items() if name in means and not low <= means[name] <= high]
    if options.check and outside:
        raise SystemExit(f"outside their bands: {', '.join(outside)}")


def measure_seed(rows: int, seed: int, *, is_quick: bool = False) -> dict[str, float]:
    """Draw a practice in a temporary folder and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), rows=rows, seed=seed, end=END, truth=True)
        return measure(Path(folder), is_quick=is_quick)


def measure(folder: Path, *, is_quick: bool = False) -> dict[str, float]:
    """Measure the shares of a practice that was written with its truth."""
    ledger = read_ledger(folder)
    outcomes = pd.read_csv(folder / "outcomes.csv")
    frame = ledger.merge(pd.read_parquet(folder / "truth.parquet"), on="writeoff_id", validate="1:1")
    known = outcomes[outcomes.resolved_date.notna() & (outcomes.resolved_date < CUT)]
    new = frame[frame.writeoff_date >= CUT].reset_index(drop=True)
    dollars, hours = new.writeoff_amount.to_numpy(), new.e_hours.to_numpy()
    letters = {code.carc: RECOVERABLE.get(code.letter, 0.0) for code in codes.ALL if code.carc}
    chance = new.carc.map(letters).fillna(0.0).to_numpy()
    p = _classify(ledger.merge(known, on="writeoff_id"), new)
    shares = {
        "labels": float(len(known)),
        "oldest": captured_share(new, -np.arange(len(new), dtype=np.float64)),
        "dollars": captured_share(new, dollars),
        "per_hour": captured_share(new, dollars / hours),
        "static": captured_share(new, chance * dollars / hours),
        "classifier": captured_share(new, p * dollars / hours),
        "classifier_raw": captured_share(new, p * dollars),
    }
    return shares if is_quick else shares | _reachable(frame)


def captured_share(new: pd.DataFrame, score: Floats) -> float:
    """Give the share of the oracle's dollars that an order by falling score captures."""
    value, hours = new.ev.to_numpy(), new.e_hours.to_numpy()
    ours, oracle = np.argsort(-score, kind="stable"), np.argsort(-value / hours, kind="stable")
    return _captured(ours, value, hours) / _captured(oracle, value, hours)


def _captured(order: npt.NDArray[np.intp], value: Floats, hours: Floats) -> float:
    room, spent = CAPACITY * hours.sum(), np.cumsum(hours[order])
    whole = int(np.searchsorted(spent, room))
    part = (room - (spent[whole - 1] if whole else 0.0)) / hours[order][whole] if whole < len(order) else 0.0
    return float(value[order][:whole].sum() + part * value[order][whole : whole + 1].sum())


def _classify(train: pd.DataFrame, new: pd.DataFrame) -> Floats:
    """Fit what a good data scientist would try first: no history, no payer rules, no thought for late outcomes."""
    levels = levels_of(train)
    won = np.asarray(train.recovered_amount > 0, dtype=np.float64)
    return fit(PLAIN | {"objective": "binary"}, matrix(train, NUMBERS, levels), won, matrix(new, NUMBERS, levels))


def _reachable(frame: pd.DataFrame) -> dict[str, float]:
    """Give what 30,000 unbiased labels, rates by payer and reason, and the usual allowed amounts can reach."""
    usual = _usual(frame)
    frame = frame.assign(usual=usual, short=usual - frame.allowed_amount)
    old = frame[frame.writeoff_date < CUT]
    old = old.sample(min(30_000, len(old)), random_state=1)
    new = _with_rates(old, frame[frame.writeoff_date >= CUT]).reset_index(drop=True)
    old = _with_rates(old, old)
    rates = [name for name in map(str, old.columns) if name.startswith(("rate_", "count_"))]
    levels = levels_of(old)
    numbers = [*NUMBERS, *PAPERS, "usual", "short", *rates]
    x, xn = matrix(old, numbers, levels), matrix(new, numbers, levels)
    won = old.pot_recovered.to_numpy()
    p = fit(SMALL | {"objective": "binary"}, x, won.astype(np.float64), xn)
    share = (old.pot_amount / old.writeoff_amount.abs()).clip(0, 1).to_numpy()
    fraction = fit(SMALL | {"objective": "cross_entropy"}, x[won], share[won], xn)
    score = p * fraction * new.writeoff_amount.to_numpy() / new.e_hours.to_numpy()
    return {"ceiling": captured_share(new, score), "anomaly_ap": _anomaly(old, new, x, xn)}


def _usual(frame: pd.DataFrame) -> Floats:
    """Give what each payer usually allows: the median of its postings, shrunk to its usual part of the charge."""
    paid = frame[(frame.paid_amount > 0) & (frame.writeoff_date < CUT)]
    unit = pd.Series(np.log((paid.allowed_amount / paid.units).clip(lower=0.01)), index=paid.index)
    found = unit.groupby([paid.payer_id, paid.procedure_code]).agg(["median", "count"])
    found = found.reindex(pd.MultiIndex.from_arrays([frame.payer_id, frame.procedure_code]))
    part = pd.Series(np.log((paid.allowed_amount / paid.billed_amount).clip(lower=0.01)), index=paid.index)
    ratio = frame.payer_id.map(part.groupby(paid.payer_id).median()).fillna(part.median()).to_numpy()
    weight = found["count"].fillna(0).to_numpy()
    level = np.log((frame.billed_amount / frame.units).to_numpy()) + ratio
    mixed = (found["median"].fillna(0).to_numpy() * weight + level * 2.0) / (weight + 2.0)
    return np.asarray(np.exp(mixed) * frame.units.to_numpy(), dtype=np.float64)


def _with_rates(old: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Add rates of recovery by payer and reason; a row that is itself among the labels sees only the other fifths."""
    fold = np.arange(len(frame)) % 5 if frame is old else np.full(len(frame), -1)
    for name, keys in (("payer", ["payer_id"]), ("reason", ["payer_id", "adjustment_code"]), ("carc", ["payer_id", "carc"])):
        key, rate, count = _joined(frame, keys), np.zeros(len(frame)), np.zeros(len(frame))
        for part in np.unique(fold):
            others = old if part < 0 else old[fold != part]
            sums = others.pot_recovered.groupby(_joined(others, keys)).agg(["sum", "count"])
            rows = fold == part
            count[rows] = key[rows].map(sums["count"]).fillna(0.0)
            rate[rows] = (key[rows].map(sums["sum"]).fillna(0.0) + 2.0) / (count[rows] + 8.0)
        frame = frame.assign(**{f"rate_{name}": rate, f"count_{name}": count})
    return frame


def _joined(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series[str]:
    key = pd.Series("", index=frame.index)
    for name in keys:
        key = key + "|" + frame[name].fillna("").astype(str)
    return key


def _anomaly(old: pd.DataFrame, new: pd.DataFrame, x: pd.DataFrame, xn: pd.DataFrame) -> float:
    """Give the average precision of the residual against a conditional median among CO-45 rows."""
    names = ["usual", "payer_id", "facility_id", "procedure_code", "billed_amount", "units"]
    is_old, is_new = ((old.carc == "45") & (old.paid_amount > 0)).to_numpy(), (new.carc == "45").to_numpy()
    seen = np.log(np.maximum(old.allowed_amount.to_numpy() / old.usual.to_numpy(), 0.01))
    asked = np.log(np.maximum(new.allowed_amount.to_numpy() / new.usual.to_numpy(), 0.01))
    params = SMALL | {"objective": "quantile", "alpha": 0.5, "feature_fraction": 1.0}
    both = pd.concat([x.loc[is_old, names], xn.loc[is_new, names]])
    expected = fit(params, x.loc[is_old, names], seen[is_old], both)
    miss = pd.Series(np.abs(seen[is_old] - expected[: is_old.sum()]))
    spread = miss.groupby(old.payer_id[is_old].to_numpy()).median()
    scale = new.payer_id[is_new].map(spread).fillna(miss.median()).clip(lower=0.01).to_numpy()
    score = (expected[is_old.sum() :] - asked[is_new]) / scale
    return float(average_precision_score(new.mispost[is_new], score))


if __name__ == "__main__":
    main()
