"""Scores of a part of a ledger as Arrow columns: sorted, compact, ready to be merged into one ranked table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.tables import FAMILIES
from features.deadlines import SOURCES
from features.feature import Floats
from features.intake.output import decimal_from_cents
from features.money import NULL
from features.tables import CATEGORIES, REMEDIES, Array, Columns
from features.text_hashes import BY_NUMPY, TextHasher
from features.view import View
from features.work_items import many_work_items
from models.scorer import out_of_scope
from models.scores import CENTS, DOLLARS, SCORE_COLUMNS
from models.value import order

_MONEY = (*CENTS, *DOLLARS)
REPEATING = frozenset({*_MONEY, "expected_hours"})
"""Columns that hold few different numbers among rows that are worth about the same."""

TOLD = 100
"""So many of the first rows of a run name their payer and code, for who shows the first of all."""
_SURE = 1e9
"""Up to so many dollars, cents in a float are off by far less than what decides a rounding."""


def run_of(
    batch: Batch, view: View, found: Columns, rows: NDArray[np.int64], reasons: Sequence[list[Any]] | None, hasher: TextHasher = BY_NUMPY
) -> pa.RecordBatch:
    """Return the scores of a part in rank order.

    Parameters
    ----------
    batch, view, found
        The part, and what `Scorer.judge` said of it.
    rows
        Position of each row in the ledger.
    reasons
        Of every row; None: they come later, for those that get any.
    hasher
        Names the work items.

    Returns
    -------
    RecordBatch
        The columns of scores but rank, model_version and as_of; money in whole cents; `by_value by_expected` to merge by, `row`, `why`
        (place of the first reason of a row out of scope; -1: in scope), `payer_id` and `carc` as words of the first `TOLD` rows.
    """
    triage, dated = view.triage, view.deadlines
    ids = batch.texts("writeoff_id")
    ranked = order(triage.in_scope, found["value_per_hour"], found["expected_recovery"], ids)
    columns: dict[str, Any] = {
        "writeoff_id": ids.take(pa.array(ranked)),
        "in_scope": triage.in_scope[ranked],
        "category": _coded(triage.category[ranked], CATEGORIES),
        "family": _coded(triage.family[ranked], FAMILIES),
        "remedy": _coded(triage.remedy[ranked], REMEDIES),
        "recovery_probability": found["recovery_probability"][ranked],
        "recoverable_amount": _whole(triage.cap_cents[ranked]),
        **{name: cents_of(found[name][ranked]) for name in DOLLARS},
        "expected_hours": found["expected_hours"][ranked],
        "anomaly_score": six_digits(found["anomaly_score"][ranked]),
        "usual_allowed_amount": _whole(view.usual.median_cents[ranked]),
        "underpayment_amount": _whole(triage.underpayment_cents[ranked]),
        "deadline_date": _whole(dated.day[ranked]),
        "days_left": _whole(dated.days_left[ranked]),
        "deadline_source": _coded(dated.source[ranked], SOURCES),
        "work_item_id": many_work_items(batch, triage.remedy, hasher).take(pa.array(ranked)),
        "by_value": found["value_per_hour"][ranked],
        "by_expected": found["expected_recovery"][ranked],
        "row": rows[ranked],
        "why": np.where(triage.in_scope, -1, triage.why).astype(np.int16)[ranked],
        "payer_id": _spoken(batch, "payer_id", ranked),
        "carc": _spoken(batch, "carc", ranked),
    }
    if reasons is not None:
        columns["reasons"] = pa.array([as_json(reasons[row]) for row in ranked.tolist()], pa.string())
    return pa.record_batch(columns)


def table_of(
    run: pa.RecordBatch, first_rank: int, *, version: str, as_of: int, whys: Sequence[str], told: dict[int, str], as_floats: bool = False
) -> dict[str, pa.Array]:
    """Return ranked scores as a file holds them, in the order of `SCORE_COLUMNS`.

    Parameters
    ----------
    run
        Of `run_of`, in rank order.
    first_rank
        Rank of its first row.
    version, as_of, whys
        The model, the day and the sentences that `why` names.
    told
        Position in the ledger to the reasons of rows that get them, where the run has none itself.
    as_floats
        Money as the floats that Parquet holds, not as the decimals that are texts in CSV.
    """
    count = run.num_rows
    columns = {name: run.column(name) for name in run.schema.names}
    for name in _MONEY:
        columns[name] = _floats(columns[name]) if as_floats else _money(columns[name])
    columns["rank"] = pa.array(np.arange(first_rank, first_rank + count))
    columns["deadline_date"] = columns["deadline_date"].cast(pa.int32()).cast(pa.date32())
    columns["model_version"] = _constant(version, count)
    columns["as_of"] = pa.array(np.full(count, as_of, dtype=np.int32)).cast(pa.date32())
    columns["reasons"] = columns["reasons"].dictionary_encode() if "reasons" in columns else _reasons(run, whys, told)
    return {name: columns[name] for name in SCORE_COLUMNS}


def as_json(reasons: list[Any]) -> str:
    """Return reasons as a file holds them."""
    return json.dumps(reasons, ensure_ascii=False, separators=(",", ":")) if reasons else "[]"


def cents_of(values: Floats) -> NDArray[np.int64]:
    """Return dollars as whole cents, rounded as `round(value, 2)` does: by the exact value of the float.

    >>> cents_of(np.array([0.125, 2.675, 1.005, -0.004])).tolist()
    [12, 267, 100, 0]
    """
    scaled = values * 100.0
    cents = np.rint(scaled)
    doubtful = np.flatnonzero((np.abs(scaled - cents) > 0.4999) | (np.abs(values) > _SURE))
    if len(doubtful):
        cents[doubtful] = [round(round(value, 2) * 100) for value in values[doubtful].tolist()]
    return cents.astype(np.int64)


def six_digits(values: Floats) -> Floats:
    """Return values (>= 0) to six significant digits, as `float(f"{value:.6g}")` does.

    >>> six_digits(np.array([0.0, 1.23456789, 123456.5, 0.000123456789])).tolist()
    [0.0, 1.23457, 123456.0, 0.000123457]
    """
    out = np.zeros(len(values))
    rows = np.flatnonzero(values)
    some = values[rows]
    shift = 5 - np.floor(np.log10(some)).astype(np.int64)
    # A whole number of at most six digits over a power of ten up to 10^22 is rounded once: it is the float that the text names.
    power = 10.0 ** np.clip(shift, 0, 22)
    scaled = some * power
    digits = np.rint(scaled)
    out[rows] = digits / power
    doubtful = np.flatnonzero((np.abs(scaled - digits) > 0.4999) | (shift < 0) | (shift > 22) | (digits < 100_000) | (digits >= 999_999.5))
    if len(doubtful):
        out[rows[doubtful]] = [float(f"{value:.6g}") for value in some[doubtful].tolist()]
    return out


def _coded(places: Array, words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int8)), pa.array(words, pa.string()))


def _spoken(batch: Batch, name: str, ranked: NDArray[np.int64]) -> pa.Array:
    """Return the words of the first rows of a coded column, and null for all others."""
    words = pa.array([batch.vocabulary.word(name, code) or "" for code in batch.columns[name][ranked[:TOLD]].tolist()], pa.string())
    return pa.concat_arrays([words, pa.nulls(len(ranked) - len(words), pa.string())])


def _whole(values: Array) -> pa.Array:
    return pa.array(values, pa.int64(), mask=values == NULL)


def _money(cents: pa.Array) -> pa.Array:
    return decimal_from_cents(np.asarray(cents.fill_null(0)), np.asarray(cents.is_null()))


def _floats(cents: pa.Array) -> pa.Array:
    dollars = np.asarray(cents.fill_null(0)) / 100.0
    return pa.array(dollars, mask=np.asarray(cents.is_null()) if cents.null_count else None)


def _constant(word: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int8)), pa.array([word]))


def _reasons(run: pa.RecordBatch, whys: Sequence[str], told: dict[int, str]) -> pa.Array:
    """Return each row's reasons as a place in the list of all texts, of which a ranking has few."""
    firsts = [as_json([]), *(as_json([out_of_scope(text)]) for text in whys)]
    texts = pa.array([*firsts, *told.values()], pa.string()).dictionary_encode()
    place = np.asarray(run.column("why")).astype(np.int64) + 1
    if told:
        rows = np.fromiter(told, dtype=np.int64, count=len(told))
        _, at, which = np.intersect1d(np.asarray(run.column("row")), rows, assume_unique=True, return_indices=True)
        place[at] = len(firsts) + which
    return pa.DictionaryArray.from_arrays(texts.indices.take(pa.array(place)), texts.dictionary)
