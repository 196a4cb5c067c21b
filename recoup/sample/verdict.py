"""The verdict: category and remedy of a write-off where the rules of the domain leave no doubt."""

from __future__ import annotations

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Ints
from recoup.sample.ledger import Ledger
from recoup.sample.lines import CONTRACTUAL, Lines
from recoup.sample.recovery import Truth

CATEGORIES = (
    "", "reversed", "wait", "posting_error", "denial", "underpayment", "contractual", "withhold_receivable",
    "patient_responsibility", "policy", "bad_debt",
)  # fmt: skip
REMEDIES = ("", *codes.REMEDIES)


def categorise(ledger: Ledger, lines: Lines, truth: Truth, is_priced: Bools) -> Ints:
    """Give positions in `CATEGORIES`, the first rule that applies; 0 where only a judgement could tell.

    A contractual posting is certain only where the practice holds the fee schedule (`is_priced`).
    """
    code = truth.code
    is_contract = codes.IS_CONTRACTUAL[code] & (ledger.slot == CONTRACTUAL)
    denied = codes.IS_DENIAL[code] & (codes.FAMILY[code] != codes.FAMILIES.index("contractual"))
    rules = (
        ("reversed", ledger.is_reversed | (ledger.reverses >= 0)),
        ("wait", codes.IS_WAIT[code]),
        ("posting_error", ledger.is_duplicate | (ledger.code != code)),
        ("denial", denied),
        ("underpayment", is_contract & is_priced & truth.is_misposted),
        ("contractual", (is_contract & is_priced & ~truth.is_misposted) | np.isin(code, [codes.SEQUESTRATION])),
        ("withhold_receivable", code == codes.WITHHOLD),
        ("patient_responsibility", codes.IS_PATIENT[code]),
        ("policy", np.isin(code, [codes.SMALL_BALANCE, codes.CHARITY]) & ~ledger.is_over_policy),
        ("bad_debt", code == codes.BAD_DEBT),
    )
    return np.select([rows for _, rows in rules], [CATEGORIES.index(name) for name, _ in rules], 0).astype(np.int64)


def prescribe(category: Ints, truth: Truth) -> Ints:
    """Give positions in `REMEDIES`; 0 where the category is open or papers and guards decide."""
    own = truth.remedy + 1
    nothing = REMEDIES.index("none")
    is_ = {name: category == i for i, name in enumerate(CATEGORIES)}
    plain = is_["denial"] | is_["underpayment"] | is_["withhold_receivable"]
    idle = is_["reversed"] | is_["wait"] | is_["policy"] | is_["contractual"]
    return np.where(plain, own, np.where(idle, nothing, 0)).astype(np.int64)
