"""The adjustment codes that the practice meets: group, CARC, family, remedy, how often, and with which RARCs.

A small choice of the tables in `features/codes`, in the frequencies of a practice; families and letters are the same there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recoup.sample.arrays import Bools, Floats, Ints, logit

Rarcs = tuple[str, ...]


class Code(NamedTuple):
    """One reason of a posting; `carc` is empty where the practice writes off by its own policy."""

    carc: str
    group: str
    family: str
    letter: str
    remedy: str
    weight: float
    rarcs: Rarcs
    adjustment_code: str


DENIALS = (
    Code("197", "CO", "authorization", "medium", "appeal", 9.0, ("M62", "N54", ""), "NOAUTH"),
    Code("198", "CO", "authorization", "medium", "appeal", 2.0, ("N54", ""), "NOAUTH"),
    Code("284", "CO", "authorization", "high", "corrected_claim", 1.5, ("N54", "M62"), "NOAUTH"),
    Code("39", "CO", "authorization", "low", "appeal", 1.5, ("", "N10"), "NOAUTH"),
    Code("288", "CO", "authorization", "medium", "appeal", 1.2, ("", "N286"), "NOREF"),
    Code("16", "CO", "coding", "high", "corrected_claim", 7.0, ("M51", "M76", "MA130", "N290", "MA63", "N56"), "BILLERR"),
    Code("4", "CO", "coding", "high", "corrected_claim", 3.0, ("N519", "N657", ""), "BILLERR"),
    Code("11", "CO", "coding", "high", "corrected_claim", 3.0, ("M76", "M81", ""), "BILLERR"),
    Code("5", "CO", "coding", "high", "corrected_claim", 1.2, ("M77", ""), "BILLERR"),
    Code("146", "CO", "coding", "high", "corrected_claim", 1.0, ("M76", ""), "BILLERR"),
    Code("181", "CO", "coding", "high", "corrected_claim", 1.0, ("M20", "M51"), "BILLERR"),
    Code("97", "CO", "bundling", "medium", "corrected_claim", 7.0, ("M15", "N19", "N20", "M144"), "BUNDLED"),
    Code("236", "CO", "bundling", "medium", "corrected_claim", 2.0, ("N519", "M15", ""), "BUNDLED"),
    Code("231", "CO", "bundling", "medium", "corrected_claim", 1.0, ("", "N20"), "BUNDLED"),
    Code("234", "CO", "bundling", "low", "corrected_claim", 1.5, ("N20", "M80"), "BUNDLED"),
    Code("50", "CO", "medical_necessity", "medium", "appeal", 8.0, ("N115", "M25", "N386", "N661"), "MEDNEC"),
    Code("55", "CO", "medical_necessity", "medium", "appeal", 1.2, ("", "N10"), "MEDNEC"),
    Code("56", "CO", "medical_necessity", "low", "appeal", 0.8, ("", "N10"), "MEDNEC"),
    Code("150", "CO", "medical_necessity", "medium", "appeal", 1.5, ("M25", "N163"), "MEDNEC"),
    Code("151", "CO", "medical_necessity", "medium", "appeal", 3.0, ("N362", "N435", "N640"), "MEDNEC"),
    Code("252", "CO", "documentation", "high", "send_records", 4.0, ("M127", "N706", "N26"), "NORECS"),
    Code("226", "CO", "documentation", "high", "send_records", 2.5, ("N706", "M29", "M127"), "NORECS"),
    Code("163", "CO", "documentation", "high", "send_records", 1.0, ("N706", ""), "NORECS"),
    Code("164", "CO", "documentation", "medium", "appeal", 1.0, ("", "N358"), "NORECS"),
    Code("29", "CO", "timely_filing", "low", "appeal", 7.0, ("", "N211", "N1"), "TIMELY"),
    Code("31", "CO", "eligibility", "high", "corrected_claim", 2.5, ("N382", "MA27"), "ELIG"),
    Code("27", "CO", "eligibility", "medium", "rebill_other_payer", 3.0, ("N30", ""), "ELIG"),
    Code("26", "CO", "eligibility", "medium", "rebill_other_payer", 1.0, ("N30", ""), "ELIG"),
    Code("22", "CO", "cob", "high", "cob_update", 5.0, ("MA04", "MA92", "N4"), "COB"),
    Code("109", "CO", "cob", "high", "rebill_other_payer", 3.0, ("N418", ""), "COB"),
    Code("96", "CO", "non_covered", "low", "appeal", 5.0, ("N130", "N425", "N216"), "NONCOV"),
    Code("204", "CO", "non_covered", "low", "appeal", 3.0, ("N130", ""), "NONCOV"),
    Code("167", "CO", "non_covered", "low", "corrected_claim", 1.5, ("N115", ""), "NONCOV"),
    Code("119", "CO", "benefit_max", "low", "appeal", 2.0, ("N640", "N362", ""), "NONCOV"),
    Code("B7", "CO", "provider_enrollment", "medium", "fix_enrollment", 2.0, ("", "N95"), "CRED"),
    Code("185", "CO", "provider_enrollment", "medium", "fix_enrollment", 1.2, ("N290", ""), "CRED"),
    Code("208", "CO", "provider_enrollment", "high", "corrected_claim", 1.2, ("N290", "N265"), "CRED"),
    Code("242", "CO", "network", "medium", "appeal", 2.0, ("", "N130"), "NETWORK"),
    Code("243", "CO", "network", "medium", "appeal", 1.0, ("", "N286"), "NOREF"),
    Code("18", "OA", "duplicate", "low", "verify_duplicate", 5.0, ("N522", "M86", "N111"), "DUPL"),
    Code("147", "CO", "contractual", "medium", "contract_dispute", 1.2, ("N381", ""), "NORATE"),
    Code("256", "CO", "contractual", "low", "contract_dispute", 1.0, ("N448", ""), "NORATE"),
)
"""What payers refuse with; only those with an empty RARC among their choices may stand alone (DOMAIN 2.3)."""

OTHERS = (
    Code("45", "CO", "contractual", "none", "contract_dispute", 0.0, (), "CONTRACT"),
    Code("P12", "CO", "contractual", "none", "contract_dispute", 0.0, (), "CONTRACT"),
    Code("253", "CO", "contractual", "none", "none", 0.0, (), "SEQUEST"),
    Code("24", "CO", "contractual", "none", "contract_dispute", 0.0, (), "CAPITATED"),
    Code("104", "CO", "withhold", "low", "contract_dispute", 0.0, (), "WITHHOLD"),
    Code("23", "OA", "cob", "none", "none", 0.0, (), "PRIORPAYER"),
    Code("133", "OA", "pend", "wait", "none", 1.0, (), "PENDED"),
    Code("277", "OA", "pend", "wait", "none", 0.5, (), "PENDED"),
    Code("B11", "CO", "cob", "wait", "none", 0.7, (), "PENDED"),
    Code("1", "PR", "patient_responsibility", "patient", "patient_billing", 3.0, (), "PATIENT"),
    Code("2", "PR", "patient_responsibility", "patient", "patient_billing", 4.0, (), "PATIENT"),
    Code("3", "PR", "patient_responsibility", "patient", "patient_billing", 3.0, (), "PATIENT"),
    Code("", "", "policy", "", "none", 0.0, (), "SMALLBAL"),
    Code("", "", "policy", "", "none", 0.0, (), "CHARITY"),
    Code("", "", "bad_debt", "", "none", 0.0, (), "BADDEBT"),
)

PLANTED = (
    Code("42", "CO", "contractual", "none", "contract_dispute", 0.0, (), "CONTRACT"),
    Code("", "", "policy", "", "none", 0.0, (), "HARDSHIP"),
)
"""What only a planted posting has: a reason out of force, and charity under a code of which no policy knows."""

ALL = DENIALS + OTHERS + PLANTED
DRAWN = len(DENIALS + OTHERS)
"""Codes that are drawn; the planted ones behind them change no draw."""
FAMILIES = tuple(sorted({code.family for code in ALL}))
REMEDIES = tuple(sorted({code.remedy for code in ALL} | {"new_claim", "reopening", "coverage_discovery", "posting_correction"}))
RARCS = ("", *sorted({rarc for code in ALL for rarc in code.rarcs} - {""}))

FAMILY: Ints = np.array([FAMILIES.index(code.family) for code in ALL])
REMEDY: Ints = np.array([REMEDIES.index(code.remedy) for code in ALL])
IS_DENIAL: Bools = np.arange(len(ALL)) < len(DENIALS)
IS_WAIT: Bools = np.array([code.letter == "wait" for code in ALL])
LETTER_CHANCE = {"high": 0.53, "medium": 0.36, "low": 0.18}
"""The experts' letters as chances of a denial in its window, near the middle of the ranges of DOMAIN 2.8."""

