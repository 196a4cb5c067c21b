"""What the ledger still holds: one bridge from everything written off to what is worth the work, with honest bands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES
from features.deadlines import MAY_FILTER, SOURCES
from features.feature import Floats
from features.money import NULL
from features.tables import REMEDIES, Array
from models.sums import Sums, days_late, row_leverage, row_variance
from models.value import Costs
from serving.findings.case import Case, Flags

STEPS = (
    ("reversed", "reversals and what they reverse"),
    ("contractual", "valid contractual fee cuts"),
    ("policy", "written off by the practice's own policies"),
    ("bad_debt", "bad debt"),
    ("patient", "patients' shares"),
    ("wait", "waiting for a payer"),
    ("no_scope", "informational, settled, restricted, or owed to somebody else"),
    ("worked", "already worked, or being worked"),
    ("expired", "expired untouched: law or rule closed every way"),
    ("above_owed", "charged, but above what could still be owed"),
)
"""What is taken off the total on the way to the recoverable gross, in order; a row is in one step."""

_STEP_OF = {
    "reversed": ("reversed",),
    "contractual": ("contractual",),
    "policy": ("policy",),
    "bad_debt": ("bad_debt",),
    "patient": ("patient_responsibility",),
    "wait": ("wait",),
}
OPEN, NO_AMOUNT = len(STEPS), len(STEPS) + 1
HORIZONS = (7, 30, 60)


@dataclass(frozen=True)
class Opportunity:
    """The open rows of a case and what they are worth.

    Parameters
    ----------
    case
        What is looked at.
    sums, costs
        How far sums have been off, and what work costs.
    """

    case: Case
    sums: Sums
    costs: Costs

    @cached_property
    def step(self) -> NDArray[np.int64]:
        """Return the place of each row in `STEPS`; `OPEN` where it can be worked, `NO_AMOUNT` where nobody knows what it is worth."""
        case, names = self.case, [name for name, _ in STEPS]
        step = np.full(len(case), OPEN, dtype=np.int64)
        scope = case.view.triage.in_scope
        if case.view.deadlines.is_closed.any():
            step[case.view.deadlines.is_closed] = names.index("expired")
        step[self.is_worked] = names.index("worked")
        step[~scope] = names.index("no_scope")
        for name, categories in _STEP_OF.items():
            step[~scope & case.category(*categories)] = names.index(name)
        step[case.columns["writeoff_amount"] == NULL] = NO_AMOUNT
        return step

    @cached_property
    def is_worked(self) -> Flags:
        """Return the rows on which an effort was begun before the day."""
        worked = np.zeros(len(self.case), dtype=np.bool_)
        if self.case.efforts is not None:
            rows = self.case.effort_rows
            worked[rows[(rows >= 0) & (self.case.efforts.columns["worked_date"] < self.case.as_of)]] = True
        return worked

    @cached_property
    def open(self) -> NDArray[np.int64]:
        """Return the rows that can be worked."""
        return np.flatnonzero(self.step == OPEN)

    @property
    def is_expired(self) -> Flags:
        """Return the rows on which nobody acted before law or rule closed every way."""
        mask: Flags = self.step == [name for name, _ in STEPS].index("expired")
        return mask

    @cached_property
    def cap(self) -> NDArray[np.int64]:
        """Return the cents that each row can bring at most; 0 where unknown."""
        cap = self.case.view.triage.cap_cents
        return np.where(cap == NULL, 0, cap)

    @cached_property
    def hours(self) -> Floats:
        """Return the hours of each row; those of one work item are counted once, on its row of the highest rank."""
        worth = self.case.worth
        rows = self.open[np.argsort(worth["rank"][self.open], kind="stable")]
        _, first = np.unique(self.item[rows], return_index=True)
        hours = np.zeros(len(self.case))
        hours[rows[first]] = worth["expected_hours"][rows[first]]
        return hours

    @cached_property
    def cost(self) -> Floats:
        """Return the dollars of working each row."""
        return self.hours * self.costs.hourly + (self.hours > 0) * self.costs.outlay

    @property
    def item(self) -> Array:
        """Return the number of each row's work item."""
        return self.case.worth["work_item"]

    @cached_property
    def is_worth_it(self) -> Flags:
        """Return the open rows whose work item is expected to bring more than it costs."""
        size = int(self.item.max()) + 1 if len(self.item) else 0
        rows = self.open
        expected = np.bincount(self.item[rows], self.case.worth["expected_recovery"][rows], size)
        cost = np.bincount(self.item[rows], self.cost[rows], size)
        mask = np.zeros(len(self.case), dtype=np.bool_)
        mask[rows] = (expected > cost)[self.item[rows]]
        return mask

    def bridge(self) -> dict[str, Any]:
        """Return the bridge: a list of steps whose dollars add up, and the bands of what is expected and of the net."""
        amount = self.case.given("writeoff_amount")
        step, total = self.step, int(amount.sum())
        told = [_entry("total", "everything in the ledger, reversals taken off", total / 100, len(amount))]
        left = total
        for number, (name, words) in enumerate(STEPS[:-1]):
            rows = step == number
            off = int(amount[rows].sum())
            left -= off
            told.append(_entry(name, words, -off / 100, int(rows.sum())))
        unknown = int((step == NO_AMOUNT).sum())
        rows = self.open
        gross = int(self.cap[rows].sum())
        told.append(_entry(STEPS[-1][0], STEPS[-1][1], -(left - gross) / 100, 0))
        told.append(_entry("gross", "recoverable gross: the most that could still come", gross / 100, len(rows)))
        worth = np.flatnonzero(self.is_worth_it)
        expected, kept = self._expected(rows).sum(), self._expected(worth).sum()
        cost = self.cost[worth].sum()
        told.append(_entry("unlikely", "not expected: the chance that payers pay", float(expected) - gross / 100, 0))
        told.append(_entry("expected", "expected if all were worked now", float(expected), len(rows)))
        told.append(_entry("not_worth", "worth less than the work", float(kept - expected), len(rows) - len(worth)))
        told.append(_entry("cost", "cost of the work", -float(cost), 0))
        told.append(_entry("net", "net", float(kept - cost), len(worth)))
        low, high = self._band(rows)
        net_low, net_high = self._band(worth)
        return {
            "steps": told,
            "expected_band": [low, high],
            "net_band": [round(net_low - float(cost), 2), round(net_high - float(cost), 2)],
            "hours": round(float(self.hours[worth].sum()), 1),
            "rows_without_amount": unknown,
            "basis": "expert rates; no outcome of this practice was seen"
            if self.case.scores_by == "prior"
            else f"model {self.case.scores_by}",
        }

    def _expected(self, rows: Array) -> Floats:
        found: Floats = self.case.worth["expected_recovery"][rows]
        return found

    def _spread(self, rows: Array) -> tuple[Floats, Floats, Floats]:
        c = self.case.worth
        p, amount, low, high = (
            c[n][rows] for n in ("recovery_probability", "amount_if_recovered", "amount_if_recovered_low", "amount_if_recovered_high")
        )
        return p * amount, row_variance(p, amount, low, high), row_leverage(p, amount)

    def _band(self, rows: Array) -> tuple[float, float]:
        if not len(rows):
            return 0.0, 0.0
        low, high = self._bands(rows, np.zeros(len(rows), dtype=np.int64))
        return round(float(low[0]), 2), round(float(high[0]), 2)

    def _bands(self, rows: Array, group: NDArray[np.int64]) -> tuple[Floats, Floats]:
        expected, variance, leverage = self._spread(rows)
        payer = self.case.columns["payer_id"][rows].astype(np.int64)
        words = self.case.ledger.vocabulary.decode("carc", self.case.columns["carc"][rows])
        code = np.array([word or "" for word in words], dtype=object)
        return self.sums.band(
            expected,
            variance,
            payer,
            family=self.case.family_words(rows),
            code=code,
            days_late=days_late(self.case.view.deadlines.days_left[rows]),
            leverage=leverage,
            group=group,
        )

    def by(self, what: str) -> list[dict[str, Any]]:
        """Return the open dollars of each group with bands, the most expected first.

        Parameters
        ----------
        what
            `family`, `remedy`, or a text column of the ledger.
        """
        at = self.open
        if not len(at):
            return []
        codes, place = np.unique(self._codes(what)[at], return_inverse=True)
        words = np.array([self._word(what, code) or "unknown" for code in codes.tolist()])
        names, of_code = np.unique(words, return_inverse=True)
        group = of_code[place]
        group = np.asarray(group, dtype=np.int64)
        low, high = self._bands(at, group)
        size = len(names)
        count = np.bincount(group, minlength=size)
        gross = np.bincount(group, self.cap[at] / 100, size)
        expected = np.bincount(group, self._expected(at), size)
        worth = self.is_worth_it[at]
        net = np.bincount(group, np.where(worth, self._expected(at) - self.cost[at], 0.0), size)
        told = [
            {
                "group": str(names[i]),
                "writeoffs": int(count[i]),
                "gross": round(float(gross[i]), 2),
                "expected": round(float(expected[i]), 2),
                "low": round(float(low[i]), 2),
                "high": round(float(high[i]), 2),
                "net": round(float(net[i]), 2),
            }
            for i in range(size)
        ]
        return sorted(told, key=lambda one: -one["expected"])

    def _codes(self, what: str) -> Array:
        triage = self.case.view.triage
        return triage.family if what == "family" else triage.remedy if what == "remedy" else self.case.columns[what]

    def _word(self, what: str, code: int) -> str | None:
        if what in ("family", "remedy"):
            return (FAMILIES if what == "family" else REMEDIES)[code]
        return self.case.ledger.vocabulary.word(what, code)

    @property
    def last_day(self) -> NDArray[np.int64]:
        """Return the last day to do something about each row; NULL: unknown."""
        return self.case.view.deadlines.day

    @cached_property
    def is_firm(self) -> Flags:
        """Return the rows whose last day the ledger, a rule, law or remark sets: a default of 90 days only warns."""
        return np.isin(self.case.view.deadlines.source, [SOURCES.index(name) for name in MAY_FILTER])

    def expiring(self) -> list[dict[str, Any]]:
        """Return what expires within 7, 30 and 60 days if nobody acts, and what has expired untouched."""
        left = self.last_day[self.open] - self.case.as_of
        known = (self.last_day[self.open] != NULL) & (left >= 0)
        told: list[dict[str, Any]] = []
        for days in HORIZONS:
            rows = self.open[known & (left <= days)]
            firm = rows[self.is_firm[rows]]
            told.append(
                {
                    "within_days": days,
                    "writeoffs": len(rows),
                    "gross": round(float(self.cap[rows].sum()) / 100, 2),
                    "expected": round(float(self._expected(rows).sum()), 2),
                    "of_it_by_rule_or_law": round(float(self._expected(firm).sum()), 2),
                }
            )
        expired = np.flatnonzero(self.is_expired)
        told.append(
            {
                "within_days": None,
                "writeoffs": len(expired),
                "gross": round(float(self.cap[expired].sum()) / 100, 2),
                "expected": round(float(self._expected(expired).sum()), 2),
                "of_it_by_rule_or_law": round(float(self._expected(expired).sum()), 2),
            }
        )
        return told

    def tie_out(self) -> list[dict[str, Any]]:
        """Return for each adjustment code what the ledger says, what the bridge accounts for, and the unexplained difference."""
        case, amount = self.case, self.case.given("writeoff_amount")
        codes, group = np.unique(case.columns["adjustment_code"], return_inverse=True)
        names = [case.ledger.vocabulary.word("adjustment_code", code) or "(none)" for code in codes.tolist()]
        size = len(names)
        count = np.bincount(group, minlength=size)
        # The one side is added from the ledger, the other from the steps that the bridge shows.
        by_step = sum_cents(self.step * size + group, amount, (OPEN + 2) * size).reshape(OPEN + 2, size)
        posted, undone = sum_cents(group, np.maximum(amount, 0), size), sum_cents(group, np.minimum(amount, 0), size)
        has_remit = np.zeros(len(case), dtype=np.bool_) if case.told is None else case.told.line >= 0
        supported = sum_cents(group, np.where(has_remit, amount, 0), size)
        told = []
        for i in range(size):
            net = int(posted[i] + undone[i])
            told.append(
                {
                    "adjustment_code": names[i],
                    "postings": int(count[i]),
                    "posted": int(posted[i]) / 100,
                    "reversed": int(undone[i]) / 100,
                    "net": net / 100,
                    "in_bridge": int(by_step[:, i].sum()) / 100,
                    "unexplained": (net - int(by_step[:, i].sum())) / 100,
                    "on_a_remittance_in_hand": None if case.told is None else int(supported[i]) / 100,
                }
            )
        return sorted(told, key=lambda one: -one["net"])


def sum_cents(group: Array, cents: Array, size: int) -> NDArray[np.int64]:
    """Return the sum of each group, exact as long as no sum of sizes reaches 2**53 cents (90 thousand billion dollars).

    >>> sum_cents(np.array([0, 1, 0]), np.array([5, 7, -9]), 3).tolist()
    [-4, 7, 0]
    """
    return np.rint(np.bincount(group, cents, size)).astype(np.int64)


def _entry(name: str, words: str, dollars: float, rows: int) -> dict[str, Any]:
    return {"step": name, "words": words, "dollars": round(dollars, 2), "writeoffs": rows}
