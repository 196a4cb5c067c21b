"""Keeps the history of the model that serves at today's state, from the outcomes in the store; nothing is trained for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from models.scorer import Scorer
from recoup.outcomes import events_of
from serving.store.learned import last_event, last_events, news_of
from serving.store.rows import EPOCH
from serving.store.store import Store, Unit

Held = tuple[Scorer, date, int, Scorer | None]
"""Of a client: a scorer as it came from its bundle, the day, the client's last event, and the scorer that knows of it."""


class News:
    """What the store knows that a bundle does not; `serving.champion.News` is what serving needs of it.

    Each client's outcomes are told for itself alone: what one practice records, rightly or not, moves no other's scores.

    Parameters
    ----------
    store
        Where outcomes are kept.
    today
        The day on the wall: what became known before its morning counts.
    """

    def __init__(self, store: Store, today: Callable[[], date]) -> None:
        self._store, self._today = store, today
        self._held: dict[str, Held] = {}

    def mark(self) -> object:
        """Return something that changes when there may be news: with the day, and with each event that was known before it."""
        today = self._today()
        with self._store.read() as unit:
            return today, last_event(unit, before=today)

    def told(self, scorer: Scorer) -> Mapping[str, Scorer]:
        """Return a scorer as it came from its bundle with what became known since its data cut, by client that knows something.

        The scorer is left as it is itself. What was told of a client before is not read again while nothing of it changed.
        """
        today = self._today()
        with self._store.read() as unit:
            for client, last in last_events(unit, before=today).items():
                held = self._held.get(client)
                if held is None or held[0] is not scorer or held[1:3] != (today, last):
                    self._held[client] = scorer, today, last, _advanced(unit, scorer, client, today)
        return {client: held[3] for client, held in self._held.items() if held[0] is scorer and held[3] is not None}

    def told_by(self, scorer: Scorer, client_id: str, as_of: int) -> Scorer:
        """Return the same of one client as it was known on the morning of a day (days since 1970-01-01)."""
        with self._store.read() as unit:
            found = _advanced(unit, scorer, client_id, EPOCH + timedelta(days=as_of))
        return scorer if found is None else found


def _advanced(unit: Unit, scorer: Scorer, client_id: str, day: date) -> Scorer | None:
    """Return a scorer with what a client knew on the morning of a day; None where that is nothing new."""
    if scorer.cut is None:
        return None
    words, until = scorer.vocabulary.overlay(), (day - EPOCH).days
    ledger, outcomes = news_of(unit, client_id, words, since=EPOCH + timedelta(days=scorer.cut), as_of=day)
    if not len(outcomes):
        return None
    return scorer.advanced(events_of(scorer.viewer, ledger, outcomes, as_of=until), words, until=until)
