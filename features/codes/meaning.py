"""What the codes of one write-off say together: family, category, remedy, chance, holds and guards.

This is the readable half of triage: a plain function on words, run once for each distinct combination of codes and
remembered. `features.triage` adds what depends on amounts, dates and flags.
"""

from __future__ import annotations

from typing import NamedTuple

from features.codes.adjustment import spoken
from features.codes.guards import guards_of
from features.codes.steps import STEP_LATE, STEP_PART_A, WITH_WHAT, steps_of
from features.codes.tables import FAMILIES, Carc, Codes, Rarc
from features.codes.why import reason_of
from features.codes.words import Read, Words, read_words
from features.tables import CATEGORIES, PAYER_TYPES, REMEDIES

CATEGORY = {name: i for i, name in enumerate(CATEGORIES)}
REMEDY = {name: i for i, name in enumerate(REMEDIES)}
FAMILY = {name: i for i, name in enumerate(FAMILIES)}
PAYER_TYPE = {name: i for i, name in enumerate(PAYER_TYPES)}

PRIOR_MILLS = {"high": 650, "medium": 375, "low": 150, "none": 20, "patient": 0, "wait": 0}
"""Chance believed before any outcome, in thousandths (`features.codes.tables.PRIOR_RATES`)."""

HOLDS = ("none", "secondary", "decision")
"""What a row may wait for: nothing, the next payer's remittance, the payer's own decision."""

FLAGS = ("none", "authorization_on_file", "referral_on_file", "records_on_file", "timely_proof_on_file")
"""Columns that may change remedy and chance; a meaning names at most one."""

SCENARIOS = ("", "documentation", "claim_data", "not_covered", "not_separately_payable")
"""The business scenarios of CAQH CORE 360, in their order; none first."""


class Meaning(NamedTuple):
    """What a combination of codes says, in numbers that can be gathered per row.

    `category`, `remedy` and `prior` hold unless the row itself says otherwise; `*_flagged` where the column `flag` is true;
    `*_after` once `hold` has lapsed. `is_fee_cut` marks rows whose amount is the charge above the allowed amount,
    `is_guess` those read from the practice's own words, `can_bill_next` those whose balance a next payer may owe.
    """

    family: int
    category: int
    remedy: int
    prior: int
    flag: int
    remedy_flagged: int
    prior_flagged: int
    hold: int
    category_after: int
    remedy_after: int
    guards: int
    is_fee_cut: int
    is_guess: int
    can_bill_next: int
    is_unprocessable: int
    payer_type: int
    remark_days: int
    record_days: int
    scenario: int
    why: int
    next_step: int


_FEE_CUTS = ("45", "42", "A2", "131", "P12")
_EXPLAINED_BY_REMARK = ("16", "96", "125")
_WORSE = {"high": "medium", "medium": "low", "low": "low"}
_BETTER = {"high": "high", "medium": "high", "low": "medium"}
_NUMBER_MISSING = ("197", "62", None)
_FLAG_OF_FAMILY = {
    "authorization": "authorization_on_file",
    "network": "referral_on_file",
    "documentation": "records_on_file",
    "timely_filing": "timely_proof_on_file",
}


class _Verdict(NamedTuple):
    """What the codes have decided so far: each rule hands it on, as it is or with a part of it changed."""

    family: str
    category: str
    remedy: str
    chance: str


def read_meaning(words: Words, codes: Codes) -> Meaning:
    """Say what one combination of codes means.

    Examples
    --------
    >>> codes = Codes.load()
    >>> meaning = read_meaning(Words("CO", "197", payer_type="commercial"), codes)
    >>> CATEGORIES[meaning.category], FAMILIES[meaning.family], REMEDIES[meaning.remedy]
    ('denial', 'authorization', 'appeal')

    The remark decides where the reason code says little; MA130 allows no appeal:

    >>> meaning = read_meaning(Words("CO", "16", "MA130 M76", "medicare", "professional"), codes)
    >>> REMEDIES[meaning.remedy]
    'new_claim'

    An unknown code is never taken for a contractual write-off:

    >>> CATEGORIES[read_meaning(Words("CO", "ZZ9"), codes).category]
    'unclassified'
    """
    read = read_words(words, codes)
    phrase = None if read.carc else spoken(words.adjustment_code, codes)
    if read.carc is not None:
        verdict = _from_codes(read)
    elif phrase is not None:
        verdict = _Verdict(phrase.family, phrase.category, phrase.remedy, _CHANCE_OF_CATEGORY[phrase.category])
    else:
        verdict = _from_nothing(words, read)
    verdict = _by_payer(read, _by_rights(read, _from_ledger(words, codes, read, verdict)))
    hold, after = _hold(words, read, verdict)
    flag, flagged = _by_file(read, verdict)
    family, category, remedy, chance = verdict
    code = read.carc.code if read.carc is not None else None
    return Meaning(
        family=FAMILY[family],
        category=CATEGORY[category],
        remedy=REMEDY[remedy],
        prior=PRIOR_MILLS[chance],
        flag=FLAGS.index(flag),
        remedy_flagged=REMEDY[flagged.remedy],
        prior_flagged=PRIOR_MILLS[flagged.chance],
        hold=HOLDS.index(hold),
        category_after=CATEGORY[after.category],
        remedy_after=REMEDY[after.remedy],
        guards=guards_of(words, read, family),
        is_fee_cut=int(category == "contractual" and (read.carc is None or read.carc.code in _FEE_CUTS) and family == "contractual"),
        is_guess=int(read.carc is None),
        can_bill_next=int(category == "patient_responsibility" or (code == "209" and not words.is_moved)),
        is_unprocessable=int(remedy == "new_claim" and read.payer_type == "medicare" and read.has("MA130")),
        payer_type=PAYER_TYPE.get(read.payer_type or "", -1),
        remark_days=_clock(read, of_records=False),
        record_days=_clock(read, of_records=True),
        scenario=_scenario(read, codes, family, category),
        why=reason_of(None if words.is_moved else code, words.claim_status, category, family),
        next_step=_next_step(read, codes, category, remedy, family),
    )


