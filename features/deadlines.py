"""Which remedy of each write-off is open, until when, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.clocks import LEVELS, Clocks, Whole, clocks_of
from features.codes.meaning import FAMILY, PAYER_TYPE, REMEDY
from features.law import CLAIMS, LAW_RULES, Flags, by_law
from features.money import NULL
from features.payer_rules import PayerRules
from features.rowwise import as_type, full, is_any, pick, put, rows_where, take, where
from features.standing import NO_STANDING, judge_standing
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

_APPEAL, _SEND_RECORDS, _REOPENING = REMEDY["appeal"], REMEDY["send_records"], REMEDY["reopening"]
_LATE, _MEDICARE = FAMILY["timely_filing"], PAYER_TYPE["medicare"]

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
    """The remedy of each row that is open, or if none is its own, and its last day.

    Parameters
    ----------
    remedy, level
        Place in `REMEDIES`, and the level asked for; where the row's own remedy has lapsed and another is open, that one.
        Level 2 of a reopening is the one for good cause, which must be shown.
    day
        Days since 1970-01-01; NULL only where the row has no date at all.
    source
        Place in `SOURCES`.
    days_left
        From `as_of` to the day, negative when it is over; NULL with it.
    rule
        Place in `DEADLINE_RULES`: which rule set it.
    own_remedy, own_day
        The row's own remedy and its last day, lapsed or not.
    is_closed
        Law, rule, remark or ledger closed the remedy and none is open after it: only such a row may be left out of a queue.
    """

    remedy: NDArray[np.int8]
    level: NDArray[np.int8]
    day: NDArray[np.int64]
    source: NDArray[np.int16]
    days_left: NDArray[np.int64]
    rule: NDArray[np.int16]
    own_remedy: NDArray[np.int8]
    own_day: NDArray[np.int64]
    is_closed: NDArray[np.bool_]

    @property
    def has_moved(self) -> Flags:
        """Return where the row's own remedy has lapsed and another is open after it: until a later day."""
        moved: Flags = self.own_day != self.day
        return moved


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
    """Return the last day of each row's remedy, by the ledger, else payer rule, remark, law, else 90 days; of one that has lapsed the next.

    A remedy that ledger, rule, remark or law closed gives way to the next that is open on the morning; a default of 90 days closes none.

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
    >>> REMEDIES[found.remedy[0]], str(found.day[0].astype("datetime64[D]")), REMEDIES[found.own_remedy[0]]
    ('reopening', '2027-05-15', 'appeal')
    """
    compiled = PayerRules.of(rules) if rules is not None and len(rules) else None
    clocks = clocks_of(batch, prior_decision, demand_letter)
    level = np.clip(level, 1, LEVELS) if isinstance(level, np.ndarray) else min(max(level, 1), LEVELS)
    said = _Said(triage.payer_type, triage.remark_days, triage.record_days, _undecided(triage))
    day, source, law = _date(batch, said, triage.remedy, level, clocks, compiled)
    known = batch.columns["appeal_deadline"]
    if is_any(known != NULL):
        # A deadline before the decision that it is about is a slip of the ledger.
        is_known = (known != NULL) & (known >= clocks.determined)
        day, source = where(is_known, known, day), where(is_known, _LEDGER, source)
    is_over = (day != NULL) & (day < as_of)
    at = _At(triage.remedy, full(day, level) if isinstance(level, int) else level, day, source, law)
    is_closed = full(day, False)
    if is_any(is_over):
        is_lapsed = is_over & take(_FILTERS, source)
        if is_any(is_lapsed):
            at, is_closed = _fall_back(batch, triage, said, at, is_lapsed, clocks, compiled, as_of)
    return Deadlines(
        as_type(at.remedy, np.int8),
        as_type(at.level, np.int8),
        at.day,
        as_type(at.source, np.int16),
        where(at.day == NULL, NULL, at.day - as_of),
        as_type(where(at.source == _STATUTE, at.law + _FIRST_LAW, take(_RULE_OF_SOURCE, at.source)), np.int16),
        triage.remedy,
        day,
        is_closed,
    )


