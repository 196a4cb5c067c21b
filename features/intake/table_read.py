"""What reading a table gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.intake.issues import Findings, Issue
from features.intake.rejects import Reject


@dataclass(slots=True)
class TableRead:
    """Rows that were accepted, and an account of the others.

    Parameters
    ----------
    batch
        The accepted rows in the order they came.
    row_numbers
        Their row numbers, as in `Reject.row`; int64.
    rejects
        Broken rules, by row and column.
    findings
        What was noticed of the rows that were kept.
    rows_read
        Rows that came, the rejected ones among them.
    zero_amounts
        Write-offs of zero dollars: counted and left out.
    """

    batch: Batch
    row_numbers: NDArray[np.int64]
    rejects: list[Reject]
    findings: Findings
    rows_read: int
    zero_amounts: int

    @property
    def issues(self) -> list[Issue]:
        """Remarks on what was kept, each once."""
        return self.findings.issues(self.batch.table)

    @property
    def rows_rejected(self) -> int:
        """Rows with at least one broken rule."""
        return len({reject.row for reject in self.rejects})
