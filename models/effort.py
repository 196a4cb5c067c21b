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


_DEFAULT = np.array([DEFAULT_HOURS[name] for name in REMEDIES])


@dataclass(frozen=True, slots=True)
class Effort:
    """Hours per write-off: what was logged, drawn to the defaults by remedy while little was.

    Parameters
    ----------
    trees
        Raw score: log hours; None: the defaults, at the practice's level.
    weight
        Of the trees against the defaults, on the log: logged efforts / (logged efforts + pseudo-efforts).
    level
        Log of what the practice takes against the defaults.
    """

    trees: Forest | None = None
    weight: float = 0.0
    level: float = 0.0

    def hours(self, matrix: Floats, remedy: Array) -> Floats:
        """Return hours (> 0) of each row; `remedy` indexes `REMEDIES`."""
        usual = default_hours(remedy)
        if self.trees is None and not self.level:
            return usual
        log = np.log(usual) + self.level
        if self.trees is not None:
            log = self.weight * self.trees.raw(matrix) + (1.0 - self.weight) * log
        return np.maximum(np.exp(np.minimum(log, _MOST_LOG)), _LEAST)


def default_hours(remedy: Array) -> Floats:
    """Return the hours believed of each remedy, given by its place in `REMEDIES`."""
    found: Floats = _DEFAULT[remedy.astype(np.int64)]
    return found