_FILTERS = np.array([name in MAY_FILTER for name in SOURCES])


class _Said(NamedTuple):
    """What triage said that decides a deadline: fields of `Triage`, and whether the claim was refused without a determination."""

    payer_type: NDArray[np.int8]
    remark_days: NDArray[np.int16]
    record_days: NDArray[np.int16]
    is_undecided: Flags

    def take(self, rows: NDArray[np.intp]) -> _Said:
        """Return that of some rows."""
        return _Said(*(pick(values, rows) for values in self))


def _undecided(triage: Triage) -> Flags:
    """Return where Medicare refused the claim as filed late and is asked to accept it all the same.

    That is no determination (42 CFR 405.926(n)), so no year to reopen one runs; an exception to the filing limit has six calendar months
    from a notice that the ledger does not know (424.44(b)).
    """
    found: Flags = (triage.family == _LATE) & (triage.remedy == _REOPENING) & (triage.payer_type == _MEDICARE)
    return found


def _date(
    batch: Batch, said: _Said, remedy: NDArray[np.int8], level: int | Whole, clocks: Clocks, rules: PayerRules | None
) -> tuple[Whole, Whole, Whole]:
    """Return last day, source and law (place in `LAW_RULES`) of a remedy, the ledger apart."""
    day, holds, law = by_law(batch, said.payer_type, remedy, level, clocks, said.is_undecided)
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


class _At(NamedTuple):
    """The remedy of each row that is looked at: its level, last day, source and law (place in `LAW_RULES`)."""

    remedy: NDArray[np.int8]
    level: Whole
    day: Whole
    source: Whole
    law: Whole

    def take(self, rows: NDArray[np.intp]) -> _At:
        """Return that of some rows."""
        return _At(*(pick(values, rows) for values in self))

    def put(self, rows: NDArray[np.intp], new: _At) -> _At:
        """Return the same with new ones in some rows."""
        old: tuple[Array, ...] = self
        others: tuple[Array, ...] = new
        return _At(*(put(values, rows, changed) for values, changed in zip(old, others, strict=True)))


def _fall_back(
    batch: Batch, triage: Triage, said: _Said, own: _At, is_lapsed: Flags, clocks: Clocks, rules: PayerRules | None, as_of: int | Whole
) -> tuple[_At, Flags]:
    """Return for rows whose own remedy has lapsed the next that is open on the day, and where none is."""
    found, is_closed = own, is_lapsed
    remedies, levels = _following()
    lapsed = as_type(triage.payer_type, np.int64) * len(REMEDIES) + triage.remedy
    # A remark that denies the appeal takes it out of the order too; the day in the ledger is that of the appeal, whatever came first.
    can_appeal = triage.can_appeal & (own.source != _LEDGER)
    for turn in range(_MOST_NEXT):
        asked = take(remedies[turn], lapsed)
        may = is_closed & (asked >= 0) & (can_appeal | (asked != _APPEAL))
        if is_any(may):
            rows = rows_where(may)
            remedy, level, begun = pick(asked, rows), pick(take(levels[turn], lapsed), rows), clocks.take(rows)
            part, told = thin(batch, rows), said.take(rows)
            day, source, law = _date(part, told, remedy, level, begun, rules)
            is_open = (day != NULL) & (day >= pick(as_of, rows))
            standing = judge_standing(part, as_type(told.payer_type, np.int64), remedy)
            if standing is not None:
                is_open &= standing[0] & NO_STANDING == 0
            if is_any(is_open):
                here = rows_where(is_open)
                found = found.put(pick(rows, here), _At(remedy, level, day, source, law).take(here))
                is_closed = put(is_closed, pick(rows, here), full(pick(is_open, here), False))
        if not is_any(is_closed):
            break
    return found, is_closed


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
    "appeal_consent_on_file",
    "part2",
    "self_pay_restriction",
)


def thin(batch: Batch, rows: NDArray[np.intp]) -> Batch:
    """Return these rows with the columns that decide a deadline, and who may ask."""
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