_CHANCE_OF_CATEGORY = {
    "payer_recoupment": "medium",
    "overpayment_owed": "patient",
    "posting_error": "high",
    "unbilled_secondary": "high",
    "never_billed": "high",
    "denial": "low",
    "underpayment": "medium",
    "questionable_contractual": "medium",
    "contractual": "none",
    "withhold_receivable": "low",
    "patient_responsibility": "patient",
    "policy": "none",
    "bad_debt": "none",
    "settled": "none",
    "unclassified": "low",
    "reversed": "wait",
    "wait": "wait",
    "informational": "wait",
}
PRIOR_OF_CATEGORY = tuple(PRIOR_MILLS[_CHANCE_OF_CATEGORY[name]] for name in CATEGORIES)
"""Chance of a row whose category the row itself decided, in thousandths."""

_REMEDY_OF_CATEGORY = {
    "payer_recoupment": "recoupment_appeal",
    "overpayment_owed": "compliance_review",
    "posting_error": "posting_correction",
    "unbilled_secondary": "bill_secondary",
    "never_billed": "new_claim",
    "denial": "appeal",
    "underpayment": "contract_dispute",
    "questionable_contractual": "contract_dispute",
    "withhold_receivable": "contract_dispute",
    # Nothing is known but the money: the remittance must be found and the posting checked against it.
    "unclassified": "posting_correction",
}
REMEDY_OF_CATEGORY = tuple(REMEDY[_REMEDY_OF_CATEGORY.get(name, "none")] for name in CATEGORIES)
"""Remedy of a row whose category the row itself decided."""


def _from_codes(read: Read) -> _Verdict:
    """Decide by CARC, group and remarks."""
    carc = read.carc
    assert carc is not None
    if carc.code == "24" and read.payer_type == "medicare":
        # The patient is in a Medicare Advantage plan: that plan owes the claim (DOMAIN 3).
        return _Verdict("cob", _in_group(read, "denial"), "rebill_other_payer", "high")
    family, chance = carc.family, carc.recoverability
    explaining = [remark for remark in read.remarks if remark.alert is not True]
    if carc.family == "by_rarc" or carc.code in _EXPLAINED_BY_REMARK:
        given = next((remark for remark in explaining if remark.family), None)
        if given is not None:
            family = given.family
            chance = "high" if given.effect == "raise" else chance
    if chance in _WORSE and carc.family != "contractual":
        effects = {remark.effect for remark in explaining}
        chance = _WORSE[chance] if "lower" in effects else _BETTER[chance] if "raise" in effects else chance
    category = _in_group(read, _category_of(carc))
    remedy = carc.remedy
    if category in ("contractual", "informational", "settled"):
        remedy = "none"
    elif category == "overpayment_owed":
        remedy = "compliance_review"
    elif category == "patient_responsibility":
        remedy = (carc.remedy_if_pr or carc.remedy) if read.group == "PR" else carc.remedy
        chance = "patient" if remedy in ("patient_billing", "none") else chance
    return _Verdict(family, category, remedy, chance)


def _category_of(carc: Carc) -> str:
    """Return the category that a CARC alone puts a row in, holds apart."""
    if carc.code == "23" or carc.family == "informational":
        return "informational"
    if carc.recoverability == "wait" and carc.family == "cob":
        # Forwarded to the plan that owes it; once that plan has paid nothing is left to do.
        return "settled"
    if carc.code == "195":
        return "overpayment_owed"
    if carc.family == "contractual":
        # What the table believes recoverable is disputed; a plain fee cut is valid until its amount says otherwise.
        return "contractual" if carc.recoverability in ("none", "wait") else "questionable_contractual"
    of_family = {"patient_responsibility": "patient_responsibility", "withhold": "withhold_receivable", "unknown": "unclassified"}
    return of_family.get(carc.family, "denial")


