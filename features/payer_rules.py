"""Time limits that a payer sets: by contract, manual or plan."""

from __future__ import annotations

from collections import deque
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.calendar import add_business_days, add_months
from features.clocks import CLOCKS, LEVELS, Clocks, Whole
from features.codes.combinations import Combinations
from features.money import NULL
from features.rowwise import full, is_any, take, where
from features.tables import REMEDIES, Columns

_EARLIEST, _LATEST = -(2**62), 2**62
_WEIGHTS = (4, 8, 2, 1)
_MOST_RULES = 8
_OWN_CLOCKS = tuple(CLOCKS.index(name) for name in ("initial_denial_date", "service_date", "writeoff_date"))
_PRIOR, _DEMAND = CLOCKS.index("prior_decision_date"), CLOCKS.index("demand_letter_date")


class PayerRules:
    """Payer rules, ready to be looked up; of those that hold the most specific wins, then the earliest deadline.

    Parameters
    ----------
    table
        Rows of `PAYER_RULES`; those of a later level than the first hold at that level only.
    """

    def __init__(self, table: Batch) -> None:
        columns = table.columns
        units, clocks = table.words("limit_unit"), table.words("clock")
        limit = np.maximum(columns["limit"], 0)
        self._months = np.array([{"months": 1, "years": 12}.get(unit or "", 0) for unit in units], dtype=np.int64) * limit
        days = np.array([unit == "days" for unit in units], dtype=np.int64) * limit
        self._days = days + np.maximum(columns["grace_days"], 0)
        self._business = np.array([unit == "business_days" for unit in units], dtype=np.int64) * limit
        self._clock = np.array([CLOCKS.index(clock) if clock in CLOCKS else 1 for clock in clocks], dtype=np.int64)
        self._clocks = tuple(np.unique(self._clock).tolist())
        self._spans = tuple(np.unique(self._months[self._months > 0]).tolist())
        self._since = np.where(columns["effective_from"] == NULL, _EARLIEST, columns["effective_from"])
        self._until = np.where(columns["effective_to"] == NULL, _LATEST, columns["effective_to"])
        self._asked = list(zip(*(table.words(name) for name in ("payer_id", "plan_id", "payer_type", "remedy")), strict=True))
        self._of_payer: dict[str | None, list[int]] = {}
        for rule, (payer, *_) in enumerate(self._asked):
            self._of_payer.setdefault(payer, []).append(rule)
        self._level = np.clip(columns["level"], 1, LEVELS)
        # A rule for the plan stands over one for the payer, that over one for the kind of payer; the remedy breaks ties.
        self._weight = np.array([sum(w for w, word in zip(_WEIGHTS, asked, strict=True) if word) for asked in self._asked], dtype=np.int64)
        self._profiles: dict[tuple[int, ...], int] = {}
        self._table = np.full((0, LEVELS, len(REMEDIES), _MOST_RULES), -1, dtype=np.int64)
        self._lock = Lock()
        self._combinations: Combinations[tuple[int, ...]] = Combinations(("payer_id", "plan_id", "payer_type"), self._profile)

    @classmethod
    def of(cls, table: PayerRules | Batch) -> PayerRules:
        """Return the table ready to be looked up; the last few tables are remembered, so pass the same one again."""
        if isinstance(table, PayerRules):
            return table
        known = next((rules for own, rules in _READY if own is table), None)
        if known is None:
            known = cls(table)
            _READY.append((table, known))
        return known

    def __len__(self) -> int:
        return len(self._clock)

    def _profile(self, words: tuple[str | None, ...]) -> tuple[int, ...]:
        """Return the number of the set of rules that hold for a payer, plan and kind of payer."""
        near = sorted(rule for payer in {None, words[0]} for rule in self._of_payer.get(payer, ()))
        rules = tuple(
            rule for rule in near if all(word is None or word == own for word, own in zip(self._asked[rule], words, strict=False))
        )
        with self._lock:
            if rules not in self._profiles:
                self._table = np.concatenate([self._table, self._by_remedy(rules)[None]])
                self._profiles[rules] = len(self._profiles)
            return (self._profiles[rules],)

    def _by_remedy(self, rules: tuple[int, ...]) -> NDArray[np.int64]:
        """Return for each level and remedy the rules that hold, the most specific first; -1 fills up."""
        table = np.full((LEVELS, len(REMEDIES), _MOST_RULES), -1, dtype=np.int64)
        for level in range(1, LEVELS + 1):
            of_level = [rule for rule in rules if self._level[rule] == level]
            for number, remedy in enumerate(REMEDIES):
                held = [rule for rule in of_level if self._asked[rule][3] in (None, remedy)]
                held.sort(key=lambda rule: -self._weight[rule])
                table[level - 1, number, : len(held[:_MOST_RULES])] = held[:_MOST_RULES]
        return table

    def days(self, batch: Batch, remedy: NDArray[np.int8], clocks: Clocks, level: int | Whole = 1) -> Whole:
        """Return the deadline that the rules set for each row; NULL: no rule holds."""
        profile = self._combinations.gather(batch)[0]
        best, weight = full(profile, NULL), full(profile, -1)
        for rule in self._table[profile, level - 1, remedy].T:
            is_rule = rule >= 0
            if not is_any(is_rule):
                break
            begun, weighs = self._begun(batch.columns, rule, clocks), take(self._weight, rule)
            holds = is_rule & (begun != NULL) & (take(self._since, rule) <= begun) & (begun <= take(self._until, rule))
            day = where(holds, self._count(rule, begun), NULL)
            is_better = holds & ((weight < 0) | (weighs == weight) & (day < best))
            best, weight = where(is_better, day, best), where(is_better, weighs, weight)
        return best

    def _begun(self, columns: Columns, rule: Whole, clocks: Clocks) -> Whole:
        """Return the day on which each rule's clock began; NULL where the row has not the day that it names.

        Such a rule is none for the row: what stands next does, law or the default that never filters (DATA, payer_rules). Nothing
        stands in for the day but the remittance for the first denial: where no earlier one is known it is the first.
        """
        begun = clocks.dated
        for clock in self._clocks:
            if clock in _OWN_CLOCKS:
                own = clocks.service if CLOCKS[clock] == "service_date" else columns[CLOCKS[clock]]
                if CLOCKS[clock] == "initial_denial_date":
                    own = where(own == NULL, clocks.dated, own)
                begun = where(take(self._clock, rule) == clock, own, begun)
            elif clock in (_PRIOR, _DEMAND):
                begun = where(take(self._clock, rule) == clock, clocks.prior if clock == _PRIOR else clocks.demand, begun)
        return begun

    def _count(self, rule: Whole, begun: Whole) -> Whole:
        """Return the last day of each rule from the day its clock began."""
        day, spans = begun, take(self._months, rule)
        for months in self._spans if is_any(spans) else ():
            day = where(spans == months, add_months(begun, months), day)
        business = take(self._business, rule)
        if is_any(business):
            day = where(business > 0, add_business_days(begun, business), day)
        return day + take(self._days, rule)


_READY: deque[tuple[Batch, PayerRules]] = deque(maxlen=4)
