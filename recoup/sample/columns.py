"""The tables of the sample in the columns that recoup reads: write-offs, outcomes, truth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recoup.sample import codes
from recoup.sample.arrays import Bools, Ints, stream
from recoup.sample.claims import FACILITIES, PLACES, PROVIDERS, Claims
from recoup.sample.contracts import MODIFIERS
from recoup.sample.ledger import Ledger
from recoup.sample.lines import DENIAL, LEDGER, PATIENT, Lines
from recoup.sample.payers import KINDS, TYPES, Payers
from recoup.sample.planting import APPROVERS, Planted
from recoup.sample.procedures import SPECIALTIES, Procedures
from recoup.sample.recovery import TAKEBACK_SHARE, Truth
from recoup.sample.remits import RemitIndex
from recoup.sample.staff import PENDING, STATUSES, Efforts
from recoup.sample.tables import dates, flags, money, numbered, text
from recoup.sample.verdict import CATEGORIES, REMEDIES, categorise, prescribe


def writeoff_ids(rows: Ints) -> pa.Array:
    """Spell the identifiers of postings."""
    return numbered("W", rows + 1, 7)


def claim_ids(claims: Ints) -> pa.Array:
    """Spell the practice's claim numbers."""
    return numbered("C", claims + 1, 7)


def payer_claim_numbers(claims: Ints) -> pa.Array:
    """Spell the payers' claim numbers; the factor only makes them look drawn."""
    return numbered("", 10**12 + (claims * 7_919 + 104_729) % (9 * 10**11), 13)


def writeoff_table(
    seed: int,
    *,
    planted: Planted,
    claims: Claims,
    payers: Payers,
    procedures: Procedures,
    remits: RemitIndex,
) -> pa.Table:
    """Build writeoffs: one row per posting."""
    ledger, lines = planted.ledger, planted.lines
    n = len(ledger)
    line, claim = ledger.line, lines.claim[ledger.line]
    payer = claims.payer[claim]
    in_remit = ledger.slot != LEDGER
    in_hand = in_remit & ~planted.missing[claim]
    is_new = claims.resubmissions[claim] > 0
    columns: dict[str, pa.Array] = {
        "writeoff_id": writeoff_ids(np.arange(n)),
        "writeoff_date": dates(ledger.day),
        "client_id": text(("default",), np.zeros(n, dtype=np.int64)),
        "payer_id": text(payers.ids, payer),
        "payer_type": text(TYPES, payers.kind[payer]),
        "plan_id": text([f"{p}-{k}" for p in payers.ids for k in range(1, 5)], payer * 4 + claims.plan[claim]),
        "contract_id": text([f"K-{p}" for p in payers.ids], payer, payers.is_loaded[payer]),
        "payer_sequence": pa.array(np.where(claims.is_secondary[claim], 2, 1)),
        "posting_kind": text(("writeoff", "reversal"), (ledger.reverses >= 0).astype(np.int64)),
        "reverses_writeoff_id": _where((ledger.reverses >= 0) & ledger.names_reversed, writeoff_ids(ledger.reverses)),
        "claim_id": claim_ids(claim),
        "line_number": pa.array(lines.number[line]),
        "root_claim_id": claim_ids(claim),
        "payer_claim_number": payer_claim_numbers(claim),
        "original_payer_claim_number": _where(is_new, payer_claim_numbers(claim + 5_000_000)),
        "claim_frequency": text(("1", "7"), is_new.astype(np.int64)),
        "patient_id": numbered("A", claims.patient[claim], 7),
        "funding": text(("insured", "self_funded", "government"), _funding(claims, payers, claim)),
        "claim_type": text(("professional",), np.zeros(n, dtype=np.int64)),
        "filing_indicator": text([k.filing_indicator for k in KINDS], payers.kind[payer]),
        "claim_status": text(("1", "2"), claims.is_secondary[claim].astype(np.int64)),
    }
    columns |= _service_columns(lines, claims, procedures, line, claim)
    columns |= _money_columns(ledger, lines)
    columns |= _reason_columns(seed, ledger, lines, in_remit)
    columns["approved_by"] = text(APPROVERS, planted.approver, planted.approver >= 0)
    columns |= _paper_columns(claims, claim)
    columns |= {
        "qmb": flags(*_qmb(seed, claims, payers, claim)),
        "account_status": text(("closed", "open", "agency"), np.where(ledger.code == codes.BAD_DEBT, 2, claims.patient[claim] % 4 == 0)),
        "remit_file": text(remits.names, remits.file[claim], in_hand),
        "remit_segment": pa.array(remits.segment, mask=~in_hand),
        "balanced": flags(ledger.is_balanced, in_hand),
    }
    return pa.table(columns)


