"""Features of the adjustment codes: what the payer said it did and why."""

from __future__ import annotations

from features.feature import category, copied, place

FEATURES = (
    copied(
        "prior_rate",
        "prior_rate",
        "Recoverability of the code as an expert would guess it",
        unit="probability",
        concept="code",
        phrase="how often reasons of this kind are recovered",
        null="never null",
        monotone=1,
    ),
    place("family_code", "family", "Place of the code family in its list", concept="code", phrase="the kind of reason"),
    place("remedy_code", "remedy", "Place of the remedy in its list", concept="code", phrase="what is to be done about it"),
    place("category_code", "category", "Place of the category in its list", concept="code", phrase="the kind of write-off"),
    category("carc", concept="code", phrase="the reason code"),
    category("rarcs", concept="code", phrase="the remark codes"),
    category("group_code", concept="code", phrase="the adjustment group"),
    category("adjustment_code", concept="code", phrase="the practice's own reason code"),
    category("claim_type", concept="code", phrase="the form of the claim"),
    category("place_of_service", concept="code", phrase="the place of service"),
    category("facility_id", concept="code", phrase="the facility"),
    category("specialty", concept="code", phrase="the specialty"),
)
