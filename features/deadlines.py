"""Until when each write-off's remedy is open, and who says so."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.calendar import add_business_days, add_months
from features.codes.combinations import Combinations
from features.codes.meaning import REMEDY
from features.filing import filing_day
from features.money import NULL
from features.tables import PAYER_TYPES, REMEDIES, Batch, Columns
from features.triage import Triage

SOURCES = ("none", "ledger", "payer_rule", "statute", "remark", "default")
"""Who set a deadline: nobody (no remedy to date), the ledger, a payer rule, law, a remark code, or the 90 days of last resort."""
MAY_FILTER = ("ledger", "payer_rule", "statute", "remark")
"""Sources that may take a row out of a queue; a default only sorts and warns (DATA.md)."""
_LEDGER, _RULE, _STATUTE, _REMARK, _DEFAULT = (SOURCES.index(name) for name in SOURCES[1:])
_STATUTE_SOURCE = np.array(_STATUTE)

CLOCKS = ("initial_denial_date", "remit_date", "service_date", "writeoff_date", "prior_decision_date", "demand_letter_date")
"""Days a payer rule may count from; the last two are no column of a write-off: where they are not given the remittance stands in."""

DEFAULT_DAYS = 90
LEVELS = 5
"""Levels of appeal that are told apart; Medicare has five, the last in court."""

_EARLIEST, _LATEST = -(2**62), 2**62
_WEIGHTS = (4, 8, 2, 1)
_MOST_RULES = 8
_OWN_CLOCKS = tuple(CLOCKS.index(name) for name in ("initial_denial_date", "service_date", "writeoff_date"))
_PRIOR, _DEMAND = CLOCKS.index("prior_decision_date"), CLOCKS.index("demand_letter_date")
# Arrays without a dimension are compared twice as fast as Python numbers; one row is scored in microseconds.
_NULL, _ZERO, _TWO = np.array(NULL), np.array(0), np.array(2)
_APPEAL, _SEND_RECORDS = (np.array(REMEDY[name], dtype=np.int8) for name in ("appeal", "send_records"))

Whole: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


class Law(NamedTuple):
    """A time limit that law sets: rule of `features.rules`, who, for what, at which level, from which day, how long.

    `clock` is determination, service, prior_decision, demand_letter, or advantage (a determination, five days less before 2025).
    """

    rule: str
    payer_types: tuple[str, ...]
    remedies: tuple[str, ...]
    level: int
    clock: str
    months: int = 0
    days: int = 0
    business_days: int = 0


_APPEALS = ("appeal", "peer_to_peer", "contract_dispute", "send_records", "recoupment_appeal")
_CLAIMS = ("corrected_claim", "new_claim", "cob_update", "rebill_other_payer", "fix_enrollment")
_PRIVATE = ("commercial", "bcbs")
LAWS = (
    # 42 CFR 405.942: 120 days from receipt, receipt presumed five days after the notice.
    Law("deadline.redetermination", ("medicare",), _APPEALS, 1, "determination", days=125),
    # 42 CFR 405.962: 180 days from receipt of the redetermination.
    Law("deadline.reconsideration", ("medicare",), _APPEALS, 2, "prior_decision", days=185),
    # 42 CFR 405.1014, 405.1102, 405.1130 (memory): 60 days from receipt each.
    *(Law("deadline.hearing", ("medicare",), _APPEALS, level, "prior_decision", days=65) for level in (3, 4, 5)),
    # 42 CFR 405.379: received within 30 days of the demand letter it stops the recoupment; the appeal itself stays open longer.
    Law("deadline.recoupment", ("medicare",), ("recoupment_appeal",), 1, "demand_letter", days=30),
    # 42 CFR 405.980(b): a year for any reason (clerical errors and duplicates go this way), four for good cause (level 2 here).
    Law("deadline.reopening", ("medicare",), ("reopening", "verify_duplicate"), 1, "determination", months=12),
    Law("deadline.reopening", ("medicare",), ("reopening",), 2, "determination", months=48),
    # 42 CFR 424.44: one calendar year of the service.
    Law("deadline.filing", ("medicare",), _CLAIMS, 1, "service", months=12),
    # 42 CFR 422.582: 65 days of the notice (60 before 2025); a contract may say otherwise. 42 CFR 422.602 (memory): hearing.
    Law("deadline.advantage", ("medicare_advantage",), _APPEALS, 1, "advantage", days=65),
    *(Law("deadline.hearing", ("medicare_advantage",), _APPEALS, level, "prior_decision", days=65) for level in (3, 4, 5)),
    # 32 CFR 199.10: 90 days of the notice, next levels 60 (memory). 32 CFR 199.7: claims within one year of the service.
    Law("deadline.tricare", ("tricare",), _APPEALS, 1, "determination", days=90),
    *(Law("deadline.tricare", ("tricare",), _APPEALS, level, "prior_decision", days=60) for level in (2, 3)),
    Law("deadline.tricare", ("tricare",), _CLAIMS, 1, "service", months=12),
    # 42 CFR 438.402: 60 days of the notice; 438.408(f): a state hearing within 120. 42 CFR 447.45(d): claims within twelve months.
    Law("deadline.medicaid", ("medicaid_managed",), _APPEALS, 1, "determination", days=60),
    Law("deadline.medicaid", ("medicaid_managed",), _APPEALS, 2, "prior_decision", days=120),
    Law("deadline.medicaid", ("medicaid",), _CLAIMS, 1, "service", months=12),
    # 45 CFR 147.136(d) (memory): four months from the last internal decision.
    Law("deadline.erisa", _PRIVATE, ("external_review",), 1, "prior_decision", months=4),
    # 45 CFR 149.510(b): negotiation within 30 business days of the payment notice; arbitration within 4 after 30 of negotiation,
    # counted from the day the negotiation began, which is given as the prior decision.
    Law("deadline.surprises", PAYER_TYPES, ("nsa_negotiation",), 1, "determination", business_days=30),
    Law("deadline.surprises", PAYER_TYPES, ("nsa_negotiation",), 2, "prior_decision", business_days=34),
)
_ERISA_DAYS = 180
"""29 CFR 2560.503-1(h)(3): the member's internal appeal; the provider needs the member's consent for it."""
_ADVANTAGE_CHANGE = int(np.datetime64("2025-01-01").astype(np.int64))

DEADLINE_RULES = (
    "",
    *(f"deadline.{name}" for name in ("ledger", "payer_rule", "remark", "default")),
    *dict.fromkeys(law.rule for law in LAWS),
)
"""Rules that may set a deadline; `Deadlines.rule` is a place in it, its citation is in `features.rules`."""
_RULE_OF_SOURCE = np.array([0, 1, 2, 0, 3, 4], dtype=np.int16)
_ERISA_RULE = DEADLINE_RULES.index("deadline.erisa")

_MEDICARE_NEXT = (("reopening", 1), ("reopening", 2))
_NEXT_IN_MEDICARE: dict[str, tuple[tuple[str, int], ...]] = {
    "recoupment_appeal": (("appeal", 1), *_MEDICARE_NEXT),
    "reopening": (("reopening", 2),),
    "verify_duplicate": (("reopening", 2),),
    **dict.fromkeys(("appeal", "peer_to_peer", "send_records", *_CLAIMS), _MEDICARE_NEXT),
}
_NEXT: dict[str, tuple[tuple[str, int], ...]] = {
    **dict.fromkeys(
        ("corrected_claim", "send_records", "peer_to_peer", "fix_enrollment", "cob_update", "recoupment_appeal"), (("appeal", 1),)
    ),
    "nsa_negotiation": (("contract_dispute", 1),),
}
"""What comes next when a remedy has lapsed, in order; level 2 of a reopening is the one for good cause."""
_MOST_NEXT = 3


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
    rule
        Place in `DEADLINE_RULES`: which rule set it.
    next_remedy, next_level, next_day, next_source
        Once the remedy has lapsed: the next one still open (place in `REMEDIES`, -1: none), its level, last day and source.
    is_closed
        Law, rule, remark or ledger closed the remedy and none is open after it: only such a row may be left out of a queue.
    """

    day: NDArray[np.int64]
    source: NDArray[np.int16]
    days_left: NDArray[np.int64]
    rule: NDArray[np.int16]
    next_remedy: NDArray[np.int8]
    next_level: NDArray[np.int8]
    next_day: NDArray[np.int64]
    next_source: NDArray[np.int16]
    is_closed: NDArray[np.bool_]


