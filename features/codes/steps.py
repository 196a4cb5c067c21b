"""The next step in words: of a remark code, else of remedy and family, else of the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES, Codes
from features.tables import REMEDIES

STEP_UNSURE, STEP_WAIT_SECONDARY, STEP_WAIT_DECISION, STEP_ASK, STEP_PART_A = (len(REMEDIES) + i for i in range(5))
STEP_WAIVER, STEP_CONSENT, STEP_NETWORK, STEP_RESTRICTED, STEP_PART2, STEP_LATE, STEP_CAUSE = (len(REMEDIES) + 5 + i for i in range(7))

WITH_WHAT = {
    "corrected_claim": "Correct {what}, as the record supports, and send the claim again with the original claim number.",
    "part_a": "Medicare Part A: send an adjustment bill (type of bill ending in 7) with {what} put right.",
    "reopening": "Ask the payer for a clerical reopening and correct {what}, as the record supports.",
    "new_claim": "Send a new claim, not a replacement, inside the filing limit, with {what} put right.",
}
"""Remedy to its sentence where a remark says what is missing or wrong; `part_a` is the corrected claim of Medicare Part A."""

_SPECIAL = (
    "Wait for the next payer's remittance.",
    "Wait for the payer's decision; ask when the wait has lapsed.",
    "Ask the payer what became of its review: the usual time has passed.",
    "Medicare Part A: send an adjustment bill (type of bill ending in 7).",
    "Sign the waiver of liability first (a provider without contract may not appeal without it), then appeal.",
    "Get the patient's signed consent first, then appeal in the patient's name.",
    "Dispute it under the network agreement: a TRICARE network provider is no party to an appeal unless the patient appoints it.",
    "Send nothing to the payer: the patient paid and restricted disclosure.",
    "Get the patient's consent first: these records are under 42 CFR Part 2.",
    "Ask the contractor to accept the claim, for there is no appeal: with proof that it came in time, or as an exception to the filing "
    "limit (Medicare's own error; entitlement, disenrollment or a Medicaid take-back after the fact).",
    "Ask for a reopening only where good cause can be shown: new and material evidence, or an error plain on the face of the record.",
)


@dataclass(frozen=True, slots=True)
class Steps:
    """Every next step, and where each is.

    Parameters
    ----------
    sentences
        One per remedy in their order, the special ones, then all others sorted.
    table
        Place in `sentences` by remedy and family.
    places
        Sentence to its place.
    """

    sentences: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    places: dict[str, int]
    array: NDArray[np.int64]

    def place(self, sentence: str) -> int:
        """Return where a sentence is."""
        return self.places[sentence]


@cache
def steps_of(codes: Codes) -> Steps:
    """Return the next steps that the code tables give.

    Examples
    --------
    >>> steps = steps_of(Codes.load())
    >>> steps.sentences[steps.table[REMEDIES.index("appeal")][FAMILIES.index("timely_filing")]]
    "Appeal with the proof of timely filing: the acceptance report (277CA or 999), or the other payer's late decision."
    """
    known = [codes.remedies[remedy].next_step for remedy in REMEDIES]
    known += [codes.remedies["patient_billing"].next_step_if_unsure, *_SPECIAL]
    of_family = {(step.remedy, step.family): step.next_step for step in codes.steps}
    told = {rarc.next_step for rarc in codes.rarcs.values()} | set(of_family.values())
    told |= {form.format(what=rarc.what) for form in WITH_WHAT.values() for rarc in codes.rarcs.values() if rarc.what}
    known += sorted(told - {"", *known})
    places = {sentence: place for place, sentence in reversed(list(enumerate(known)))}
    table = tuple(
        tuple(places[of_family[remedy, family]] if (remedy, family) in of_family else number for family in FAMILIES)
        for number, remedy in enumerate(REMEDIES)
    )
    return Steps(tuple(known), table, places, np.array(table, dtype=np.int64).ravel())
