"""Features of who pays."""

from __future__ import annotations

from features.feature import Floats, category, coded, feature
from features.tables import Columns


@feature(unit="position", concept="payer", phrase="the payer's place in the order of payers")
def payer_sequence_count(c: Columns) -> Floats:
    """1 primary, 2 secondary, 3 tertiary."""
    return coded(c["payer_sequence"])


FEATURES = (
    category("payer_type", concept="payer", phrase="the kind of payer"),
    category("plan_id", concept="payer", phrase="the plan"),
    category("network_status", concept="payer", phrase="in or out of network"),
    category("funding", concept="payer", phrase="who bears the plan's risk"),
    payer_sequence_count,
)
