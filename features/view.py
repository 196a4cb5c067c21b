"""Everything that was known of write-offs on a day, as columns: codes read, priced, sorted, dated, with usual and history beside them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.allowed import UsualAllowed
from features.codes.tables import Codes
from features.contract import ContractRates, Priced, cite
from features.deadlines import Deadlines, deadlines
from features.expected import implied_allowed_cents
from features.feature import add_dollars, in_dollars
from features.history import Events, History, history_columns, replay
from features.tables import Batch, Columns
from features.triage import Triage, classify
from features.usual import Usual, replay_usual


@dataclass(frozen=True, slots=True)
class Practice:
    """What a practice knows beside its write-offs: code tables, contracts, rules, policies, reference fees."""

    codes: Codes
    contracts: Batch | None = None
    payer_rules: Batch | None = None
    policies: Batch | None = None
    reference_fees: Batch | None = None

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
        underpayment_cents implied_allowed_cents deadline_day usual_median_cents usual_low_cents usual_high_cents usual_count
        usual_smoothed_cents`, those of
        `features.history.history_columns`, and money in dollars.
    triage, deadlines, usual
        Whole.
    priced
        What the contract says of each row; None without contracts.
    """

    columns: Columns
    triage: Triage
    deadlines: Deadlines
    usual: UsualAllowed
    priced: Priced | None


class Viewer:
    """Looks at rows with the eyes of a practice.

    Parameters
    ----------
    practice
        Codes, contracts, rules, policies.
    usual, history
        What earlier postings and efforts taught; advanced by `replay`, left alone by `serve`.
    """

    def __init__(self, practice: Practice, usual: Usual, history: History) -> None:
        self.practice, self.usual, self.history = practice, usual, history
        self._rates = practice.rates()

    def cite(self, batch: Batch, row: int, priced: Priced | None) -> str:
        """Return what the contract says of a row and by which term; blank without contracts."""
        return cite(self._rates, batch, row, priced) if self._rates is not None else ""

    def serve(self, batch: Batch, as_of: int) -> View:
        """View rows as of the morning of a day; a row posted later is viewed on its own day, with what was known on this one."""
        day = np.maximum(batch.columns["writeoff_date"], as_of)
        usual = self.usual.read(self.usual.find(batch.columns), batch.columns["units"])
        view = self._sort(batch, day, usual)
        view.columns |= history_columns(self.history.read(self.history.find(view.columns), as_of))
        return view

    def sort_past(self, postings: Batch, rows: NDArray[np.int64], days: NDArray[np.int64]) -> View:
        """View past rows each on its own day while all postings pass by; without history, which needs events made from this.

        Each row stands alone: what shares its claim line on another day does not touch it.
        """
        batch = postings.take(rows)
        batch.columns = batch.columns | {"claim_id": np.full(len(rows), None, dtype=object)}
        usual = replay_usual(self.usual, postings.columns, batch.columns, days)
        return self._sort(batch, days, usual)

    def add_history(self, view: View, events: Events) -> None:
        """Give past rows the history of their day while the events pass by."""
        view.columns |= history_columns(replay(self.history, view.columns, view.columns["row_day"], events))

    def _sort(self, batch: Batch, day: NDArray[np.int64], usual: UsualAllowed) -> View:
        priced = self._rates.price(batch) if self._rates is not None else None
        triage = classify(batch, codes=self.practice.codes, as_of=day, priced=priced, usual=usual, policies=self.practice.policies)
        dated = deadlines(batch, triage, rules=self.practice.payer_rules, as_of=day)
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
            "deadline_day": dated.day,
            "usual_median_cents": usual.median_cents,
            "usual_low_cents": usual.low_cents,
            "usual_high_cents": usual.high_cents,
            "usual_count": usual.count,
            "usual_smoothed_cents": usual.smoothed_cents,
        }
        columns["implied_allowed_cents"] = implied_allowed_cents(columns)
        add_dollars(columns)
        columns[in_dollars("usual_smoothed_cents")] = usual.smoothed_cents / 100.0
        return View(columns, triage, dated, usual, priced)
