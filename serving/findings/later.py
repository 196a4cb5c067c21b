"""What later remittances brought, took back and refused, on the rows of the ledger under audit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.batch import Batch
from features.intake.remits.candidates import TextColumns
from features.intake.remits.events import Outcomes
from features.intake.remits.ledger_join import account_of
from features.intake.remits.recoveries import outcomes
from serving.findings.remits import Remits
from serving.findings.told import asked_of

_MORE = ("writeoff_id", "posting_kind", "reverses_writeoff_id")


def later_outcomes(ledger: Batch, remits: Remits, is_reversed: NDArray[np.bool_], as_of: str) -> Outcomes:
    """Return the outcome events that were known on the morning of an ISO day.

    Only rows of claims on which anything followed are looked at: a second adjudication, another claim of the same account, or
    money held back.
    """
    heard: dict[str, int] = {}
    for chain in remits.chains:
        account = account_of(chain.adjudications[0].claim.claim_id)
        heard[account] = heard.get(account, 0) + len(chain.adjudications)
    wanted = {account for account, count in heard.items() if count > 1}
    wanted |= {account_of(one.claim_id) for one in remits.named}
    claims = ledger.columns["claim_id"].tolist()
    rows = np.array([row for row, claim in enumerate(claims) if claim is not None and account_of(claim) in wanted], dtype=np.int64)
    return outcomes(
        remits.chains, remits.remits, groups=remits.groups, ledger=(_as_text(ledger.take(rows)), is_reversed[rows].tolist()), as_of=as_of
    )


def _as_text(part: Batch) -> TextColumns:
    asked = list(asked_of(part))
    columns: TextColumns = {name: [row[name] for row in asked] for name in (asked[0] if asked else ())}
    return columns | {name: [word or "" for word in part.words(name)] for name in _MORE}
