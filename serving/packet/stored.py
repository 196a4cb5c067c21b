"""Cases of write-offs in the store: ledger rows, their scores and remittances become what packets are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from features.errors import CheckFailed
from features.tables import REMEDIES, REMIT_LINES, WRITEOFFS
from features.view import Viewer
from features.vocabulary import Vocabulary
from serving.packet.case import Case, Score
from serving.packet.reading import view_cases
from serving.store.rows import EPOCH, batch_of
from serving.worklist.detail import Line

_ALONE = ("posting_correction",)
"""Remedies that other postings of the ledger may decide; nothing of theirs leaves the house."""


def stored_cases(viewer: Viewer, vocabulary: Vocabulary, lines: Sequence[Line], remits: Sequence[Mapping[str, Any]] = ()) -> list[Case]:
    """Return the cases of some lines of the store, in their order, each seen on the morning that it was scored for.

    Parameters
    ----------
    viewer, vocabulary
        Of the model that serves (`serving.worklist.sight.Sight` has both).
    lines
        As `Worklist.detail` gives them, of one item or of many.
    remits
        Lines of remittances of their claims.

    Raises
    ------
    CheckFailed
        When a line has no score, or today's tables name another remedy than its score does: a letter never differs from the queue.
    """
    scores = [_score(line) for line in lines]
    overlay = vocabulary.overlay()
    told = batch_of(remits, REMIT_LINES, overlay) if remits else None
    found: dict[int, Case] = {}
    for day in dict.fromkeys(score.as_of for score in scores):
        places = [place for place, score in enumerate(scores) if score.as_of == day]
        batch = batch_of([lines[place].writeoff for place in places], WRITEOFFS, overlay)
        view = viewer.serve(batch, (day - EPOCH).days)
        for at, place in enumerate(places):
            remedy, now = scores[place].remedy, REMEDIES[int(view.triage.remedy[at])]
            if remedy != now and remedy not in _ALONE:
                raise CheckFailed(
                    f"{lines[place].writeoff_id}: it was scored as {remedy}, by today's tables it is {now}: score the ledger anew"
                )
        own = [(at, scores[place]) for at, place in enumerate(places)]
        found |= dict(zip(places, view_cases(viewer, view, batch, own, remit_lines=told), strict=True))
    return [found[place] for place in range(len(lines))]


def _score(line: Line) -> Score:
    told = line.score
    if not told:
        raise CheckFailed(f"{line.writeoff_id} has no score yet: score the ledger first")
    day = told["as_of"]
    return Score(
        category=str(told["category"]),
        family=str(told["family"] or "unknown"),
        remedy=str(told["remedy"]),
        recoverable_amount=told["recoverable_amount"],
        underpayment_amount=told["underpayment_amount"],
        usual_allowed_amount=told["usual_allowed_amount"],
        expected_recovery=told["expected_recovery"],
        as_of=day if isinstance(day, date) else date.fromisoformat(str(day)),
        model_version=str(told["model_version"]),
    )