class Clocks(NamedTuple):
    """The days that limits count from, one for each row: the remittance (else the posting), the first substantive determination,
    the service, the decision of the level below and the demand letter (both else the remittance)."""

    remit: Whole
    determined: Whole
    service: Whole
    prior: Whole
    demand: Whole

    def take(self, rows: NDArray[np.intp]) -> Clocks:
        """Return those of some rows."""
        return Clocks(*(clock[rows] for clock in self))


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
        self._has_months, self._has_business = bool(self._months.any()), bool(self._business.any())
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
        candidates = self._table[profile, level - 1, remedy].T
        best = weight = None
        for rule in candidates:
            is_rule = rule >= _ZERO
            if not np.count_nonzero(is_rule):
                break
            begun = self._begun(batch.columns, rule, clocks)
            holds = is_rule & (begun != _NULL) & (self._since[rule] <= begun) & (begun <= self._until[rule])
            day = np.where(holds, self._count(rule, begun), _NULL)
            if best is None or weight is None:
                best, weight = day, np.where(holds, self._weight[rule], -1)
                continue
            is_better = holds & ((weight < _ZERO) | (self._weight[rule] == weight) & (day < best))
            best, weight = np.where(is_better, day, best), np.where(is_better, self._weight[rule], weight)
        return np.full(len(batch), NULL, dtype=np.int64) if best is None else best

    def _begun(self, columns: Columns, rule: Whole, clocks: Clocks) -> Whole:
        """Return the day on which each rule's clock began; a filing limit without a day of service is not known (NULL)."""
        begun = clocks.remit
        for clock in self._clocks:
            if clock in _OWN_CLOCKS:
                own = clocks.service if CLOCKS[clock] == "service_date" else columns[CLOCKS[clock]]
                if CLOCKS[clock] == "initial_denial_date":
                    own = np.where(own == _NULL, clocks.remit, own)
                begun = np.where(self._clock[rule] == clock, own, begun)
            elif clock in (_PRIOR, _DEMAND):
                begun = np.where(self._clock[rule] == clock, clocks.prior if clock == _PRIOR else clocks.demand, begun)
        return begun

    def _count(self, rule: Whole, begun: Whole) -> Whole:
        """Return the last day of each rule from the day its clock began."""
        day = add_months(begun, self._months[rule]) if self._has_months else begun
        if self._has_business:
            business = self._business[rule]
            day = np.where(business > 0, add_business_days(begun, business), day)
        return day + self._days[rule]


