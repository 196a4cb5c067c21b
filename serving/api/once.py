"""A change that is asked for twice is made once: `Idempotency-Key` on every POST that changes something.

::

    @app.post("/v1/outcomes")
    def record(who: Annotated[Identity, require("outcome.record")], once: Once, body: Body) -> Response:
        return once.change(request.app.state.store, who, body, lambda unit: Told(201, {"outcome_id": record_in(unit, ...)}))

The answer is kept in the transaction of the change, so a crash between the two cannot happen: either both are there or neither is.
Without the header the change is simply made.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import Response

from serving.access import Identity
from serving.api.problems import Problem
from serving.store import answers
from serving.store.answers import Given
from serving.store.store import Store, Unit

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a change answers: status, a document that JSON can hold, and headers (a Location, say)."""

    status: int
    document: Mapping[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class Turns:
    """The keys whose change is being made in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[tuple[str, str, str]] = set()

    @contextmanager
    def of(self, client_id: str, subject: str, key_hash: str) -> Iterator[None]:
        """Hold a key's turn.

        Raises
        ------
        Problem
            With status 409 when it is taken.
        """
        mine = (client_id, subject, key_hash)
        with self._lock:
            if mine in self._taken:
                raise _in_flight()
            self._taken.add(mine)
        try:
            yield
        finally:
            with self._lock:
                self._taken.discard(mine)


@dataclass(frozen=True, slots=True)
class Changing:
    """A request that changes something, and the key under which it may be sent again.

    Parameters
    ----------
    place
        Method and path.
    key
        What stood in the header; None where there was none.
    turns
        Of the application.
    """

    place: str
    key: str | None
    turns: Turns

    def change(self, store: Store, who: Identity, body: bytes | str, act: Callable[[Unit], Told]) -> Response:
        """Make a change within one transaction, or return what it answered when it was made.

        Parameters
        ----------
        store
            Where.
        who
            Who asks; a key is its caller's own.
        body
            Of the request: its bytes, or their SHA-256 in hex where they were not kept.
        act
            Makes the change. A refusal that it raises undoes the change and is not kept: the same request may go through later.

        Raises
        ------
        Problem
            With status 422 when the key came with another request, 409 when the first one is still at it.
        """
        if self.key is None:
            with store.write() as unit:
                return _response(_given("", act(unit)))
        asked, key = self._hashes(self.key, body)
        with self.turns.of(who.client_id, who.subject, key), store.write() as unit:
            if not answers.take_turn(unit, who.client_id, who.subject, key):
                raise _in_flight()
            given = _found(unit, who, key, asked)
            if given is None:
                given = _given(asked, act(unit))
                answers.keep(unit, who.client_id, who.subject, key, given, datetime.now(UTC))
            return _response(given)

    def change_elsewhere(self, store: Store, who: Identity, body: bytes, act: Callable[[], Told]) -> Response:
        """Make a change that another process writes, or return what it answered when it was made.

        The answer is kept after the change and not with it: killed between the two, the same request makes the change again. So `act` must
        leave things as they are when it is done twice.

        Parameters
        ----------
        store, who, body
            As `change` takes them.
        act
            Makes the change. A refusal that it raises is not kept.

        Raises
        ------
        Problem
            As `change` does.
        """
        if self.key is None:
            return _response(_given("", act()))
        asked, key = self._hashes(self.key, body)
        with self.turns.of(who.client_id, who.subject, key):
            with store.read() as unit:
                given = _found(unit, who, key, asked)
            if given is None:
                given = _given(asked, act())
                with store.write() as unit:
                    if _found(unit, who, key, asked) is None:
                        answers.keep(unit, who.client_id, who.subject, key, given, datetime.now(UTC))
            return _response(given)

    def _hashes(self, key: str, body: bytes | str) -> tuple[str, str]:
        """Return what stands for the request, and for its key."""
        digest = hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else body
        return hashlib.sha256(f"{self.place}\0{digest}".encode()).hexdigest(), answers.hash_of(key)


async def changing(request: Request) -> Changing:
    """Return the request as one that changes something.

    Raises
    ------
    Problem
        With status 422 when the key is not 1 to 200 visible ASCII characters.
    """
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(422, f"{HEADER} is 1 to 200 visible ASCII characters", errors=[(["header", HEADER.lower()], "not_a_key")])
    turns: Turns = request.app.state.turns
    return Changing(f"{request.method} {request.url.path}", key, turns)


Once = Annotated[Changing, Depends(changing)]
"""The typed parameter by which a route says that it changes something."""


def _found(unit: Unit, who: Identity, key: str, asked: str) -> Given | None:
    """Return the answer that a request was given before; raises Problem where its key came with another one."""
    given = answers.find(unit, who.client_id, who.subject, key)
    if given is not None and given.request_hash != asked:
        raise Problem(422, f"this {HEADER} came with another request before", errors=[(["header", HEADER.lower()], "key_reused")])
    return given


def _given(asked: str, told: Told) -> Given:
    return Given(asked, told.status, told.headers, json.dumps(told.document, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _response(given: Given) -> Response:
    return Response(given.body, given.status, given.headers, media_type="application/json")


def _in_flight() -> Problem:
    return Problem(409, "the first request with this key is still being answered", headers={"Retry-After": "1"})
