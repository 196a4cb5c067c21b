"""The files of a run: those beside its ledger, and what was worked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Beside:
    """Files of the tables beside the ledger; None where the run has none."""

    contracts: Path | None = None
    payer_rules: Path | None = None
    policies: Path | None = None
    reference_fees: Path | None = None
    citations: Path | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A ledger and what its scores were made with, to write papers from.

    Parameters
    ----------
    writeoffs, scores
        Files of both.
    remit_lines
        What the remittances said; None: nothing of them.
    outcomes
        Efforts that the scores were made with; None: none.
    beside
        Tables beside the ledger.
    mapping
        The practice's own names; None: ours.
    """

    writeoffs: Path
    scores: Path
    beside: Beside
    remit_lines: Path | None = None
    outcomes: Path | None = None
    mapping: Path | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """A ledger and what came of it, to learn from or to judge by.

    Parameters
    ----------
    writeoffs, outcomes
        Files of both; None of both: what the store of the service holds.
    beside
        Tables beside the ledger.
    mapping
        The practice's own names; None: ours.
    client
        Whose rows of the store.
    """

    writeoffs: Path | None
    outcomes: Path | None
    beside: Beside
    mapping: Path | None = None
    client: str = "default"