_READY: deque[tuple[Batch, PayerRules]] = deque(maxlen=4)


def deadlines(
    batch: Batch,
    triage: Triage,
    *,
    rules: PayerRules | Batch | None = None,
    as_of: int | Whole,
    level: int | Whole = 1,
    prior_decision: Whole | None = None,
    demand_letter: Whole | None = None,
) -> Deadlines:
    """Return the last day of each row's remedy, by the ledger, else payer rule, remark, law, else 90 days; and what is open after it.

    Parameters
    ----------
    batch, triage
        Write-offs, and what triage said of them.
    rules
        Rows of `PAYER_RULES`, or these compiled by `PayerRules`.
    as_of
        The morning of which day it is, one for all rows or one each.
    level
        Level of appeal that comes next (1: none was tried), one for all rows or one each.
    prior_decision, demand_letter
        Day of the decision of the level below, and of a demand for money; NULL or not given: the remittance stands in.

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

    After that day a reopening is open, a year for any reason.

    >>> found = deadlines(row, classify(row, codes=codes, as_of=may + 200), as_of=may + 200)
    >>> REMEDIES[found.next_remedy[0]], str(found.next_day[0].astype("datetime64[D]")), bool(found.is_closed[0])
    ('reopening', '2027-05-15', False)
    """
    compiled = PayerRules.of(rules) if rules is not None and len(rules) else None
    clocks = _clocks(batch, prior_decision, demand_letter)
    level = np.clip(level, 1, LEVELS) if isinstance(level, np.ndarray) else min(max(level, 1), LEVELS)
    day, source, law = _date(batch, triage, triage.remedy, level, clocks, compiled)
    known = batch.columns["appeal_deadline"]
    if np.count_nonzero(known != _NULL):
        # A deadline before the decision that it is about is a slip of the ledger.
        is_known = (known != _NULL) & (known >= clocks.determined)
        day, source = np.where(is_known, known, day), np.where(is_known, _LEDGER, source)
    left = day - as_of
    is_lapsed = (left < _ZERO) & (day != _NULL)
    left = np.where(day == _NULL, NULL, left)
    rule = np.where(source == _STATUTE_SOURCE, law, _RULE_OF_SOURCE[source])
    following = _NOTHING if len(day) == 1 else Following.none(len(day))
    if np.count_nonzero(is_lapsed):
        is_lapsed &= _FILTERS[source]
        if np.count_nonzero(is_lapsed):
            following = _fall_back(batch, triage, np.flatnonzero(is_lapsed), clocks, compiled, as_of)
            is_lapsed &= following.remedy < _ZERO
    return Deadlines(day, source.astype(np.int16), left, rule.astype(np.int16), *following, is_lapsed)


