"""An audit of what the store holds of a client: write-offs as they were loaded, outcomes as they are known."""

from __future__ import annotations

from copy import copy
from datetime import date

from features.batch import Batch
from features.history import History
from features.usual import Usual
from models.scorer import PRIOR, Scorer
from serving.findings.audit import Progress
from serving.findings.report import Report, report
from serving.store.outcomes import outcomes_of, writeoffs_of
from serving.store.rows import EPOCH
from serving.store.store import Unit


def report_of_client(unit: Unit, client_id: str, *, scorer: Scorer, as_of: date, progress: Progress | None = None) -> Report:
    """Audit what the store holds of a client, whole: for whoever sees all of its facilities.

    Parameters
    ----------
    scorer
        As it serves; it is left as it is.
    """
    words, day = scorer.vocabulary.overlay(), (as_of - EPOCH).days
    ledger = writeoffs_of(unit, client_id, words)
    efforts = outcomes_of(unit, client_id, words, as_of=as_of)
    if scorer.version == PRIOR:
        scorer = taught(scorer, ledger, day)
    return report(ledger, scorer=scorer, as_of=day, efforts=efforts if len(efforts) else None, progress=progress)


def taught(scorer: Scorer, ledger: Batch, day: int) -> Scorer:
    """Return a scorer without a model that knows what this ledger alone can teach; the one given stays as it is."""
    other = copy(scorer)
    other.viewer = copy(scorer.viewer)
    other.viewer.usual, other.viewer.history = Usual(), History()
    other.learn_usual(ledger, until=day)
    return other
