"""Levels of appeal above the first: who decides there, and what a remedy becomes once the payer has upheld its decision."""

from __future__ import annotations

from features.errors import UsageError
from serving.packet.case import Case

ORDINALS = ("", "first", "second", "third", "fourth", "fifth")
"""How a letter names a level."""

_APPEALS = ("appeal", "recoupment_appeal")
_BECOMES_APPEAL = ("send_records", "peer_to_peer")
"""Once these were refused there is a decision to appeal; what was sent or said is not asked for again."""

_COURT = 5
_TO_COURT = ("medicare", "medicare_advantage")
_HEARINGS = "the Office of Medicare Hearings and Appeals"
_COUNCIL = "the Medicare Appeals Council"
_REVIEWERS = {
    # 42 CFR 405.904 and 405.960: the contractor that did not decide first.
    ("medicare", 2): "the Qualified Independent Contractor (QIC) that the notice of redetermination names",
    ("medicare", 3): _HEARINGS,
    ("medicare", 4): _COUNCIL,
    # 42 CFR 422.600 and 422.608 (memory).
    ("medicare_advantage", 3): _HEARINGS,
    ("medicare_advantage", 4): _COUNCIL,
    # 32 CFR 199.10 (memory).
    ("tricare", 2): "the office for formal reviews that the decision names",
    ("tricare", 3): "the hearing office that the decision names",
    # 42 CFR 438.408(f).
    ("medicaid_managed", 2): "the state's fair hearing office that the notice names",
}
"""Who decides at a level, where that is not the payer."""


def remedy_of(case: Case) -> str:
    """Return what is drafted: the remedy of the score, or the appeal that it becomes above the first level.

    Medicare has no dispute under a contract: what was refused there goes up as an appeal whatever it was called.
    """
    remedy = case.score.remedy
    if case.level == 1:
        return remedy
    is_appeal = remedy in _BECOMES_APPEAL or (remedy == "contract_dispute" and case.row.payer_type == "medicare")
    return "appeal" if is_appeal else remedy


def reviewer_of(case: Case) -> str | None:
    """Return who decides, where it is not the payer that decided first; None: the payer does.

    Raises
    ------
    UsageError
        Where the next level is a court: no letter begins an action.
    """
    if remedy_of(case) not in _APPEALS:
        return None
    if case.level >= _COURT and case.row.payer_type in _TO_COURT:
        raise UsageError(f"{case.row.writeoff_id}: the fifth level is an action in a federal court (42 CFR 405.1130), which counsel files")
    return _REVIEWERS.get((case.row.payer_type or "", case.level))
