"""Why something is not priced: one reason a row, each with a sentence."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "": "priced",
    "no_contract": "no contract with this payer is loaded",
    "no_term": "no term of the contract covers this service",
    "no_term_on_day": "no term of the contract covers the day of service",
    "no_service_day": "the day of service is not known, and every term has a span",
    "terms_overlap": "two terms of one key cover the day with different prices",
    "product_unknown": "the term is for a product or a class of provider, which a write-off does not carry",
    "no_value": "the term says no amount or percentage",
    "unit_unknown": "the term counts in units that the line does not carry",
    "component_not_named": "no fee names the component that was billed",
    "share_unknown": "the share of the fee that this modifier takes differs by procedure or payer",
    "by_report": "the modifier is priced by report",
    "anaesthesia": "anaesthesia is priced by base units and time",
    "charge_with_modifier": "whether the charge is already the share that the modifier takes is not known",
    "no_charge": "the charge is not known",
    "no_reference_fee": "the reference schedule lists no fee for the service in that year",
    "reference_ambiguous": "the term does not say which schedule or locality, and several are loaded",
    "no_place_of_service": "the reference schedule asks for the place of service, which is not known",
    "claim_priced": "the claim is priced as a whole",
    "capitated": "the service is paid for by the month",
    "claim_not_seen": "its place among the procedures of its claim and day is not known",
    "no_days": "the days of the stay are not known",
    "claim_incomplete": "not all lines of the claim are known, so its charge is not",
    "too_large": "the amount is beyond all sense",
}
"""By reason, what it says; the empty one is that of a priced row."""

REASONS = tuple(SENTENCES)
"""A row's reason is a place in it; 0: priced."""
REASON: Mapping[str, int] = {name: place for place, name in enumerate(REASONS)}
