"""Guards: what must not be done with a write-off, what must be asked first, and the rule that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.rules import rules

Whole: TypeAlias = NDArray[np.int64]

GUARDS = (
    "patient.group",
    "patient.qmb",
    "patient.medicaid",
    "patient.workers_comp",
    "patient.nsa",
    "patient.notice",
    "patient.remark",
    "patient.bankruptcy",
    "patient.hold",
    "patient.assistance",
    "patient.other_payer",
    "patient.payer_unknown",
    "standing.waiver",
    "standing.tricare_network",
    "standing.member_consent",
    "standing.outside_review",
    "part2.consent",
    "restriction.self_pay",
    "overpayment.netting",
)
"""Rules that refuse or ask; the place of each is its bit in `Triage.refused` and `Triage.asked`."""

BIT = {rule: 1 << place for place, rule in enumerate(GUARDS)}

RESTRICTED = BIT["part2.consent"] | BIT["restriction.self_pay"]
"""Bits of the restricted queue (DOMAIN 3)."""

_VERIFY = {
    "patient.qmb": "Ask whether the patient is a qualified Medicare beneficiary.",
    "patient.nsa": "Ask whether the No Surprises Act protects the patient.",
    "patient.notice": "Ask whether a valid advance notice is on file.",
    "patient.payer_unknown": "Ask which kind of payer this is, and who answers for the patient.",
    "standing.waiver": "Ask whether a signed waiver of liability is on file.",
    "standing.tricare_network": "Ask whether the provider is in the network, and whether the patient appointed it.",
    "standing.member_consent": "Ask whether the member's written consent is on file.",
    "standing.outside_review": "Ask whether the patient's consent to an outside review is on file.",
    "part2.consent": "Ask whether the records are under 42 CFR Part 2, and whether consent is on file.",
    "restriction.self_pay": "Ask whether the patient restricted disclosure to the payer.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something must not be done with a row, or (`is_question`) what must be asked before.

    Parameters
    ----------
    rule_id, sentence, citation
        As in `features.rules`; a question's sentence says what to ask.
    """

    rule_id: str
    sentence: str
    citation: str
    is_question: bool = False


def refusals(refused: int, asked: int = 0) -> tuple[Refusal, ...]:
    """Return what the bits of one row of `Triage.refused` and `Triage.asked` say, refusals first.

    Examples
    --------
    >>> [(refusal.rule_id, refusal.citation) for refusal in refusals(BIT["patient.qmb"])]
    [('patient.qmb', '42 USC 1396a(n)(3)')]
    >>> refusals(0, BIT["patient.qmb"])[0].sentence
    'Ask whether the patient is a qualified Medicare beneficiary.'
    """
    table = rules()
    found = [Refusal(rule, table[rule].sentence, table[rule].citation) for rule in GUARDS if refused & BIT[rule]]
    # What is refused need not be asked any more.
    open_ = asked & ~refused
    found += [Refusal(rule, _VERIFY[rule], table[rule].citation, True) for rule in GUARDS if open_ & BIT[rule] and rule in _VERIFY]
    return tuple(found)


def is_restricted(refused: Whole, asked: Whole | None = None) -> NDArray[np.bool_]:
    """Return which rows belong to the restricted queue: Part 2 without consent, or a self-pay restriction.

    Examples
    --------
    >>> is_restricted(np.array([0, BIT["restriction.self_pay"], BIT["patient.qmb"]])).tolist()
    [False, True, False]
    """
    found: NDArray[np.bool_] = (refused if asked is None else refused | asked) & RESTRICTED != 0
    return found
