"""Until when each write-off's remedy is open, and who says so."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.calendar import add_business_days, add_months
from features.codes.combinations import Combinations
from features.codes.meaning import REMEDY
from features.money import NULL
from features.tables import PAYER_TYPES, REMEDIES, Batch, Columns
from features.triage import Triage

SOURCES = ("none", "ledger", "payer_rule", "statute", "remark", "default")
"""Who set a deadline: nobody (no remedy to date), the ledger, a payer rule, law, a remark code, or the 90 days of last resort."""
MAY_FILTER = ("ledger", "payer_rule", "statute", "remark")
"""Sources that may take a row out of a queue; a default only sorts and warns (DATA.md)."""
_LEDGER, _RULE, _STATUTE, _REMARK, _DEFAULT = (SOURCES.index(name) for name in SOURCES[1:])

CLOCKS = ("initial_denial_date", "remit_date", "service_date", "writeoff_date", "prior_decision_date", "demand_letter_date")
"""Days a payer rule may count from; the last two are no column of a write-off, so such a rule falls back on the remittance."""

DEFAULT_DAYS = 90

_EARLIEST, _LATEST = -(2**62), 2**62
_WEIGHTS = (4, 8, 2, 1)
_MOST_RULES = 8
_OWN_CLOCKS = tuple(CLOCKS.index(name) for name in ("initial_denial_date", "service_date", "writeoff_date"))
# Arrays without a dimension are compared twice as fast as Python numbers; one row is scored in microseconds.
_NULL, _ZERO, _SERVICE = np.array(NULL), np.array(0), np.array(2)
_APPEAL, _SEND_RECORDS, _NSA = (np.array(REMEDY[name], dtype=np.int8) for name in ("appeal", "send_records", "nsa_negotiation"))

Whole: TypeAlias = NDArray[np.int64]

_APPEALS = ("appeal", "peer_to_peer", "contract_dispute", "send_records", "recoupment_appeal")
_CLAIMS = ("corrected_claim", "new_claim", "cob_update", "rebill_other_payer", "fix_enrollment")
_BUILT_IN: tuple[tuple[tuple[str, ...], tuple[str, ...], str, int, int], ...] = (
    # payer types, remedies, clock, months, days
    # 42 CFR 405.942: 120 days from receipt, receipt presumed five days after the notice.
    (("medicare",), _APPEALS, "determination", 0, 125),
    # 42 CFR 405.980(b)(1): within one year for any reason; clerical errors and duplicates go this way.
    (("medicare",), ("reopening", "verify_duplicate"), "determination", 12, 0),
    # 42 CFR 424.44: one calendar year of the service.
    (("medicare",), _CLAIMS, "service_date", 12, 0),
    # 42 CFR 422.582: 65 days of the notice (60 before 2025); a contract may say otherwise.
    (("medicare_advantage",), _APPEALS, "determination", 0, 65),
    # 32 CFR 199.10: 90 days of the notice. 32 CFR 199.7: claims within one year of the service.
    (("tricare",), _APPEALS, "determination", 0, 90),
    (("tricare",), _CLAIMS, "service_date", 12, 0),
    # 42 CFR 438.402: 60 days of the notice. 42 CFR 447.45(d): claims within twelve months of the service.
    (("medicaid_managed",), _APPEALS, "determination", 0, 60),
    (("medicaid",), _CLAIMS, "service_date", 12, 0),
)
_NSA_BUSINESS_DAYS = 30
"""45 CFR 149.510(b)(1): open negotiation begins within 30 business days of the initial payment or denial."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The last day of each row's remedy.

    Parameters
    ----------
    day
        Days since 1970-01-01; NULL only where the row has no date at all.
    source
        Place in `SOURCES`.
    days_left
        From `as_of` to the day, negative when it is over; NULL with it.
    """

    day: NDArray[np.int64]
    source: NDArray[np.int16]
    days_left: NDArray[np.int64]


class PayerRules:
    """Payer rules, ready to be looked up; of those that hold the most specific wins, then the earliest deadline.

    Parameters
    ----------
    table
        Rows of `PAYER_RULES`; those of a later level than the first wait for that level.
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
        self._has_months, self._has_business = bool(self._months.any()), bool(self._business.any())
        self._since = np.where(columns["effective_from"] == NULL, _EARLIEST, columns["effective_from"])
        self._until = np.where(columns["effective_to"] == NULL, _LATEST, columns["effective_to"])
        self._asked = list(zip(*(table.words(name) for name in ("payer_id", "plan_id", "payer_type", "remedy")), strict=True))
        self._is_first_level = columns["level"] <= 1
        # A rule for the plan stands over one for the payer, that over one for the kind of payer; the remedy breaks ties.
        self._weight = np.array([sum(w for w, word in zip(_WEIGHTS, asked, strict=True) if word) for asked in self._asked], dtype=np.int64)
        self._profiles: dict[tuple[int, ...], int] = {}
        self._table = np.full((0, len(REMEDIES), _MOST_RULES), -1, dtype=np.int64)
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
        rules = tuple(
            rule
            for rule, asked in enumerate(self._asked)
            if self._is_first_level[rule] and all(word is None or word == own for word, own in zip(asked[:3], words, strict=True))
        )
        with self._lock:
            if rules not in self._profiles:
                self._table = np.concatenate([self._table, self._by_remedy(rules)[None]])
                self._profiles[rules] = len(self._profiles)
            return (self._profiles[rules],)

    def _by_remedy(self, rules: tuple[int, ...]) -> NDArray[np.int64]:
        """Return for each remedy the rules that hold, the most specific first; -1 fills up."""
        table = np.full((len(REMEDIES), _MOST_RULES), -1, dtype=np.int64)
        for number, remedy in enumerate(REMEDIES):
            held = [rule for rule in rules if self._asked[rule][3] in (None, remedy)]
            held.sort(key=lambda rule: -self._weight[rule])
            table[number, : len(held[:_MOST_RULES])] = held[:_MOST_RULES]
        return table

    def days(self, batch: Batch, remedy: NDArray[np.int8], remit: Whole) -> Whole:
        """Return the deadline that the rules set for each row; NULL: no rule holds.

        `remit` is the day of the remittance, else of the posting.
        """
        profile = self._combinations.gather(batch)[0]
        candidates = self._table[profile, remedy].T
        best = weight = None
        for rule in candidates:
            is_rule = rule >= _ZERO
            if not np.count_nonzero(is_rule):
                break
            begun = self._begun(batch.columns, rule, remit)
            holds = is_rule & (begun != _NULL) & (self._since[rule] <= begun) & (begun <= self._until[rule])
            day = np.where(holds, self._count(rule, begun), _NULL)
            if best is None or weight is None:
                best, weight = day, np.where(holds, self._weight[rule], -1)
                continue
            is_better = holds & ((weight < _ZERO) | (self._weight[rule] == weight) & (day < best))
            best, weight = np.where(is_better, day, best), np.where(is_better, self._weight[rule], weight)
        return np.full(len(batch), NULL, dtype=np.int64) if best is None else best

    def _begun(self, columns: Columns, rule: Whole, remit: Whole) -> Whole:
        """Return the day on which each rule's clock began; a filing limit without a day of service is not known (NULL)."""
        begun = remit
        for clock in self._clocks:
            if clock in _OWN_CLOCKS:
                own = columns[CLOCKS[clock]]
                if CLOCKS[clock] == "initial_denial_date":
                    own = np.where(own == _NULL, remit, own)
                begun = np.where(self._clock[rule] == clock, own, begun)
        return begun

    def _count(self, rule: Whole, begun: Whole) -> Whole:
        """Return the last day of each rule from the day its clock began."""
        day = add_months(begun, self._months[rule]) if self._has_months else begun
        if self._has_business:
            business = self._business[rule]
            day = np.where(business > 0, add_business_days(begun, business), day)
        return day + self._days[rule]


