"""The service lines: what was charged, allowed, adjusted and paid; on each, billed equals paid plus adjustments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recoup.sample import codes
from recoup.sample.arrays import Bools, Floats, Ints, pick, stream, to_cents
from recoup.sample.claims import FACILITIES, Claims
from recoup.sample.contracts import MODIFIER_FACTOR, MODIFIER_WEIGHT, Contracts
from recoup.sample.payers import KINDS, Payers
from recoup.sample.procedures import Procedures

FATES = tuple("paid contractual full net part patient small bad_debt charity wait withhold capitated".split())
FATE_WEIGHT: Floats = np.array([0.03, 0.28, 0.30, 0.17, 0.08, 0.025, 0.03, 0.02, 0.01, 0.012, 0.012, 0.012])
SLOTS = ("contractual", "denial", "sequestration", "patient", "ledger")
CONTRACTUAL, DENIAL, SEQUESTRATION, PATIENT, LEDGER = range(5)
MISPOSTED_SHARE = 0.085


@dataclass(frozen=True)
class Lines:
    """One entry per service line; money in cents; `code` and `amount` hold one column per slot of `SLOTS`.

    A slot without an adjustment has code -1. The ledger slot is the practice's own posting: no remit holds it.
    `expected` is what the contract really says, `stated` what the practice's contract system believes (0 = nothing).
    """

    claim: Ints
    number: Ints
    fate: Ints
    procedure: Ints
    units: Ints
    modifier: Ints
    billed: Ints
    allowed: Ints
    expected: Ints
    stated: Ints
    paid: Ints
    share: Ints
    is_misposted: Bools
    rarc: Ints
    code: Ints
    amount: Ints
    posted: Ints


def draw_lines(seed: int, claims: Claims, payers: Payers, procedures: Procedures, contracts: Contracts) -> Lines:
    """Draw the lines of all claims with their adjustments."""
    rng = stream(seed, "lines")
    claim = np.repeat(np.arange(len(claims.payer)), claims.lines)
    n = len(claim)
    payer = claims.payer[claim]
    procedure, units, modifier = _services(rng, claims.specialty[claim], procedures)
    billed = to_cents(procedures.charge[procedure] * (1.0 + 0.04 * rng.normal(0.0, 1.0, FACILITIES))[claims.facility[claim]])
    billed = np.maximum(billed, 500) * units
    expected, stated = _expected(rng, claims, claim, payers, contracts, procedure, units * MODIFIER_FACTOR[modifier])
    expected = np.minimum(expected, billed)
    fate = _fates(rng, claims, claim, payers)
    has_allowed = np.isin(fate, [FATES.index(f) for f in ("contractual", "patient", "small", "bad_debt", "charity")])
    is_misposted = has_allowed & (rng.random(n) < MISPOSTED_SHARE)
    allowed = np.where(is_misposted, (expected * (1.0 - rng.uniform(0.20, 0.60, n))).astype(np.int64), expected)
    is_misposted &= billed > allowed
    usual_share = np.array([k.patient_share for k in KINDS])[payers.kind[payer]]
    share = (usual_share * np.clip(rng.normal(1.0, 0.4, n), 0.0, 2.0) * allowed).astype(np.int64)
    code, amount = _adjust(rng, fate, payers, payer, claims.is_secondary[claim], billed, allowed, share)
    paid = billed - amount[:, :LEDGER].sum(axis=1)
    return Lines(
        claim=claim,
        number=np.arange(n) - np.repeat(np.cumsum(claims.lines) - claims.lines, claims.lines) + 1,
        fate=fate,
        procedure=procedure,
        units=units,
        modifier=modifier,
        billed=billed,
        allowed=paid + amount[:, PATIENT] + amount[:, SEQUESTRATION] + _kept(fate, amount),
        expected=expected,
        stated=np.minimum(stated, billed),
        paid=paid,
        share=share,
        is_misposted=is_misposted & (code[:, CONTRACTUAL] >= 0),
        rarc=_rarcs(rng, code[:, DENIAL]),
        code=code,
        amount=amount,
        posted=claims.remit_day[claim][:, None] + _waits(rng, fate),
    )


def _services(rng: np.random.Generator, specialty: Ints, procedures: Procedures) -> tuple[Ints, Ints, Ints]:
    """Draw procedures, mostly of the provider's own specialty."""
    n = len(specialty)
    procedure = pick(rng, procedures.weight, n)
    own = rng.random(n) < 0.8
    for s in range(int(procedures.specialty.max()) + 1):
        rows = own & (specialty == s)
        inside = procedures.weight * (procedures.specialty == s)
        if rows.any() and inside.any():
            procedure[rows] = pick(rng, inside, int(rows.sum()))
    return procedure, pick(rng, np.array([0.0, 0.86, 0.09, 0.03, 0.02]), n), pick(rng, MODIFIER_WEIGHT, n)


