"""Features of who pays."""

from __future__ import annotations

from features.feature import category, count

FEATURES = (
    category("payer_type", concept="payer", phrase="the kind of payer"),
    category("plan_id", concept="payer", phrase="the plan"),
    category("network_status", concept="payer", phrase="in or out of network"),
    category("funding", concept="payer", phrase="who bears the plan's risk"),
    count(
        "payer_sequence_count",
        "payer_sequence",
        "1 primary, 2 secondary, 3 tertiary",
        concept="payer",
        phrase="the payer's place in the order of payers",
    ),
)
