"""What a good data scientist would try first: plain LightGBM on the columns as they are, no history, no thought for late outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

CATEGORIES = "payer_id payer_type plan_id provider_id facility_id procedure_code carc rarcs adjustment_code".split()
NUMBERS = "billed_amount allowed_amount paid_amount writeoff_amount units resubmission_count authorization_on_file".split()
PLAIN: dict[str, object] = {"learning_rate": 0.04, "num_leaves": 15, "verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True}
ROUNDS = 300


@dataclass(frozen=True, slots=True)
class Peer:
    """What the peer says of each new write-off: chance, and dollars per hour of the order in which it would work them."""

    chance: Floats
    per_hour: Floats


def read_ledger(folder: Path) -> pd.DataFrame:
    """Return a practice's write-offs as text and numbers."""
    return pd.read_csv(folder / "writeoffs.csv", dtype={"carc": str, "rarcs": str, "procedure_code": str}, low_memory=False)


def hurdle(folder: Path, cut: str) -> tuple[pd.DataFrame, Peer]:
    """Fit a classifier, a fraction given recovery and hours on what was resolved before the cut; return the later rows and what it says."""
    ledger, outcomes = read_ledger(folder), pd.read_csv(folder / "outcomes.csv")
    known = ledger.merge(outcomes[outcomes.resolved_date.notna() & (outcomes.resolved_date < cut)], on="writeoff_id")
    new = ledger[ledger.writeoff_date >= cut].reset_index(drop=True)
    levels = levels_of(known)
    x, xn = matrix(known, NUMBERS, levels), matrix(new, NUMBERS, levels)
    won = np.asarray(known.recovered_amount > 0, dtype=np.bool_)
    share = np.asarray((known.recovered_amount / known.writeoff_amount).clip(0, 1), dtype=np.float64)
    hours = np.asarray(known.hours_spent.fillna(known.hours_spent.mean()), dtype=np.float64)
    p = fit(PLAIN | {"objective": "binary"}, x, won.astype(np.float64), xn)
    fraction = fit(PLAIN | {"objective": "cross_entropy"}, x[won], share[won], xn)
    spent = np.maximum(fit(PLAIN | {"objective": "regression"}, x, hours, xn), 0.05)
    return new, Peer(p, p * fraction * new.writeoff_amount.to_numpy() / spent)


def fit(params: Mapping[str, object], x: pd.DataFrame, y: Floats, xn: pd.DataFrame) -> Floats:
    """Fit boosted trees and return what they say of other rows."""
    booster = lgb.train(dict(params), lgb.Dataset(x, y), ROUNDS)
    return np.asarray(booster.predict(xn), dtype=np.float64)


def levels_of(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Return the words of each category that come at least ten times."""
    counts = {name: frame[name].fillna("").astype(str).value_counts() for name in CATEGORIES}
    return {name: sorted(str(value) for value in count[count >= 10].index) for name, count in counts.items()}


def matrix(frame: pd.DataFrame, numbers: Sequence[str], levels: Mapping[str, list[str]]) -> pd.DataFrame:
    """Return categories, numbers and two waits as LightGBM reads them."""
    x = pd.DataFrame(index=frame.index)
    for name in CATEGORIES:
        value = frame[name].fillna("").astype(str)
        x[name] = pd.Categorical(value.where(value.isin(levels[name]), "other"), categories=[*levels[name], "other"])
    for name in numbers:
        x[name] = pd.to_numeric(frame[name].replace({"True": 1, "False": 0, True: 1, False: 0}), errors="coerce")
    x["wait"] = _days(frame, "service_date", "remit_date")
    x["age"] = _days(frame, "remit_date", "writeoff_date")
    return x


def _days(frame: pd.DataFrame, earlier: str, later: str) -> pd.Series[float]:
    return (pd.to_datetime(frame[later]) - pd.to_datetime(frame[earlier])).dt.days.astype(float)