_READY: deque[tuple[Batch, PayerRules]] = deque(maxlen=4)


def deadlines(batch: Batch, triage: Triage, *, rules: PayerRules | Batch | None = None, as_of: int | Whole) -> Deadlines:
    """Return the last day of each row's remedy, by the ledger, else payer rule, remark, law, else 90 days.

    Parameters
    ----------
    batch, triage
        Write-offs, and what triage said of them.
    rules
        Rows of `PAYER_RULES`, or these compiled by `PayerRules`.
    as_of
        The morning of which day it is, one for all rows or one each.

    Examples
    --------
    A remittance of 15 May 2026 may be appealed in Medicare until 17 September: five days of mail and 120 days.

    >>> from features.codes import Codes
    >>> from features.tables import WRITEOFFS, empty_columns
    >>> from features.triage import classify
    >>> from features.vocabulary import Vocabulary
    >>> codes, may = Codes.load(), int(np.datetime64("2026-05-15").astype(int))
    >>> words = Vocabulary({"group_code": ["CO"], "carc": ["50"], "payer_type": ["medicare"]})
    >>> zero = np.array([0])
    >>> columns = empty_columns(WRITEOFFS, 1) | {"group_code": zero, "carc": zero, "payer_type": zero}
    >>> columns |= {"remit_date": np.array([may]), "writeoff_date": np.array([may + 20])}
    >>> row = Batch(WRITEOFFS, columns, words)
    >>> found = deadlines(row, classify(row, codes=codes, as_of=may + 20), as_of=may + 20)
    >>> str(found.day[0].astype("datetime64[D]")), SOURCES[found.source[0]], int(found.days_left[0])
    ('2026-09-17', 'statute', 105)
    """
    columns, remedy = batch.columns, triage.remedy
    remit = columns["remit_date"]
    remit = np.where(remit == _NULL, columns["writeoff_date"], remit)
    determined = _determined(batch, remit)
    day, source = _by_law(columns, triage, determined)
    if np.count_nonzero(triage.remark_days):
        is_remark = (triage.remark_days > 0) & ((remedy == _SEND_RECORDS) | (remedy == _APPEAL) & (source == 0))
        day, source = np.where(is_remark, determined + triage.remark_days, day), np.where(is_remark, _REMARK, source)
    if rules is not None and len(rules):
        ruled = PayerRules.of(rules).days(batch, remedy, remit)
        is_ruled = ruled != _NULL
        day, source = np.where(is_ruled, ruled, day), np.where(is_ruled, _RULE, source)
    known = columns["appeal_deadline"]
    is_known = known != _NULL
    if np.count_nonzero(is_known):
        day, source = np.where(is_known, known, day), np.where(is_known, _LEDGER, source)
    is_open = source == _ZERO
    if np.count_nonzero(is_open):
        is_default = is_open & (remit != _NULL)
        day, source = np.where(is_default, remit + DEFAULT_DAYS, day), np.where(is_default, _DEFAULT, source)
    left = day - as_of
    left[day == _NULL] = NULL
    return Deadlines(day, source.astype(np.int16), left)


