"""Features of the line against what it should have been allowed: the contract, and what the payer usually allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats, amount, copied, dollars, feature, in_dollars, share
from features.money import NULL
from features.rowwise import where
from features.tables import Columns


def implied_allowed_cents(c: Columns) -> NDArray[np.int64]:
    """Return what the posting leaves as allowed (cents): charge less write-off; NULL where either is unknown or nothing is left."""
    billed, writeoff = c["billed_amount"], c["writeoff_amount"]
    left = where((billed == NULL) | (writeoff == NULL), NULL, billed - writeoff)
    return where(left > 0, left, NULL)


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
