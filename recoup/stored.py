"""A client's write-offs and efforts as the store has them, for models to learn from."""

from __future__ import annotations

from datetime import date

from features.batch import Batch
from features.errors import UsageError
from features.vocabulary import Vocabulary
from recoup.identity import opened_gate, operator
from recoup.settings import Settings
from serving.store.outcomes import outcomes_of, writeoffs_of


def stored(chosen: Settings, client: str, vocabulary: Vocabulary, *, as_of: date) -> tuple[Batch, Batch]:
    """Return a client's write-offs, and its efforts as they were known on a morning; the access log tells that they were read.

    Raises
    ------
    UsageError
        When the store has no write-off of the client: no check failed, and no alarm rings, which an exit code of 1 would say.
    """
    with opened_gate(chosen) as gate, gate.store.write() as unit:
        writeoffs, outcomes = writeoffs_of(unit, client, vocabulary), outcomes_of(unit, client, vocabulary, as_of=as_of)
        told = f"{len(writeoffs)} write-offs and {len(outcomes)} efforts, to learn from"
        gate.log.tell(unit, operator(client), "export.read", [], purpose=told)
    if not len(writeoffs):
        raise UsageError(f"the store has no write-off of {client}; `recoup queue load` brings a ledger in, or name files")
    return writeoffs, outcomes
