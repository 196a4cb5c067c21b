"""The truth: what each write-off would bring if it were worked, which no table of the practice says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Floats, Ints, sigmoid, stream
from recoup.sample.claims import PROVIDERS, Claims
from recoup.sample.ledger import Ledger
from recoup.sample.lines import CONTRACTUAL, DENIAL, PATIENT, Lines
from recoup.sample.payers import KINDS, Payers
from recoup.sample.procedures import SPECIALTIES

FRACTION = {
    "authorization": 0.75, "bad_debt": 0.60, "benefit_max": 0.45, "bundling": 0.50, "cob": 0.70, "coding": 0.77,
    "contractual": 0.80, "documentation": 0.76, "duplicate": 0.85, "eligibility": 0.80, "medical_necessity": 0.58,
    "network": 0.55, "non_covered": 0.50, "patient_responsibility": 0.50, "pend": 0.50, "policy": 0.50,
    "provider_enrollment": 0.85, "timely_filing": 0.85, "withhold": 0.60,
}  # fmt: skip
"""Mean share of the recoverable cap that is paid when anything is."""

HOURS = {
    "appeal": 1.30, "bill_secondary": 0.40, "cob_update": 0.60, "contract_dispute": 0.95, "corrected_claim": 0.50,
    "coverage_discovery": 0.50, "fix_enrollment": 1.60, "new_claim": 0.50, "none": 0.30, "patient_billing": 0.30,
    "posting_correction": 0.30, "rebill_other_payer": 0.70, "reopening": 0.50, "send_records": 0.65, "verify_duplicate": 0.30,
}  # fmt: skip
"""Mean hours of staff by remedy; a clinical appeal takes about twice as long as any other."""

CORRECTIONS = ("corrected_claim", "new_claim", "rebill_other_payer", "reopening")
"""Remedies whose window is that of a corrected claim; the others have the window of an appeal."""

HIDDEN_SD = 0.40
"""Log odds that depend on what no column holds; staff see a part of it."""


@dataclass(frozen=True)
class Truth:
    """One entry per posting; `logit` lacks what depends on the day of the work, `cap` and `won` are cents.

    `luck` decides whether a worked item is won: it is when `luck` lies below the chance on the day of the work, so that
    the potential outcome of a row and the outcome of the effort on it are the same draw.
    """

    code: Ints
    payer: Ints
    family: Ints
    remedy: Ints
    logit: Floats
    jump_day: Ints
    jump: Floats
    deadline: Ints
    is_hopeless: Bools
    is_takeback: Bools
    hidden: Floats
    cap: Ints
    fraction: Floats
    won: Ints
    luck: Floats
    hours: Floats
    is_misposted: Bools

    def chance(self, on: Ints, rows: Ints | slice = slice(None)) -> Floats:
        """Give the probability that working the rows on a day brings money, before any take-back."""
        left = (self.deadline[rows] - on).astype(np.float64)
        # The chance falls once the window has closed, never to nothing (DOMAIN 0.9).
        z = self.logit[rows] + 0.25 * np.tanh(left / 45.0) - 1.8 * sigmoid(-(left + 2.0) / 3.0)
        z = z + np.where(on >= self.jump_day[rows], self.jump[rows], 0.0)
        return np.where(self.is_hopeless[rows], 0.0, sigmoid(z))


TAKEBACK_SHARE = 0.03


def draw_truth(
    seed: int, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers, start: int, end: int, *, jumps: bool = True
) -> Truth:
    """Draw the truth of all postings; without `jumps` no payer changes its mind."""
    rng = stream(seed, "recovery")
    n = len(ledger)
    claim = lines.claim[ledger.line]
    payer, code = claims.payer[claim], ledger.remit_code
    family = codes.FAMILY[code]
    hidden = rng.normal(0.0, HIDDEN_SD, n)
    is_misposted = (lines.is_misposted[ledger.line] & (ledger.slot == CONTRACTUAL)) | (ledger.code != code)
    jump_day, jump = _jumps(seed, len(payers.ids), start, end)
    cap = _caps(rng, ledger, lines, claims, payers)
    remedy = _remedies(ledger, lines, claims, payers)
    friction = np.exp(stream(seed, "friction").normal(0.0, 0.22, len(payers.ids)))[payer]
    hours = _hours(rng, remedy, ledger, friction)
    fraction, draw = _fractions(seed, rng, family, payer, len(payers.ids))
    is_correction = np.isin(remedy, [codes.REMEDIES.index(name) for name in CORRECTIONS])
    days = np.where(is_correction, payers.corrected_days[payer], payers.appeal_days[payer])
    is_hopeless = codes.IS_WAIT[code] | (ledger.reverses >= 0) | ledger.is_reversed | ledger.is_duplicate
    return Truth(
        code=code,
        payer=payer,
        family=family,
        remedy=remedy,
        logit=_logits(seed, ledger, lines, claims, payers, is_misposted) + hidden,
        jump_day=jump_day[payer, family],
        jump=np.where(jumps & (codes.IS_DENIAL[code] | is_misposted), jump[payer, family], 0.0),
        deadline=claims.remit_day[claim] + days,
        is_hopeless=is_hopeless,
        is_takeback=rng.random(n) < TAKEBACK_SHARE,
        hidden=hidden,
        cap=cap,
        fraction=fraction,
        won=np.maximum(1, np.rint(cap * draw).astype(np.int64)),
        luck=rng.random(n),
        hours=hours,
        is_misposted=is_misposted & ~is_hopeless,
    )


def _logits(seed: int, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers, is_misposted: Bools) -> Floats:
    """Sum the log odds that do not depend on the day of the work."""
    rng = stream(seed, "temper")
    claim = lines.claim[ledger.line]
    payer, code = claims.payer[claim], ledger.remit_code
    family = codes.FAMILY[code]
    shape = (len(payers.ids), len(codes.FAMILIES))
    toughness = rng.normal(0.0, 0.65, shape[0])
    mind = rng.normal(0.0, 1.2, shape)
    base = codes.BASE_LOGIT + np.where(codes.IS_DENIAL, np.append(rng.normal(0.0, 1.0, codes.DRAWN), np.zeros(len(codes.PLANTED))), 0.0)
    provider = rng.normal(0.0, 0.25, PROVIDERS)[claims.provider[claim]]
    specialty = rng.normal(0.0, 0.25, (len(SPECIALTIES), shape[1]))[claims.specialty[claim], family]
    remark = rng.normal(0.0, 0.4, len(codes.RARCS))[lines.rarc[ledger.line]]
    size = np.log(np.maximum(np.abs(ledger.amount), 100) / 30_000.0)
    people = toughness[payer] + mind[payer, family] + provider + specialty + remark
    people = people - 0.12 * size - 0.45 * ((toughness[payer] < -0.2) & (size > 1.2))
    history = -0.25 * claims.resubmissions[claim] - 0.45 * claims.appeals[claim]
    active = codes.IS_DENIAL[code] | is_misposted
    z = base[code] + np.where(active, people + history + _papers(claims, claim, family), 0.0)
    z = np.where(is_misposted & ~codes.IS_DENIAL[code], z - codes.BASE_LOGIT[codes.CONTRACT], z)
    finds = (code == codes.BAD_DEBT) & claims.has_other_coverage[claim]
    return np.where(finds, -0.8, np.where(code == codes.CONTRACT, np.where(is_misposted, z, z - 0.8), z))


def _papers(claims: Claims, claim: Ints, family: Ints) -> Floats:
    """Give what the papers on file are worth to each family of denials."""
    z = np.zeros(len(claim))
    for families, held, with_, without in (
        (("authorization",), claims.has_authorization, 1.2, -1.1),
        (("network",), claims.has_referral, 1.0, -0.9),
        (("documentation", "medical_necessity"), claims.has_records, 0.9, -0.9),
        (("timely_filing",), claims.has_timely_proof, 2.2, -1.0),
        (("cob", "eligibility"), claims.has_other_coverage, 1.2, -0.5),
    ):
        rows = np.isin(family, [codes.FAMILIES.index(f) for f in families])
        z = z + np.where(rows, np.where(held[claim], with_, without), 0.0)
    both = claims.has_records[claim] & claims.has_authorization[claim]
    return z + np.where(both & (family == codes.FAMILIES.index("medical_necessity")), 0.4, 0.0)


def _jumps(seed: int, payers: int, start: int, end: int) -> tuple[Ints, Floats]:
    """Draw for each payer and family the day of a change of policy, and its size: none for three in four."""
    rng = stream(seed, "policy")
    shape = (payers, len(codes.FAMILIES))
    day = rng.integers(start + 60, end, shape)
    size = np.where(rng.random(shape) < 0.18, rng.choice([-1.0, 1.0], shape) * rng.uniform(0.6, 1.5, shape), 0.0)
    return day, size


def _caps(rng: np.random.Generator, ledger: Ledger, lines: Lines, claims: Claims, payers: Payers) -> Ints:
    """Give the most that a payer would still pay: expected allowed, less payments and the patient's share."""
    line, n = ledger.line, len(ledger)
    kind = payers.kind[claims.payer[lines.claim[line]]]
    share = np.array([k.patient_share for k in KINDS])[kind]
    is_denial = (ledger.slot == DENIAL) & codes.IS_DENIAL[ledger.remit_code]
    owed = np.where(lines.amount[line, PATIENT] > 0, lines.amount[line, PATIENT], np.rint(lines.expected[line] * share).astype(np.int64))
    denied = np.minimum(np.abs(ledger.amount), lines.expected[line] - lines.paid[line] - owed)
    short = lines.expected[line] - lines.allowed[line]
    little = np.rint(np.abs(ledger.amount) * rng.uniform(0.01, 0.05, n)).astype(np.int64)
    is_own = codes.IS_LEDGER_ONLY[ledger.remit_code] | (ledger.remit_code == codes.WITHHOLD)
    is_short = lines.is_misposted[line] & (ledger.slot == CONTRACTUAL)
    cap = np.where(is_denial, denied, np.where(is_short, short, np.where(is_own, np.abs(ledger.amount), little)))
    return np.clip(cap, 1, np.abs(ledger.amount))


