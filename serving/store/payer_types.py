"""Of which kind of payer the entries are that may be owed back: what the ledger says of their postings."""

from __future__ import annotations

from sqlalchemy import and_, or_, select

from serving.store.audits import overpayments
from serving.store.store import Unit
from serving.store.writeoffs import writeoffs


def types_of_owed(unit: Unit, client_id: str) -> dict[str, str]:
    """Return the kind of payer of what may be owed back, by id of the entry.

    It is that of the entry's posting; of an entry without one that of its claim, where all postings of the claim are of one kind. What
    the ledger does not tell is left out.
    """
    o, w = overpayments.c, writeoffs.c
    # An entry names a payer only with its posting; of a claim with several payers nobody knows here which of them paid too much.
    is_of = or_(o.writeoff_id == w.writeoff_id, and_(o.writeoff_id.is_(None), o.claim_id == w.claim_id))
    joined = overpayments.join(writeoffs, and_(o.client_id == w.client_id, is_of))
    statement = select(o.overpayment_id, w.payer_type).distinct().select_from(joined).where(o.client_id == client_id)
    found: dict[str, set[str | None]] = {}
    for overpayment_id, payer_type in unit.connection.execute(statement):
        found.setdefault(overpayment_id, set()).add(payer_type)
    return {name: kind for name, kinds in found.items() if len(kinds) == 1 and (kind := next(iter(kinds))) is not None}
