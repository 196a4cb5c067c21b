"""What the rules say of write-offs of the store as they stand today: the next step, what must not be done, and the days of a next level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.deadlines import SOURCES, deadlines
from features.fallback import needs_cause
from features.guards import Refusal, refusals
from features.money import NULL
from features.tables import REMEDIES, WRITEOFFS
from features.triage import EXPECTED_SOURCES
from features.view import View, Viewer
from features.vocabulary import Vocabulary
from serving.store.rows import EPOCH, batch_of


@dataclass(frozen=True, slots=True)
class Passed:
    """A remedy that has lapsed with its step and last day, and the one that is open after it until a day, if so for good cause alone."""

    remedy: str
    step: str
    on: date
    open_remedy: str
    until: date
    needs_cause: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One write-off as the rules see it.

    Parameters
    ----------
    step
        What to do next.
    guards
        What must not be done, and what must be asked before.
    why
        Why it is where it is.
    expected_allowed
        Cents that the payer should allow, by contract or habit; None where nothing is known.
    expected_source, term
        Whence (`features.triage.EXPECTED_SOURCES`), and what the contract says and by which term; blank where it was not asked for.
    patient_share
        Cents of the patient's share that was assumed for a line that nothing was paid on; None where none was.
    passed
        The remedy that has lapsed and what is open after it; None where the row's own remedy is open, or nothing is.
    """

    step: str
    guards: tuple[Refusal, ...]
    why: str = ""
    expected_allowed: int | None = None
    expected_source: str = "none"
    term: str = ""
    patient_share: int | None = None
    passed: Passed | None = None

    def step_of(self, remedy: str) -> str:
        """Return what to do next by a remedy: that of the row today, or its own that has lapsed since somebody began."""
        return self.passed.step if self.passed is not None and self.passed.remedy == remedy != self.passed.open_remedy else self.step


@dataclass(frozen=True, slots=True)
class Sight:
    """Rules, codes, contracts and policies of a practice, as the model that serves was given them.

    Parameters
    ----------
    viewer
        Of that model.
    vocabulary
        In which it codes text; never added to.
    """

    viewer: Viewer
    vocabulary: Vocabulary

    def look(self, rows: Sequence[Mapping[str, Any]], today: date, *, with_terms: bool = False) -> list[Seen]:
        """Look at write-offs of the store on the morning of a day; with the terms of their contracts if asked."""
        if not rows:
            return []
        batch = batch_of(rows, WRITEOFFS, self.vocabulary.overlay())
        view = self.viewer.serve(batch, (today - EPOCH).days)
        found = view.triage
        terms = [self.viewer.cite(batch, place, view.priced) for place in range(len(rows))] if with_terms else [""] * len(rows)
        return [
            Seen(
                found.next_steps[step],
                refusals(no, ask),
                found.whys[why],
                expected_allowed=_known(expected),
                expected_source=EXPECTED_SOURCES[source],
                term=term,
                patient_share=_known(share),
                passed=passed,
            )
            for step, no, ask, why, expected, source, share, term, passed in zip(
                found.next_step.tolist(),
                found.refused.tolist(),
                found.asked.tolist(),
                found.why.tolist(),
                found.expected_allowed_cents.tolist(),
                found.expected_allowed_source.tolist(),
                found.patient_share_cents.tolist(),
                terms,
                [_passed(view, place) for place in range(len(rows))],
                strict=True,
            )
        ]

    def next_deadline(self, rows: Sequence[Mapping[str, Any]], remedy: str, level: int, decided_on: date) -> tuple[date | None, str | None]:
        """Return the earliest last day of the next level of a remedy, counted from the decision of the level below, and who sets it."""
        if not rows or remedy not in REMEDIES:
            return None, None
        # The day in the ledger is that of the first level.
        batch = batch_of([{**row, "appeal_deadline": None} for row in rows], WRITEOFFS, self.vocabulary.overlay())
        decided = (decided_on - EPOCH).days
        triage = self.viewer.serve(batch, decided).triage
        asked = replace(triage, remedy=np.full(len(batch), REMEDIES.index(remedy), dtype=np.int8))
        found = deadlines(
            batch,
            asked,
            rules=self.viewer.practice.payer_rules,
            # The day of this remedy is asked for, over or not: on its first day nothing has lapsed.
            as_of=0,
            level=level,
            prior_decision=np.full(len(batch), decided, dtype=np.int64),
        )
        dated = [(day, source) for day, source in zip(found.day.tolist(), found.source.tolist(), strict=True) if day != NULL]
        if not dated:
            return None, None
        day, source = min(dated)
        if SOURCES[source] == "default":
            # Ninety days of last resort count from what is decided now, not from the first remittance.
            return decided_on + timedelta(days=90), "default"
        return EPOCH + timedelta(days=day), SOURCES[source]


def _passed(view: View, place: int) -> Passed | None:
    dated = view.deadlines
    if not dated.has_moved[place]:
        return None
    own, now = REMEDIES[int(dated.own_remedy[place])], REMEDIES[int(dated.remedy[place])]
    lapsed, until = (EPOCH + timedelta(days=int(day[place])) for day in (dated.own_day, dated.day))
    step = view.own.next_steps[int(view.own.next_step[place])]
    return Passed(own, step, lapsed, now, until, bool(needs_cause(dated.level[place], view.triage.family[place])))


def _known(cents: int) -> int | None:
    return None if cents == NULL else cents
