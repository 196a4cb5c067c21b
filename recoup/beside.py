"""The files of a run beside its ledger."""

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