_FILTERS = np.array([name in MAY_FILTER for name in SOURCES])


def _clocks(batch: Batch, prior: Whole | None, demand: Whole | None) -> Clocks:
    """Return the days that limits count from."""
    columns = batch.columns
    remit = columns["remit_date"]
    remit = np.where(remit == _NULL, columns["writeoff_date"], remit)
    known = [remit if given is None else np.where(given == _NULL, remit, given) for given in (prior, demand)]
    return Clocks(remit, _determined(batch, remit), filing_day(batch), *known)


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


def _date(
    batch: Batch, triage: Triage, remedy: NDArray[np.int8], level: int | Whole, clocks: Clocks, rules: PayerRules | None
) -> tuple[Whole, Whole, Whole]:
    """Return last day, source and law of a remedy, the ledger apart."""
    day, source, law = _by_law(batch, triage, remedy, level, clocks)
    if np.count_nonzero(triage.remark_days) or np.count_nonzero(triage.record_days):
        days = np.where(remedy == _SEND_RECORDS, triage.record_days, np.where(remedy == _APPEAL, triage.remark_days, 0)).astype(np.int64)
        # What a notice gives for records stands for itself; an appeal's days are those of the law where there is one.
        is_remark = (days > 0) & ((source == _ZERO) | (remedy == _SEND_RECORDS)) & (level == 1)
        day, source = np.where(is_remark, clocks.determined + days, day), np.where(is_remark, _REMARK, source)
    if rules is not None:
        ruled = rules.days(batch, remedy, clocks, level)
        is_ruled = ruled != _NULL
        day, source = np.where(is_ruled, ruled, day), np.where(is_ruled, _RULE, source)
    is_open = source == _ZERO
    if np.count_nonzero(is_open):
        is_default = is_open & (clocks.remit != _NULL)
        day, source = np.where(is_default, clocks.remit + DEFAULT_DAYS, day), np.where(is_default, _DEFAULT, source)
    return day, source, law


def _by_law(batch: Batch, triage: Triage, remedy: NDArray[np.int8], level: int | Whole, clocks: Clocks) -> tuple[Whole, Whole, Whole]:
    """Return the deadlines that law sets, the source (0 where it sets none), and what to add to the source for `DEADLINE_RULES`."""
    if len(remedy) == 1:
        return _law_of_one(batch, triage, remedy.item(0), level if isinstance(level, int) else level.item(0), clocks)
    table = _law()
    place = (triage.payer_type + np.int64(1)) * len(REMEDIES) + remedy + (level - 1) * _LEVEL_SIZE
    clock = table.clock[place]
    begun = np.where(clock == _TWO, clocks.service, clocks.determined)
    if np.count_nonzero(clock > _TWO):
        begun = np.where(clock == _CLOCK["prior_decision"], clocks.prior, begun)
        begun = np.where(clock == _CLOCK["demand_letter"], clocks.demand, begun)
    days = table.days[place]
    if np.count_nonzero(clock == _CLOCK["advantage"]):
        days = np.where((clock == _CLOCK["advantage"]) & (begun < _ADVANTAGE_CHANGE), days - 5, days)
    holds = (clock > _ZERO) & (begun != _NULL)
    day = begun + days
    spans = table.months[place]
    if np.count_nonzero(spans):
        for months in _MONTHS:
            rows = np.flatnonzero((spans == months) & holds)
            if len(rows):
                day[rows] = add_months(begun[rows], months)
    is_business = remedy == _NSA
    if np.count_nonzero(is_business):
        rows = np.flatnonzero(is_business & holds)
        day[rows] = add_business_days(begun[rows], table.business[place[rows]])
    day, source, law = np.where(holds, day, _NULL), np.where(holds, _STATUTE, _ZERO), table.rule[place]
    is_member = _is_member_appeal(batch, triage, remedy, source)
    if is_member is not None:
        day, source = np.where(is_member, clocks.determined + _ERISA_DAYS, day), np.where(is_member, _STATUTE, source)
        law = np.where(is_member, _ERISA_RULE, law)
    return day, source, law