BASE_LOGIT: Floats = np.array([logit(LETTER_CHANCE.get(code.letter, 0.01)) for code in ALL])


def position(adjustment_code: str, carc: str = "") -> int:
    """Find a code's position in `ALL`.

    Examples
    --------
    >>> ALL[position("CONTRACT", "45")].family
    'contractual'
    """
    return next(i for i, code in enumerate(ALL) if code.carc == carc and code.adjustment_code == adjustment_code)


CONTRACT = position("CONTRACT", "45")
COMPENSATION = position("CONTRACT", "P12")
SEQUESTRATION = position("SEQUEST", "253")
CAPITATION = position("CAPITATED", "24")
NO_AUTHORIZATION = position("NOAUTH", "197")
WITHHOLD = position("WITHHOLD", "104")
PRIOR_PAYER = position("PRIORPAYER", "23")
SMALL_BALANCE = position("SMALLBAL")
CHARITY = position("CHARITY")
BAD_DEBT = position("BADDEBT")
RETIRED = position("CONTRACT", "42")
HARDSHIP = position("HARDSHIP")
IS_PATIENT: Bools = np.array([code.group == "PR" for code in ALL])
IS_LEDGER_ONLY: Bools = np.array([code.carc == "" for code in ALL])
IS_CONTRACTUAL: Bools = np.array([code.adjustment_code == "CONTRACT" for code in ALL])
