"""What the codes of one write-off forbid, or ask first, before a patient is billed or a denial appealed: bits of `Meaning.guards`."""

from __future__ import annotations

from features.codes.words import Read, Words

PROTECTED = 1
"""By a remark the No Surprises Act protects the patient."""
NEEDS_NOTICE = 2
"""The patient owes only with a valid beneficiary notice."""
ASK_QMB, ASK_PROTECTED, ASK_PAYER = 4, 8, 16
"""A null `qmb`, a null `nsa_protected`, or a null payer type must be asked."""
NOT_OTHER_GROUP, NOT_QMB, NOT_MEDICAID, NOT_COMPENSATED = 32, 64, 128, 256
"""Never: because of the group, a remark on QMB, Medicaid, or workers' compensation."""
NOT_BY_CODE, NOT_BANKRUPT, NOT_HELD = 512, 1024, 2048
"""Never: because of another remark or reason, bankruptcy, or an account on hold."""
NO_APPEAL = 4096
"""A remark or the law denies the appeal."""


def guards_of(words: Words, read: Read, family: str) -> int:
    """Return the bits of what forbids, or must be asked before, a patient bill or an appeal (DOMAIN 3; 42 USC 1396a(n)(3) for QMB)."""
    remarks = {remark.guard for remark in read.remarks}
    payer, account = read.payer_type, words.account_status
    is_refused_by_code = read.carc is not None and read.carc.code in ("116", "209", "303")
    holding = (
        (PROTECTED, "nsa" in remarks),
        # A denial for necessity passes to the patient only under a valid notice (42 CFR 411.404).
        (NEEDS_NOTICE, payer in ("medicare", None) and family in ("medical_necessity", "non_covered", "benefit_max")),
        (ASK_QMB, payer in ("medicare", "medicare_advantage", None)),
        # Federal programmes have their own balance-billing rules; the Act covers plans and the uninsured (45 CFR 149).
        (ASK_PROTECTED, payer not in ("medicare", "medicare_advantage", "tricare", "self_pay")),
        (ASK_PAYER, payer is None or account == "deceased"),
        (NOT_OTHER_GROUP, read.group != "PR"),
        (NOT_QMB, "qmb" in remarks),
        (NOT_MEDICAID, payer in ("medicaid", "medicaid_managed")),
        (NOT_COMPENSATED, payer == "workers_comp"),
        (NOT_BY_CODE, "no_billing" in remarks or is_refused_by_code),
        (NOT_BANKRUPT, account == "bankruptcy"),
        (NOT_HELD, account in ("legal", "agency")),
        (NO_APPEAL, read.is_late_in_medicare(family) or any(remark.appeal is False for remark in read.remarks)),
    )
    return sum(bit for bit, is_so in holding if is_so)
