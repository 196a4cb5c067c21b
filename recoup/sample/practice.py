"""The practice: every noun drawn in turn, and the files that it would hand over on one morning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from features.errors import UsageError
from recoup.sample.arrays import Ints, day_number
from recoup.sample.claims import FACILITIES, PROVIDERS, Claims, draw_claims
from recoup.sample.columns import outcome_table, truth_table, writeoff_table
from recoup.sample.contracts import Contracts, contract_table, draw_contracts
from recoup.sample.defects import defect_table
from recoup.sample.later import write_later_remits
from recoup.sample.ledger import Ledger, post
from recoup.sample.lines import Lines, draw_lines
from recoup.sample.payers import Payers, draw_payers
from recoup.sample.planting import Planted, plant
from recoup.sample.procedures import SPECIALTIES, Procedures, draw_procedures
from recoup.sample.recovery import Truth, draw_truth
from recoup.sample.remits import Answers, RemitIndex, write_remits
from recoup.sample.rules import payer_rule_table, policy_table
from recoup.sample.staff import Efforts, work
from recoup.sample.tables import write_csv, write_parquet

MONTHS = 28
SLOWEST_POSTING_DAYS = 200
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Practice:
    """All that was drawn; positions in one part refer to entries of another. Files are written from what was planted in it."""

    payers: Payers
    procedures: Procedures
    contracts: Contracts
    claims: Claims
    lines: Lines
    ledger: Ledger
    truth: Truth
    efforts: Efforts
    planted: Planted


def draw_practice(*, rows: int, seed: int, end: date, explore: float, jumps: bool = True) -> Practice:
    """Draw a practice with exactly `rows` postings in the 28 months before `end`; without `jumps` no payer changes its mind.

    Examples
    --------
    >>> practice = draw_practice(rows=12, seed=7, end=date(2026, 11, 1), explore=0.03)
    >>> len(practice.ledger)
    12
    """
    start = _months_before(end, MONTHS)
    first = day_number(start) - SLOWEST_POSTING_DAYS
    payers, procedures = draw_payers(seed), draw_procedures(seed)
    contracts = draw_contracts(seed, payers, procedures, range(start.year - 2, end.year + 1), FACILITIES)
    specialty_of: Ints = np.arange(PROVIDERS) % len(SPECIALTIES)
    count = 200 + rows * 3 // 5
    while True:
        claims = draw_claims(seed, count, payers, specialty_of, first, day_number(end))
        lines = draw_lines(seed, claims, payers, procedures, contracts)
        ledger = post(seed, rows, claims, lines, day_number(start), day_number(end))
        if ledger is not None:
            break
        count = count * 3 // 2
    truth = draw_truth(seed, ledger, lines, claims, payers, day_number(start), day_number(end), jumps=jumps)
    efforts = work(seed, ledger, truth, explore)
    planted = plant(seed, ledger, lines, claims, payers, truth, efforts)
    return Practice(payers, procedures, contracts, claims, lines, ledger, truth, efforts, planted)


def write_sample(
    out: Path,
    *,
    rows: int = 60_000,
    seed: int = 7,
    end: date = date(2026, 11, 1),
    explore: float = 0.03,
    truth: bool = False,
    jumps: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write a synthetic practice into a folder; the same arguments give the same bytes.

    Parameters
    ----------
    out
        Folder, made where it is not there.
    rows
        Number of write-offs, at least 1.
    seed
        Which practice.
    end
        The morning on which the files are drawn: postings and outcomes are those of the days before.
    explore
        Chance of each workable write-off to be worked by lot, which is logged; 0 <= explore <= 1.
    truth
        Whether to write what nobody could know beside it: chances, later outcomes, planted defects, later remits.
    jumps
        Whether payers change their minds along the way.
    progress
        Told the step's name, the steps done and the steps in all.

    Raises
    ------
    UsageError
        When `rows` or `explore` is outside its range.

    Examples
    --------
    >>> write_sample(Path("nowhere"), rows=0)
    Traceback (most recent call last):
    features.errors.UsageError: rows must be at least 1, not 0
    """
    if rows < 1:
        raise UsageError(f"rows must be at least 1, not {rows}")
    if not 0.0 <= explore <= 1.0:
        raise UsageError(f"explore is a chance from 0 to 1, not {explore}")
    told = progress or _tell_nobody
    steps = 3 + 2 * truth
    told("practice", 0, steps)
    p = draw_practice(rows=rows, seed=seed, end=end, explore=explore, jumps=jumps)
    told("remits", 1, steps)
    ledger, lines = p.planted.ledger, p.planted.lines
    answers = Answers(lines, p.claims, p.payers, p.procedures, np.unique(ledger.line[~ledger.is_balanced]))
    index = write_remits(out / "remits", seed, answers=answers, planted=p.planted, claims=p.claims, payers=p.payers)
    told("tables", 2, steps)
    _write_tables(out, seed, p, index, explore, day_number(end))
    if truth:
        told("truth", 3, steps)
        _write_truth(out, p, index, explore, day_number(end))
        told("later remits", 4, steps)
        write_later_remits(out / "later_remits", p.efforts, answers=answers, ledger=ledger, lines=lines, claims=p.claims, payers=p.payers)
    told("done", steps, steps)


def _tell_nobody(step: str, done: int, of: int) -> None:
    """Take the place of a progress bar."""


def _write_tables(out: Path, seed: int, p: Practice, index: RemitIndex, explore: float, end: int) -> None:
    writeoffs = writeoff_table(seed, planted=p.planted, claims=p.claims, payers=p.payers, procedures=p.procedures, remits=index)
    write_csv(writeoffs, out / "writeoffs.csv")
    write_csv(outcome_table(p.efforts, explore, end), out / "outcomes.csv")
    write_csv(contract_table(p.contracts, p.payers, p.procedures), out / "contract_rates.csv")
    since = day_number(date(p.contracts.first_year, 1, 1))
    write_csv(payer_rule_table(p.payers, since), out / "payer_rules.csv")
    write_csv(policy_table(since), out / "writeoff_policies.csv")


def _write_truth(out: Path, p: Practice, index: RemitIndex, explore: float, end: int) -> None:
    truth = truth_table(p.ledger, p.lines, p.claims, p.payers, p.truth, end, planted=p.planted)
    write_parquet(truth, out / "truth.parquet")
    write_csv(outcome_table(p.efforts, explore, None), out / "true_outcomes.csv")
    write_csv(defect_table(p.planted, p.claims, p.payers, p.truth, p.efforts, index, end), out / "defects.csv")


def _months_before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, min(day.day, 28))
