"""What an audit should find, planted after the practice was drawn: other rows, their truth and their efforts stay what they were.

Only rows that nobody ever works are touched, so that outcomes and later remits stay true; what triage makes of a touched row is left open
in the truth. Each kind has rows of its own, on claim lines of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Ints, stream
from recoup.sample.claims import Claims
from recoup.sample.contracts import MODIFIERS
from recoup.sample.ledger import CHARITY_LIMIT, SMALL_BALANCE_LIMIT, Ledger
from recoup.sample.lines import CONTRACTUAL, DENIAL, FATES, LEDGER, PATIENT, Lines
from recoup.sample.payers import Payers
from recoup.sample.recovery import Truth
from recoup.sample.staff import Efforts

SHARE = 0.0008
"""Of the postings, for each kind."""

APPROVERS = ("lead1", "lead2")
APPROVAL_OVER = {codes.SMALL_BALANCE: SMALL_BALANCE_LIMIT, codes.CHARITY: 5_000, codes.BAD_DEBT: 10_000}
"""Cents above which the practice's own policy wants a second person."""

_UNAPPROVED_SHARE = 0.15
_NEED_REMARKS = ("16", "226", "252", "96", "234")
"""Reasons that say nothing without a remark code (DOMAIN 2.3)."""


class Held(NamedTuple):
    """Money that a payer takes back of a claim, out of what it pays on a later day."""

    claim: int
    payer: int
    day: int
    cents: int


@dataclass(frozen=True)
class Planted:
    """The ledger and the lines as they are written, and what was planted in them.

    Parameters
    ----------
    kinds
        Rule to postings and cents at stake.
    missing
        Which claims no remit holds.
    held
        Take-backs that the ledger does not show.
    approver
        Place in `APPROVERS` by posting; -1: nobody.
    is_touched
        Postings whose truth of category and remedy is open.
    """

    ledger: Ledger
    lines: Lines
    kinds: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)
    missing: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    held: tuple[Held, ...] = ()
    approver: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    is_touched: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))


def plant(seed: int, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers, truth: Truth, efforts: Efforts) -> Planted:
    """Plant every kind that is not in the ledger by itself."""
    bed = _Bed(seed, ledger, lines, claims, payers, truth, efforts)
    for kind in (
        bed.more_than_remit,
        bed.patient_debt,
        bed.retired_code,
        bed.no_remark,
        bed.whole_charge,
        bed.overpaid,
        bed.split_balance,
        bed.hardship,
    ):
        kind()
    missing = bed.missing_claims()
    held = bed.take_backs(missing)
    approver = bed.approvals()
    bed.over_charity_limit()
    return Planted(bed.ledger, bed.lines, bed.kinds, missing, held, approver, bed.is_touched)


