"""From write-offs, a model and a day to scores: the one path that every command, service and test goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.codes.tables import FAMILIES, Codes
from features.deadlines import SOURCES
from features.errors import BadData
from features.expected import log_implied
from features.feature import Floats, dollars
from features.history import Events, History
from features.intake.records import read_records
from features.matrix import Layout, by_feature, extra_column
from features.money import NULL
from features.recall import Recall
from features.rowwise import (
    as_plain,
    full,
    is_any,
    is_not,
    pick,
    rounded,
    rows_where,
    take,
    where,
)
from features.tables import CATEGORIES, REMEDIES, WRITEOFFS, Array, Columns
from features.usual import Usual, advance_by, in_fees
from features.view import Listed, Practice, Rows, View, Viewer, alike, shares_of_month
from features.vocabulary import Vocabulary
from features.work_items import distinct_items, work_items
from models.anomaly import Anomaly
from models.bundle import Loaded, Models, load
from models.calibration import Calibration, probability
from models.effort import Effort
from models.intervals import Range
from models.likelihood import Likelihood, Reasoner
from models.prior import BELIEVED_SLOPE
from models.probe import check_probe
from models.reasons import CONCEPTS, PRIOR_GROUPS, Teller, linear_groups, matrix_groups, points
from models.say import Say
from models.scores import SCORE_COLUMNS, Scores
from models.value import Costs, Dollars, rank

PRIOR = "prior"
"""The model version of a scorer without a bundle: the expert's rates alone."""

_FURTHEST_DAYS = 5 * 365 + 1
"""A date more than five years ahead is a slip of the pen."""

_WIDE = Range(np.empty(0), np.array([0.3]), np.array([1.5]))


DEFAULT_COSTS = Costs()

BLOCK = 4000
"""So many rows are looked at together: more than what it costs to ask for each step, few enough for the caches. No power of two:
features so far apart would get in each other's way."""
_WHOLE = 2000
"""Up to so many rows are looked at once, and what was seen of them is kept for their reasons."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Rows as the estimators read them: columns with history, matrix, terms of the linear score; of a single row its own."""

    columns: Columns
    x: Floats
    terms: Floats

    def take(self, rows: NDArray[np.int64]) -> _Seen:
        """Return the rows at these positions."""
        if self.x.ndim == 1 or len(rows) == len(self.x):
            return self
        return _Seen({name: values[rows] for name, values in self.columns.items()}, self.x[rows], self.terms[rows])


def out_of_scope(why: str) -> dict[str, Any]:
    """Return the first reason of a row out of scope."""
    return {"concept": "scope", "direction": "out", "points": 0.0, "text": why}