def _law_of_one(batch: Batch, triage: Triage, remedy: int, level: int, clocks: Clocks) -> tuple[Whole, Whole, Whole]:
    """Return the same of a single row, without arrays: requests are answered in microseconds."""
    table, payer_type = _law(), triage.payer_type.item(0)
    place = (payer_type + 1) * len(REMEDIES) + remedy + (level - 1) * _LEVEL_SIZE
    clock = table.clock.item(place)
    started = (clocks.determined, clocks.determined, clocks.service, clocks.prior, clocks.demand, clocks.determined)[clock]
    begun, rule = started.item(0), table.rule.item(place)
    if not clock and remedy == _APPEAL_PLACE and payer_type in _PRIVATE_PLACES and _is_members_plan(batch):
        day, rule = clocks.determined.item(0) + _ERISA_DAYS, _ERISA_RULE
    elif not clock or begun == NULL:
        return np.array([NULL]), np.zeros(1, dtype=np.int64), np.array([rule])
    elif table.months.item(place):
        day = add_months(started, table.months.item(place)).item(0)
    elif table.business.item(place):
        day = add_business_days(started, table.business.item(place)).item(0)
    else:
        is_old = clock == _CLOCK["advantage"] and begun < _ADVANTAGE_CHANGE
        day = begun + table.days.item(place) - (5 if is_old else 0)
    return np.array([day]), np.array([_STATUTE]), np.array([rule])


def _is_members_plan(batch: Batch) -> bool:
    """Return whether the one row is of a plan out of network, insured or self-funded."""
    word, columns = batch.vocabulary.word, batch.columns
    is_out = word("network_status", columns["network_status"].item(0)) == "out"
    return is_out and word("funding", columns["funding"].item(0)) in ("insured", "self_funded")


def _is_member_appeal(batch: Batch, triage: Triage, remedy: NDArray[np.int8], source: Whole) -> Flags | None:
    """Return where the appeal is the member's: a private plan, out of network, insured or self-funded; None: nowhere.

    A provider in the network disputes under its contract, whose days only a payer rule can know.
    """
    find, columns = batch.vocabulary.find, batch.columns
    out = find("network_status", "out")
    if out < 0 or not np.count_nonzero(columns["network_status"] == out):
        return None
    is_private = (triage.payer_type == PAYER_TYPES.index("commercial")) | (triage.payer_type == PAYER_TYPES.index("bcbs"))
    is_member: Flags = is_private & (remedy == _APPEAL) & (source == _ZERO) & (columns["network_status"] == out)
    if not np.count_nonzero(is_member):
        return None
    funding = columns["funding"]
    is_member &= (funding >= 0) & (funding >= 0) & ((funding == find("funding", "insured")) | (funding == find("funding", "self_funded")))
    return is_member


class Following(NamedTuple):
    """What is open after a remedy that has lapsed; the fields of `Deadlines` of the same name."""

    remedy: NDArray[np.int8]
    level: NDArray[np.int8]
    day: Whole
    source: NDArray[np.int16]

    @classmethod
    def none(cls, rows: int) -> Following:
        """Return that nothing is."""
        remedy, level = np.full(rows, -1, dtype=np.int8), np.zeros(rows, dtype=np.int8)
        return cls(remedy, level, np.full(rows, NULL, dtype=np.int64), np.zeros(rows, dtype=np.int16))


_NOTHING = Following.none(1)
for _array in _NOTHING:
    _array.flags.writeable = False


def _fall_back(
    batch: Batch, triage: Triage, rows: NDArray[np.intp], clocks: Clocks, rules: PayerRules | None, as_of: int | Whole
) -> Following:
    """Return the next remedy that is open on the day for rows whose own has lapsed."""
    if len(batch) == 1:
        return _fall_back_of_one(batch, triage, clocks, rules, as_of if isinstance(as_of, int) else int(as_of.item(0)))
    found = Following.none(len(batch))
    remedies, levels = _following()
    for turn in range(_MOST_NEXT):
        asked = remedies[turn, triage.payer_type[rows], triage.remedy[rows]]
        # A remark that denies the appeal, or standing that is barred, takes it out of the order too.
        may = (asked >= 0) & (triage.can_appeal[rows] | (asked != _APPEAL))
        level = levels[turn, triage.payer_type[rows], triage.remedy[rows]][may]
        asked, here = asked[may], rows[may]
        if len(here):
            part, said = _thin(batch, here), _thin_triage(triage, here)
            day, source, _ = _date(part, said, asked, level.astype(np.int64), clocks.take(here), rules)
            is_open = (day != _NULL) & (day >= (as_of[here] if isinstance(as_of, np.ndarray) else as_of))
            at = here[is_open]
            found.remedy[at], found.level[at] = asked[is_open], level[is_open]
            found.day[at], found.source[at] = day[is_open], source[is_open]
        rows = rows[found.remedy[rows] < 0]
        if not len(rows):
            break
    return found