def _service_columns(lines: Lines, claims: Claims, procedures: Procedures, line: Ints, claim: Ints) -> dict[str, pa.Array]:
    return {
        "provider_id": text([f"D{i + 1:02d}" for i in range(PROVIDERS)], claims.provider[claim]),
        "facility_id": text([f"F{i + 1}" for i in range(FACILITIES)], claims.facility[claim]),
        "specialty": text(SPECIALTIES, claims.specialty[claim]),
        "place_of_service": text(PLACES, claims.place[claim]),
        "procedure_code": text(procedures.codes, lines.procedure[line]),
        "modifiers": text(MODIFIERS, lines.modifier[line]),
        "units": pa.array(lines.units[line]),
        "service_date": dates(claims.service_day[claim]),
        "submitted_date": dates(claims.submitted_day[claim]),
        "remit_date": dates(claims.remit_day[claim]),
        "initial_denial_date": dates(claims.first_denial_day[claim], lines.code[line, DENIAL] >= 0),
    }


def _money_columns(ledger: Ledger, lines: Lines) -> dict[str, pa.Array]:
    line = ledger.line
    return {
        "billed_amount": money(lines.billed[line]),
        "allowed_amount": money(lines.allowed[line]),
        "paid_amount": money(lines.paid[line]),
        "patient_responsibility_amount": money(lines.amount[line, PATIENT]),
        "expected_allowed_amount": money(lines.stated[line], lines.stated[line] > 0),
        "writeoff_amount": money(ledger.amount),
    }


def _reason_columns(seed: int, ledger: Ledger, lines: Lines, in_remit: Bools) -> dict[str, pa.Array]:
    rng = stream(seed, "posters")
    by_machine = in_remit & (rng.random(len(ledger)) < 0.8)
    poster = np.where(by_machine, 0, 1 + rng.integers(0, 6, len(ledger)))
    return {
        "group_code": text([c.group for c in codes.ALL], ledger.code),
        "carc": text([c.carc for c in codes.ALL], ledger.code),
        "rarcs": text(codes.RARCS, lines.rarc[ledger.line], in_remit),
        "adjustment_code": text([c.adjustment_code for c in codes.ALL], ledger.code),
        "posting_source": text(("manual", "835"), by_machine.astype(np.int64)),
        "posted_by": text(("autopost", *(f"staff{i}" for i in range(1, 7))), poster),
        "batch_id": numbered("B", ledger.day * 10 + poster, 6),
    }


def _paper_columns(claims: Claims, claim: Ints) -> dict[str, pa.Array]:
    known = claims.is_flag_known[claim]
    held = {
        "authorization_on_file": claims.has_authorization,
        "referral_on_file": claims.has_referral,
        "records_on_file": claims.has_records,
        "timely_proof_on_file": claims.has_timely_proof,
        "other_coverage_on_file": claims.has_other_coverage,
    }
    papers = {name: flags(column[claim], known) for name, column in held.items()}
    return papers | {
        "denial_count": pa.array(1 + claims.resubmissions[claim] + claims.appeals[claim]),
        "resubmission_count": pa.array(claims.resubmissions[claim]),
    }


def _funding(claims: Claims, payers: Payers, claim: Ints) -> Ints:
    """Say who bears the risk: the government, an insurer, or for every other commercial plan an employer."""
    payer = claims.payer[claim]
    is_public = np.isin(payers.kind[payer], [i for i, name in enumerate(TYPES) if name.startswith(("medic", "tricare"))])
    is_employer = (claims.plan[claim] % 2 == 1) & np.isin(payers.kind[payer], [TYPES.index("commercial"), TYPES.index("bcbs")])
    return np.where(is_public, 2, is_employer).astype(np.int64)


