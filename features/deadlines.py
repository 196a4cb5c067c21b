"""Until when each write-off's remedy is open, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.clocks import LEVELS, Clocks, Whole, clocks_of
from features.codes.meaning import REMEDY
from features.law import CLAIMS, LAW_RULES, Flags, by_law
from features.money import NULL
from features.payer_rules import PayerRules
from features.rowwise import as_type, is_any, is_plain, pick, put, rows_where, take, where
from features.tables import PAYER_TYPES, REMEDIES, Array
from features.triage import Triage

SOURCES = ("none", "ledger", "payer_rule", "statute", "remark", "default")
"""Who set a deadline: nobody (no remedy to date), the ledger, a payer rule, law, a remark code, or the 90 days of last resort."""
MAY_FILTER = ("ledger", "payer_rule", "statute", "remark")
"""Sources that may take a row out of a queue; a default only sorts and warns (DATA.md)."""
_LEDGER, _RULE, _STATUTE, _REMARK, _DEFAULT = (SOURCES.index(name) for name in SOURCES[1:])

DEFAULT_DAYS = 90
DEADLINE_RULES = ("", *(f"deadline.{name}" for name in ("ledger", "payer_rule", "remark", "default")), *LAW_RULES)
"""Rules that may set a deadline; `Deadlines.rule` is a place in it, its citation is in `features.rules`."""
_RULE_OF_SOURCE = np.array([0, 1, 2, 0, 3, 4], dtype=np.int16)
_FIRST_LAW = DEADLINE_RULES.index(LAW_RULES[0])

_APPEAL, _SEND_RECORDS = REMEDY["appeal"], REMEDY["send_records"]

_MEDICARE_NEXT = (("reopening", 1), ("reopening", 2))
_NEXT_IN_MEDICARE: dict[str, tuple[tuple[str, int], ...]] = {
    "recoupment_appeal": (("appeal", 1), *_MEDICARE_NEXT),
    "reopening": (("reopening", 2),),
    "verify_duplicate": (("reopening", 2),),
    **dict.fromkeys(("appeal", "peer_to_peer", "send_records", *CLAIMS), _MEDICARE_NEXT),
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
    >>> from features.batch import empty_columns
    >>> from features.tables import WRITEOFFS
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
    clocks = clocks_of(batch, prior_decision, demand_letter)
    level = np.clip(level, 1, LEVELS) if isinstance(level, np.ndarray) else min(max(level, 1), LEVELS)
    said = _Said(triage.payer_type, triage.remark_days, triage.record_days)
    day, source, law = _date(batch, said, triage.remedy, level, clocks, compiled)
    known = batch.columns["appeal_deadline"]
    if is_any(known != NULL):
        # A deadline before the decision that it is about is a slip of the ledger.
        is_known = (known != NULL) & (known >= clocks.determined)
        day, source = where(is_known, known, day), where(is_known, _LEDGER, source)
    left = where(day == NULL, NULL, day - as_of)
    is_lapsed = (left < 0) & (day != NULL)
    rule = where(source == _STATUTE, law + _FIRST_LAW, take(_RULE_OF_SOURCE, source))
    following = Following.none(day)
    if is_any(is_lapsed):
        is_lapsed &= take(_FILTERS, source)
        if is_any(is_lapsed):
            following = _fall_back(batch, triage, said, is_lapsed, clocks, compiled, as_of)
            is_lapsed &= following.remedy < 0
    return Deadlines(day, as_type(source, np.int16), left, as_type(rule, np.int16), *following, is_lapsed)


_FILTERS = np.array([name in MAY_FILTER for name in SOURCES])


class _Said(NamedTuple):
    """What triage said that decides a deadline; the fields of `Triage` of the same name."""

    payer_type: NDArray[np.int8]
    remark_days: NDArray[np.int16]
    record_days: NDArray[np.int16]

    def take(self, rows: NDArray[np.intp]) -> _Said:
        """Return that of some rows."""
        return _Said(*(pick(values, rows) for values in self))


def _date(
    batch: Batch, said: _Said, remedy: NDArray[np.int8], level: int | Whole, clocks: Clocks, rules: PayerRules | None
) -> tuple[Whole, Whole, Whole]:
    """Return last day, source and law (place in `LAW_RULES`) of a remedy, the ledger apart."""
    day, holds, law = by_law(batch, said.payer_type, remedy, level, clocks)
    source = where(holds, _STATUTE, 0)
    if is_any(said.remark_days) or is_any(said.record_days):
        days = where(remedy == _SEND_RECORDS, said.record_days, where(remedy == _APPEAL, said.remark_days, 0))
        # What a notice gives for records stands for itself; an appeal's days are those of the law where there is one.
        is_remark = (days > 0) & ((source == 0) | (remedy == _SEND_RECORDS)) & (level == 1)
        day, source = where(is_remark, clocks.determined + days, day), where(is_remark, _REMARK, source)
    if rules is not None:
        ruled = rules.days(batch, remedy, clocks, level)
        is_ruled = ruled != NULL
        day, source = where(is_ruled, ruled, day), where(is_ruled, _RULE, source)
    is_open = source == 0
    if is_any(is_open):
        is_default = is_open & (clocks.remit != NULL)
        day, source = where(is_default, clocks.remit + DEFAULT_DAYS, day), where(is_default, _DEFAULT, source)
    return day, source, law


class Following(NamedTuple):
    """What is open after a remedy that has lapsed; the fields of `Deadlines` of the same name."""

    remedy: NDArray[np.int8]
    level: NDArray[np.int8]
    day: Whole
    source: NDArray[np.int16]

    @classmethod
    def none(cls, like: Array) -> Following:
        """Return that nothing is, for as many rows."""
        if is_plain(like):
            return _NOTHING
        remedy, level = np.full(len(like), -1, dtype=np.int8), np.zeros(len(like), dtype=np.int8)
        return cls(remedy, level, np.full(len(like), NULL, dtype=np.int64), np.zeros(len(like), dtype=np.int16))

    def put(self, rows: NDArray[np.intp], *new: Whole) -> Following:
        """Return the same with new ones in some rows."""
        old: tuple[Array, ...] = self
        return Following(*(put(values, rows, others) for values, others in zip(old, new, strict=True)))


_NOTHING = Following(-1, 0, NULL, 0)  # type: ignore[arg-type]


def _fall_back(
    batch: Batch, triage: Triage, said: _Said, is_lapsed: Flags, clocks: Clocks, rules: PayerRules | None, as_of: int | Whole
) -> Following:
    """Return the next remedy that is open on the day for rows whose own has lapsed."""
    found = Following.none(is_lapsed)
    remedies, levels = _following()
    lapsed = as_type(triage.payer_type, np.int64) * len(REMEDIES) + triage.remedy
    for turn in range(_MOST_NEXT):
        asked = take(remedies[turn], lapsed)
        # A remark that denies the appeal, or standing that is barred, takes it out of the order too.
        may = is_lapsed & (asked >= 0) & (triage.can_appeal | (asked != _APPEAL))
        if is_any(may):
            rows = rows_where(may)
            remedy, level, begun = pick(asked, rows), pick(take(levels[turn], lapsed), rows), clocks.take(rows)
            day, source, _ = _date(_thin(batch, rows), said.take(rows), remedy, level, begun, rules)
            is_open = (day != NULL) & (day >= pick(as_of, rows))
            if is_any(is_open):
                here = rows_where(is_open)
                found = found.put(pick(rows, here), *(pick(values, here) for values in (remedy, level, day, source)))
            is_lapsed = is_lapsed & (found.remedy < 0)
        if not is_any(is_lapsed):
            break
    return found


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
    return type(batch)(batch.table, {name: pick(batch.columns[name], rows) for name in _NEEDED}, batch.vocabulary)


@cache
def _following() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return remedies (-1: none) and levels by turn, and by payer type (last: unknown) and remedy that lapsed, flat."""
    remedies = np.full((_MOST_NEXT, len(PAYER_TYPES) + 1, len(REMEDIES)), -1, dtype=np.int8)
    levels = np.ones_like(remedies)
    for number, payer_type in enumerate((*PAYER_TYPES, "")):
        for remedy, nexts in (_NEXT_IN_MEDICARE if payer_type == "medicare" else _NEXT).items():
            for turn, (next_remedy, level) in enumerate(nexts):
                remedies[turn, number, REMEDY[remedy]], levels[turn, number, REMEDY[remedy]] = REMEDY[next_remedy], level
    return remedies.reshape(_MOST_NEXT, -1), levels.reshape(_MOST_NEXT, -1)
