"""The card says what a model learned from and how far it is to be trusted."""

from __future__ import annotations

import os
from pathlib import Path

from models.bundle import read_manifest
from tests.practice import CREATED, Learned
from training.publish import card, publish


def test_the_card_tells_data_figures_and_limits(learned: Learned) -> None:
    text, facts = (learned.folder / "card.md").read_text(), learned.bundle.facts
    assert f"{facts['labels']:,} decided efforts on {facts['writeoffs']:,} write-offs; {facts['recovered']} brought payer cash" in text
    assert f"{facts['explored']:,} efforts chosen at random moved the log odds by" in text
    assert f"AUC {facts['auc_out_of_fold']:.3f}" in text
    assert 0.6 < facts["auc_out_of_fold"] < 1.0
    assert "2026-07-01" in text
    assert facts["first_effort"] < facts["last_effort"] < "2026-07-01"
    assert f"{facts['false_alarm_share']:.2%} leave as much too much" in text
    assert "No trait of a patient is a feature" in text
    # Work chosen at random was logged; reason codes that nobody worked are named with the rows that wait.
    assert not any("at random" in warning for warning in facts["warnings"])
    assert any("never worked before 2026-07-01" in warning for warning in facts["warnings"])
    assert all(f"- {warning}" in text for warning in facts["warnings"])


def test_a_card_without_labels_says_so(learned: Learned) -> None:
    manifest = read_manifest(learned.folder)
    kept = ("writeoffs", "efforts", "labels", "recovered", "explored", "recipe")
    facts = {name: manifest["facts"][name] for name in kept} | {"labels": 0, "recovered": 0, "explored": 0, "efforts": 0}
    text = card(manifest | {"facts": facts, "features": []})
    assert "Nothing was learned: the chances are what an expert believes." in text
    assert "Nothing was chosen at random" in text
    assert "Too few contractual postings" in text


def test_what_another_run_of_the_same_number_is_making_is_left_alone(tmp_path: Path, learned: Learned) -> None:
    """In containers that share a disk every run is process 1."""
    others = tmp_path / f".model.making-{os.getpid()}"
    others.mkdir()
    (others / "model.json").write_text("half")
    assert publish(learned.bundle, tmp_path / "model", name="test", created=CREATED) == read_manifest(tmp_path / "model")["bundle_hash"]
    assert (others / "model.json").read_text() == "half"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["model", others.name])
