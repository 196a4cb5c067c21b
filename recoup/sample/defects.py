"""The defects: what was planted for an audit to find."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from recoup.sample.arrays import Bools, Ints
from recoup.sample.claims import Claims
from recoup.sample.columns import writeoff_ids
from recoup.sample.ledger import SMALL_BALANCE_LIMIT, Ledger
from recoup.sample.lines import Lines
from recoup.sample.payers import Payers
from recoup.sample.recovery import Truth
from recoup.sample.remits import EXCESS_CENTS, RemitIndex
from recoup.sample.tables import money, text


class Defect(NamedTuple):
    """One kind of planted defect: the postings that show it, and the cents that are at stake on each."""

    rule: str
    rows: Ints
    cents: Ints


def defect_table(ledger: Ledger, lines: Lines, claims: Claims, payers: Payers, truth: Truth, remits: RemitIndex) -> pa.Table:
    """Build defects: one row per rule and posting; an unbalanced line is told at its first posting only."""
    kinds = _kinds(ledger, lines, payers.is_loaded[claims.payer[lines.claim[ledger.line]]], truth)
    row = np.concatenate([kind.rows for kind in kinds])
    rule = np.repeat(np.arange(len(kinds)), [len(kind.rows) for kind in kinds])
    line = ledger.line[row]
    is_unbalanced = rule == 0
    segment = np.where(is_unbalanced, remits.service_segment[line], remits.segment[row])
    in_remit = segment > 0
    return pa.table(
        {
            "rule": text([kind.rule for kind in kinds], rule),
            "writeoff_id": writeoff_ids(row),
            "file": text(remits.names, remits.file[lines.claim[line]], in_remit),
            "segment": pa.array(segment, mask=~in_remit),
            "amount": money(np.concatenate([kind.cents for kind in kinds])),
        }
    )


def _kinds(ledger: Ledger, lines: Lines, is_priced: Bools, truth: Truth) -> tuple[Defect, ...]:
    broken = np.flatnonzero(~ledger.is_balanced)
    _, first = np.unique(ledger.line[broken], return_index=True)
    unbalanced = broken[np.sort(first)]
    copied = np.flatnonzero(ledger.is_duplicate)
    hidden = np.flatnonzero(ledger.code != ledger.remit_code)
    over = np.flatnonzero(ledger.is_over_policy)
    is_short = truth.is_misposted & (ledger.code == ledger.remit_code)
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
