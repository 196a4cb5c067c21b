"""A snapshot holds what a fit was given, to the bit."""

from __future__ import annotations

import os
import threading
import time
from collections import UserDict
from collections.abc import Callable, ItemsView, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features.batch import Batch
from features.errors import BadData, CheckFailed
from models.bundle import read_manifest
from recoup.retraining import SNAPSHOTS, run
from recoup.settings import Settings
from tests.practice import AS_OF, CREATED, Files, Learned
from training.cut import cut_ledger
from training.fit import train
from training.publish import publish
from training.snapshot import digest, keep, recall, sweep
from training.tune import Budget


class Interrupted(UserDict[str, Batch]):
    """Tables of a ledger, in the middle of whose writing something else happens."""

    def __init__(self, tables: Mapping[str, Batch], happens: Callable[[], object]) -> None:
        super().__init__(tables)
        self._happens, self._asked = happens, 0

    def items(self) -> ItemsView[str, Batch]:
        self._asked += 1
        # First the digest is taken, then the tables are written.
        if self._asked == 2:
            self._happens()
        return super().items()


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


def test_two_may_keep_the_same_ledger_at_once(practice: Files, tmp_path: Path) -> None:
    ledger = cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF)
    # Both have seen that it is not there, and are writing, before either goes on.
    both = threading.Barrier(2, timeout=60)
    ledgers = [replace(ledger, tables=Interrupted(ledger.tables, both.wait)) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        names = list(threads.map(lambda one: keep(one, tmp_path), ledgers))
    assert names == [digest(ledger)] * 2
    assert [path.name for path in tmp_path.iterdir()] == names[:1]
    assert digest(recall(tmp_path, names[0])) == names[0]


def test_a_retraining_leaves_a_snapshot_alone_that_somebody_is_keeping(practice: Files, tmp_path: Path) -> None:
    def retrained() -> None:
        nothing = np.zeros(0, dtype=np.int64)
        # It keeps what it was given, and finds that it is nothing.
        with pytest.raises(CheckFailed, match="nothing to judge a model on"):
            run(
                practice.writeoffs.take(nothing),
                practice.outcomes.take(nothing),
                {},
                chosen=Settings(home=tmp_path),
                tracking_uri=None,
                as_of=date(2026, 7, 1),
                created=CREATED,
                budget=Budget(0),
                promote=False,
            )

    ledger = cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF)
    name = keep(replace(ledger, tables=Interrupted(ledger.tables, retrained)), tmp_path / SNAPSHOTS)
    assert digest(recall(tmp_path / SNAPSHOTS, name)) == name
    assert len(list((tmp_path / SNAPSHOTS).iterdir())) == 2


def test_what_was_left_half_kept_goes_after_a_day(tmp_path: Path) -> None:
    now = time.time()
    for name, hours in (("a.making-1", 25), ("b.making-1", 23), ("whole", 1000)):
        folder = tmp_path / (name if name == "whole" else f".{name}")
        folder.mkdir()
        (folder / "writeoffs.parquet").touch()
        os.utime(folder, (now - hours * 3600,) * 2)
    sweep(tmp_path, now)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.making-1", "whole"]
    sweep(tmp_path, now + 2 * 3600)
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]
