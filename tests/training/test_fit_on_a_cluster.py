"""A fit whose pieces are done on a cluster is the fit of one machine, to the last byte."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from features.batch import Batch
from models.bundle import read_manifest
from serving.cluster import Cluster, open_cluster
from tests.practice import AS_OF, CREATED, Files, Learned
from training.cut import cut_ledger
from training.examples import replay
from training.fit import train
from training.publish import publish
from training.tune import Budget, tune


class Unlucky(Cluster):
    """A cluster that loses a worker after the first piece of each turn, as long as it has two."""

    def _each(self, work: Any, asked: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        for number, found in enumerate(super()._each(work, asked)):
            if number == 0 and self._turn in (1, 2):
                os.kill(next(iter(self._client.run(os.getpid).values())), signal.SIGKILL)
            yield found


def hash_of(folder: Path, practice: Files, outcomes: Batch, **more: Any) -> str:
    """Return the content hash of the bundle of a practice."""
    bundle = train(practice.writeoffs, outcomes, tables=practice.tables, as_of=AS_OF, **more)
    publish(bundle, folder, name="test", created=CREATED)
    return str(read_manifest(folder)["bundle_hash"])


def test_a_cluster_that_loses_workers_fits_the_bundle_of_one_machine(practice: Files, learned: Learned, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    nobody = practice.outcomes.take(np.arange(0))
    with open_cluster(tmp_path / "work", "local:2") as cluster:
        each = cluster.each
        unlucky = Unlucky(cluster._client, tmp_path / "work").each
        assert hash_of(tmp_path / "a", practice, practice.outcomes, each=unlucky) == read_manifest(learned.folder)["bundle_hash"]
        # Without outcomes most pieces have no rows, or there is none.
        assert hash_of(tmp_path / "b", practice, nobody, each=each) == hash_of(tmp_path / "c", practice, nobody)
        known = replay(cut_ledger(practice.writeoffs, practice.outcomes, practice.tables, AS_OF), AS_OF, each)
        budget = Budget(trials=2, seconds=600.0)
        assert tune(known, budget, each=each).as_json() == tune(known, budget).as_json()
        left = [path.name.partition("-")[0] for path in (tmp_path / "work").iterdir()]
        assert left.count("piece") == 0 and left.count("shared") <= 2, "one for each of the two that handed out pieces"
