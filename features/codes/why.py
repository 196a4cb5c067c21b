"""Why a write-off is on no work list: the sentences, and which of them its codes ask for."""

from __future__ import annotations

from features.tables import CATEGORIES

WHY = (
    "This posting was reversed, or reverses another.",
    "The next payer or the payer's own decision is still awaited; the row comes back when the wait has lapsed.",
    "The payer took money back; that may be contested.",
    "Money may be owed to the payer: it goes to the compliance list, not to the work queue.",
    "The posting has no support; the ledger should be put right.",
    "The next payer was not billed.",
    "The service was never billed.",
    "The payer denied it.",
    "The payer allowed less than expected.",
    "The contractual write-off is larger than the usual or agreed price explains.",
    "A valid contractual write-off: the charge above the agreed price is not owed.",
    "The payer holds it back until a settlement.",
    "The patient's share: it has its own list, apart from what payers owe.",
    "Written off under the practice's own policy.",
    "Written off as bad debt; no later coverage is known.",
    "Settled with the payer.",
    "For information only: no money of this payer is behind it.",
    "Nothing known says why it was written off; somebody should look.",
    # Special sentences, after one for each category.
    "The effect of a prior payer's decision (reason 23): not a write-off of this practice, and counted where that payer decided.",
    "Paid by capitation: the service is in the monthly payment.",
    "Sequestration: a cut by law that no appeal changes.",
    "A pre-determination, not a claim.",
    "A reporting code: no payment was ever meant.",
    "Moved from another system or account; not a decision of the payer.",
    "The patient's share, which a rule forbids to bill; only a next payer can owe it.",
    "The patient paid and restricted disclosure: nothing may be sent to the payer.",
    "On the patient's list, as the payer says; but another payer may owe it: ask for coverage of the day, and bill that payer first.",
    "On the patient's list, as the payer says; but other coverage is on file: bill that payer first.",
)
_OF_CARC = {"23": 18, "24": 19, "253": 20, "101": 21, "246": 22}
WHY_MOVED, WHY_FORBIDDEN, WHY_RESTRICTED, WHY_PAYER_FIRST, WHY_COVERED = 23, 24, 25, 26, 27


def reason_of(carc: str | None, claim_status: str | None, category: str, family: str) -> int:
    """Return the place in `WHY` of what codes say.

    Parameters
    ----------
    carc, claim_status
        A reason code that a table has, and the status of the claim; None where there is none.
    category, family
        That the codes were found to mean.

    Examples
    --------
    >>> [WHY[reason_of(carc, "1", "contractual", "contractual")] for carc in ("24", "45")]  # doctest: +NORMALIZE_WHITESPACE
    ['Paid by capitation: the service is in the monthly payment.',
     'A valid contractual write-off: the charge above the agreed price is not owed.']
    """
    if carc in _OF_CARC and category in ("informational", "contractual"):
        return _OF_CARC[carc]
    if category == "informational" and claim_status == "25":
        return _OF_CARC["101"]
    if category == "informational" and carc is None:
        return WHY_MOVED
    if category == "patient_responsibility" and family in ("cob", "eligibility"):
        # Refused because somebody else insures the patient: that is settled between payers before the patient is asked to pay.
        return WHY_PAYER_FIRST
    return CATEGORIES.index(category)
