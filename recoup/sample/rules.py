"""The rules that the practice has written down: payers' deadlines and its own policies of writing off."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from recoup.sample import codes
from recoup.sample.arrays import Ints
from recoup.sample.ledger import CHARITY_LIMIT, SMALL_BALANCE_LIMIT
from recoup.sample.payers import TYPES, Payers
from recoup.sample.planting import APPROVAL_OVER
from recoup.sample.recovery import CORRECTIONS
from recoup.sample.tables import dates, money, text

APPEALS = ("appeal", "send_records", "cob_update", "contract_dispute", "fix_enrollment", "verify_duplicate")


def payer_rule_table(payers: Payers, effective_from: int) -> pa.Table:
    """Build payer_rules: one row per payer and remedy; Medicare's own are law, so nobody types them in."""
    remedies = APPEALS + CORRECTIONS
    written = np.flatnonzero(~payers.is_type("medicare"))
    payer = np.repeat(written, len(remedies))
    remedy: Ints = np.tile(np.arange(len(remedies)), len(written))
    limit = np.where(remedy < len(APPEALS), payers.appeal_days[payer], payers.corrected_days[payer])
    nought = np.zeros(len(payer), dtype=np.int64)
    return pa.table(
        {
            "payer_id": text(payers.ids, payer),
            "payer_type": text(TYPES, payers.kind[payer]),
            "remedy": text(remedies, remedy),
            "level": pa.array(nought + 1),
            "limit": pa.array(limit),
            "limit_unit": text(("days",), nought),
            "clock": text(("remit_date",), nought),
            "effective_from": dates(nought + effective_from),
        }
    )


def policy_table(effective_from: int) -> pa.Table:
    """Build writeoff_policies: one row per adjustment code of the practice's own."""
    rows = (
        ("SMALLBAL", "policy", SMALL_BALANCE_LIMIT, APPROVAL_OVER[codes.SMALL_BALANCE], "statement_sent"),
        ("CHARITY", "policy", CHARITY_LIMIT, APPROVAL_OVER[codes.CHARITY], "application approval"),
        ("BADDEBT", "bad_debt", 2_000_000, APPROVAL_OVER[codes.BAD_DEBT], "statement_sent statement_sent agency_notice"),
    )
    each = np.arange(len(rows))
    return pa.table(
        {
            "client_id": text(("default",), each * 0),
            "adjustment_code": text([row[0] for row in rows], each),
            "category": text([row[1] for row in rows], each),
            "max_amount": money(np.array([row[2] for row in rows])),
            "approval_over": money(np.array([row[3] for row in rows])),
            "required_steps": text([row[4] for row in rows], each),
            "effective_from": dates(each * 0 + effective_from),
        }
    )
