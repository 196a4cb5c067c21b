"""What a fit may see, and that it sees the same as the service."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from features.batch import Batch
from features.codes.tables import PRIOR_RATES, Codes
from features.history import History
from features.matrix import matrix
from features.money import NULL
from features.usual import Usual, advance_by, in_fees
from features.view import Practice, Viewer, shares_of_month
from models.bundle import read_manifest
from tests.practice import AS_OF, CREATED, Files, Learned, day, learn, read_files
from training.cut import Ledger, cut_ledger
from training.evaluate import evaluate
from training.events import make_events
from training.examples import choose_layout, extra_columns, see_cases
from training.fit import train
from training.labels import cases_as_of
from training.publish import publish


def practice_of(ledger: Ledger) -> Practice:
    """Return what the practice of a ledger knows."""
    return Practice(Codes.load(), **ledger.tables)


def test_a_training_row_equals_the_served_row_bit_for_bit(practice: Files) -> None:
    ledger = cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF)
    begun, _ = cases_as_of(ledger.writeoffs, ledger.outcomes, AS_OF)
    cases = begun.take(begun.decided)
    layout, extra_codes = choose_layout(ledger)
    seen = see_cases(ledger, Viewer(practice_of(ledger), Usual(), History()), cases, layout, extra_codes)
    events, trained = make_events(cases, seen.columns), seen.matrix
    rng = np.random.default_rng(1)
    for i in rng.choice(len(cases), 40, replace=False).tolist():
        worked = int(cases.worked_on[i])
        usual, history = Usual(), History()
        advance_by(usual, in_fees(ledger.writeoffs), until=worked)
        history.advance_all(events, until=worked)
        viewer = Viewer(
            practice_of(ledger),
            Usual.restore(usual.snapshot()),
            History.restore(history.snapshot()),
            shares_of_month(ledger.writeoffs, worked),
        )
        row = ledger.writeoffs.take(cases.row[i : i + 1])
        served = matrix(viewer.serve(row, worked).columns | extra_columns(row, np.arange(1), layout, extra_codes), layout)
        assert served.tobytes() == trained[i : i + 1].tobytes(), [
            name for name, a, b in zip(layout.names, served[0], trained[i], strict=True) if not (a == b or (np.isnan(a) and np.isnan(b)))
        ]


def test_a_file_that_runs_past_the_day_gives_the_bundle_of_one_cut_at_it(practice: Files, learned: Learned, tmp_path: Path) -> None:
    for name, column in (("writeoffs", "writeoff_date"), ("outcomes", "worked_date")):
        table = pc.read_csv(practice.folder / f"{name}.csv", convert_options=pc.ConvertOptions(column_types={column: "string"}))
        kept = [text < "2026-07-01" for text in table[column].to_pylist()]
        table = table.filter(kept)
        if name == "outcomes":
            late = [str(text or "9999") >= "2026-07-01" for text in table["resolved_date"].to_pylist()]
            for blank in ("resolved_date", "recovered_amount", "taken_back_amount", "hours_spent"):
                values = [None if hide else v for hide, v in zip(late, table[blank].to_pylist(), strict=True)]
                table = table.set_column(table.column_names.index(blank), blank, [values])
            status = ["pending" if hide else v for hide, v in zip(late, table["status"].to_pylist(), strict=True)]
            table = table.set_column(table.column_names.index("status"), "status", [status])
        pc.write_csv(table, tmp_path / f"{name}.csv")
    for name in ("contract_rates", "payer_rules", "writeoff_policies"):
        (tmp_path / f"{name}.csv").write_bytes((practice.folder / f"{name}.csv").read_bytes())
    learn(read_files(tmp_path), tmp_path / "bundle")
    for file in sorted(p.name for p in learned.folder.iterdir() if p.name != "manifest.json"):
        assert (tmp_path / "bundle" / file).read_bytes() == (learned.folder / file).read_bytes(), file
    assert read_manifest(tmp_path / "bundle")["bundle_hash"] == read_manifest(learned.folder)["bundle_hash"]


def test_an_outcome_known_on_the_day_changes_nothing(practice: Files, learned: Learned, tmp_path: Path) -> None:
    known_later = practice.outcomes.columns["resolved_date"] >= AS_OF
    columns = dict(practice.outcomes.columns)
    columns["recovered_amount"] = np.where(known_later, 99_999_00, columns["recovered_amount"])
    changed = Batch(practice.outcomes.table, columns, practice.outcomes.vocabulary)
    bundle = train(practice.writeoffs, changed, tables=practice.tables, as_of=AS_OF)
    assert known_later.sum() > 100
    assert publish(bundle, tmp_path / "bundle", name="test", created=CREATED) == read_manifest(learned.folder)["bundle_hash"]


@pytest.mark.parametrize("outcomes", [0, 3, 30])
def test_few_outcomes_move_the_experts_rates_little(practice: Files, outcomes: int, tmp_path: Path) -> None:
    few = practice.outcomes.take(np.arange(outcomes))
    fitted = learn(Files(practice.folder, practice.writeoffs, few, practice.tables), tmp_path / "bundle")
    assert fitted.bundle.say.whole == pytest.approx(fitted.bundle.facts["labels"] / (fitted.bundle.facts["labels"] + 150.0))
    window = read_files(practice.folder, fitted.scorer.vocabulary.overlay()).writeoffs
    window = window.take(window.columns["writeoff_date"] >= AS_OF)
    found = fitted.scorer.score(window, as_of=AS_OF, reasons=50).columns
    codes, carc = Codes.load(), window.words("carc")
    rows = [i for i, family in enumerate(found["family"].tolist()) if family == "coding" and found["in_scope"][i]]
    has_moved = fitted.scorer.viewer.sort(window, AS_OF).deadlines.has_moved
    rows = [i for i in rows if found["days_left"][i] >= 0 and not has_moved[i]]
    assert rows
    for i in rows[:50]:
        known = codes.carc(str(carc[i]))
        assert known is not None
        # A sixth of the say at 30 labels moves a chance by less than a tenth; without labels it is the expert's rate.
        assert found["recovery_probability"][i] == pytest.approx(PRIOR_RATES[known.recoverability], abs=0.1 if outcomes else 1e-9)


@pytest.mark.parametrize("labels", [0, 200, 1000])
def test_the_ranking_is_no_worse_than_the_static_rule_however_few_labels(practice: Files, labels: int, tmp_path: Path) -> None:
    c = practice.outcomes.columns
    known = np.flatnonzero((c["resolved_date"] != NULL) & (c["resolved_date"] < AS_OF))
    some = np.sort(np.random.default_rng(1).choice(known, min(labels, len(known)), replace=False))
    fitted = learn(Files(practice.folder, practice.writeoffs, practice.outcomes.take(some), practice.tables), tmp_path / "bundle")
    files = read_files(practice.folder, fitted.scorer.vocabulary.overlay())
    table = pq.read_table(practice.folder / "truth.parquet")
    truth = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    end = day("2026-11-01")
    result = evaluate(files.writeoffs, files.outcomes, scorer=fitted.scorer, as_of=end, start=AS_OF, end=end, truth=truth)
    share = {row["share"]: row for row in result["truth"]["capacity"]}[0.1]
    # The rule is given the true hours, which the model must guess.
    assert share["model"] >= share["static_rule"]


def test_dollars_are_learned_where_no_amount_is_known(practice: Files, tmp_path: Path) -> None:
    blank = dict(practice.writeoffs.columns)
    for name in ("writeoff_amount", "billed_amount", "allowed_amount", "expected_allowed_amount", "paid_amount"):
        blank[name] = np.full(len(practice.writeoffs), NULL)
    unknown = Batch(practice.writeoffs.table, blank, practice.writeoffs.vocabulary)
    fitted = learn(Files(practice.folder, unknown, practice.outcomes, {}), tmp_path / "bundle")
    assert "amount" in fitted.bundle.trees
    cases = practice.outcomes.columns
    won = (cases["recovered_amount"] > 0) & (cases["resolved_date"] < AS_OF)
    mean = cases["recovered_amount"][won].mean() / 100.0
    record = {"writeoff_id": "a", "writeoff_date": "2026-07-02", "payer_id": "P001", "carc": "16", "group_code": "CO"}
    score = fitted.scorer.score_records([record], as_of=day("2026-07-03"))[0]
    assert score["recoverable_amount"] is None
    # On the scale of dollars: within a factor of four of the mean recovery, where exp(mean log) would lie far below it.
    assert mean / 4 < score["amount_if_recovered"] < mean * 4
    assert score["amount_if_recovered_low"] <= score["amount_if_recovered"] <= score["amount_if_recovered_high"]
