"""Everything that was known of write-offs on a day, as columns: codes read, priced, sorted, dated, with usual and history beside them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.batch import Batch
from features.codes.tables import Codes
from features.contract import ContractRates, Priced, cite
from features.deadlines import Deadlines, deadlines
from features.expected import implied_allowed_cents
from features.fallback import fall_back
from features.feature import add_dollars, in_dollars
from features.history import Events, History, days_of
from features.learned import HISTORY_COLUMNS, Remembered, history_columns, learned_of
from features.matrix import FEATURES
from features.patient_share import UsualShares
from features.pieces import Each, one_by_one
from features.recall import Recall
from features.replay import replay_columns
from features.rowwise import is_plain, most
from features.tables import Array, Columns
from features.triage import Triage, classify
from features.usual import Usual, in_fees, replay_usual

REMEMBERED = tuple(dict.fromkeys(name for feature in FEATURES for name in feature.inputs if name in HISTORY_COLUMNS))
"""The columns of the history that features read."""


@dataclass(frozen=True, slots=True)
class Practice:
    """What a practice knows beside its write-offs: code tables, contracts, rules, policies, reference fees, citations."""

    codes: Codes
    contracts: Batch | None = None
    payer_rules: Batch | None = None
    policies: Batch | None = None
    reference_fees: Batch | None = None
    citations: Batch | None = None

    def tables(self) -> dict[str, Batch]:
        """Return the tables that it has, by name."""
        return {item.name: table for item in fields(self) if isinstance(table := getattr(self, item.name), Batch)}

    def rates(self) -> ContractRates | None:
        """Return the contract rates, ready to price."""
        return None if self.contracts is None else ContractRates(self.contracts, self.reference_fees)


@dataclass(slots=True)
class View:
    """Rows with what was known of them on their day.

    Parameters
    ----------
    columns
        The table's columns and: `row_day family category remedy in_scope possible prior_rate cap_cents expected_allowed_cents
        underpayment_cents patient_share_cents implied_allowed_cents deadline_day level own_remedy own_day usual_median_cents
        usual_low_cents usual_high_cents usual_count usual_smoothed_cents`, those of `features.learned.history_columns`, and money in
        dollars.
    triage, deadlines, usual
        Whole; the remedy of both is the one that is open on the row's day (`features.fallback`).
    priced
        What the contract says of each row; None without contracts.
    own
        Triage by each row's own remedy, lapsed or not.
    """

    columns: Columns
    triage: Triage
    deadlines: Deadlines
    usual: UsualAllowed
    priced: Priced | None
    own: Triage


class Rows(dict[str, Array]):
    """Columns of some rows of a view with their history, each taken or remembered when it is first read.

    Parameters
    ----------
    columns, rows
        The view's columns, and a stretch of them, which is not copied, or positions.
    recall
        The history as of the morning.
    """

    def __init__(self, columns: Columns, rows: slice | NDArray[np.int64], recall: Recall) -> None:
        super().__init__()
        self._columns, self._rows, self._recall = columns, rows, recall
        self._remembered: Remembered | None = None

    def __missing__(self, name: str) -> Array:
        if name not in HISTORY_COLUMNS:
            found = self._columns[name]
            found = found[self._rows] if isinstance(self._rows, slice) else found.take(self._rows)
        else:
            if self._remembered is None:
                self._remembered = self._recall.of(self)
            found = self._remembered.column(name)
        self[name] = found
        return found


class Row(dict[str, Array]):
    """Plain values of a single row of a view with its history, remembered when it is first read.

    Parameters
    ----------
    columns
        The view's.
    history, day
        What is remembered, and the morning.
    """

    def __init__(self, columns: Columns, history: History, day: int) -> None:
        super().__init__(columns)
        self._history, self._day = history, day
        self._sums: list[float] | None = None

    def __missing__(self, name: str) -> Array:
        if name not in HISTORY_COLUMNS:
            raise KeyError(name)
        if self._sums is None:
            self._sums = self._history.read_single(self, self._day)
        columns: dict[str, Any] = self
        columns.update(learned_of(self._sums, REMEMBERED if name in REMEMBERED else (name,)))
        return self[name]


class Listed(dict[str, Array]):
    """Columns, or the plain values of a single row, as lists of plain values, each made when it is first read.

    For what reads row by row: an array takes several times as long to give one value.
    """

    def __init__(self, columns: Columns) -> None:
        super().__init__()
        self._columns = columns

    def __missing__(self, name: str) -> Array:
        values = self._columns[name]
        found: Any = [values] if is_plain(values) else values.tolist()
        self[name] = found
        return found  # type: ignore[no-any-return]


def alike(columns: Columns) -> NDArray[np.int64]:
    """Return the rows in an order in which those that look alike stand together.

    What is said of a row does not depend on its neighbours; but where they are like it, a processor guesses right which way an
    interpreted tree goes: a third of the time of such trees.
    """
    key = np.zeros(len(columns["carc"]), dtype=np.int64)
    for name in ("carc", "remedy", "payer_id", "plan_id"):
        key = key << 15 | (columns[name].astype(np.int64) & 0x7FFF)
    return np.argsort(key)


def first_of_month(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first day of each day's month.

    >>> first_of_month(np.array([0, 30, 31])).tolist()
    [0, 0, 31]
    """
    return days.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def shares_of_month(postings: Batch, day: int) -> UsualShares:
    """Return what patients usually carried, by what was posted before the day's month: shares move slowly, so a month keeps one table."""
    return UsualShares.learn(postings, until=int(first_of_month(np.array([day]))[0]))


class Viewer:
    """Looks at rows with the eyes of a practice.

    Parameters
    ----------
    practice
        Codes, contracts, rules, policies.
    usual, history
        What earlier postings and efforts taught; advanced by `past` and `remember_past`, left alone by `serve`.
    shares
        What patients usually carry of an allowed amount, as of the first of a month (`shares_of_month`).
    """

    def __init__(self, practice: Practice, usual: Usual, history: History, shares: UsualShares | None = None) -> None:
        self.practice, self.usual, self.history = practice, usual, history
        self.shares = shares if shares is not None else UsualShares()
        self.rates = practice.rates()

    def afresh(self) -> Viewer:
        """Return a viewer with the same eyes that remembers nothing yet."""
        other = copy(self)
        other.usual, other.history, other.shares = Usual(), History(), UsualShares()
        return other

    def cite(self, batch: Batch, row: int, priced: Priced | None) -> str:
        """Return what the contract says of a row and by which term; blank without contracts."""
        return cite(self.rates, batch, row, priced) if self.rates is not None else ""

    def serve(self, batch: Batch, as_of: int) -> View:
        """View rows as of the morning of a day; a row posted later is viewed on its own day, with what was known on this one."""
        view = self.sort(batch, as_of)
        view.columns = self.remember(view.columns, as_of)
        return view

    def sort(self, batch: Batch, as_of: int) -> View:
        """View rows as `serve` does, without history: what rows of one claim share is settled among all of them here."""
        day = most(batch.columns["writeoff_date"], as_of)
        usual = self.usual.read(self.usual.find(batch.columns), in_fees(batch)["units"])
        return self._sort(batch, day, usual, self.shares)

    def hold(self, batch: Batch, view: View) -> View:
        """Return a view of the same rows by the remedy that each has of its own, with its last day, over or not: what was begun goes on."""
        # On its first day nothing has lapsed.
        dated = deadlines(batch, view.own, rules=self.practice.payer_rules, as_of=0)
        return replace(view, triage=view.own, deadlines=dated)

    def remember(self, columns: Columns, as_of: int) -> Columns:
        """Return sorted rows with their history, each row for itself."""
        if is_plain(columns["payer_id"]):
            return Row(columns, self.history, as_of)
        return columns | history_columns(self.history.read(self.history.find(columns), as_of))

    def past(
        self, postings: Batch, rows: NDArray[np.int64], days: NDArray[np.int64], *, each: Each = one_by_one
    ) -> Iterator[tuple[NDArray[np.int64], Columns]]:
        """View past rows each on its own day while all postings pass by: month by month, which of the rows and their columns.

        Without history, which needs events made from this. Each row stands alone: what shares its claim line on another day does not
        touch it. A month is a piece of work.
        """
        fees = in_fees(postings)
        usual = replay_usual(self.usual, fees, {name: fees[name][rows] for name in ("payer_id", "procedure_code", "units")}, days)
        months = days_of(first_of_month(days)) or [(0, np.arange(0))]

        def asked() -> Iterator[tuple[Batch, NDArray[np.int64], UsualAllowed, UsualShares]]:
            for first, at in months:
                batch = postings.take(rows[at])
                batch.columns["claim_id"] = np.full(len(at), None, dtype=object)
                yield batch, days[at], usual.take(at), shares_of_month(postings, first)

        yield from zip((at for _, at in months), each(_sort_month, (self.practice, self.rates), asked()), strict=True)

    def remember_past(self, columns: Columns, events: Events, out: Columns) -> None:
        """Write the history of past rows, each as of its day, while the events pass by.

        Parameters
        ----------
        columns
            Of the rows: the keys of the history, and `row_day`.
        out
            Columns wanted of the history, such as `REMEMBERED`.
        """
        replay_columns(self.history, columns, columns["row_day"], events, out)

    def _sort(self, batch: Batch, day: NDArray[np.int64], usual: UsualAllowed, shares: UsualShares) -> View:
        return _sorted(self.practice, self.rates, batch, day, usual, shares)


def _sort_month(
    eyes: tuple[Practice, ContractRates | None], batch: Batch, day: NDArray[np.int64], usual: UsualAllowed, shares: UsualShares
) -> Columns:
    return _sorted(*eyes, batch, day, usual, shares).columns


def _sorted(
    practice: Practice, rates: ContractRates | None, batch: Batch, day: NDArray[np.int64], usual: UsualAllowed, shares: UsualShares
) -> View:
    priced = rates.price(batch) if rates is not None else None
    triage = classify(batch, codes=practice.codes, as_of=day, priced=priced, usual=usual, policies=practice.policies, shares=shares)
    dated = deadlines(batch, triage, rules=practice.payer_rules, as_of=day)
    own, triage = triage, fall_back(batch, triage, dated, practice.codes)
    columns = batch.columns | {
        "row_day": day,
        "family": triage.family,
        "category": triage.category,
        "remedy": triage.remedy,
        "in_scope": triage.in_scope,
        "possible": triage.possible,
        "prior_rate": triage.prior_rate,
        "cap_cents": triage.cap_cents,
        "expected_allowed_cents": triage.expected_allowed_cents,
        "underpayment_cents": triage.underpayment_cents,
        "patient_share_cents": triage.patient_share_cents,
        "deadline_day": dated.day,
        "level": dated.level,
        "own_remedy": dated.own_remedy,
        "own_day": dated.own_day,
        "usual_median_cents": usual.median_cents,
        "usual_low_cents": usual.low_cents,
        "usual_high_cents": usual.high_cents,
        "usual_count": usual.count,
        "usual_smoothed_cents": usual.smoothed_cents,
    }
    columns["implied_allowed_cents"] = implied_allowed_cents(columns)
    add_dollars(columns)
    columns[in_dollars("usual_smoothed_cents")] = usual.smoothed_cents / 100.0
    return View(columns, triage, dated, usual, priced, own)
