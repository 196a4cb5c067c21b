"""Features of the adjustment codes: what the payer said it did and why."""

from __future__ import annotations

from features.feature import Floats, category, coded, feature
from features.tables import Columns


@feature(unit="probability", concept="code", phrase="how often reasons of this kind are recovered", monotone=1)
def prior_rate(c: Columns) -> Floats:
    """Recoverability of the code family as an expert would guess it."""
    return c["prior_rate"].astype("float64")


@feature(unit="code", concept="code", phrase="the kind of reason")
def family_code(c: Columns) -> Floats:
    """Place of the code family in its list; families of like meaning do not stand together, so trees may only split on it as it is."""
    return coded(c["family"])


@feature(unit="code", concept="code", phrase="what is to be done about it")
def remedy_code(c: Columns) -> Floats:
    """Place of the remedy in its list."""
    return coded(c["remedy"])


@feature(unit="code", concept="code", phrase="the kind of write-off")
def category_code(c: Columns) -> Floats:
    """Place of the category in its list."""
    return coded(c["category"])


FEATURES = (
    prior_rate,
    family_code,
    remedy_code,
    category_code,
    category("carc", concept="code", phrase="the reason code"),
    category("rarcs", concept="code", phrase="the remark codes"),
    category("group_code", concept="code", phrase="the adjustment group"),
    category("adjustment_code", concept="code", phrase="the practice's own reason code"),
    category("claim_type", concept="code", phrase="the form of the claim"),
    category("place_of_service", concept="code", phrase="the place of service"),
    category("facility_id", concept="code", phrase="the facility"),
    category("specialty", concept="code", phrase="the specialty"),
)
