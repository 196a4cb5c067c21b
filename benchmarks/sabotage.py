"""Ways to spoil the outcomes that a challenger learns from; none of them may pass the gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.money import NULL
from training.labels import cases_as_of

Spoil = Callable[[Batch, Batch, int, np.random.Generator], tuple[Batch, Batch]]
"""Write-offs, outcomes, the morning, a source of chance -> the same, spoilt."""

_TOLD = ("status", "resolved_date", "recovered_amount", "taken_back_amount")


def leaked_result(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """A column of the ledger holds the result, where it is known."""
    won = _results(writeoffs, outcomes, as_of)
    return _with(
        writeoffs, "x_result", np.array([None if w < 0 else ("won" if w else "lost") for w in won.tolist()], dtype=object)
    ), outcomes


def leaked_hint(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """A number hints at the result, and is filled with noise where there is none."""
    won = _results(writeoffs, outcomes, as_of)
    hint = rng.normal(0.0, 1.0, len(writeoffs)) + 3.0 * (won == 1)
    return _with(writeoffs, "x_hint", np.array([f"{value:.3f}" for value in hint.tolist()], dtype=object)), outcomes


def set_back(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Results are dated on the day the work began, so that history knows them too soon."""
    c = outcomes.columns
    return writeoffs, _changed(outcomes, {"resolved_date": np.where(c["resolved_date"] == NULL, NULL, c["worked_date"])})


def shuffled(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Results are dealt out anew among all decided efforts."""
    return writeoffs, _dealt(outcomes, np.flatnonzero(outcomes.columns["resolved_date"] != NULL), rng)


def shuffled_past(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """The same among efforts that are learned from and not judged on."""
    c = outcomes.columns
    return writeoffs, _dealt(outcomes, np.flatnonzero((c["resolved_date"] != NULL) & (c["worked_date"] < as_of - 400)), rng)


def refusals_lost(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Seven in ten refusals were never handed over."""
    refused = np.isin(outcomes.columns["status"], _codes(outcomes, "denied", "expired"))
    return writeoffs, outcomes.take(~refused | (rng.random(len(outcomes)) < 0.3))


def newest_lost(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """The outcomes end four months ago."""
    return writeoffs, outcomes.take(outcomes.columns["worked_date"] < as_of - 120)


def half_lost(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Half of the efforts are missing."""
    return writeoffs, outcomes.take(rng.random(len(outcomes)) < 0.5)


def flipped(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Recovered reads denied, and denied reads recovered."""
    c = outcomes.columns
    won, lost = np.isin(c["status"], _codes(outcomes, "recovered", "partially_recovered")), np.isin(c["status"], _codes(outcomes, "denied"))
    paid = np.sort(c["recovered_amount"][won & (c["recovered_amount"] > 0)])
    money = np.where(won, 0, c["recovered_amount"])
    money[lost] = rng.choice(paid, int(lost.sum()))
    status = c["status"].copy()
    status[won], status[lost] = _codes(outcomes, "denied")[0], _codes(outcomes, "recovered")[0]
    return writeoffs, _changed(
        outcomes, {"status": status, "recovered_amount": money, "taken_back_amount": np.where(won, 0, c["taken_back_amount"])}
    )


def payers_relabelled(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Every refusal of the payers with most efforts reads recovered."""
    place = {key: i for i, key in enumerate(writeoffs.columns["writeoff_id"].tolist())}
    row = np.array([place[key] for key in outcomes.columns["writeoff_id"].tolist()])
    payer = writeoffs.columns["payer_id"][row]
    codes, count = np.unique(payer, return_counts=True)
    many = codes[np.argsort(-count)[:8]]
    c = outcomes.columns
    lost = np.isin(c["status"], _codes(outcomes, "denied", "expired")) & np.isin(payer, many)
    status = np.where(lost, _codes(outcomes, "recovered")[0], c["status"]).astype(c["status"].dtype)
    money = np.where(lost, np.maximum(writeoffs.columns["writeoff_amount"][row], 100), c["recovered_amount"])
    return writeoffs, _changed(outcomes, {"status": status, "recovered_amount": money})


def cents_for_dollars(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Recovered amounts are a hundred times too large."""
    c = outcomes.columns
    return writeoffs, _changed(outcomes, {"recovered_amount": np.where(c["recovered_amount"] == NULL, NULL, c["recovered_amount"] * 100)})


def told_twice(writeoffs: Batch, outcomes: Batch, as_of: int, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Each effort stands in the file twice, under another id."""
    twice = outcomes.take(np.repeat(np.arange(len(outcomes)), 2))
    ids = np.array([f"E{i}" for i in range(len(twice))], dtype=object)
    return writeoffs, _changed(twice, {"effort_id": ids})


SABOTAGES: dict[str, Spoil] = {
    spoil.__name__: spoil
    for spoil in (
        leaked_result,
        leaked_hint,
        set_back,
        shuffled,
        shuffled_past,
        refusals_lost,
        newest_lost,
        half_lost,
        flipped,
        payers_relabelled,
        cents_for_dollars,
        told_twice,
    )
}


def _results(writeoffs: Batch, outcomes: Batch, as_of: int) -> NDArray[np.int8]:
    """1 recovered, 0 decided otherwise, -1 unknown, for each write-off."""
    cases, _ = cases_as_of(writeoffs, outcomes, as_of)
    found = np.full(len(writeoffs), -1, dtype=np.int8)
    found[cases.row[cases.decided]] = cases.recovered[cases.decided]
    return found


def _with(writeoffs: Batch, name: str, values: NDArray[np.object_]) -> Batch:
    return replace(writeoffs, extras={**writeoffs.extras, name: values})


def _changed(outcomes: Batch, columns: dict[str, NDArray[Any]]) -> Batch:
    return replace(outcomes, columns={**outcomes.columns, **columns})


def _dealt(outcomes: Batch, rows: NDArray[np.int64], rng: np.random.Generator) -> Batch:
    c, other = outcomes.columns, rng.permutation(rows)
    columns = {name: c[name].copy() for name in _TOLD}
    for name in ("status", "recovered_amount", "taken_back_amount"):
        columns[name][rows] = c[name][other]
    return _changed(outcomes, columns)


def _codes(outcomes: Batch, *statuses: str) -> list[int]:
    return [outcomes.vocabulary.add("status", status) for status in statuses]