class _Bed:
    """What may be planted where; the arrays are copies and are changed in place."""

    def __init__(self, seed: int, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers, truth: Truth, efforts: Efforts) -> None:
        names = ("line", "slot", "code", "remit_code", "amount")
        self.ledger = replace(ledger, **{name: getattr(ledger, name).copy() for name in names})
        self.lines = replace(lines, **{name: getattr(lines, name).copy() for name in ("code", "amount", "allowed", "paid", "rarc")})
        self.claims, self.payers = claims, payers
        self.rng = stream(seed, "planting")
        self.kinds: dict[str, tuple[Ints, Ints]] = {}
        n = len(ledger)
        self.is_touched = np.zeros(n, dtype=np.bool_)
        is_worked = np.zeros(n, dtype=np.bool_)
        is_worked[efforts.row] = True
        self.worked_claims = np.unique(lines.claim[ledger.line[is_worked]])
        odd = (ledger.reverses >= 0) | ledger.is_reversed | ledger.is_duplicate | ~ledger.is_balanced | truth.is_misposted
        odd |= ledger.is_over_policy | (ledger.code != ledger.remit_code)
        self.is_free = ~is_worked & ~np.isin(ledger.line, ledger.line[odd | (truth.hours <= 0)])
        self.won = truth.won

    def pick(self, may_be: Bools, *, most: int | None = None) -> Ints:
        """Draw postings of free lines, one a line, and take their lines out of what is free."""
        rows = np.flatnonzero(may_be & self.is_free)
        _, first = np.unique(self.ledger.line[rows], return_index=True)
        rows = self.rng.permutation(rows[first])
        count = min(len(rows) // 8, max(2, int(len(self.ledger) * SHARE)) if most is None else most)
        return self.use(np.sort(rows[:count]))

    def use(self, rows: Ints) -> Ints:
        """Take the lines of postings out of what is free."""
        on_line = np.isin(self.ledger.line, self.ledger.line[rows])
        self.is_free &= ~on_line
        self.is_touched |= on_line
        return rows

    def of(self, slot: int, *, code: int | None = None) -> Bools:
        """Say which postings are in a slot, under a code."""
        found: Bools = self.ledger.slot == slot
        return found if code is None else found & (self.ledger.code == code)

    def more_than_remit(self) -> None:
        """Post up to a tenth of what the payer allowed beyond what it took off."""
        ledger = self.ledger
        room = (self.lines.billed[ledger.line] - ledger.amount) // 10
        rows = self.pick(self.of(CONTRACTUAL, code=codes.CONTRACT) & (room > 200))
        more = self.rng.integers(101, 200, len(rows)) * room[rows] // 200
        ledger.amount[rows] += more
        self.kinds["posted_more_than_remit"] = rows, more

    def patient_debt(self) -> None:
        """Send the provider's own share to the agency."""
        ledger = self.ledger
        is_own = np.array([code.group == "CO" for code in codes.ALL])[ledger.code] & codes.IS_DENIAL[ledger.code]
        rows = self.pick(self.of(DENIAL) & is_own & (self.lines.amount[ledger.line, PATIENT] == 0))
        ledger.code[rows] = codes.BAD_DEBT
        self.kinds["provider_liability_as_patient_debt"] = rows, ledger.amount[rows]

    def retired_code(self) -> None:
        """Let payer and ledger use a reason that is out of force since 2007."""
        self._recode(self.pick(self.of(CONTRACTUAL, code=codes.CONTRACT)), CONTRACTUAL, codes.RETIRED, "retired_code")

    def whole_charge(self) -> None:
        """Let the payer call a refusal of the whole charge a fee cut."""
        ledger, line = self.ledger, self.ledger.line
        is_whole = (ledger.amount == self.lines.billed[line]) & (self.lines.paid[line] == 0) & codes.IS_DENIAL[ledger.code]
        is_whole &= ~self.claims.is_secondary[self.lines.claim[line]]
        rows = self.pick(self.of(DENIAL) & is_whole)
        self.lines.rarc[line[rows]] = 0
        self._recode(rows, DENIAL, codes.CONTRACT, "fee_cut_of_whole_charge")

    def _recode(self, rows: Ints, slot: int, code: int, rule: str) -> None:
        self.lines.code[self.ledger.line[rows], slot] = code
        self.ledger.code[rows] = self.ledger.remit_code[rows] = code
        self.kinds[rule] = rows, self.ledger.amount[rows]

    def no_remark(self) -> None:
        """Leave out the remark code without which a reason says nothing."""
        needs = np.array([code.carc in _NEED_REMARKS for code in codes.ALL])
        rows = self.pick(self.of(DENIAL) & needs[self.ledger.code])
        self.lines.rarc[self.ledger.line[rows]] = 0
        self.kinds["forbidden_combination"] = rows, self.ledger.amount[rows]

    def overpaid(self) -> None:
        """Let a payer whose contract is loaded allow and pay more than it agreed to; told at the first posting of the line."""
        ledger, lines = self.ledger, self.lines
        claim = lines.claim[ledger.line]
        is_priced = self.payers.is_loaded[self.claims.payer[claim]] & ~self.claims.is_secondary[claim]
        is_plain = (lines.modifier[ledger.line] == MODIFIERS.index("")) & (lines.fate[ledger.line] == FATES.index("contractual"))
        may_be = self.of(CONTRACTUAL, code=codes.CONTRACT) & is_priced & is_plain & (lines.paid[ledger.line] > 0) & (ledger.amount > 3_000)
        rows = self.pick(may_be)
        more = self.rng.integers(500, 1_500, len(rows))
        at = ledger.line[rows]
        lines.amount[at, CONTRACTUAL] -= more
        lines.allowed[at] += more
        lines.paid[at] += more
        ledger.amount[rows] -= more
        first = np.array([int(np.flatnonzero(ledger.line == line)[0]) for line in at.tolist()], dtype=np.int64)
        self.kinds["overpaid"] = first, more

    def split_balance(self) -> None:
        """Write a small balance off in two parts: the second takes the place of a fee cut that nobody posted."""
        ledger = self.ledger
        small = self.pick(self.of(LEDGER, code=codes.SMALL_BALANCE) & (ledger.amount >= 300))
        rest = self.of(CONTRACTUAL, code=codes.CONTRACT) & self.is_free & (self.won <= 700)
        rows, cents = [], []
        for first in small.tolist():
            near = np.flatnonzero(rest & (ledger.day >= ledger.day[first]) & (ledger.day <= ledger.day[first] + 30))
            near = near[near > first]
            if not len(near):
                continue
            second = int(near[self.rng.integers(len(near))])
            self.use(np.array([second]))
            rest &= self.is_free
            part = min(SMALL_BALANCE_LIMIT, SMALL_BALANCE_LIMIT + 1 - int(ledger.amount[first]) + int(self.rng.integers(0, 300)))
            ledger.line[second], ledger.slot[second] = ledger.line[first], LEDGER
            ledger.code[second] = ledger.remit_code[second] = codes.SMALL_BALANCE
            ledger.amount[second] = part
            rows.append(second)
            cents.append(int(ledger.amount[first]) + part - SMALL_BALANCE_LIMIT)
        self.kinds["small_balance_split"] = np.array(rows, dtype=np.int64), np.array(cents, dtype=np.int64)

    def hardship(self) -> None:
        """Post charity under a code that no policy names."""
        rows = self.pick(self.of(LEDGER, code=codes.CHARITY) & (self.ledger.amount <= CHARITY_LIMIT))
        self.ledger.code[rows] = self.ledger.remit_code[rows] = codes.HARDSHIP
        self.kinds["charity_without_policy"] = rows, self.ledger.amount[rows]

    def missing_claims(self) -> Bools:
        """Leave claims out of the remits; whoever posted them had none."""
        claim = self.lines.claim[self.ledger.line]
        whole = np.ones(len(self.claims.payer), dtype=np.bool_)
        whole[claim[~self.is_free]] = False
        rows = self.pick(whole[claim] & (self.ledger.slot != LEDGER))
        missing = np.zeros(len(whole), dtype=np.bool_)
        missing[claim[rows]] = True
        rows = self.use(np.flatnonzero(missing[claim] & (self.ledger.slot != LEDGER)))
        self.kinds["missing_remit_support"] = rows, self.ledger.amount[rows]
        return missing

    def take_backs(self, missing: Bools) -> tuple[Held, ...]:
        """Let payers take money of a paid claim out of a later payment, at most half of it."""
        lines, claims = self.lines, self.claims
        used = np.unique(lines.claim[self.ledger.line])
        used = used[~missing[used]]
        paid = np.bincount(lines.claim, lines.paid, len(claims.payer)).astype(np.int64)
        payments: dict[tuple[int, int], int] = {}
        for claim in used.tolist():
            key = int(claims.payer[claim]), int(claims.remit_day[claim])
            payments[key] = payments.get(key, 0) + int(paid[claim])
        untouched = np.setdiff1d(used, lines.claim[self.ledger.line[self.is_touched]])
        may_be = np.setdiff1d(untouched[paid[untouched] > 2_000], self.worked_claims)
        held: list[Held] = []
        most = max(2, int(len(self.ledger) * SHARE))
        by_payer: dict[int, list[int]] = {}
        for payer, day in sorted(payments):
            by_payer.setdefault(payer, []).append(day)
        taken: set[tuple[int, int]] = set()
        for claim in self.rng.permutation(may_be).tolist():
            payer, day = int(claims.payer[claim]), int(claims.remit_day[claim])
            cents = int(paid[claim]) // 2
            later = [d for d in by_payer[payer] if d > day + 30 and payments[payer, d] > 2 * cents and (payer, d) not in taken]
            if later and len(held) < min(most, len(may_be) // 8 + 1):
                taken.add((payer, later[0]))
                held.append(Held(claim, payer, later[0], cents))
        return tuple(sorted(held, key=lambda one: (one.payer, one.day)))

    def approvals(self) -> Ints:
        """Let somebody approve what the policies want approved, but for some."""
        ledger = self.ledger
        limit = np.full(len(codes.ALL), np.iinfo(np.int64).max, dtype=np.int64)
        limit[list(APPROVAL_OVER)] = list(APPROVAL_OVER.values())
        live = (ledger.reverses < 0) & ~ledger.is_reversed & ~ledger.is_duplicate
        over = np.flatnonzero(live & (ledger.amount > limit[ledger.code]))
        approver = np.full(len(ledger), -1, dtype=np.int64)
        approver[over] = self.rng.integers(0, len(APPROVERS), len(over))
        rows = over[self.rng.random(len(over)) < _UNAPPROVED_SHARE]
        approver[rows] = -1
        self.kinds["approval_missing"] = rows, ledger.amount[rows]
        return approver

    def over_charity_limit(self) -> None:
        """Charity above the limit of its policy is there by itself."""
        over = (self.ledger.code == codes.CHARITY) & (self.ledger.amount > CHARITY_LIMIT)
        self.is_touched |= over
        rows = np.flatnonzero(over)
        self.kinds["over_policy_limit"] = rows, self.ledger.amount[rows] - CHARITY_LIMIT
