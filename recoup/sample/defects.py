"""The defects: what an audit should find, planted or there by itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from recoup.sample import codes
from recoup.sample.arrays import Bools, Ints
from recoup.sample.claims import Claims
from recoup.sample.columns import writeoff_ids
from recoup.sample.ledger import SMALL_BALANCE_LIMIT, Ledger
from recoup.sample.lines import DENIAL, PATIENT, Lines
from recoup.sample.payers import Payers
from recoup.sample.planting import Planted
from recoup.sample.recovery import Truth
from recoup.sample.remits import EXCESS_CENTS, RemitIndex
from recoup.sample.staff import Efforts
from recoup.sample.tables import money, text

WAIT_DAYS = 45
"""Days to wait for the payer that a claim was handed on to (practice norm, DOMAIN 3)."""


class Defect(NamedTuple):
    """One kind of defect: the postings that show it, and the cents that are at stake on each."""

    rule: str
    rows: Ints
    cents: Ints


def defect_table(
    planted: Planted, claims: Claims, payers: Payers, truth: Truth, efforts: Efforts, remits: RemitIndex, end: int
) -> pa.Table:
    """Build defects: one row per rule and posting; an unbalanced line is told at its first posting only, a take-back has no posting."""
    ledger, lines = planted.ledger, planted.lines
    kinds = [
        *_kinds(ledger, lines, payers.is_loaded[claims.payer[lines.claim[ledger.line]]], truth, planted.is_touched),
        *_by_themselves(ledger, lines, claims, truth, efforts, end),
        *(Defect(rule, rows, cents) for rule, (rows, cents) in planted.kinds.items()),
    ]
    row = np.concatenate([kind.rows for kind in kinds])
    rule = np.repeat(np.arange(len(kinds)), [len(kind.rows) for kind in kinds])
    line = ledger.line[row]
    segment = np.where(rule == 0, remits.service_segment[line], remits.segment[row])
    in_remit = (segment > 0) & ~planted.missing[lines.claim[line]]
    held = len(planted.held)
    is_posting = np.concatenate([np.ones(len(row), dtype=np.bool_), np.zeros(held, dtype=np.bool_)])
    names = [*(kind.rule for kind in kinds), "take_back_not_posted"]
    writeoff = writeoff_ids(np.concatenate([row, np.zeros(held, dtype=np.int64)])).to_pylist()
    file = np.concatenate([remits.file[lines.claim[line]], np.array([place[0] for place in remits.held], dtype=np.int64)])
    segment = np.concatenate([segment, np.array([place[1] for place in remits.held], dtype=np.int64)])
    known = np.concatenate([in_remit, np.ones(held, dtype=np.bool_)])
    cents = np.concatenate([*(kind.cents for kind in kinds), np.array([one.cents for one in planted.held], dtype=np.int64)])
    return pa.table(
        {
            "rule": text(names, np.concatenate([rule, np.full(held, len(kinds), dtype=np.int64)])),
            "writeoff_id": pa.array([one if is_row else None for one, is_row in zip(writeoff, is_posting.tolist(), strict=True)]),
            "file": text(remits.names, file, known),
            "segment": pa.array(segment, mask=~known),
            "amount": money(cents),
        }
    )


def _kinds(ledger: Ledger, lines: Lines, is_priced: Bools, truth: Truth, is_touched: Bools) -> tuple[Defect, ...]:
    broken = np.flatnonzero(~ledger.is_balanced)
    _, first = np.unique(ledger.line[broken], return_index=True)
    unbalanced = broken[np.sort(first)]
    copied = np.flatnonzero(ledger.is_duplicate)
    hidden = np.flatnonzero((ledger.code != ledger.remit_code) & ~is_touched)
    over = np.flatnonzero(ledger.is_over_policy)
    is_short = truth.is_misposted & (ledger.code == ledger.remit_code) & ~is_touched
    return (
        Defect("unbalanced_remit", unbalanced, np.full(len(unbalanced), EXCESS_CENTS, dtype=np.int64)),
        Defect("duplicate_posting", copied, ledger.amount[copied]),
        Defect("contractual_posted_on_denial", hidden, ledger.amount[hidden]),
        Defect("small_balance_over_policy", over, ledger.amount[over] - SMALL_BALANCE_LIMIT),
        *(
            Defect(rule, short, lines.expected[ledger.line[short]] - lines.allowed[ledger.line[short]])
            # Where no contract is in hand only what is usual can tell.
            for rule, short in (
                ("underpaid_contractual", np.flatnonzero(is_short & is_priced)),
                ("below_usual_allowed", np.flatnonzero(is_short & ~is_priced)),
            )
        ),
    )


def _by_themselves(ledger: Ledger, lines: Lines, claims: Claims, truth: Truth, efforts: Efforts, end: int) -> tuple[Defect, ...]:
    """Say which postings are wrong without anybody having planted them: papers, days and efforts of the practice make them so."""
    claim = lines.claim[ledger.line]
    is_live = (ledger.reverses < 0) & ~ledger.is_reversed & ~ledger.is_duplicate
    is_covered = claims.has_other_coverage[claim] & claims.is_flag_known[claim]
    first_worked = np.full(len(ledger), np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(first_worked, efforts.row, efforts.worked)
    is_new = (claims.resubmissions[claim] == 0) & (claims.appeals[claim] == 0) & (first_worked > ledger.day)
    is_refused = is_live & (ledger.slot == DENIAL) & codes.IS_DENIAL[ledger.code] & (ledger.code == ledger.remit_code)
    forwarded = codes.position("PENDED", "B11")
    kinds = (
        ("patient_share_with_secondary", is_live & is_covered & (ledger.slot == PATIENT) & codes.IS_PATIENT[ledger.code]),
        ("bad_debt_with_coverage", is_live & is_covered & (ledger.code == codes.BAD_DEBT)),
        ("written_off_before_window_closed", is_refused & is_new & (truth.deadline >= ledger.day)),
        ("next_payer_not_billed", is_live & (ledger.code == forwarded) & (end - claims.remit_day[claim] > WAIT_DAYS)),
    )
    return tuple(Defect(rule, np.flatnonzero(rows), ledger.amount[rows]) for rule, rows in kinds)