class Scorer:
    """A model with the state it needs, loaded once and used for one write-off or ten million.

    Parameters
    ----------
    version
        What scores name as their `model_version`.
    cut
        Day up to whose morning the model knew everything; None for the prior, which has seen nothing.
    layout, extra_codes, models
        The matrix and the estimators.
    vocabulary, viewer
        Words known, and the eyes of the practice with usual and history.
    costs
        Of working, for the net.
    """

    def __init__(
        self,
        version: str,
        cut: int | None,
        layout: Layout,
        extra_codes: Mapping[str, Mapping[str, int]],
        models: Models,
        vocabulary: Vocabulary,
        viewer: Viewer,
        *,
        bundle_hash: str = "",
        costs: Costs = DEFAULT_COSTS,
    ) -> None:
        self.version, self.cut, self.bundle_hash = version, cut, bundle_hash
        self.folder: Path | None = None
        self.layout, self.extra_codes, self.models = layout, extra_codes, models
        self.vocabulary, self.viewer = vocabulary, viewer
        self.costs = costs
        self._is_prepared = False
        self._loaded: Viewer | None = None

    @property
    def is_as_loaded(self) -> bool:
        """Whether it knows what its bundle holds, and nothing beside."""
        return self._loaded is self.viewer

    @classmethod
    def load(cls, folder: Path, *, version: str | None = None, checked: bool = True, costs: Costs = DEFAULT_COSTS) -> Scorer:
        """Load a bundle, check every hash, recompute its probe and refuse on a difference.

        Parameters
        ----------
        version
            What scores shall call it; the first 12 digits of its hash where not given.
        checked
            False only while a bundle is being made.
        costs
            Of working.

        Raises
        ------
        BundleRefused
            When anything differs.
        """
        scorer = cls._of(load(folder, checked=checked), version)
        scorer.folder = folder
        if checked:
            check_probe(scorer, folder)
        # The probe was made at the costs by default, so a practice's own come after it.
        scorer.costs, scorer._loaded = costs, scorer.viewer
        return scorer

    @classmethod
    def _of(cls, loaded: Loaded, version: str | None) -> Scorer:
        digest = loaded.manifest.get("bundle_hash", "")
        cut = int(np.datetime64(loaded.manifest["cut"], "D").astype(np.int64)) if loaded.manifest else None
        return cls(
            version or digest[:12],
            cut,
            loaded.layout,
            loaded.extra_codes,
            loaded.models,
            loaded.vocabulary,
            Viewer(Practice(Codes.load(), **loaded.tables), loaded.usual, loaded.history, loaded.shares),
            bundle_hash=digest,
        )

    @classmethod
    def prior(cls, vocabulary: Vocabulary | None = None, *, costs: Costs = DEFAULT_COSTS) -> Scorer:
        """Return the scorer of day one: no outcomes were seen, chances are the expert's rates per code family."""
        codes = Codes.load()
        models = Models(
            Likelihood(None, None, Say(), Calibration()), Dollars(None, None, _WIDE, _WIDE), Effort(slope=BELIEVED_SLOPE), Anomaly()
        )
        words = vocabulary if vocabulary is not None else Vocabulary(codes.seed_words())
        return cls(PRIOR, None, Layout((), {}, {}), {}, models, words, Viewer(Practice(codes), Usual(), History()), costs=costs)

    def learn_usual(self, batch: Batch, *, until: int) -> None:
        """Learn what payers usually allow and patients carry from postings of before a day: what a ledger alone can teach."""
        self._loaded = None
        advance_by(self.viewer.usual, in_fees(batch), until=until)
        self.viewer.shares = shares_of_month(batch, until)

    def advance(self, events: Events, *, until: int) -> None:
        """Add events known on or after the cut and before the day `until` to the history."""
        self._loaded, start = None, self.cut if self.cut is not None else NULL
        self.viewer.history.advance_all(events.take(events.known_on >= start), until=until)

    def advanced(self, events: Events, vocabulary: Vocabulary, *, until: int) -> Scorer:
        """Return a scorer that knows these events too; this one stays as it is, for whoever is at work with it.

        Parameters
        ----------
        events
            As `advance` takes them.
        vocabulary
            An overlay of this scorer's, in which the events are coded; the new scorer's own from now on.
        until
            The day before which they were known.
        """
        other = copy(self)
        other.vocabulary, other.viewer = vocabulary, copy(self.viewer)
        other.viewer.history = self.viewer.history.copy()
        other.advance(events, until=until)
        return other

    def prepare(self, cache: Path) -> bool:
        """Make ready to score many rows, by compiled code, kept in a private folder, or tables; tell whether all trees are."""
        if self._is_prepared:
            return True
        m = self.models
        trees = (m.likelihood.trees, m.dollars.fraction, m.effort.trees, m.anomaly.trees)
        self._is_prepared = all([forest.prepare(cache) for forest in trees if forest is not None])
        if m.likelihood.linear is not None:
            self.models = replace(m, likelihood=replace(m.likelihood, linear=m.likelihood.linear.compiled(cache)))
        return self._is_prepared

    def made_ready(self, cache: Path) -> Self:
        """Return itself, compiled, with all tabled that is else tabled when the first reasons are asked for."""
        self.prepare(cache)
        _ = self._reasoner
        return self

    def score(self, batch: Batch, *, as_of: int, reasons: int | None = 5000, apart: bool = False) -> Scores:
        """Score write-offs, in input order.

        Parameters
        ----------
        batch
            Of `WRITEOFFS`, coded by this scorer's vocabulary or an overlay of it.
        as_of
            The morning they are scored on (days since 1970-01-01).
        reasons
            How many of the first ranks get reasons; None: all. An out-of-scope row always has its first.
        apart
            Whether each row is a question of its own: none sees another, and each has rank 1.

        Raises
        ------
        BadData
            When the day is before the model's cut.
        """
        if len(batch) == 1:
            return self._score_single(batch, as_of, explained=reasons is None or reasons > 0)
        ids, claims = batch.columns["writeoff_id"], batch.columns["claim_id"]
        if apart:
            batch = _parted(batch)
        view, found, seen = self._judge(batch, as_of)
        in_order = view.triage.in_scope, found["value_per_hour"], found["expected_recovery"], ids
        found["rank"] = np.ones(len(ids), dtype=np.int64) if apart else rank(*in_order)
        rows = np.flatnonzero(found["rank"] <= (len(ids) if reasons is None else reasons))
        found["reasons"] = self._reasons(batch, view, found, rows, seen, as_of)
        found |= self._facts(batch, view, as_of, claims)
        return Scores({name: found[name] for name in SCORE_COLUMNS})

    def _score_single(self, batch: Batch, as_of: int, *, explained: bool) -> Scores:
        """Score one row by its plain values: no other row stands beside it."""
        single = batch.single()
        view, found, seen = self._judge(single, as_of)
        found |= self._facts(single, view, as_of, single.columns["claim_id"])
        found["rank"] = full(found["value_per_hour"], 1)
        outside: Any = [] if view.triage.in_scope else [out_of_scope(view.triage.whys[view.triage.why])]
        found["reasons"] = self._reasons(batch, view, found, np.arange(1), seen, as_of)[0] if explained else outside
        return Scores(found)

    def weigh(self, batch: Batch, *, as_of: int) -> tuple[View, Columns]:
        """Return what was known of write-offs and what they are worth, with no words for each row: for sums over a large ledger.

        Returns
        -------
        view, worth
            The second has the estimates of `Scores` (dollars, hours, chances; float64), `rank`, and `work_item`, the number of each row's
            item, from 0.
        """
        claims = batch.columns["claim_id"]
        view, found, _ = self._judge(batch, as_of)
        found["rank"] = rank(view.triage.in_scope, found["value_per_hour"], found["expected_recovery"], batch.columns["writeoff_id"])
        found["work_item"] = distinct_items(batch, claims, view.triage.remedy)[1]
        return view, found

    def judge(self, batch: Batch, *, as_of: int) -> tuple[View, Columns]:
        """Return what was known of write-offs and what they are worth, without ranks and reasons: for parts of a ledger.

        A row's estimates depend on no row but those of its claim, and on postings that a reversal of the batch names.
        """
        view, found, _ = self._judge(batch, as_of)
        return view, found

    def explain(self, batch: Batch, rows: NDArray[np.int64], *, as_of: int) -> list[list[dict[str, Any]]]:
        """Return the reasons of some rows of a batch."""
        view, found, seen = self._judge(batch, as_of)
        return list(self._reasons(batch, view, found, rows, seen, as_of)[rows])

    def _judge(self, batch: Batch, as_of: int) -> tuple[View, Columns, _Seen | None]:
        """Return the view, the estimates, and what the rows looked like where they are few."""
        if self.cut is not None and as_of < self.cut:
            raise BadData(
                f"as of {np.datetime64(as_of, 'D')}: the model knows what came until {np.datetime64(self.cut, 'D')}; "
                "score on or after that day"
            )
        view = self.viewer.sort(batch, as_of)
        if len(batch) <= _WHOLE:
            seen = self._see(batch, view, as_of, None)
            view.columns = seen.columns
            return view, self._estimate(seen), seen
        recall, order = Recall(self.viewer.history, as_of), None if self._is_prepared else alike(view.columns)
        found: Columns = {}
        for start in range(0, len(batch), BLOCK):
            stretch = slice(start, min(start + BLOCK, len(batch)))
            rows = stretch if order is None else order[stretch]
            for name, values in self._estimate(self._see(batch, view, as_of, rows, recall)).items():
                found.setdefault(name, np.empty(len(batch), dtype=values.dtype))[rows] = values
        return view, found, None

    def _see(self, batch: Batch, view: View, as_of: int, rows: slice | NDArray[np.int64] | None, recall: Recall | None = None) -> _Seen:
        """Return some rows, or all, with their history, matrix and terms of the linear score."""
        if rows is None:
            columns, extras = self.viewer.remember(view.columns, as_of), batch.extras
        else:
            columns = Rows(view.columns, rows, recall or Recall(self.viewer.history, as_of))
            extras = {name: values[rows] for name, values in batch.extras.items()}
        x = self._by_feature(extras, columns).T
        terms = self.models.likelihood.terms(x, columns)
        # Many rows are read column by column, as they are made; interpreted trees read row by row.
        return _Seen(columns, x if rows is not None and self._is_prepared else np.ascontiguousarray(x), terms)

    def score_records(self, records: Sequence[Mapping[str, object]], *, as_of: int, reasons: bool = True) -> list[dict[str, Any]]:
        """Score write-offs given as dictionaries, in request order, those of zero dollars left out; one row takes under a millisecond.

        Raises
        ------
        BadData
            When a record cannot be read: position, column and rule, never a value.
        """
        return self._score_records(records, as_of, reasons)[1]

    def score_each(self, records: Sequence[Mapping[str, object]], *, as_of: int, reasons: bool = True) -> list[dict[str, Any] | None]:
        """Score write-offs as `score_records` does, with None in the place of each of zero dollars."""
        numbers, scores = self._score_records(records, as_of, reasons)
        placed: list[dict[str, Any] | None] = [None] * len(records)
        for number, score in zip(numbers.tolist(), scores, strict=True):
            placed[number - 1] = score
        return placed

    def _score_records(
        self, records: Sequence[Mapping[str, object]], as_of: int, reasons: bool
    ) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
        """Return the numbers of the records that are scored, from 1, and their scores."""
        read = read_records(records, WRITEOFFS, vocabulary=self.vocabulary.overlay(), latest=as_of + _FURTHEST_DAYS)
        if read.rejects:
            first = read.rejects[0]
            raise BadData(
                f"record {first.row}: {first.column}: {first.rule}" + (f"; {len(read.rejects) - 1} more" if len(read.rejects) > 1 else "")
            )
        return read.row_numbers, self.score(read.batch, as_of=as_of, reasons=None if reasons else 0).records()

    def probe(self, records: Sequence[Mapping[str, object]], as_of: int) -> tuple[Floats, Columns]:
        """Return the matrix of records and all that is estimated of them; `strange`: of rows, too, that no record can hold."""
        batch = read_records(records, WRITEOFFS, vocabulary=self.vocabulary.overlay()).batch
        seen = self._see(batch, self.viewer.sort(batch, as_of), as_of, None)
        x, found, trees = seen.x, self._estimate(seen), self.models.likelihood.trees
        if trees is not None:
            # Beside rows as they come such of nothing and of infinity, so that every branch of the trees is asked.
            found["strange"] = trees.raw(np.vstack([x, np.full((1, x.shape[1]), np.nan), np.full((1, x.shape[1]), np.inf)]))
        return x, found

    def contributions(self, batch: Batch, *, as_of: int) -> dict[str, Floats]:
        """Return what each concept adds to the log odds of each row."""
        seen = self._see(batch, self.viewer.sort(batch, as_of), as_of, None)
        found = self._reasoner.contributions(seen.x, seen.columns, seen.terms)
        return {concept: found[:, i] for i, concept in enumerate(CONCEPTS)}

    def matrix(self, batch: Batch, columns: Columns) -> Floats:
        """Return the feature matrix of viewed rows; the user's columns are added to `columns`."""
        return np.ascontiguousarray(self._by_feature(batch.extras, columns).T)

    def _by_feature(self, extras: Mapping[str, Array], columns: Columns) -> Floats:
        for name, kind in self.layout.extras.items():
            given = extras.get(name, full(columns["payer_id"], None))
            columns[name] = extra_column(given, kind, self.extra_codes.get(name, {}))
        return by_feature(columns, self.layout)

    def _estimate(self, seen: _Seen) -> Columns:
        m, columns, x, terms = self.models, seen.columns, seen.x, seen.terms
        p = probability(m.likelihood.logits(x, columns, terms))
        p = where(columns["possible"], p, 0.0)
        amount, low, high = m.dollars.predict(x, columns, dollars(columns, "cap_cents"))
        expected = p * amount
        hours = m.effort.hours(x, columns)
        net = expected - hours * self.costs.hourly - self.costs.outlay
        found = {
            "recovery_probability": p,
            "amount_if_recovered": amount,
            "amount_if_recovered_low": low,
            "amount_if_recovered_high": high,
            "expected_recovery": expected,
            "expected_hours": rounded(hours * 1000.0) / 1000.0,
            "expected_net_recovery": net,
            "value_per_hour": net / hours,
            "anomaly_score": m.anomaly.score(x, *log_implied(columns), columns["payer_id"], columns["usual_count"]),
        }
        return dict(zip(found, map(as_plain, found.values()), strict=True)) if x.ndim == 1 else found

    def _facts(self, batch: Batch, view: View, as_of: int, claims: Array) -> Columns:
        triage, dated = view.triage, view.deadlines
        # A day before the row's own is never asked for, and what stands in the output is what the row was viewed on.
        return {
            "writeoff_id": batch.columns["writeoff_id"],
            "in_scope": triage.in_scope,
            "category": take(_CATEGORY, triage.category),
            "family": take(_FAMILY, triage.family),
            "remedy": take(_REMEDY, triage.remedy),
            "recoverable_amount": triage.cap_cents,
            "usual_allowed_amount": view.usual.median_cents,
            "underpayment_amount": triage.underpayment_cents,
            "deadline_date": dated.day,
            "days_left": dated.days_left,
            "deadline_source": take(_SOURCE, dated.source),
            "work_item_id": work_items(batch, claims, triage.remedy),
            "model_version": full(dated.day, self.version),
            "as_of": full(dated.day, as_of),
        }

    def _reasons(
        self, batch: Batch, view: View, found: Columns, rows: NDArray[np.int64], seen: _Seen | None, as_of: int
    ) -> NDArray[np.object_]:
        """Return the reasons of these rows, and of all others the first where they are out of scope."""
        out = np.empty(len(batch), dtype=object)
        out[:] = [[] for _ in range(len(batch))]
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            some = seen.take(block) if seen is not None else self._see(batch, view, as_of, block)
            self._tell(batch, view, found, block, some, out)
        is_out = is_not(view.triage.in_scope)
        if is_any(is_out):
            outside = rows_where(is_out)
            for row, why in zip(outside.tolist(), np.atleast_1d(pick(view.triage.why, outside)).tolist(), strict=True):
                out[row] = [out_of_scope(view.triage.whys[why]), *out[row]]
        return out

    def _tell(self, batch: Batch, view: View, found: Columns, rows: NDArray[np.int64], seen: _Seen, out: NDArray[np.object_]) -> None:
        contributions = self._reasoner.contributions(np.atleast_2d(seen.x), seen.columns, np.atleast_2d(seen.terms))
        told = points(contributions, self._reasoner.base, pick(found["recovery_probability"], rows))
        at = rows.tolist()
        part = batch if len(rows) == len(batch) else batch.take(rows)
        columns, codes, rarity = Listed(seen.columns), self.viewer.practice.codes, self.models.rarity
        teller = Teller(part, columns, codes, lambda place: self.viewer.cite(batch, at[place], view.priced), rarity, self.models.record)
        for place, (row, point) in enumerate(zip(at, told.tolist(), strict=True)):
            out[row] = teller.tell(place, point)

    @cached_property
    def _reasoner(self) -> Reasoner:
        linear = self.models.likelihood.linear
        return Reasoner(self.models.likelihood, matrix_groups(self.layout.names), linear_groups(linear), PRIOR_GROUPS, len(CONCEPTS))


_CATEGORY, _FAMILY, _REMEDY, _SOURCE = (np.array(words, dtype=object) for words in (CATEGORIES, FAMILIES, REMEDIES, SOURCES))


def _parted(batch: Batch) -> Batch:
    """Return the rows with a claim for each: what looks at claims sees one row of each, as it would see a row alone."""
    claims = [None if claim is None else f"{row} {claim}" for row, claim in enumerate(batch.columns["claim_id"].tolist())]
    parted = np.empty(len(claims), dtype=object)
    parted[:] = claims
    return Batch(batch.table, batch.columns | {"claim_id": parted}, batch.vocabulary, batch.extras)