def _expected(
    rng: np.random.Generator, claims: Claims, claim: Ints, payers: Payers, contracts: Contracts, procedure: Ints, times: Floats
) -> tuple[Ints, Ints]:
    """Price the lines: exactly where the contract is loaded, with the payer's unwritten habits elsewhere."""
    n = len(claim)
    payer = claims.payer[claim]
    year = _year(claims.service_day[claim])
    price = contracts.price(payer, procedure, np.clip(year, contracts.first_year, contracts.first_year + contracts.years - 1))
    habit = np.exp(rng.normal(0.0, 0.015, n)) * contracts.facility_factor[claims.facility[claim]]
    loaded = payers.is_loaded[payer]
    expected = to_cents(price * times * np.where(loaded, 1.0, habit))
    # The practice's contract system misses a tenth of the lines and reads a tenth from an outdated schedule.
    old = np.where(rng.random(n) < 0.10, 1.0 / (1.0 + contracts.rise[payer]), 1.0)
    stated = np.where(loaded & (rng.random(n) < 0.90), to_cents(price * times * old), 0)
    return expected, stated


def _year(day: Ints) -> Ints:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _fates(rng: np.random.Generator, claims: Claims, claim: Ints, payers: Payers) -> Ints:
    """Draw what became of each line; a secondary payer's lines are paid by the first payer's rules."""
    fate = pick(rng, FATE_WEIGHT, len(claim))
    fate[claims.is_secondary[claim]] = FATES.index("paid")
    free = np.array([k.patient_share == 0.0 for k in KINDS])[payers.kind[claims.payer[claim]]]
    owed = np.isin(fate, [FATES.index(f) for f in ("patient", "small", "bad_debt", "charity")])
    fate[owed & free] = FATES.index("contractual")
    return fate


