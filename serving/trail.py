"""The access log: who did what to which rows, each line chained to the one before by a keyed hash.

A line's `mac` is HMAC-SHA256 over its sequence number, the mac before it and the act. Without the key nobody can change, drop, insert,
reorder or chain anew without `verify` naming the first line that is wrong; with the head kept elsewhere, nobody can cut the end off.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.errors import BadData, CheckFailed, Misconfigured, StorageFailed

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

    def fields(self) -> tuple[object, ...]:
        """Return the values that are stored and hashed, in their order."""
        ids = json.dumps(self.ids, separators=(",", ":"))
        return (self.at, self.subject, self.client_id, self.action, ids, self.origin, self.outcome, self.purpose)

    def __post_init__(self) -> None:
        for name in ("subject", "client_id", "action", "origin"):
            if not getattr(self, name):
                raise BadData(f"an act of the access log names no {name}")
        for name in ("subject", "client_id", "action", "origin", "purpose"):
            if len(getattr(self, name)) > MOST_TEXT:
                raise BadData(f"an act of the access log has a {name} of more than {MOST_TEXT} characters")
        if not all(_is_clean(text) for text in (self.subject, self.client_id, self.action, self.origin, self.purpose, *self.ids)):
            raise BadData("an act of the access log holds control characters or halves of letters")
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
    """One line as it is stored; `fields` are those of its act, in their order, with `ids` as JSON text.

    It may hold anything that somebody wrote over it: only `Chain.verify` tells whether it is what was written.
    """

    sequence: int
    fields: tuple[object, ...]
    mac: bytes

    def act(self) -> Act:
        """Return the act, of a line that holds."""
        at, subject, client_id, action, ids, origin, outcome, purpose = self.fields
        assert isinstance(at, int) and isinstance(ids, str)
        return Act(at, str(subject), str(client_id), str(action), tuple(json.loads(ids)), str(origin), str(outcome), str(purpose))


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
    >>> chain.verify(lines, known=[head]).holds
    True
    >>> chain.verify([lines[0], lines[2]]).fault
    'line 2 is missing: line 3 follows line 1'
    >>> chain.verify(lines[:2], known=[head]).fault
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
        sequence, fields = head.sequence + 1, act.fields()
        return Line(sequence, fields, self._mac(_bytes(sequence, head.mac, fields)))

    def verify(self, lines: Iterable[Line], *, known: Iterable[Head] = ()) -> Verdict:
        """Check lines in order of their sequence numbers, from the first.

        Parameters
        ----------
        lines
            All of the log.
        known
            Heads that were kept elsewhere: their lines must be there, with their macs. The log may go on after them.

        Returns
        -------
        Verdict
            The first fault, if there is one.
        """
        head = self.start
        awaited: dict[int, set[bytes]] = {}
        for kept in known:
            if kept.sequence:
                awaited.setdefault(kept.sequence, set()).add(kept.mac)
        for line in lines:
            if line.sequence != head.sequence + 1:
                return Verdict(head.sequence, head, _gap(head.sequence, line.sequence))
            if not self._is_next(head, line):
                return Verdict(head.sequence, head, f"line {line.sequence} is not as it was written, or what stood before it is gone")
            head = Head(line.sequence, line.mac)
            if line.sequence in awaited and awaited.pop(line.sequence) != {line.mac}:
                return Verdict(line.sequence - 1, head, f"line {line.sequence} is another than the one whose copy was kept elsewhere")
        if awaited:
            return Verdict(head.sequence, head, f"the log ends at line {head.sequence}, but line {max(awaited)} was written")
        return Verdict(head.sequence, head)

    def seal(self, head: Head) -> bytes:
        """Return the mac of a head, for the copy that is kept elsewhere."""
        return self._mac(b"head" + head.sequence.to_bytes(8, "big") + head.mac)

    def _is_next(self, head: Head, line: Line) -> bool:
        try:
            return hmac.compare_digest(self._mac(_bytes(line.sequence, head.mac, line.fields)), line.mac)
        except TypeError:
            # SQLite keeps bytes in a column of text, and text in one of bytes, if somebody writes them there.
            return False

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


class HeadFile:
    """The copy of the head that is kept elsewhere: a file of one line, sealed with the key; it only ever moves on.

    Parameters
    ----------
    path
        Where; best on a disk that those who look after the database cannot write.
    chain
        The chain whose head it is.
    """

    def __init__(self, path: Path, chain: Chain) -> None:
        self._path, self._chain = path, chain

    def begin(self, head: Head, *, replace: bool = False) -> None:
        """Make the file with a head; one that is there is left as it is, whatever stands in it, unless it is to be replaced.

        Raises
        ------
        StorageFailed
            When it cannot be written.
        """
        aside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(self._line(head))
            if replace:
                aside.replace(self._path)
                return
            try:
                os.link(aside, self._path)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
        except OSError as error:
            raise self._failed(error) from error

    def note(self, head: Head) -> None:
        """Keep a head, unless a later one is kept already; several processes may note at once.

        A file that is gone is not made anew, and one that somebody else wrote is not mended: both are for `verify` to find.

        Raises
        ------
        StorageFailed
            When the file is gone or cannot be written.
        CheckFailed
            When what stands there was not written with the key.
        """
        try:
            with self._path.open("r+", encoding="ascii", errors="replace") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._kept(file.read()).sequence < head.sequence:
                    file.seek(0)
                    file.write(self._line(head))
        except OSError as error:
            raise self._failed(error) from error

    def read(self) -> Head | None:
        """Return the head that was kept; None where there is no file.

        Raises
        ------
        CheckFailed
            When what stands there was not written with the key.
        """
        try:
            text = self._path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageFailed(f"{self._path}: the copy of the end of the access log: {error.strerror or error}") from error
        return self._kept(text)

    def _line(self, head: Head) -> str:
        # One width, so that a shorter line never leaves the end of a longer one.
        return f"{head.sequence:020d} {head.mac.hex()} {self._chain.seal(head).hex()}\n"

    def _kept(self, text: str) -> Head:
        found = re.fullmatch(r"([0-9]{20}) ([0-9a-f]{64}) ([0-9a-f]{64})\n", text)
        if found is not None and int(found[1]) < 2**63:
            head = Head(int(found[1]), bytes.fromhex(found[2]))
            if hmac.compare_digest(self._chain.seal(head).hex(), found[3]):
                return head
        raise CheckFailed(f"{self._path}: this copy of the end of the access log was not written with its key")

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(f"{self._path}: the end of the access log cannot be copied: {error.strerror or error}")


def _is_clean(text: str) -> bool:
    return text.isprintable() or not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def _gap(before: int, found: object) -> str:
    if not isinstance(found, int):
        return f"a line that has no number stands after line {before}"
    if found <= before:
        return f"line {found} stands twice, or out of order after line {before}"
    return f"line {before + 1} is missing: line {found} follows line {before}"


def _bytes(sequence: int, before: bytes, fields: tuple[object, ...]) -> bytes:
    """What is hashed; JSON of a list with its places fixed, so that no two acts give the same bytes."""
    return sequence.to_bytes(8, "big") + before + _encode(fields).encode()


_encode = json.JSONEncoder(separators=(",", ":")).encode
"""One encoder for all lines: making one costs as much as hashing a line."""
