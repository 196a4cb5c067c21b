"""Models for the pages of the service, asked for in a process of their own: the service itself never imports MLflow.

The process (`python -m recoup.promoting`) gets one JSON document on standard input, answers with one, and is given the settings by its
environment as every command is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from features.errors import BadData, CheckFailed, NotPermitted, RecoupError, StorageFailed, TryAgain, Unavailable, UsageError
from serving.access import Identity, Role
from serving.candidates import Candidate

SECONDS, WAIT_SECONDS = 120, 10
MOST_WAITING = 4
"""Requests that are answered or wait for it; each of the others would hold a thread of the service."""

REMEMBERED_SECONDS = 10.0
BUSY = "the model registry is being asked by others; nothing was changed"
_KINDS: Sequence[type[RecoupError]] = (CheckFailed, UsageError, BadData, Unavailable, StorageFailed, TryAgain, NotPermitted)


class OwnProcess:
    """Candidates by way of a child process; one at a time, as each takes seconds of a core.

    A few may wait for their turn, and the list is remembered for some seconds: whoever asks again and again holds up nobody else.

    Parameters
    ----------
    home, tracking_uri
        RECOUP_HOME, and another MLflow if one is named.
    environment
        What the process gets; the settings are among it.
    clock
        Seconds that only grow.
    patience
        Seconds that whoever asks waits for a turn.
    """

    def __init__(
        self,
        home: Path,
        tracking_uri: str | None,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        patience: float = WAIT_SECONDS,
    ) -> None:
        self._told = {"home": str(home.resolve()), "tracking_uri": tracking_uri}
        self._environment, self._clock, self._patience = environment, clock, patience
        self._turn, self._places = threading.Lock(), threading.BoundedSemaphore(MOST_WAITING)
        self._listed: tuple[float, Sequence[Candidate]] | None = None

    def listed(self) -> Sequence[Candidate]:
        """Return every model, the latest first, as of some seconds ago at most."""
        if (known := self._remembered()) is not None:
            return known
        with self._own_turn():
            # Somebody else may have asked while this one waited.
            if (known := self._remembered()) is not None:
                return known
            found = [_candidate(one) for one in self._run(act="list")]
            self._listed = self._clock(), found
            return found

    def pair(self, number: str) -> tuple[Candidate, Candidate | None]:
        """Return one with its figures, and the one that serves where that is another."""
        told, serving = self._ask(act="pair", number=number)
        return _candidate(told), _candidate(serving) if serving is not None else None

    def promote(self, who: Identity, number: str, purpose: str, *, past_gates: bool = False) -> None:
        """Make one serve."""
        told = {**asdict(who), "facilities": sorted(who.facilities) if who.facilities is not None else None, "purpose": purpose}
        try:
            self._ask(act="promote", number=number, who=told, past_gates=past_gates)
        finally:
            self._listed = None

    def _remembered(self) -> Sequence[Candidate] | None:
        held = self._listed
        return held[1] if held is not None and self._clock() - held[0] < REMEMBERED_SECONDS else None

    def _ask(self, **asked: Any) -> Any:
        with self._own_turn():
            return self._run(**asked)

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise TryAgain(BUSY)
        try:
            if not self._turn.acquire(timeout=self._patience):
                raise TryAgain(BUSY)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()

    def _run(self, **asked: Any) -> Any:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "recoup.promoting"],
                input=json.dumps(self._told | asked).encode(),
                capture_output=True,
                timeout=SECONDS,
                env=dict(self._environment),
            )
        except subprocess.TimeoutExpired:
            raise Unavailable("the model registry did not answer in time; the champion is as it was, or look at the list again") from None
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise Unavailable("the model registry does not answer") from None
        if "problem" in answer:
            kind = next((kind for kind in _KINDS if kind.__name__ == answer["kind"]), Unavailable)
            raise kind(answer["problem"])
        return answer["told"]


def _candidate(told: Mapping[str, Any]) -> Candidate:
    tags = told["tags"]
    return Candidate(
        told["number"],
        told["name"],
        told["bundle_hash"],
        told["cut"],
        told["created"],
        tuple(told["aliases"]),
        told["metrics"],
        tags.get("gates", ""),
        tags.get("gates_failed", ""),
    )


def answer(asked: Mapping[str, Any]) -> Any:
    """Do what was asked; raises RecoupError."""
    from models.pointer import read_pointer
    from models.registry import Registry
    from recoup.cli.options import settings
    from recoup.retraining import make_champion

    home = Path(asked["home"])
    registry = Registry(home, asked["tracking_uri"])
    if asked["act"] == "list":
        return [version.as_json() for version in registry.versions()]
    number = str(asked["number"])
    version = registry.show(number)
    if asked["act"] == "pair":
        pointer = read_pointer(home)
        serving = None if pointer is None or pointer.champion.version == number else registry.show("champion").as_json()
        return version.as_json(), serving
    told = asked["who"]
    facilities = None if told["facilities"] is None else frozenset(told["facilities"])
    who = Identity(**{**told, "role": Role(told["role"]), "facilities": facilities})
    who.check("model.promote")
    override = told["purpose"] if asked["past_gates"] else None
    return {"version": make_champion(registry, number, settings(home=home), who=who, override=override).version}


def main() -> int:
    """Answer one question."""
    try:
        said: dict[str, Any] = {"told": answer(json.loads(sys.stdin.buffer.read()))}
    except RecoupError as error:
        said = {"problem": str(error), "kind": next((kind.__name__ for kind in _KINDS if isinstance(error, kind)), "Unavailable")}
    sys.stdout.write(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
