"""Features of the line against what it should have been allowed: the contract, and what the payer usually allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import Floats, dollars, feature, ratio
from features.money import NULL
from features.tables import Columns


def implied_allowed_cents(c: Columns) -> NDArray[np.int64]:
    """Return what the posting leaves as allowed (cents): charge less write-off; NULL where either is unknown or nothing is left."""
    billed, writeoff = c["billed_amount"], c["writeoff_amount"]
    left = np.where((billed == NULL) | (writeoff == NULL), NULL, billed - writeoff)
    return np.where(left > 0, left, NULL)


@feature(unit="share", concept="contract", phrase="what was allowed against the contract", monotone=0)
def allowed_to_expected_share(c: Columns) -> Floats:
    """Allowed by the payer as a part of the expected allowed amount."""
    return ratio(dollars(c, "allowed_amount"), dollars(c, "expected_allowed_cents"))


@feature(unit="dollars", concept="contract", phrase="the underpayment against the contract", null="not priced")
def underpayment_dollars(c: Columns) -> Floats:
    """Dollars by which the allowed amount stays below the contract."""
    return dollars(c, "underpayment_cents")


@feature(
    unit="share",
    concept="usual allowed",
    phrase="what this posting leaves against what the payer usually allows",
    null="nothing usual is known",
)
def implied_to_usual_share(c: Columns) -> Floats:
    """Charge less write-off as a part of the payer's usual allowed amount."""
    return ratio(dollars(c, "implied_allowed_cents"), c["usual_smoothed_cents"] / 100.0)


@feature(
    unit="share",
    concept="usual allowed",
    phrase="what this posting leaves against the low end of the payer's usual range",
    null="nothing usual is known",
)
def implied_to_usual_low_share(c: Columns) -> Floats:
    """Charge less write-off as a part of the 10 % quantile of the payer's allowed amounts."""
    return ratio(dollars(c, "implied_allowed_cents"), dollars(c, "usual_low_cents"))


@feature(unit="dollars", concept="usual allowed", phrase="the gap to what the payer usually allows", null="nothing usual is known")
def usual_gap_dollars(c: Columns) -> Floats:
    """Usual allowed less charge less write-off, in dollars; positive where the posting leaves too little."""
    return c["usual_smoothed_cents"] / 100.0 - dollars(c, "implied_allowed_cents")


@feature(unit="postings", concept="usual allowed", phrase="how well the payer's usual allowed amount is known")
def usual_count(c: Columns) -> Floats:
    """Allowed postings of this payer and procedure so far."""
    return c["usual_count"]


@feature(
    unit="share",
    concept="usual allowed",
    phrase="what the payer usually allows against the amount written off",
    null="nothing usual is known",
)
def usual_to_writeoff_share(c: Columns) -> Floats:
    """Usual allowed as a part of the amount written off: how much of a denied line the payer would have paid."""
    return ratio(c["usual_smoothed_cents"] / 100.0, dollars(c, "writeoff_amount"))


FEATURES = (
    allowed_to_expected_share,
    underpayment_dollars,
    implied_to_usual_share,
    implied_to_usual_low_share,
    usual_gap_dollars,
    usual_count,
    usual_to_writeoff_share,
)
