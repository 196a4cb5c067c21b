"""A cluster gives the bytes of one machine, also when a worker is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import Unavailable, UsageError
from features.intake.cut import cut
from features.intake.output import write_table
from features.intake.part import Part
from features.intake.table_file import read_table
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from serving.batch.packed import Packed
from serving.batch.parts import Task
from serving.batch.ranking import score_parts
from serving.cluster import Cluster, open_cluster
from tests.practice import Files, Learned, day

AS_OF = day("2026-11-01")


class Unlucky(Cluster):
    """A cluster that loses a worker after its first part."""

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        for number, path in enumerate(super().score(parts)):
            if number == 0:
                os.kill(next(iter(self._client.run(os.getpid).values())), signal.SIGKILL)
            yield path


def task_of(practice: Files, learned: Learned, folder: Path) -> tuple[Task, list[Part]]:
    folder.mkdir()
    done, parts = cut(practice.folder / "writeoffs.csv", WRITEOFFS, folder, part_rows=500)
    return Task(done, Packed.of(learned.scorer, learned.scorer.vocabulary.overlay()), None, None, AS_OF, False, None, None), parts


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_one_machine(practice: Files, learned: Learned, tmp_path: Path) -> None:
    task, parts = task_of(practice, learned, tmp_path / "work")
    batch = read_table(practice.folder / "writeoffs.csv", WRITEOFFS, vocabulary=learned.scorer.vocabulary.overlay()).batch
    write_table(tmp_path / "expected.csv", learned.scorer.score(batch, as_of=AS_OF, reasons=50).ranked().table())
    with open_cluster(task.cut.folder, "local:2") as cluster:
        unlucky = Unlucky(cluster._client, task.cut.folder)
        assert cluster.all_see(practice.folder) and not cluster.all_see(tmp_path / "gone")
        score_parts(task, parts, unlucky.take_up(task), tmp_path / "out.csv", version=learned.scorer.version, reasons=50)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_workers_set_parquet_down_whatever_folder_they_work_in(practice: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(practice.folder)
    texts = {name: practice.writeoffs.words(name) for name in ("writeoff_id", "payer_id", "claim_id")}
    dates = practice.writeoffs.columns["writeoff_date"].astype("datetime64[D]")
    ledger = Path(os.path.relpath(tmp_path / "ledger.parquet"))
    pq.write_table(pa.table({**texts, "writeoff_date": dates, "writeoff_amount": ["1.00"] * len(dates)}), ledger, row_group_size=200)
    folders = [tmp_path / name for name in ("work", "alone")]
    for folder in folders:
        folder.mkdir()
    with open_cluster(folders[0], "local:1") as cluster:
        cluster._client.run(os.chdir, "/")
        assert cluster.all_see(ledger)
        there, parts = cut(ledger, WRITEOFFS, folders[0], part_rows=700, each=cluster.each, stretch_rows=300)
    here, others = cut(ledger, WRITEOFFS, folders[1], part_rows=700)
    assert len(there.blocks) > 3 and [part.rows.tolist() for part in parts] == [part.rows.tolist() for part in others]
    read = [one.read(part, WRITEOFFS, Vocabulary(), mapping=None, latest=None) for one, part in ((there, parts[0]), (here, others[0]))]
    ids = [one.batch.columns["writeoff_id"].tolist() for one in read]
    assert ids[0] == ids[1] and len(ids[0]) > 300


class Deserted(Cluster):
    """A cluster that loses its scheduler after its first part."""

    def score(self, parts: Iterable[Part]) -> Iterator[Path]:
        for number, path in enumerate(super().score(parts)):
            if number == 0:
                scheduler = cast(Any, self._client.cluster).scheduler
                scheduler.loop.add_callback(scheduler.close)
            yield path


def test_a_lost_scheduler_is_told_and_the_job_goes_on_later(practice: Files, learned: Learned, tmp_path: Path) -> None:
    task, parts = task_of(practice, learned, tmp_path / "work")
    with pytest.raises(Unavailable, match="scheduler of the cluster is gone"), open_cluster(task.cut.folder, "local:1") as cluster:
        deserted = Deserted(cluster._client, task.cut.folder)
        score_parts(task, parts, deserted.take_up(task), tmp_path / "out.csv", version=learned.scorer.version, reasons=50)
    assert list(task.cut.folder.glob("run-*.arrows")) and not (tmp_path / "out.csv").exists()


def test_pieces_come_in_order_and_a_slow_one_holds_up_few(tmp_path: Path) -> None:
    handed: list[int] = []

    def asked() -> Iterator[tuple[int]]:
        for number in range(60):
            handed.append(number)
            yield (number,)

    with open_cluster(tmp_path, "local:2") as cluster:
        found = cluster.each(slow_first, 100, asked())
        assert next(found) == 100 and len(handed) <= 10
        assert list(found) == list(range(101, 160))


def slow_first(shared: int, number: int) -> int:
    time.sleep(0.0 if number else 1.0)
    return shared + number


@pytest.mark.parametrize("address", ["local:0", "local:many", "localhost", "10.0.0.7:8786"])
def test_an_address_that_is_none_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--cluster"), open_cluster(tmp_path, address):
        pass


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no Dask scheduler answers"), open_cluster(tmp_path, "tcp://127.0.0.1:9", patience=0.5):
        pass
