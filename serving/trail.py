"""The access log: who did what to which rows, each line chained to the one before by a keyed hash.

A line's `mac` is HMAC-SHA256 over its sequence number, the mac before it and the act. Without the key nobody can change, drop, insert,
reorder or chain anew without `verify` naming the first line that is wrong; with the head kept elsewhere, nobody can cut the end off.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from features.errors import BadData, Misconfigured

KEY_BYTES = 32
MOST_IDS = 1000
MOST_TEXT = 300
OUTCOMES: Final = ("done", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody did or was refused.

    Parameters
    ----------
    at
        Microseconds since 1970-01-01 UTC.
    subject
        Who, as `Identity.subject` names them.
    client_id
        The organisation whose rows were touched.
    action
        A name of `access.ACTIONS`, or one of an act that no route does, such as `session.open`.
    ids
        Which rows: ids of write-offs, items, keys, people; at most 1,000.
    origin
        Where from: an address, or `command` for the command line.
    outcome
        `done`, `refused` or `failed`.
    purpose
        Why: a reason that was given; empty for the daily work that the role says.

    Examples
    --------
    >>> Act(at=0, subject="person:ana", client_id="default", action="writeoff.read", ids=("W1",), origin="127.0.0.1").outcome
    'done'
    >>> Act(at=0, subject="", client_id="default", action="writeoff.read")
    Traceback (most recent call last):
    features.errors.BadData: an act of the access log names no subject
    """

    at: int
    subject: str
    client_id: str
    action: str
    ids: tuple[str, ...] = ()
    origin: str = "command"
    outcome: str = "done"
    purpose: str = ""

    def __post_init__(self) -> None:
        for name in ("subject", "client_id", "action", "origin"):
            if not getattr(self, name):
                raise BadData(f"an act of the access log names no {name}")
        for name in ("subject", "client_id", "action", "origin", "purpose"):
            if len(getattr(self, name)) > MOST_TEXT:
                raise BadData(f"an act of the access log has a {name} of more than {MOST_TEXT} characters")
        if self.outcome not in OUTCOMES:
            raise BadData(f"an act of the access log ends {', '.join(OUTCOMES)}, not otherwise")
        if len(self.ids) > MOST_IDS:
            raise BadData(f"an act of the access log names at most {MOST_IDS:,} rows, not {len(self.ids):,}")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: its last sequence number (0: empty) and mac."""

    sequence: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One stored line."""

    sequence: int
    act: Act
    mac: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `Chain.verify` found.

    Parameters
    ----------
    lines
        How many lines hold, counted from the first.
    head
        The end of what holds.
    fault
        What is wrong after that, in words; None when all holds.
    """

    lines: int
    head: Head
    fault: str | None = None

    @property
    def holds(self) -> bool:
        """Whether every line and the end are as they were written."""
        return self.fault is None


class Chain:
    """A keyed hash chain.

    Parameters
    ----------
    key
        At least 32 secret bytes, kept outside the database.

    Examples
    --------
    >>> chain = Chain(b"k" * 32)
    >>> acts = [Act(at=day, subject="person:ana", client_id="default", action="queue.read") for day in range(3)]
    >>> lines, head = [], chain.start
    >>> for act in acts:
    ...     lines.append(chain.link(head, act))
    ...     head = Head(lines[-1].sequence, lines[-1].mac)
    >>> chain.verify(lines, known=head).holds
    True
    >>> chain.verify([lines[0], lines[2]]).fault
    'line 2 is missing: line 3 follows line 1'
    >>> chain.verify(lines[:2], known=head).fault
    'the log ends at line 2, but line 3 was written'
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise Misconfigured(f"the key of the access log has {len(key)} bytes; at least {KEY_BYTES} are needed")
        self._key = key
        # The first line follows a mac that only the key's owner can make: an empty log cannot be begun anew by others.
        self.start = Head(0, self._mac(b"the access log begins"))

    def link(self, head: Head, act: Act) -> Line:
        """Return the line that an act becomes after a head."""
        sequence = head.sequence + 1
        return Line(sequence, act, self._mac(_bytes(sequence, head.mac, act)))

    def verify(self, lines: Iterable[Line], *, known: Head | None = None) -> Verdict:
        """Check lines in order of their sequence numbers, from the first.

        Parameters
        ----------
        lines
            All of the log.
        known
            A head that was kept elsewhere: its line must be there, with its mac. The log may go on after it.

        Returns
        -------
        Verdict
            The first fault, if there is one.
        """
        head, passed = self.start, known is None or known.sequence == 0
        for line in lines:
            if line.sequence != head.sequence + 1:
                return Verdict(head.sequence, head, _gap(head.sequence, line.sequence))
            expected = self._mac(_bytes(line.sequence, head.mac, line.act))
            if not hmac.compare_digest(expected, line.mac):
                return Verdict(head.sequence, head, f"line {line.sequence} is not as it was written, or what stood before it is gone")
            head = Head(line.sequence, line.mac)
            if known is not None and line.sequence == known.sequence:
                passed = True
                if not hmac.compare_digest(line.mac, known.mac):
                    return Verdict(line.sequence, head, f"line {line.sequence} is another than the head that was kept elsewhere")
        if not passed:
            assert known is not None
            return Verdict(head.sequence, head, f"the log ends at line {head.sequence}, but line {known.sequence} was written")
        return Verdict(head.sequence, head)

    def seal(self, head: Head) -> bytes:
        """Return the mac of a head, for the copy that is kept elsewhere."""
        return self._mac(b"head" + head.sequence.to_bytes(8, "big") + head.mac)

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def now_micros() -> int:
    """Return the time on the wall, in microseconds since 1970-01-01 UTC."""
    return int(datetime.now(UTC).timestamp() * 1_000_000)


def _gap(before: int, found: int) -> str:
    if found <= before:
        return f"line {found} stands twice, or out of order after line {before}"
    return f"line {before + 1} is missing: line {found} follows line {before}"


def _bytes(sequence: int, before: bytes, act: Act) -> bytes:
    """What is hashed; JSON of a list with its places fixed, so that no two acts give the same bytes."""
    fields = [act.at, act.subject, act.client_id, act.action, act.ids, act.origin, act.outcome, act.purpose]
    return sequence.to_bytes(8, "big") + before + json.dumps(fields, separators=(",", ":")).encode()