def _in_group(read: Read, category: str) -> str:
    """Return the patient's category where the remit assigns the money to the patient (group PR)."""
    movable = ("denial", "settled", "contractual", "questionable_contractual", "withhold_receivable", "unclassified")
    return "patient_responsibility" if read.group == "PR" and category in movable else category


def _from_nothing(words: Words, read: Read) -> _Verdict:
    """Decide what can be said with no known CARC and no telling word; never contractual."""
    if read.group == "PR" or words.payer_type == "self_pay":
        # With an unknown reason the share cannot be checked, so no bill is suggested.
        return _Verdict("patient_responsibility", "patient_responsibility", "none", "patient")
    given = next((remark for remark in read.remarks if remark.alert is not True and remark.family), None)
    if given is not None:
        return _Verdict(given.family, "denial", given.remedy or "appeal", "medium")
    if words.claim_status == "4":
        # In 5010, status 4 says that the patient was not recognised (X12 RFI 1423).
        return _Verdict("eligibility", "denial", "corrected_claim", "medium")
    return _Verdict("unknown", "unclassified", "posting_correction", "low")


def _from_ledger(words: Words, codes: Codes, read: Read, verdict: _Verdict) -> _Verdict:
    """Let what stands above the reason code decide: reversals, take-backs, errors, moved balances."""
    above = [verdict.category]
    if words.posting_kind == "reversal" or words.claim_status == "22":
        above.append("reversed")
    tracks = {remark.track for remark in read.remarks}
    if "recoupment" in tracks:
        above.append("payer_recoupment")
    if "overpaid" in tracks:
        above.append("overpayment_owed")
    if words.carc is not None and words.carc in codes.plbs and read.carc is None:
        above.append(codes.plbs[words.carc])
    said = spoken(words.adjustment_code, codes)
    if said is not None and said.category in ("payer_recoupment", "posting_error", "unbilled_secondary", "never_billed"):
        above.append(said.category)
    if words.claim_status == "25" or (words.is_moved and "reversed" not in above):
        return _Verdict(verdict.family, "informational", "none", "wait")
    if "secondary" in tracks and verdict.category == "patient_responsibility":
        above.append("unbilled_secondary")
    first = min(above, key=CATEGORY.__getitem__)
    if first == verdict.category:
        return verdict
    return _Verdict(verdict.family, first, _REMEDY_OF_CATEGORY.get(first, "none"), _CHANCE_OF_CATEGORY[first])


def _by_rights(read: Read, verdict: _Verdict) -> _Verdict:
    """Let the remarks of a denial choose among new claim, records, payers' order, correction and appeal."""
    if verdict.category != "denial" or read.carc is None:
        return verdict
    if read.has("MA130", "N142", "N798", "N517"):
        return verdict._replace(remedy="new_claim")
    if read.has("N368"):
        return verdict._replace(remedy="appeal")
    if read.has("N522"):
        return verdict._replace(remedy="none")
    remedy = verdict.remedy
    if remedy in ("appeal", "corrected_claim", "none") and read.carc.family not in ("timely_filing", "appeal_procedural", "duplicate"):
        asked = next((remark.remedy for remark in read.remarks if remark.remedy and remark.track != "secondary"), "")
        remedy = asked or remedy
    if read.has("N185") and remedy == "corrected_claim":
        remedy = "appeal"
    if any(remark.appeal is False for remark in read.remarks) and (remedy == "appeal" or read.has("N111")):
        if read.has("N704"):
            return verdict._replace(remedy="corrected_claim")
        is_data = read.carc.family in ("coding", "provider_enrollment", "eligibility", "authorization")
        remedy = "corrected_claim" if is_data and not read.has("N111") else "reopening"
        return verdict._replace(remedy=remedy, chance=_WORSE.get(verdict.chance, verdict.chance))
    return verdict._replace(remedy=remedy)


def _by_payer(read: Read, verdict: _Verdict) -> _Verdict:
    """Medicare Part B takes no replacement claim: a clerical error goes by reopening (42 CFR 405.980(a)(3)).

    Nor is there an appeal of its finding that a claim came late, unless a remark sends to the decision on an earlier one.
    """
    if verdict.remedy == "appeal" and read.is_late_in_medicare(verdict.family) and not read.has("N368"):
        return verdict._replace(remedy="reopening")
    if verdict.remedy == "corrected_claim" and read.payer_type == "medicare" and read.claim_type == "professional":
        return verdict._replace(remedy="reopening")
    protected = any(remark.guard == "nsa" for remark in read.remarks)
    if protected and verdict.category in ("questionable_contractual", "underpayment"):
        return verdict._replace(remedy="nsa_negotiation")
    return verdict


