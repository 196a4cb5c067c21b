"""The access log as it is stored: lines in the same transaction as the acts they tell of, and the end of the chain."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, insert, select, update

from features.errors import CheckFailed, RecoupError, Unavailable
from serving.access import Identity
from serving.log import logger
from serving.store.schema import METADATA
from serving.store.store import Store, Unit
from serving.trail import Act, Chain, Head, HeadFile, Line, Verdict

MANY = 5_000
"""Lines that are fetched at a time."""

access_log = Table(
    "access_log",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("ids", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
"""One row per act; triggers of the database refuse to change or delete one. `at` is in microseconds, `ids` is JSON text."""

access_log_head = Table(
    "access_log_head",
    METADATA,
    Column("chain", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
"""The one row that writers of the log take turns at."""

_FIELDS = (
    access_log.c.at,
    access_log.c.subject,
    access_log.c.client_id,
    access_log.c.action,
    access_log.c.ids,
    access_log.c.origin,
    access_log.c.outcome,
    access_log.c.purpose,
)
_THE_ONE = access_log_head.c.chain == 1
_HEAD = select(access_log_head.c.sequence, access_log_head.c.mac).where(_THE_ONE)
_INSERT = insert(access_log)
_MOVE = update(access_log_head).where(_THE_ONE)

log = logger("recoup.trail")


class AccessLog:
    """Writes and checks the access log.

    Parameters
    ----------
    chain
        The chain, with its key.
    copy
        Where the head is copied to after each transaction.
    """

    def __init__(self, chain: Chain, copy: HeadFile) -> None:
        self._chain, self._copy = chain, copy

    def tell(
        self, unit: Unit, who: Identity, action: str, ids: Sequence[str] = (), *, outcome: str = "done", purpose: str | None = None
    ) -> None:
        """Write that somebody did something, in the transaction in which it is done: either both are kept or neither.

        Parameters
        ----------
        unit
            A transaction that writes. Tell last in it: whoever writes after this line waits for its end.
        who, action, ids, outcome
            As in `Act`.
        purpose
            Why; by default what the identity gives as its purpose.
        """
        why = who.purpose if purpose is None else purpose
        at = time.time_ns() // 1000
        self.append(unit, Act(at, who.subject, who.client_id, action, tuple(ids), who.origin, outcome, why))

    def append(self, unit: Unit, act: Act) -> None:
        """Write a line; the head is copied once the transaction is kept.

        Raises
        ------
        RecoupError
            When the row cannot be written: then the act must not be kept either, and by the transaction is not.
        """
        line = self._chain.link(self._head(unit), act)
        row = dict(zip((column.name for column in _FIELDS), line.fields, strict=True))
        unit.connection.execute(_INSERT, {"sequence": line.sequence, "mac": line.mac, **row})
        unit.connection.execute(_MOVE, {"sequence": line.sequence, "mac": line.mac})
        unit.afterwards.append(lambda: self._note(Head(line.sequence, line.mac)))

    def begin(self, store: Store) -> None:
        """Make the copy of the head where the log is still empty; a log with lines whose copy is gone is for `verify` to find."""
        with store.read() as unit:
            if self._head(unit).sequence == 0:
                self._copy.begin(self._chain.start)

    def copy_anew(self, store: Store, who: Identity) -> Head:
        """Copy the head anew where the copy is gone, or says more than a restored database holds; that it was done is told.

        Raises
        ------
        CheckFailed
            When the lines that are there do not hold.
        """
        with store.write() as unit:
            verdict = self._chain.verify(self.lines(unit), known=[self._head(unit)])
            if not verdict.holds:
                raise CheckFailed(f"the access log does not hold: {verdict.fault}")
            self.tell(unit, who, "trail.copy")
            unit.afterwards.clear()
            head = self._head(unit)
        self._copy.begin(head, replace=True)
        return head

    def verify(self, store: Store, *, known: Head | None = None) -> Verdict:
        """Check every line, and that the log ends where the copy of its head says, or later.

        Parameters
        ----------
        known
            Another head that was kept, such as that of an export; it is passed beside the copy's.
        """
        with store.read() as unit:
            return self.examine(unit, known=known)

    def examine(self, unit: Unit, *, known: Head | None = None) -> Verdict:
        """Check as `verify` does, within a transaction."""
        try:
            copied = self._copy.read()
        except CheckFailed as error:
            return Verdict(0, self._chain.start, str(error))
        # Others may write meanwhile: what was the end before must be passed, what is the end after must not be passed.
        before = self._head(unit)
        verdict = self._chain.verify(self.lines(unit), known=[head for head in (before, copied, known) if head is not None])
        after = self._head(unit)
        if verdict.holds and copied is None and verdict.lines:
            return replace(verdict, fault="the copy of its end is gone; if you moved it, `recoup trail copy` makes it anew")
        if verdict.holds and after.sequence < verdict.lines:
            return replace(verdict, fault=f"line {verdict.lines} is there, but line {after.sequence} is said to be the last")
        return verdict

    def lines(self, unit: Unit, *, client_id: str | None = None) -> Iterator[Line]:
        """Yield the lines in order, of one client if named."""
        query = select(access_log.c.mac, access_log.c.sequence, *_FIELDS).order_by(access_log.c.sequence).limit(MANY)
        if client_id is not None:
            query = query.where(access_log.c.client_id == client_id)
        part = unit.connection.execute(query).all()
        while part:
            for row in part:
                yield Line(row[1], tuple(row[2:]), row[0])
            part = unit.connection.execute(query.where(access_log.c.sequence > part[-1][1])).all()

    def _head(self, unit: Unit) -> Head:
        found = unit.connection.execute(_HEAD.with_for_update() if unit.is_writing else _HEAD).one_or_none()
        if found is None:
            raise Unavailable("the access log has lost its end; nothing is done that cannot be told: run `recoup trail verify`")
        sequence, mac = found
        return Head(sequence, bytes(mac)) if sequence else self._chain.start

    def _note(self, head: Head) -> None:
        try:
            self._copy.note(head)
        except RecoupError as error:
            # The act is kept and told; that its copy is behind, `recoup trail verify` says too.
            log.error("the end of the access log is not copied", kind=type(error).__name__)