def _remedies(ledger: Ledger, lines: Lines, claims: Claims, payers: Payers) -> Ints:
    """Choose what staff would do, as positions in `codes.REMEDIES`: the code's remedy, unless remark, payer or papers turn it."""
    claim = lines.claim[ledger.line]
    code = ledger.remit_code
    is_medicare = payers.is_type("medicare")[claims.payer[claim]]
    turns = (
        # Medicare takes no replacement in Part B, so a clerical error is reopened (DOMAIN 3).
        ("reopening", is_medicare & (codes.REMEDY[code] == codes.REMEDIES.index("corrected_claim"))),
        # That a claim came late is no determination to appeal (42 CFR 405.926(n)).
        ("reopening", is_medicare & (codes.FAMILY[code] == codes.FAMILIES.index("timely_filing"))),
        ("new_claim", lines.rarc[ledger.line] == codes.RARCS.index("MA130")),
        ("corrected_claim", (code == codes.NO_AUTHORIZATION) & claims.has_authorization[claim] & ~is_medicare),
        ("coverage_discovery", (code == codes.BAD_DEBT) & claims.has_other_coverage[claim]),
        ("posting_correction", ledger.is_duplicate),
    )
    remedy = codes.REMEDY[code].copy()
    for name, rows in turns:
        remedy[rows] = codes.REMEDIES.index(name)
    return remedy