def _hold(words: Words, read: Read, verdict: _Verdict) -> tuple[str, _Verdict]:
    """Return what the row waits for, and what it becomes when the wait has lapsed (practice norms of DOMAIN 3)."""
    if verdict.category == "reversed" or words.is_moved:
        return "none", verdict
    secondary = verdict._replace(category="unbilled_secondary", remedy="bill_secondary")
    carc = read.carc
    if carc is not None and carc.recoverability == "wait":
        return ("secondary", secondary) if carc.family == "cob" else ("decision", verdict._replace(category="denial", remedy="reopening"))
    forwarded = words.claim_status in ("19", "20", "21") or any(remark.track == "wait" for remark in read.remarks)
    if not forwarded:
        return "none", verdict
    # A fee cut is owed by nobody: when the wait has lapsed it is again what it was.
    return "secondary", secondary if verdict.category in ("patient_responsibility", "denial", "unclassified") else verdict


def _by_file(read: Read, verdict: _Verdict) -> tuple[str, _Verdict]:
    """Return the column that would change remedy and chance, and what is decided where it is true."""
    family, chance = verdict.family, verdict.chance
    flag = _FLAG_OF_FAMILY.get(family)
    if verdict.category != "denial" or flag is None or chance not in _WORSE:
        return "none", verdict
    code = read.carc.code if read.carc is not None else None
    if code in ("243", "287", "288"):
        flag = "referral_on_file"
    elif family == "authorization" and verdict.remedy == "appeal" and code in _NUMBER_MISSING:
        # The number exists, so the claim only has to carry it; a refused or exceeded authorization is appealed all the same.
        return flag, _by_payer(read, verdict._replace(remedy="corrected_claim", chance="high"))
    return flag, verdict._replace(chance="high" if family in ("timely_filing", "documentation") else _BETTER[chance])


def _clock(read: Read, *, of_records: bool) -> int:
    """Return the days that the remarks allow for records, or for an appeal; several: the fewest, so that none is missed."""
    days = [remark.clock_days for remark in read.remarks if remark.clock_days and (remark.remedy == "send_records") is of_records]
    return min(days, default=0)


def _scenario(read: Read, codes: Codes, family: str, category: str) -> int:
    """Return the place in `SCENARIOS`: that of the codes where the table names them, else of the family.

    Papers asked for by a remark are scenario 1 whatever the reason code (CAQH CORE 360 pairs codes the same way).
    """
    if category not in ("denial", "unclassified"):
        return 0
    if any(remark.family == "documentation" and remark.remedy == "send_records" for remark in read.remarks):
        return SCENARIOS.index("documentation")
    named = codes.scenario(read.carc.code, tuple(remark.code for remark in read.remarks)) if read.carc is not None else None
    return SCENARIOS.index(named if named is not None else codes.families[family].scenario)


def _next_step(read: Read, codes: Codes, category: str, remedy: str, family: str) -> int:
    """Return the next step: that of the first remark whose remedy was followed, else of remedy and family, else of the remedy."""
    steps = steps_of(codes)
    if remedy == "reopening" and read.is_late_in_medicare(family):
        return STEP_LATE
    if category in ("denial", "payer_recoupment", "unbilled_secondary", "overpayment_owed"):
        remark_step = next(filter(None, (_step_of(remark, remedy, read) for remark in read.remarks)), None)
        if remark_step is not None:
            return steps.place(remark_step)
    if remedy == "corrected_claim" and read.payer_type == "medicare" and read.claim_type == "institutional":
        return STEP_PART_A
    return steps.table[REMEDY[remedy]][FAMILY[family]]


def _step_of(remark: Rarc, remedy: str, read: Read) -> str | None:
    """Return the sentence of a remark, if the remedy is the one it speaks of."""
    if remark.what and remedy in WITH_WHAT:
        form = "part_a" if (remedy, read.payer_type, read.claim_type) == ("corrected_claim", "medicare", "institutional") else remedy
        return WITH_WHAT[form].format(what=remark.what)
    is_followed = remark.remedy == remedy or (remedy == "appeal" and (remark.track == "no_resubmission" or remark.code == "N358"))
    if not remark.remedy and (remark.effect or remark.family or remark.guard or remark.appeal is not None):
        # What a remark without a remedy of its own says of the denial holds for the remedies of its kind.
        is_followed |= remedy in _KIND[remark.appeal]
    return remark.next_step if remark.next_step and is_followed else None


_KIND = {
    None: ("appeal", "corrected_claim", "reopening", "send_records", "rebill_other_payer", "fix_enrollment", "none"),
    True: ("appeal", "peer_to_peer"),
    False: ("corrected_claim", "reopening", "new_claim"),
}