def _qmb(seed: int, claims: Claims, payers: Payers, claim: Ints) -> tuple[Bools, Bools]:
    """Say which patients Medicaid keeps free of Medicare's cost sharing, and where anybody asked."""
    rng = stream(seed, "beneficiaries")
    is_medicare = (payers.is_type("medicare") | payers.is_type("medicare_advantage"))[claims.payer]
    is_member = is_medicare & (rng.random(len(claims.payer)) < 0.12)
    is_asked = is_medicare & (rng.random(len(claims.payer)) < 0.75)
    return is_member[claim], is_asked[claim]


def outcome_table(efforts: Efforts, explore: float, known_before: int | None) -> pa.Table:
    """Build outcomes: one row per effort; as known on the morning of `known_before`, or all that ever happens.

    An effort begun on or after that morning is absent, one resolved on or after it is pending.
    """
    keep = np.arange(len(efforts)) if known_before is None else np.flatnonzero(efforts.worked < known_before)
    done = np.ones(len(keep), dtype=np.bool_) if known_before is None else efforts.resolved[keep] < known_before
    back_known = done if known_before is None else efforts.back_day[keep] < known_before
    row, level = efforts.row[keep], efforts.level[keep]
    explored = efforts.is_explored[keep]
    zero = np.zeros(len(keep), dtype=np.int64)
    return pa.table(
        {
            "writeoff_id": writeoff_ids(row),
            "effort_id": numbered("E", (row + 1) * 10 + level, 9),
            "worked_date": dates(efforts.worked[keep]),
            "action": text(codes.REMEDIES, efforts.action[keep]),
            "level": pa.array(level),
            "resolved_date": dates(efforts.resolved[keep], done),
            "status": text(STATUSES, np.where(done, efforts.status[keep], PENDING)),
            "recovered_amount": money(efforts.recovered[keep], done),
            "taken_back_amount": money(np.where(back_known, efforts.back[keep], zero), done),
            "hours_spent": pa.array(efforts.hours[keep], mask=~done),
            "explored": pa.array(explored),
            "selection_probability": pa.array(np.full(len(keep), explore), mask=~explored),
        }
    )


def truth_table(ledger: Ledger, lines: Lines, claims: Claims, payers: Payers, truth: Truth, end: int, *, planted: Planted) -> pa.Table:
    """Build truth: one row per posting; chances as on the day of posting, net of later take-backs.

    What was changed after the truth was drawn has no category and remedy; its chances are those of before. A refusal of the whole charge
    that the payer calls a fee cut is mis-posted as a contractual adjustment, whatever its chance (DOMAIN 2.3).
    """
    p = truth.chance(ledger.day) * (1.0 - TAKEBACK_SHARE)
    size = np.maximum(np.abs(planted.ledger.amount), 1)
    fraction = truth.fraction * np.minimum(truth.cap, size) / size
    won = (truth.luck < truth.chance(ledger.day)) & ~truth.is_takeback
    is_priced = payers.is_loaded[claims.payer[lines.claim[ledger.line]]]
    is_misposted = truth.is_misposted.copy()
    is_misposted[planted.kinds["fee_cut_of_whole_charge"][0]] = True
    category = np.where(planted.is_touched, 0, categorise(ledger, lines, claims, truth, is_priced=is_priced, end=end))
    return pa.table(
        {
            "writeoff_id": writeoff_ids(np.arange(len(ledger))),
            "p_recover": pa.array(p),
            "e_fraction": pa.array(fraction),
            "ev": pa.array(p * fraction * size / 100.0),
            "e_hours": pa.array(truth.hours),
            "pot_recovered": pa.array(won),
            "pot_amount": pa.array(np.where(won, np.minimum(truth.won, size), 0) / 100.0),
            "mispost": pa.array(is_misposted),
            "category": text(CATEGORIES, category),
            "remedy": text(REMEDIES, prescribe(category, ledger, lines, truth)),
        }
    )


def _where(rows: Bools, values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(rows), values, pa.scalar(None, values.type))
