"""Features of the line against what it should have been allowed: the contract, and what the payer usually allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES
from features.feature import Floats, amount, copied, dollars, feature, in_dollars, share
from features.money import NULL
from features.rowwise import full, is_any, least, most, take, where
from features.tables import Columns


def implied_allowed_cents(c: Columns) -> NDArray[np.int64]:
    """Return what the posting leaves as allowed (cents): charge less write-off; NULL where either is unknown or nothing is left."""
    billed, writeoff = c["billed_amount"], c["writeoff_amount"]
    left = where((billed == NULL) | (writeoff == NULL), NULL, billed - writeoff)
    return where(left > 0, left, NULL)


def log_implied(columns: Columns) -> tuple[Floats, NDArray[np.bool_]]:
    """Return log(what the posting leaves / what should be allowed) of contractual rows, and where that is agreed and not only usual.

    What is agreed is the contract's price, or the practice's own; elsewhere it is what the payer usually allows. NaN where neither is
    known, and for reversals. A charge written off whole as contractual leaves nothing: it reads as one cent, far below anything proper.
    """
    contractual = take(_CONTRACTUAL, columns["family"]) & (columns["writeoff_amount"] > 0)
    if not is_any(contractual):
        return full(contractual, np.nan), contractual
    billed, writeoff = columns["billed_amount"], columns["writeoff_amount"]
    left, allowed, short = columns["implied_allowed_cents"], columns["allowed_amount"], columns["underpayment_cents"]
    whole = (billed != NULL) & (writeoff == billed) & (billed > 0)
    left = where(whole, 1, where((left != NULL) & (allowed > 0), least(left, allowed), left))
    agreed = contractual & (short != NULL) & (allowed != NULL) & (allowed + short > 0)
    proper = where(agreed, most(allowed, 0) + where(agreed, short, 0), columns["usual_smoothed_cents"])
    good = contractual & (left > 0) & (proper > 0)
    return where(good, np.log(where(good, left, 1) / where(good, proper, 1.0)), np.nan), agreed


_CONTRACTUAL = np.array([family == "contractual" for family in FAMILIES])


_CONTRACT, _USUAL = "contract", "usual allowed"
_NOT_USUAL = "nothing usual is known"


@feature(unit="dollars", concept=_USUAL, phrase="the gap to what the payer usually allows", null=_NOT_USUAL)
def usual_gap_dollars(c: Columns) -> Floats:
    """Usual allowed less what the posting leaves, in dollars; positive where the posting leaves too little."""
    return c[in_dollars("usual_smoothed_cents")] - dollars(c, "implied_allowed_cents")


FEATURES = (
    share(
        "allowed_to_expected_share",
        "allowed_amount",
        "expected_allowed_cents",
        "Allowed by the payer as a part of the expected allowed amount",
        concept=_CONTRACT,
        phrase="what was allowed against the contract",
    ),
    amount(
        "underpayment_dollars",
        "underpayment_cents",
        "Dollars by which the allowed amount stays below the contract",
        concept=_CONTRACT,
        phrase="the underpayment against the contract",
        null="not priced",
    ),
    share(
        "implied_to_usual_share",
        "implied_allowed_cents",
        "usual_smoothed_cents",
        "Charge less write-off as a part of the payer's usual allowed",
        concept=_USUAL,
        phrase="what this posting leaves against what the payer usually allows",
        null=_NOT_USUAL,
    ),
    share(
        "implied_to_usual_low_share",
        "implied_allowed_cents",
        "usual_low_cents",
        "Charge less write-off as a part of the 10 % quantile of the payer's allowed amounts",
        concept=_USUAL,
        phrase="what this posting leaves against the low end of the payer's usual range",
        null=_NOT_USUAL,
    ),
    usual_gap_dollars,
    copied(
        "usual_count",
        "usual_count",
        "Allowed postings of this payer and procedure so far",
        unit="postings",
        concept=_USUAL,
        phrase="how well the payer's usual allowed amount is known",
        null="never null",
    ),
    share(
        "usual_to_writeoff_share",
        "usual_smoothed_cents",
        "writeoff_amount",
        "Usual allowed as a part of the amount written off: how much of a denied line the payer would have paid",
        concept=_USUAL,
        phrase="what the payer usually allows against the amount written off",
        null=_NOT_USUAL,
    ),
)
