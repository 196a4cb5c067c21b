"""Cases of write-offs in the store: ledger rows, their scores and remittances become what packets are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from features.errors import CheckFailed
from features.law import law_rule
from features.rules import rules
from features.tables import REMEDIES, REMIT_LINES, WRITEOFFS
from features.view import Viewer
from features.vocabulary import Vocabulary
from serving.packet.case import Case, Due, Score, Stage
from serving.packet.reading import view_cases
from serving.store.rows import EPOCH, batch_of
from serving.worklist.detail import Line
from serving.worklist.item import Item, State

_ALONE = ("posting_correction",)
"""Remedies that other postings of the ledger may decide; nothing of theirs leaves the house."""


class Outdated(CheckFailed):
    """Today's tables name another remedy than the scores do; `remedies` are those of today."""

    def __init__(self, message: str, remedies: frozenset[str]) -> None:
        super().__init__(message)
        self.remedies = remedies


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
        When a line has no score, or (`Outdated`) today's tables name another remedy than its score does, lapsed or open: a letter never
        differs from the queue.
    """
    scores = [_score(line) for line in lines]
    overlay = vocabulary.overlay()
    told = batch_of(remits, REMIT_LINES, overlay) if remits else None
    found: dict[int, Case] = {}
    for day in dict.fromkeys(score.as_of for score in scores):
        places = [place for place, score in enumerate(scores) if score.as_of == day]
        batch = batch_of([lines[place].writeoff for place in places], WRITEOFFS, overlay)
        view = viewer.serve(batch, (day - EPOCH).days)
        now, own = ([REMEDIES[remedy] for remedy in triage.remedy.tolist()] for triage in (view.triage, view.own))
        held = []
        for at, (place, remedy) in enumerate(zip(places, now, strict=True)):
            scored = scores[place].remedy
            if scored == own[at] != remedy:
                held.append(at)
            elif scored != remedy and scored not in _ALONE:
                raise Outdated(
                    f"{lines[place].writeoff_id}: it was scored as {scored}, by today's tables it is {remedy}: score the ledger anew",
                    frozenset(now),
                )
        moved = [at for at in range(len(places)) if at not in held]
        for seen, some in ((view, moved), (viewer.hold(batch, view) if held else view, held)):
            asked = [(at, scores[places[at]]) for at in some]
            found |= dict(zip([places[at] for at in some], view_cases(viewer, seen, batch, asked, remit_lines=told), strict=True))
    return [found[place] for place in range(len(lines))]


def as_begun(line: Line, item: Item) -> Line:
    """Return a line by the remedy of its item where something went out or a level was decided: what has lapsed since changes neither."""
    has_begun = item.level > 1 or item.state not in (State.OPEN, State.DRAFTED)
    return replace(line, score={**line.score, "remedy": item.remedy}) if has_begun and line.score else line


def as_queued(case: Case, item: Item) -> Case:
    """Return a case at the level that its item is at, with the last day that the queue shows: a letter never differs from the queue.

    Of several postings the queue shows the first day, and above the first level one that counts from the decision of the level below.
    """
    # Once the level itself is decided the day of the decision below it stands in the history alone.
    decided = item.decided_on if item.state not in (State.WON, State.LOST) else None
    stage = Stage(item.level, decided) if item.level > 1 else None
    day, source = item.due_on, item.due_source or "none"
    due = case.due
    if day is None:
        due = None
    elif stage is not None or due is None or (due.day, due.source) != (day, source):
        law = law_rule(case.row.payer_type, item.remedy, item.level)
        told = rules().get(law if source == "statute" else f"deadline.{source}")
        said = Due(day, source, told.sentence if told else "", told.citation if told else "")
        due = said if stage is not None or due is None else replace(due, day=day, source=source, rule=said.rule, citation=said.citation)
    return replace(case, stage=stage, due=due)


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