def _adjust(
    rng: np.random.Generator, fate: Ints, payers: Payers, payer: Ints, is_secondary: Bools, billed: Ints, allowed: Ints, share: Ints
) -> tuple[Ints, Ints]:
    """Fill the slots; a slot whose amount is nothing stays empty."""
    n = len(fate)
    is_ = {name: fate == i for i, name in enumerate(FATES)}
    code = np.full((n, len(SLOTS)), -1, dtype=np.int64)
    amount = np.zeros((n, len(SLOTS)), dtype=np.int64)
    whole = is_["full"] | is_["wait"] | is_["capitated"]

    code[:, CONTRACTUAL] = np.where(payers.is_type("workers_comp")[payer], codes.COMPENSATION, codes.CONTRACT)
    amount[:, CONTRACTUAL] = np.where(whole | is_secondary, 0, billed - allowed)

    reason = _reasons(rng, n, payers, payer)
    part = (allowed * rng.uniform(0.15, 0.7, n)).astype(np.int64)
    amount[:, DENIAL] = np.where(is_["full"], billed, np.where(is_["net"], allowed, np.where(is_["part"], part, 0)))
    code[:, DENIAL] = reason
    waits = np.array([c.weight for c in codes.ALL]) * codes.IS_WAIT
    code[is_["wait"], DENIAL] = pick(rng, waits, int(is_["wait"].sum()))
    code[is_["capitated"], DENIAL] = codes.CAPITATION
    code[is_secondary, DENIAL] = codes.PRIOR_PAYER
    amount[:, DENIAL] = np.where(is_["wait"] | is_["capitated"], billed, amount[:, DENIAL])
    amount[:, DENIAL] = np.where(is_secondary, billed - allowed // 5, amount[:, DENIAL])

    left = billed - amount[:, CONTRACTUAL] - amount[:, DENIAL]
    kinds = np.array([c.weight for c in codes.ALL]) * codes.IS_PATIENT
    code[:, PATIENT] = pick(rng, kinds, n)
    owes = is_["patient"] | is_["small"] | is_["bad_debt"] | is_["charity"] | (rng.random(n) < 0.5)
    amount[:, PATIENT] = np.where(owes & ~is_secondary, np.minimum(share, left), 0)
    _withhold(rng, code, amount, is_["withhold"], payers.is_type("medicare")[payer] & ~is_secondary, left)
    _own_postings(rng, code, amount, is_)
    code[amount <= 0] = -1
    amount[amount <= 0] = 0
    return code, amount


def _reasons(rng: np.random.Generator, n: int, payers: Payers, payer: Ints) -> Ints:
    """Draw denial codes: each payer has its favourites."""
    weight = np.array([c.weight for c in codes.DENIALS])
    taste = weight * np.exp(rng.normal(0.0, 0.5, (len(payers.ids), len(weight))))
    edges = np.cumsum(taste / taste.sum(axis=1, keepdims=True), axis=1)
    edges[:, -1] = 1.0
    draw = rng.random(n)
    # Row by row search in one flat array: each payer's edges live between its number and the next.
    flat = (edges + np.arange(len(payers.ids))[:, None]).ravel()
    return np.searchsorted(flat, draw + payer, side="right") - payer * len(weight)


def _withhold(rng: np.random.Generator, code: Ints, amount: Ints, is_withheld: Bools, is_sequestered: Bools, left: Ints) -> None:
    after = left - amount[:, PATIENT]
    code[:, SEQUESTRATION] = np.where(is_withheld, codes.WITHHOLD, codes.SEQUESTRATION)
    # Sequestration takes 2 % of the payment after the patient's share (DOMAIN 2.8).
    rate = np.where(is_withheld, rng.choice([0.05, 0.10], len(left)), np.where(is_sequestered, 0.02, 0.0))
    amount[:, SEQUESTRATION] = np.rint(after * rate).astype(np.int64)


def _own_postings(rng: np.random.Generator, code: Ints, amount: Ints, is_: dict[str, Bools]) -> None:
    owed = amount[:, PATIENT]
    small = np.minimum(owed, rng.integers(50, 1000, len(owed)))
    for fate, number in (("small", codes.SMALL_BALANCE), ("bad_debt", codes.BAD_DEBT), ("charity", codes.CHARITY)):
        code[is_[fate], LEDGER] = number
        amount[is_[fate], LEDGER] = (small if fate == "small" else owed)[is_[fate]]


def _kept(fate: Ints, amount: Ints) -> Ints:
    """Give what the payer found allowable and yet refused: all of a denial but that of the whole charge."""
    kept = np.isin(fate, [FATES.index("net"), FATES.index("part")])
    return np.where(kept, amount[:, DENIAL], 0)


def _rarcs(rng: np.random.Generator, code: Ints) -> Ints:
    """Draw a remark code among those that go with each denial; 0 is none."""
    choices = [[codes.RARCS.index(r) for r in c.rarcs] or [0] for c in codes.ALL]
    width = max(len(c) for c in choices)
    table = np.array([[c[int(i * len(c) / width)] for i in range(width)] for c in choices])
    return np.where(code < 0, 0, table[code, rng.integers(0, width, len(code))])


def _waits(rng: np.random.Generator, fate: Ints) -> Ints:
    """Draw the days from the remit to each posting: at once by machine, or after somebody gave up."""
    n = len(fate)
    wait = np.zeros((n, len(SLOTS)), dtype=np.int64)
    at_once = rng.integers(0, 5, n)
    wait[:, CONTRACTUAL] = wait[:, SEQUESTRATION] = at_once
    late = 2 + rng.gamma(2.0, 22.0, n).astype(np.int64)
    is_quick = np.isin(fate, [FATES.index(f) for f in ("wait", "capitated", "paid")])
    wait[:, DENIAL] = np.where(is_quick, at_once, late)
    wait[:, PATIENT] = 40 + rng.gamma(2.0, 25.0, n).astype(np.int64)
    wait[:, LEDGER] = 35 + rng.gamma(2.0, 25.0, n).astype(np.int64)
    return wait
