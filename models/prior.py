"""What an expert believes of a write-off before any outcome is known: its chance, what is owed of a charge, and the hours it takes."""

from __future__ import annotations

import numpy as np

from features.codes.tables import FAMILIES
from features.feature import Floats
from features.money import NULL
from features.rowwise import full, is_any, is_not, is_plain, least, most, pick, put, rows_where, take, where
from features.tables import REMEDIES, Columns
from models.calibration import log_odds

ANSWERED_BY = {
    "authorization": "authorization_on_file",
    "network": "referral_on_file",
    "documentation": "records_on_file",
    "medical_necessity": "records_on_file",
    "timely_filing": "timely_proof_on_file",
    "cob": "other_coverage_on_file",
    "eligibility": "other_coverage_on_file",
}
"""The proof that answers a refusal of each family."""

PROOF = 0.6
"""Log odds that such a proof is worth, and that its known absence costs: even odds become 65 or 35 % (a judgement)."""

LATE = -1.0
"""Log odds once the deadline has passed: the chance falls, never to zero (a judgement)."""

UNPRICED = 0.5
"""Part of a charge that is allowed where nothing tells (a judgement): charges are about twice what payers allow."""

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
"""Judgement, used until a practice's own hours are known."""

BELIEVED_SLOPE = 0.75
"""How much of the differences between them is believed, on the log: an appeal then takes 2.2 times as long as a corrected claim, as
published costs have it ($57 and $25)."""

CLINICAL = 1.55
"""A clinical appeal against another: published costs are $57, and $13 to $51 more for what a clinician writes."""

_PROOFS = tuple(dict.fromkeys(ANSWERED_BY.values()))
_HOURS = np.array([DEFAULT_HOURS[name] for name in REMEDIES])
_APPEAL, _NECESSITY, _CONTRACTUAL = REMEDIES.index("appeal"), FAMILIES.index("medical_necessity"), FAMILIES.index("contractual")
# A family that no proof answers reads the last row, which is null; a null flag reads the last worth, which is 0.
_WORTH = np.array([-PROOF, PROOF, 0.0])
_PLACE = np.array([_PROOFS.index(ANSWERED_BY[family]) if family in ANSWERED_BY else -1 for family in FAMILIES])


def rate_part(columns: Columns) -> Floats:
    """Return the log odds of the rate of each row's code."""
    return log_odds(columns["prior_rate"])


def proof_part(columns: Columns) -> Floats:
    """Return what the proof that answers each row's refusal adds to the log odds; 0 where nobody noted whether it is there.

    >>> authorization = np.full(3, FAMILIES.index("authorization"))
    >>> flags = {name: np.full(3, -1) for name in _PROOFS} | {"authorization_on_file": np.array([1, 0, -1])}
    >>> proof_part({"family": authorization, **flags}).tolist()
    [0.6, -0.6, 0.0]
    """
    family = columns["family"]
    if is_plain(family):
        proof = ANSWERED_BY.get(FAMILIES[family])
        return take(_WORTH, columns[proof] if proof is not None else full(family, -1))
    held = np.stack([columns[name] for name in _PROOFS] + [np.full(len(family), -1)])
    found: Floats = _WORTH[held[_PLACE[family], np.arange(held.shape[1])].astype(np.int64)]
    return found


def late_part(columns: Columns) -> Floats:
    """Return what the deadline of a row's own remedy takes off the log odds once it has passed, whatever is open after it."""
    deadline = columns["own_day"]
    return where((deadline != NULL) & (deadline < columns["row_day"]), LATE, 0.0)


def prior_logits(columns: Columns) -> Floats:
    """Return the log odds believed of each row."""
    return rate_part(columns) + proof_part(columns) + late_part(columns)


def believed_owed(columns: Columns) -> Floats:
    """Return what a payer would have allowed of a refused line, as a part of the most that can be recovered; 1 where a price is agreed.

    Where none is, the most is the payer's habit, were it one posting, or else the whole charge. What is believed lies between what payers
    usually allow and half of the charge, the nearer to the former the more postings tell of it. What was cut as contractual is no
    refused charge.

    >>> columns = {"family": np.array([FAMILIES.index("coding")] * 4), "expected_allowed_cents": np.array([9_000, 9_000, NULL, NULL])}
    >>> columns |= {"cap_cents": np.array([9_000, 9_000, 20_000, 20_000]), "usual_median_cents": np.array([NULL, 9_000, NULL, NULL])}
    >>> columns |= {"writeoff_amount": np.full(4, 20_000), "usual_count": np.array([0.0, 97.0, 0.0, 0.0])}
    >>> columns |= {"usual_smoothed_cents": np.array([np.nan, 9_000.0, 5_000.0, np.nan])}
    >>> believed_owed(columns).round(2).tolist()
    [1.0, 1.0, 0.4, 0.5]
    """
    amount, cap, usual = columns["writeoff_amount"], columns["cap_cents"], columns["usual_smoothed_cents"]
    expected = columns["expected_allowed_cents"]
    is_agreed = (expected != NULL) & (expected != columns["usual_median_cents"])
    is_charged = is_not(is_agreed) & (cap > 0) & (amount > 0) & (columns["family"] != _CONTRACTUAL)
    owed = full(cap, 1.0)
    if not is_any(is_charged):
        return owed
    rows = rows_where(is_charged)
    amount, cap, usual, count = (pick(values, rows) for values in (amount, cap, usual, columns["usual_count"]))
    known = where(usual == usual, np.log(least(most(usual / amount, 0.01), 1.0)), np.log(UNPRICED))
    # A procedure that others allowed says as much as one posting would.
    told = (count + 1.0) / (count + 3.0)
    return put(owed, rows, np.exp(told * known + (1.0 - told) * np.log(UNPRICED)) * amount / cap)


def believed_hours(columns: Columns) -> Floats:
    """Return the hours that each row's remedy takes: no fewer than its own took that has lapsed, since the case to be made is the same.

    >>> appeal, reopening = REMEDIES.index("appeal"), REMEDIES.index("reopening")
    >>> remedies = {"remedy": np.array([appeal, appeal, reopening]), "own_remedy": np.array([appeal] * 3)}
    >>> families = np.array([FAMILIES.index(name) for name in ("coding", "medical_necessity", "medical_necessity")])
    >>> believed_hours(remedies | {"family": families}).round(2).tolist()
    [1.4, 2.17, 2.17]
    """
    remedy, own = columns["remedy"], columns["own_remedy"]
    hours = most(take(_HOURS, remedy), take(_HOURS, own))
    return where(((remedy == _APPEAL) | (own == _APPEAL)) & (columns["family"] == _NECESSITY), hours * CLINICAL, hours)