def _fall_back_of_one(batch: Batch, triage: Triage, clocks: Clocks, rules: PayerRules | None, as_of: int) -> Following:
    """Return the same of a single row, one remedy after the other."""
    remedies, levels = _following()
    payer_type, lapsed = triage.payer_type.item(0), triage.remedy.item(0)
    for turn in range(_MOST_NEXT):
        remedy, level = remedies[turn, payer_type, lapsed], levels[turn, payer_type, lapsed]
        if remedy < 0:
            break
        if remedy == _APPEAL_PLACE and not triage.can_appeal.item(0):
            continue
        day, source, _ = _date(batch, triage, np.array([remedy]), int(level), clocks, rules)
        if day.item(0) >= as_of:
            return Following(np.array([remedy]), np.array([level]), day, source.astype(np.int16))
    return _NOTHING


_NEEDED = (
    "writeoff_id",
    "writeoff_date",
    "payer_id",
    "plan_id",
    "payer_type",
    "network_status",
    "funding",
    "service_date",
    "initial_denial_date",
)


def _thin(batch: Batch, rows: NDArray[np.intp]) -> Batch:
    """Return these rows with the columns that decide a deadline."""
    return Batch(batch.table, {name: batch.columns[name][rows] for name in _NEEDED}, batch.vocabulary)


def _thin_triage(triage: Triage, rows: NDArray[np.intp]) -> Triage:
    """Return these rows of what decides a deadline."""
    return replace(triage, payer_type=triage.payer_type[rows], remark_days=triage.remark_days[rows], record_days=triage.record_days[rows])


class _Table(NamedTuple):
    """The limits of law by level, payer type (first: unknown) and remedy, flat."""

    clock: NDArray[np.int8]
    months: NDArray[np.int8]
    days: Whole
    business: Whole
    rule: NDArray[np.int16]


_CLOCK = {"determination": 1, "service": 2, "prior_decision": 3, "demand_letter": 4, "advantage": 5}
_APPEAL_PLACE, _PRIVATE_PLACES = REMEDY["appeal"], tuple(PAYER_TYPES.index(name) for name in _PRIVATE)
_MONTHS = sorted({law.months for law in LAWS} - {0})
_NSA = np.array(REMEDY["nsa_negotiation"], dtype=np.int8)
_LEVEL_SIZE = (len(PAYER_TYPES) + 1) * len(REMEDIES)


@cache
def _law() -> _Table:
    shape = (LEVELS, len(PAYER_TYPES) + 1, len(REMEDIES))
    clock, months, days, business, rule = (np.zeros(shape, dtype=np.int64) for _ in range(5))
    for law in LAWS:
        for payer_type in law.payer_types:
            for remedy in law.remedies:
                at = law.level - 1, PAYER_TYPES.index(payer_type) + 1, REMEDIES.index(remedy)
                clock[at], months[at], days[at], business[at] = _CLOCK[law.clock], law.months, law.days, law.business_days
                rule[at] = DEADLINE_RULES.index(law.rule)
    # An unknown kind of payer is under no law but the No Surprises Act, which covers private plans.
    for table in (clock, business, rule):
        table[:, 0, REMEDY["nsa_negotiation"]] = table[:, PAYER_TYPES.index("commercial") + 1, REMEDY["nsa_negotiation"]]
    return _Table(
        clock.ravel().astype(np.int8), months.ravel().astype(np.int8), days.ravel(), business.ravel(), rule.ravel().astype(np.int16)
    )


@cache
def _following() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return remedies (-1: none) and levels by turn, payer type (last: unknown) and remedy that lapsed."""
    remedies = np.full((_MOST_NEXT, len(PAYER_TYPES) + 1, len(REMEDIES)), -1, dtype=np.int8)
    levels = np.ones_like(remedies)
    for number, payer_type in enumerate((*PAYER_TYPES, "")):
        for remedy, nexts in (_NEXT_IN_MEDICARE if payer_type == "medicare" else _NEXT).items():
            for turn, (next_remedy, level) in enumerate(nexts):
                remedies[turn, number, REMEDY[remedy]], levels[turn, number, REMEDY[remedy]] = REMEDY[next_remedy], level
    return remedies, levels
