"""A snapshot holds what a fit was given, to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import BadData
from models.bundle import read_manifest
from tests.practice import AS_OF, CREATED, Files, Learned
from training.cut import cut_ledger
from training.fit import train
from training.publish import publish
from training.snapshot import digest, keep, recall


def test_a_refit_from_a_snapshot_is_the_same_bundle(practice: Files, learned: Learned, tmp_path: Path) -> None:
    extras = {"x_word": np.array([None if i % 3 else f"w{i % 5}" for i in range(len(practice.writeoffs))], dtype=object)}
    ledger = cut_ledger(replace(practice.writeoffs, extras=extras), practice.outcomes, practice.tables, AS_OF)
    again = recall(tmp_path, keep(ledger, tmp_path))
    assert digest(again) == digest(ledger)
    assert again.writeoffs.extras["x_word"].tolist() == ledger.writeoffs.extras["x_word"].tolist()
    plain = recall(tmp_path, keep(cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF), tmp_path))
    bundle = train(plain.writeoffs, plain.outcomes, tables=plain.tables, as_of=AS_OF)
    assert publish(bundle, tmp_path / "bundle", name="test", created=CREATED) == read_manifest(learned.folder)["bundle_hash"]


def test_a_snapshot_is_named_by_what_it_holds_and_kept_once(practice: Files, tmp_path: Path) -> None:
    ledger = cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF)
    name = keep(ledger, tmp_path)
    assert keep(ledger, tmp_path) == name and [path.name for path in tmp_path.iterdir()] == [name]
    other = dict(ledger.outcomes.columns)
    other["recovered_amount"] = other["recovered_amount"].copy()
    other["recovered_amount"][0] += 1
    changed = replace(ledger, outcomes=replace(ledger.outcomes, columns=other))
    assert digest(changed) != name
    with pytest.raises(BadData, match="cannot be refitted here"):
        recall(tmp_path, digest(changed))
    (tmp_path / digest(changed)).symlink_to(tmp_path / name)
    with pytest.raises(BadData, match="was altered"):
        recall(tmp_path, digest(changed))
