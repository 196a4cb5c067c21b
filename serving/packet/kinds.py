"""Which packet a remedy asks for, and when a guard forbids it."""

from __future__ import annotations

from features.errors import CheckFailed, UsageError
from features.guards import Refusal
from features.rules import rules
from serving.packet.case import Case
from serving.packet.levels import remedy_of

KIND_OF = {
    "appeal": "appeal",
    "recoupment_appeal": "appeal",
    "peer_to_peer": "appeal",
    "external_review": "appeal",
    "corrected_claim": "corrected_claim",
    "new_claim": "corrected_claim",
    "fix_enrollment": "corrected_claim",
    "reopening": "reopening",
    "verify_duplicate": "reopening",
    "cob_update": "cob_facts",
    "rebill_other_payer": "cob_facts",
    "bill_secondary": "cob_facts",
    "coverage_discovery": "cob_facts",
    "send_records": "records_list",
    "patient_outreach": "records_list",
    "contract_dispute": "underpayment",
    "nsa_negotiation": "underpayment",
    "compliance_review": "refund",
    "posting_correction": "ledger_correction",
}
"""Remedy to kind; `patient_billing` and `none` have no packet."""
KINDS = tuple(dict.fromkeys(KIND_OF.values()))

ADDRESSED = {
    "appeal": "the appeals department",
    "reopening": "claims review",
    "cob_facts": "coordination of benefits",
    "records_list": "medical review",
    "underpayment": "provider contracts and claims",
    "refund": "overpayment recovery",
}
"""Who at the payer a letter of a kind is for; a sheet is for nobody there."""

_APPEALS = ("appeal", "external_review", "peer_to_peer", "send_records")


class Forbidden(CheckFailed):
    """A guard forbids the packet; `rules` are those it names."""

    def __init__(self, writeoff_id: str, refusals: tuple[Refusal, ...]) -> None:
        self.rules = tuple(refusal.rule_id for refusal in refusals)
        told = " ".join(f"{refusal.sentence} ({refusal.citation}; rule {refusal.rule_id})" for refusal in refusals)
        super().__init__(f"{writeoff_id}: no packet may be made. {told}")


def kind_of(case: Case) -> str:
    """Return the kind of packet that a case asks for.

    Raises
    ------
    Forbidden
        When a guard forbids it: the rule is named and cited.
    UsageError
        When its remedy has no packet; why the row is where it is stands in the message.
    """
    barred = forbidding(case)
    if barred:
        raise Forbidden(case.row.writeoff_id, barred)
    remedy = remedy_of(case)
    if remedy not in KIND_OF:
        does = "the patient is billed by the practice system" if remedy == "patient_billing" else "there is nothing to send"
        raise UsageError(f"{case.row.writeoff_id}: no packet for remedy {remedy}: {does}. {case.why}".strip())
    return KIND_OF["appeal"] if is_disputed_denial(case) else KIND_OF[remedy]


def is_disputed_denial(case: Case) -> bool:
    """Whether a denial is disputed under the network agreement, as by who has no standing to appeal: no price is at issue."""
    return remedy_of(case) == "contract_dispute" and case.score.category == "denial"


def forbidding(case: Case) -> tuple[Refusal, ...]:
    """Return the guards that forbid the packet of a case.

    A refusal of billing the patient forbids no letter to a payer; one of standing forbids appeals only; a restriction or a missing
    consent under Part 2 forbids everything that discloses the service. What may be owed to a payer has its own cover, never another.
    Medicare takes no replacement claim in Part B.
    """
    remedy, row = remedy_of(case), case.row
    found = [refusal for refusal in case.guards if not refusal.is_question and _forbids(refusal.rule_id, remedy)]
    if remedy == "corrected_claim" and row.payer_type == "medicare" and row.claim_type == "professional":
        rule = rules()["remedy.part_b"]
        found.append(Refusal(rule.rule, rule.sentence, rule.citation))
    return tuple(found)


def _forbids(rule: str, remedy: str) -> bool:
    topic = rule.partition(".")[0]
    if topic == "patient":
        return remedy == "patient_billing"
    if topic == "standing":
        return remedy in _APPEALS
    if topic == "overpayment":
        return remedy != "compliance_review"
    return True
