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

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score

from recoup.sample.practice import write_sample

Floats = npt.NDArray[np.float64]
END = date(2026, 11, 1)
CUT = "2026-07-01"
CAPACITY = 0.10
RECOVERABLE = {"high": 0.65, "medium": 0.375, "low": 0.15, "none": 0.02}
BANDS = {
    "oldest": (0.0, 0.30),
    "dollars": (0.40, 0.62),
    "per_hour": (0.55, 0.67),
    "static": (0.75, 0.84),
    "classifier": (0.72, 0.84),
    "classifier_p_dollars": (0.0, 1.0),
    "ceiling": (0.90, 0.97),
    "anomaly_ap": (0.70, 0.90),
}
"""What the mean of several seeds of 60,000 rows should lie in; the two last rows are what a good recipe can reach."""

CATEGORIES = ["payer_id", "payer_type", "plan_id", "provider_id", "facility_id", "procedure_code", "carc", "rarcs", "adjustment_code"]
NUMBERS = ["billed_amount", "allowed_amount", "paid_amount", "writeoff_amount", "units", "resubmission_count", "authorization_on_file"]
PAPERS = ["referral_on_file", "records_on_file", "timely_proof_on_file", "other_coverage_on_file", "denial_count"]
PLAIN = {"n_estimators": 300, "learning_rate": 0.04, "num_leaves": 15, "min_child_samples": 20, "verbose": -1, "n_jobs": 1, "seed": 1}
SMALL = PLAIN | {"num_leaves": 8, "colsample_bytree": 0.5, "cat_smooth": 50, "cat_l2": 20, "min_child_samples": 40}


def main() -> None:
    """Print one line per seed, their mean, and the bands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--quick", action="store_true", help="leave out the models that show what could be reached")
    options = parser.parse_args()
    table = pd.DataFrame({seed: measure_seed(options.rows, seed, is_quick=options.quick) for seed in options.seeds}).T
    table.loc["mean"] = table.mean()
    print(table.round(3).to_string())  # noqa: T201
    print("bands:", ", ".join(f"{name} {low}-{high}" for name, (low, high) in BANDS.items()))  # noqa: T201


def measure_seed(rows: int, seed: int, *, is_quick: bool = False) -> dict[str, float]:
    """Draw a practice in a temporary folder and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), rows=rows, seed=seed, end=END, truth=True)
        return measure(Path(folder), is_quick=is_quick)


def measure(folder: Path, *, is_quick: bool = False) -> dict[str, float]:
    """Measure the shares of a practice written with its truth."""
    ledger = pd.read_csv(folder / "writeoffs.csv", dtype={"carc": str, "rarcs": str, "procedure_code": str}, low_memory=False)
    outcomes = pd.read_csv(folder / "outcomes.csv")
    frame = ledger.merge(pd.read_parquet(folder / "truth.parquet"), on="writeoff_id", validate="1:1")
    known = outcomes[outcomes.resolved_date.notna() & (outcomes.resolved_date < CUT)]
    new = frame[frame.writeoff_date >= CUT].reset_index(drop=True)
    dollars, hours = new.writeoff_amount.to_numpy(), new.e_hours.to_numpy()
    chance = new.carc.map(_letters()).map(RECOVERABLE).fillna(0.0).to_numpy()
    p = _classify(ledger.merge(known, on="writeoff_id"), new)
    shares = {
        "labels": float(len(known)),
        "oldest": captured_share(new, -np.arange(len(new), dtype=np.float64)),
        "dollars": captured_share(new, dollars),
        "per_hour": captured_share(new, dollars / hours),
        "static": captured_share(new, chance * dollars / hours),
        "classifier": captured_share(new, p * dollars / hours),
        "classifier_p_dollars": captured_share(new, p * dollars),
    }
    return shares if is_quick else shares | _reachable(frame, new)


def captured_share(new: pd.DataFrame, score: Floats) -> float:
    """Give the share of the oracle's dollars that an order by falling score captures."""
    value, hours = new.ev.to_numpy(), new.e_hours.to_numpy()
    return _captured(np.argsort(-score, kind="stable"), value, hours) / _captured(np.argsort(-value / hours, kind="stable"), value, hours)


def _captured(order: npt.NDArray[np.intp], value: Floats, hours: Floats) -> float:
    room, spent = CAPACITY * hours.sum(), np.cumsum(hours[order])
    whole = int(np.searchsorted(spent, room))
    part = (room - (spent[whole - 1] if whole else 0.0)) / hours[order][whole] if whole < len(order) else 0.0
    return float(value[order][:whole].sum() + part * value[order][whole : whole + 1].sum())


def _letters() -> dict[str, str]:
    from recoup.sample import codes

    return {code.carc: code.letter for code in codes.ALL if code.carc}


def _classify(train: pd.DataFrame, new: pd.DataFrame) -> Floats:
    """Fit what a good data scientist would try first: no history, no payer rules, no thought for late outcomes."""
    x, levels = _matrix(train, NUMBERS, {})
    model = lgb.LGBMClassifier(**PLAIN).fit(x, train.recovered_amount > 0)
    return np.asarray(model.predict_proba(_matrix(new, NUMBERS, levels)[0]), dtype=np.float64)[:, 1]


