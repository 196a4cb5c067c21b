"""The verdict: category and remedy of a write-off where the rules of the domain leave no doubt."""

from __future__ import annotations

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Ints
from recoup.sample.claims import Claims
from recoup.sample.ledger import Ledger
from recoup.sample.lines import CONTRACTUAL, Lines
from recoup.sample.recovery import Truth

CATEGORIES = (
    "", "reversed", "wait", "posting_error", "denial", "underpayment", "contractual", "withhold_receivable",
    "patient_responsibility", "policy", "bad_debt",
)  # fmt: skip
REMEDIES = ("", *codes.REMEDIES)
PLAIN_FAMILIES = ("coding", "documentation", "cob", "eligibility")
"""Families in which the remarks of the sample only say what is missing."""


def categorise(ledger: Ledger, lines: Lines, claims: Claims, truth: Truth, *, is_priced: Bools, end: int) -> Ints:
    """Give positions in `CATEGORIES`, the first rule that applies; 0 where only a judgement could tell.

    A contractual posting is certain only where the practice holds the fee schedule (`is_priced`), a wait only while it has not
    run out by the day `end`; a denial that was posted as contractual shows only beside its remit.
    """
    code = truth.code
    since = end - claims.remit_day[lines.claim[ledger.line]]
    # Practice norms of DOMAIN 3: a forwarded claim is waited for 45 days, a pended one 120.
    is_open_wait = codes.IS_WAIT[code] & (since < np.where(codes.FAMILY[code] == codes.FAMILIES.index("pend"), 120, 45))
    is_contract = codes.IS_CONTRACTUAL[code] & (ledger.slot == CONTRACTUAL)
    is_own = np.isin(code, [codes.SMALL_BALANCE, codes.CHARITY])
    unsure = (codes.IS_WAIT[code] & ~is_open_wait) | (ledger.code != code)
    rules = (
        ("reversed", ledger.is_reversed | (ledger.reverses >= 0)),
        ("wait", is_open_wait),
        ("posting_error", ledger.is_duplicate),
        ("", unsure),
        ("denial", codes.IS_DENIAL[code] & (codes.FAMILY[code] != codes.FAMILIES.index("contractual"))),
        ("underpayment", is_contract & is_priced & truth.is_misposted),
        ("contractual", (is_contract & is_priced & ~truth.is_misposted) | (code == codes.SEQUESTRATION)),
        ("withhold_receivable", code == codes.WITHHOLD),
        ("patient_responsibility", codes.IS_PATIENT[code]),
        ("policy", is_own & ~ledger.is_over_policy),
        ("bad_debt", code == codes.BAD_DEBT),
    )
    return np.select([rows for _, rows in rules], [CATEGORIES.index(name) for name, _ in rules], 0).astype(np.int64)


def prescribe(category: Ints, ledger: Ledger, lines: Lines, truth: Truth) -> Ints:
    """Give positions in `REMEDIES`; 0 where the category is open, or a remark, papers or guards may turn the code's remedy."""
    is_ = {name: category == i for i, name in enumerate(CATEGORIES)}
    family = codes.FAMILY[truth.code]
    is_plain = np.isin(family, [codes.FAMILIES.index(name) for name in PLAIN_FAMILIES])
    is_plain &= codes.REMEDY[truth.code] != codes.REMEDIES.index("appeal")
    # Whether Medicare wants a new claim or a reopening hangs on the filing limit.
    is_plain &= truth.remedy != codes.REMEDIES.index("new_claim")
    is_silent = (lines.rarc[ledger.line] == 0) & (family != codes.FAMILIES.index("authorization"))
    sure = (is_["denial"] & (is_plain | is_silent)) | is_["underpayment"] | is_["withhold_receivable"]
    idle = is_["reversed"] | is_["wait"] | is_["policy"] | is_["contractual"]
    return np.where(sure, truth.remedy + 1, np.where(idle, REMEDIES.index("none"), 0)).astype(np.int64)