def _determined(batch: Batch, remit: Whole) -> Whole:
    """Return the day of the first substantive determination.

    A repeated denial of the same claim never restarts the clock; the decision on a corrected claim (frequency 7) does (DOMAIN 3).
    """
    first = batch.columns["initial_denial_date"]
    is_first = (first != _NULL) & (first <= remit)
    if not np.count_nonzero(is_first):
        return remit
    replaced = batch.vocabulary.find("claim_frequency", "7")
    if replaced >= 0:
        is_first &= batch.columns["claim_frequency"] != replaced
    return np.where(is_first, first, remit)


def _by_law(columns: Columns, triage: Triage, determined: Whole) -> tuple[Whole, Whole]:
    """Return the deadlines that law sets, and the source (0 where it sets none)."""
    clock, months, days = _law()[:, triage.payer_type, triage.remedy]
    begun = np.where(clock == _SERVICE, columns["service_date"], determined)
    holds = (clock > _ZERO) & (begun != _NULL)
    later = add_months(begun, months) if np.count_nonzero(months) else begun
    day, source = np.where(holds, later + days, _NULL), np.where(holds, _STATUTE, _ZERO)
    is_negotiation = triage.remedy == _NSA
    if np.count_nonzero(is_negotiation):
        negotiated = add_business_days(np.where(is_negotiation, determined, NULL), _NSA_BUSINESS_DAYS)
        day, source = np.where(is_negotiation, negotiated, day), np.where(is_negotiation, _STATUTE, source)
    return day, source


@cache
def _law() -> NDArray[np.int64]:
    """Return clock (0 none, 1 determination, 2 service), months and days by payer type (last: unknown) and remedy."""
    table = np.zeros((3, len(PAYER_TYPES) + 1, len(REMEDIES)), dtype=np.int64)
    for payer_types, remedies, clock, months, days in _BUILT_IN:
        for payer_type in payer_types:
            for remedy in remedies:
                table[:, PAYER_TYPES.index(payer_type), REMEDIES.index(remedy)] = (2 if clock == "service_date" else 1, months, days)
    return table