def _hours(rng: np.random.Generator, remedy: Ints, ledger: Ledger, friction: Floats) -> Floats:
    """Give the expected hours by remedy and payer: some portals are slow, and large amounts are written up with more care."""
    family = codes.FAMILY[ledger.remit_code]
    clinical = (family == codes.FAMILIES.index("medical_necessity")) & (remedy == codes.REMEDIES.index("appeal"))
    size = np.clip(np.abs(ledger.amount) / 30_000.0, 0.05, 50.0) ** 0.08
    hours = np.array([HOURS[name] for name in codes.REMEDIES])[remedy] * np.where(clinical, 1.8, 1.0)
    return np.clip(hours * friction * size * np.exp(rng.normal(0.0, 0.12, len(ledger))), 0.15, 6.0)


def _fractions(seed: int, rng: np.random.Generator, family: Ints, payer: Ints, payers: int) -> tuple[Floats, Floats]:
    """Give the mean share of the cap that a recovery brings, and one draw of it."""
    temper = stream(seed, "fraction")
    mean = np.array([FRACTION[name] for name in codes.FAMILIES])[family]
    mind = temper.normal(0.0, 0.8, (payers, len(codes.FAMILIES)))[payer, family]
    z = np.log(mean / (1.0 - mean)) + mind + rng.normal(0.0, 0.15, len(family))
    share = np.clip(sigmoid(z), 0.02, 0.98)
    return share, rng.beta(4.0 * share, 4.0 * (1.0 - share))
