"""Hours of staff time that a remedy takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Floats
from features.tables import REMEDIES, Array
from models.forest import Forest

DEFAULT_HOURS: dict[str, float] = {
    "appeal": 1.4,
    "corrected_claim": 0.5,
    "new_claim": 0.5,
    "reopening": 0.5,
    "cob_update": 0.6,
    "rebill_other_payer": 0.6,
    "bill_secondary": 0.4,
    "send_records": 0.7,
    "contract_dispute": 1.0,
    "verify_duplicate": 0.4,
    "peer_to_peer": 1.5,
    "external_review": 2.5,
    "nsa_negotiation": 2.0,
    "recoupment_appeal": 1.5,
    "posting_correction": 0.3,
    "coverage_discovery": 0.7,
    "fix_enrollment": 1.5,
    "patient_billing": 0.3,
    "patient_outreach": 0.5,
    "compliance_review": 1.0,
    "none": 1.0,
}
"""Judgement, used until a practice's own hours are known; appeals cost about twice a corrected claim, as published costs do."""

_LEAST, _MOST_LOG = 0.05, 4.0


@dataclass(frozen=True, slots=True)
class Effort:
    """Hours per write-off: learned where hours were logged, else the defaults by remedy."""

    trees: Forest | None = None

    def hours(self, matrix: Floats, remedy: Array) -> Floats:
        """Return hours (> 0) of each row; `remedy` indexes `REMEDIES`."""
        if self.trees is None:
            return np.array([DEFAULT_HOURS[name] for name in REMEDIES])[remedy.astype(np.int64)]
        return np.maximum(np.exp(np.minimum(self.trees.raw(matrix), _MOST_LOG)), _LEAST)
