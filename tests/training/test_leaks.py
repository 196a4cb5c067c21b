"""A feature that knows an event too early is caught: what training saw of a row is what was there to be seen that morning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.feature import Floats
from features.history import KEYS, Events, History
from features.tables import Columns
from features.usual import Usual
from features.view import REMEMBERED, Practice, Viewer
from models.scorer import Scorer
from tests.practice import AS_OF, Files, Learned
from tests.training.test_fit import practice_of
from training.cut import cut_ledger
from training.events import make_events
from training.examples import choose_layout, replay, see_cases
from training.labels import Cases, cases_as_of
from training.linear import FIELDS, LEVEL_FIELDS

Trained = tuple[Cases, Columns, list[str]]


@pytest.fixture(scope="module")
def trained(practice: Files) -> Trained:
    """Return the cases as of the cut, as viewed, and the id of the write-off of each."""
    ledger = cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF)
    begun, _ = cases_as_of(ledger.writeoffs, ledger.outcomes, AS_OF)
    cases = begun.take(begun.decided)
    layout, extra_codes = choose_layout(ledger)
    viewed = see_cases(ledger, Viewer(practice_of(ledger), Usual(), History()), cases, layout, extra_codes).columns
    viewed["writeoff_date"] = ledger.writeoffs.columns["writeoff_date"][cases.row]
    return cases, viewed, ledger.writeoffs.columns["writeoff_id"][cases.row].tolist()


def as_trained(viewed: Columns, events: Events) -> Floats:
    """Return the history columns of every case, each on the morning of its day."""
    viewer = Viewer(Practice(codes=None), Usual(), History())  # type: ignore[arg-type]
    found = np.empty((len(viewed["row_day"]), len(REMEMBERED)))
    viewer.remember_past(viewed, events, dict(zip(REMEMBERED, found.T, strict=True)))
    return found


def as_known(practice: Files, trained: Trained, at: int) -> Floats:
    """Return the history columns of one case from files cut at its day: what came later is not even read."""
    cases, _, ids = trained
    worked = int(cases.worked_on[at])
    ledger = cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, worked)
    viewer = replay(ledger, worked).viewer
    row = ledger.writeoffs.take(ledger.writeoffs.columns["writeoff_id"] == ids[at])
    columns = viewer.serve(row, worked).columns
    return np.array([columns[name][0] for name in REMEMBERED])


@pytest.fixture(scope="module")
def known(practice: Files, trained: Trained) -> dict[int, Floats]:
    """Return of some late cases what there was to be seen."""
    some = np.argsort(trained[0].worked_on, kind="stable")[[-1, -300, -600]].tolist()
    return {at: as_known(practice, trained, at) for at in some}


def leaks(known: dict[int, Floats], trained: Trained, events: Events) -> NDArray[np.bool_]:
    """Return of each whether training saw another history than there was to be seen."""
    seen = as_trained(trained[1], events)
    return np.array([not np.allclose(seen[at], there, rtol=1e-9) for at, there in known.items()])


def test_training_sees_what_was_there_to_be_seen(known: dict[int, Floats], trained: Trained) -> None:
    assert len(REMEMBERED) > len(KEYS)
    assert not leaks(known, trained, make_events(trained[0], trained[1])).any()


@pytest.mark.parametrize("plant", ["known when the effort began", "known when it was posted", "known a week early"])
def test_a_planted_leak_is_caught(known: dict[int, Floats], trained: Trained, plant: str) -> None:
    cases, viewed, _ = trained
    events = make_events(cases, viewed)
    early = {
        "known when the effort began": cases.worked_on,
        "known when it was posted": viewed["writeoff_date"],
        "known a week early": events.known_on - 7,
    }[plant]
    assert leaks(known, trained, replace(events, known_on=early)).all()


def test_who_the_patient_is_and_what_ails_them_changes_no_score(learned: Learned, practice: Files) -> None:
    traits = {"patient_id", "diagnosis_code", "financial_assistance", "qmb", "part2"}
    assert not traits & {name for names in (*KEYS, *FIELDS, *LEVEL_FIELDS) for name in names}
    scorer: Scorer = learned.scorer
    files = practice.writeoffs.take(np.flatnonzero(practice.writeoffs.columns["writeoff_date"] >= AS_OF)[:400])
    c = files.columns
    rng = np.random.default_rng(1)
    other = c | {"patient_id": rng.permutation(c["patient_id"]), "diagnosis_code": rng.permutation(c["diagnosis_code"])}
    one, two = (scorer.score(replace(files, columns=columns), as_of=AS_OF, reasons=0).columns for columns in (c, other))
    assert one["recovery_probability"].tolist() == two["recovery_probability"].tolist()
    assert one["rank"].tolist() == two["rank"].tolist()
