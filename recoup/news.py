"""Keeps the history of the model that serves at today's state, from the outcomes in the store; nothing is trained for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from features.history import Events
from models.scorer import Scorer
from recoup.outcomes import events_of
from serving.store.learned import clients, last_event, news_of
from serving.store.rows import EPOCH
from serving.store.store import Store


class News:
    """What the store knows that a bundle does not; `serving.champion.News` is what serving needs of it.

    Parameters
    ----------
    store
        Where outcomes are kept.
    today
        The day on the wall: what became known before its morning counts.
    """

    def __init__(self, store: Store, today: Callable[[], date]) -> None:
        self._store, self._today = store, today

    def mark(self) -> object:
        """Return something that changes when there may be news: with the day, and with each event."""
        with self._store.read() as unit:
            return self._today(), last_event(unit)

    def told(self, scorer: Scorer) -> Scorer:
        """Return a scorer as it came from its bundle, with what became known since its data cut; it is left as it is itself."""
        if scorer.cut is None:
            return scorer
        today, cut = self._today(), EPOCH + timedelta(days=scorer.cut)
        words, until = scorer.vocabulary.overlay(), (today - EPOCH).days
        found: list[Events] = []
        with self._store.read() as unit:
            for client in clients(unit):
                ledger, outcomes = news_of(unit, client, words, since=cut, as_of=today)
                if len(outcomes):
                    found.append(events_of(scorer.viewer, ledger, outcomes, as_of=until))
        return scorer.advanced(together(found), words, until=until) if found else scorer


def together(parts: list[Events]) -> Events:
    """Return the events of several practices as one list."""
    names = parts[0].keys
    return Events(
        np.concatenate([part.known_on for part in parts]),
        {name: np.concatenate([part.keys[name] for part in parts]) for name in names},
        np.concatenate([part.recovered for part in parts]),
        np.concatenate([part.fraction for part in parts]),
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.cents for part in parts]),
    )