def _matrix(frame: pd.DataFrame, numbers: Sequence[str], levels: dict[str, list[str]]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    levels = dict(levels)
    x = pd.DataFrame(index=frame.index)
    for name in CATEGORIES:
        value = frame[name].fillna("").astype(str)
        counts = value.value_counts()
        frequent = levels.setdefault(name, sorted(counts[counts >= 10].index))
        x[name] = pd.Categorical(value.where(value.isin(frequent), "other"), categories=[*frequent, "other"])
    for name in numbers:
        x[name] = pd.to_numeric(frame[name].replace({"True": 1, "False": 0, True: 1, False: 0}), errors="coerce")
    for earlier, later in (("service_date", "remit_date"), ("remit_date", "writeoff_date")):
        x[f"{earlier}_to_{later}"] = (pd.to_datetime(frame[later]) - pd.to_datetime(frame[earlier])).dt.days
    return x, levels


def _reachable(frame: pd.DataFrame, new: pd.DataFrame) -> dict[str, float]:
    """Give what 30,000 unbiased labels and the usual allowed amounts can reach."""
    usual = _usual(frame)
    frame = frame.assign(usual=usual, usual_short=usual - frame.allowed_amount, left=_days_left(frame))
    old, new = frame[frame.writeoff_date < CUT], frame.loc[frame.writeoff_date >= CUT]
    old = old.sample(min(30_000, len(old)), random_state=1)
    old = old.assign(share=(old.pot_amount / old.writeoff_amount.abs()).clip(0, 1))
    new, old = _with_rates(old, new), _with_rates(old, old)
    numbers = [*NUMBERS, *PAPERS, "usual", "usual_short", "left", *(c for c in old if c.startswith("rate_"))]
    x, levels = _matrix(old, numbers, {})
    xn = _matrix(new, numbers, levels)[0]
    p = lgb.LGBMClassifier(**SMALL).fit(x, old.pot_recovered).predict_proba(xn)[:, 1]
    won = old.pot_recovered.to_numpy()
    fraction = lgb.LGBMRegressor(objective="cross_entropy", **SMALL).fit(x[won], old.share[won]).predict(xn)
    score = p * fraction * new.writeoff_amount.to_numpy() / new.e_hours.to_numpy()
    return {"ceiling": captured_share(new.reset_index(drop=True), score), **_anomaly(old, new, xn, x, frame)}


def _usual(frame: pd.DataFrame) -> Floats:
    paid = frame[(frame.paid_amount > 0) & (frame.writeoff_date < CUT)]
    unit = paid.allowed_amount / paid.units
    level = np.log(unit.clip(lower=0.01))
    by = [paid.payer_id, paid.procedure_code]
    ratio = np.log((paid.allowed_amount / paid.billed_amount).clip(lower=0.01)).groupby(paid.payer_id).median()
    both = level.groupby(by).agg(["median", "count"])
    key = pd.MultiIndex.from_arrays([frame.payer_id, frame.procedure_code])
    found = both.reindex(key)
    fallback = np.log(frame.billed_amount / frame.units).to_numpy() + frame.payer_id.map(ratio).fillna(ratio.median()).to_numpy()
    weight = found["count"].fillna(0).to_numpy()
    mixed = (found["median"].fillna(0).to_numpy() * weight + fallback * 2.0) / (weight + 2.0)
    return np.asarray(np.exp(mixed) * frame.units.to_numpy(), dtype=np.float64)


def _days_left(frame: pd.DataFrame) -> pd.Series:
    return (pd.to_datetime(frame.writeoff_date) - pd.to_datetime(frame.remit_date)).dt.days


def _with_rates(old: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Add rates of recovery by payer and reason; a row that is itself among the labels sees only the other fifths."""
    fold = np.arange(len(frame)) % 5 if frame is old else np.full(len(frame), -1)
    for name, keys in (("payer", ["payer_id"]), ("payer_reason", ["payer_id", "adjustment_code"]), ("payer_carc", ["payer_id", "carc"])):
        key, rate, count = _joined(frame, keys), np.zeros(len(frame)), np.zeros(len(frame))
        for part in np.unique(fold):
            others = old if part < 0 else old[fold != part]
            sums = others.pot_recovered.groupby(_joined(others, keys)).agg(["sum", "count"])
            rows = fold == part
            count[rows] = key[rows].map(sums["count"]).fillna(0.0)
            rate[rows] = (key[rows].map(sums["sum"]).fillna(0.0) + 2.0) / (count[rows] + 8.0)
        frame = frame.assign(**{f"rate_{name}": rate, f"count_{name}": count})
    return frame


def _joined(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    key = pd.Series("", index=frame.index)
    for name in keys:
        key = key + "|" + frame[name].fillna("").astype(str)
    return key


def _anomaly(old: pd.DataFrame, new: pd.DataFrame, xn: pd.DataFrame, x: pd.DataFrame, frame: pd.DataFrame) -> dict[str, float]:
    """Give the average precision of the residual against a conditional median among CO-45 rows."""
    names = ["usual", "payer_id", "facility_id", "procedure_code", "billed_amount", "units"]
    is_old, is_new = (old.carc == "45") & (old.paid_amount > 0), (new.carc == "45")
    seen = np.log((old.allowed_amount / old.usual).clip(0.01))
    model = lgb.LGBMRegressor(objective="quantile", alpha=0.5, **SMALL).fit(x.loc[is_old, names], seen[is_old])
    gap = model.predict(xn.loc[is_new, names]) - np.log((new.allowed_amount / new.usual).clip(0.01))[is_new]
    spread = (seen[is_old] - model.predict(x.loc[is_old, names])).abs().groupby(old.payer_id[is_old]).median()
    z = gap / new.payer_id[is_new].map(spread).fillna(spread.median()).clip(lower=0.01)
    return {"anomaly_ap": float(average_precision_score(new.mispost[is_new], z)), "co45": float(is_new.mean())}


if __name__ == "__main__":
    main()
