"""A ledger scored in parts gives what scoring everything at once gives, to the last byte."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from features.errors import BadData, StorageFailed
from features.intake.cut import cut, resume
from features.intake.output import write_table
from features.intake.part import belonging, parts_of
from features.intake.rejects import TooManyRowsRejected
from features.intake.table_file import read_table
from features.pieces import one_by_one
from features.tables import WRITEOFFS
from features.vocabulary import Vocabulary
from models.scorer import Scorer
from models.scores import Scores
from serving.batch.account import Account, load_account, merge_runs, open_run, save_run
from serving.batch.folder import batch_folder, state_of
from serving.batch.merging import Run, merge, sample_of
from serving.batch.packed import Packed
from serving.batch.parts import Task, Worker
from serving.batch.pool import each_of, hand_out, starting
from serving.batch.ranking import Scored, few_runs, score_parts
from serving.batch.run import cents_of, six_digits
from serving.batch.workers import Alone, Workers, workers_of
from tests.practice import Files, Learned, day

AS_OF = day("2026-11-01")


@pytest.fixture(scope="module")
def ledger(practice: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with everything that ties rows together far apart, and with rows that cannot be read."""
    with (practice.folder / "writeoffs.csv").open() as file:
        reader = csv.DictReader(file)
        rows, names = [dict(row) for row in reader], list(reader.fieldnames or [])
    rows = rows[-3000:]
    names += [name for name in ("reverses_writeoff_id",) if name not in names]
    last = len(rows) - 1
    # A reversal names the posting of another claim; an id comes again; a claim's rows lie at both ends; a posting is made twice.
    rows[last] |= {"reverses_writeoff_id": rows[3]["writeoff_id"], "claim_id": "another"}
    rows[last - 1] |= {"writeoff_id": rows[5]["writeoff_id"]}
    rows[last - 2] |= {"claim_id": f" {rows[7]['claim_id']} ", "line_number": rows[7]["line_number"], "carc": "16"}
    rows.append(rows[9] | {"writeoff_id": "again"})
    rows.append(rows[11] | {"writeoff_id": "minus", "writeoff_amount": f"-{rows[11]['writeoff_amount']}"})
    rows.append(rows[13] | {"writeoff_id": "zero", "writeoff_amount": "0.00"})
    rows.append(rows[15] | {"writeoff_id": "wrong", "writeoff_amount": "twelve"})
    rows.append(rows[17] | {"writeoff_id": "new payer", "payer_id": "NOBODY KNOWS", "carc": "ZZ9"})
    path = tmp_path_factory.mktemp("ledger") / "ledger.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
        file.write("too,few,fields\n")
    return path


@pytest.fixture(scope="module")
def at_once(ledger: Path, learned: Learned) -> Scores:
    """The slow twin: the whole ledger read and scored at once."""
    return whole(learned.scorer, ledger, reasons=300)


def whole(scorer: Scorer, path: Path, reasons: int | None) -> Scores:
    batch = read_table(path, WRITEOFFS, vocabulary=scorer.vocabulary.overlay()).batch
    return scorer.score(batch, as_of=AS_OF, reasons=reasons).ranked()


def in_parts(
    scorer: Scorer, path: Path, folder: Path, out: Path, *, reasons: int | None = 300, part_rows: int = 400, workers: Workers | None = None
) -> Scored:
    """Score a ledger in small parts."""
    folder.mkdir(exist_ok=True)
    done, parts = resume(folder, part_rows) or cut(path, WRITEOFFS, folder, part_rows=part_rows)
    task = Task(done, Packed.of(scorer, scorer.vocabulary.overlay()), None, None, AS_OF, reasons is None, None, None)
    hands = workers if workers is not None else Alone(Worker(task, scorer))
    return score_parts(task, parts, hands, out, version=scorer.version, reasons=reasons)


def same_bytes(found: Path, expected: Scores, folder: Path) -> None:
    write_table(folder / "expected.csv", expected.table())
    assert found.read_bytes() == (folder / "expected.csv").read_bytes()


def test_parts_give_the_bytes_of_the_whole(ledger: Path, learned: Learned, at_once: Scores, tmp_path: Path) -> None:
    scored = in_parts(learned.scorer, ledger, tmp_path / "work", tmp_path / "out.csv")
    same_bytes(tmp_path / "out.csv", at_once, tmp_path)
    account = scored.account
    assert (account.rows_read, account.zero_amounts, account.scored) == (3006, 1, len(at_once))
    expected = read_table(ledger, WRITEOFFS, vocabulary=learned.scorer.vocabulary.overlay())
    assert account.rejects == expected.rejects and len(expected.rejects) == 3
    # Patient ids, of which a whole table tells that they are left out, parts do not read.
    assert account.as_read().issues == [issue for issue in expected.issues if issue.code != "patient_id_dropped"]
    assert account.unknown["payer_id"] == {"NOBODY KNOWS"} and "ZZ9" in account.unknown["carc"]
    assert scored.top is not None and scored.top["writeoff_id"].to_pylist() == at_once.columns["writeoff_id"][:10].tolist()


def test_parquet_in_and_out_holds_the_same_values(ledger: Path, learned: Learned, at_once: Scores, tmp_path: Path) -> None:
    batch = read_table(ledger, WRITEOFFS, vocabulary=learned.scorer.vocabulary.overlay()).batch
    columns = {name: batch.words(name) if batch.columns[name].dtype == np.int32 else batch.columns[name] for name in WRITEOFFS.names}
    kinds = {column.name: column.kind for column in WRITEOFFS.columns}
    write_table(tmp_path / "ledger.parquet", columns, kinds=kinds)
    in_parts(learned.scorer, tmp_path / "ledger.parquet", tmp_path / "work", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.field("expected_recovery").type == pa.float64() and table.schema.field("deadline_date").type == pa.date32()
    for name, texts in at_once.table().items():
        found = table[name].to_pylist()
        if name in ("deadline_date", "as_of"):
            found = [None if value is None else str(value) for value in found]
        elif table.schema.field(name).type == pa.float64():
            texts = [float(text) if text != "" else None for text in texts]
        assert found == list(texts), name


@pytest.mark.parametrize("reasons", [None, 0])
def test_reasons_of_all_and_of_none(reasons: int | None, ledger: Path, learned: Learned, tmp_path: Path) -> None:
    in_parts(learned.scorer, ledger, tmp_path / "work", tmp_path / "out.csv", reasons=reasons)
    same_bytes(tmp_path / "out.csv", whole(learned.scorer, ledger, reasons), tmp_path)


@pytest.mark.parametrize("ready", [False, True])
def test_several_processes_give_the_bytes_of_one(ready: bool, ledger: Path, learned: Learned, at_once: Scores, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    done, parts = cut(ledger, WRITEOFFS, tmp_path / "work", part_rows=400)
    task = Task(done, Packed.of(learned.scorer, learned.scorer.vocabulary.overlay()), None, None, AS_OF, False, None, tmp_path / "trees")
    with ExitStack() as stack:
        # Processes that had the model before the task came, and such that get it with the task.
        pool = stack.enter_context(starting(2, learned.scorer, tmp_path / "trees")) if ready else None
        workers = stack.enter_context(workers_of(task, learned.scorer, 2, alone=0, pool=pool))
        score_parts(task, parts, workers, tmp_path / "out.csv", version=learned.scorer.version, reasons=300)
    same_bytes(tmp_path / "out.csv", at_once, tmp_path)
    assert (tmp_path / "trees").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("in_pool", [False, True])
def test_row_groups_set_down_side_by_side_are_the_ledger(
    in_pool: bool, ledger: Path, learned: Learned, at_once: Scores, tmp_path: Path
) -> None:
    texts = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(WRITEOFFS.names, pa.string()))
    whole_rows = pyarrow.csv.ParseOptions(invalid_row_handler=lambda row: "skip")
    table = pyarrow.csv.read_csv(ledger, convert_options=texts, parse_options=whole_rows)
    parquet, folder = tmp_path / "ledger.parquet", tmp_path / "work"
    pq.write_table(table, parquet, row_group_size=130)
    folder.mkdir()
    with ExitStack() as stack:
        each = each_of(stack.enter_context(starting(2, None, None))) if in_pool else one_by_one
        done, parts = cut(parquet, WRITEOFFS, folder, part_rows=400, each=each, stretch_rows=300)
    whole, _ = cut(parquet, WRITEOFFS, tmp_path, part_rows=400)
    assert len(done) == len(whole) == table.num_rows and len({name.split("-")[1] for name in done.blocks}) == 8
    in_parts(learned.scorer, tmp_path / "not read again", folder, tmp_path / "out.csv")
    same_bytes(tmp_path / "out.csv", at_once, tmp_path)


def test_stretches_of_a_csv_ledger_set_down_side_by_side_are_the_ledger(ledger: Path, tmp_path: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    for at in (1, 900, 901, 2000):
        lines.insert(at, b"too,few,fields\n")
    for at in (0, 500, 501, 1500):
        lines.insert(at, b"\n")
    lines.insert(700, b"," * lines[1].count(b",") + b"\n")
    path, apart, folder = tmp_path / "ledger.csv", tmp_path / "apart", tmp_path / "whole"
    path.write_bytes(b"".join(lines))
    apart.mkdir()
    folder.mkdir()
    done, parts = cut(path, WRITEOFFS, apart, part_rows=400, each=one_by_one, stretch_rows=150)
    whole, whole_parts = cut(path, WRITEOFFS, folder, part_rows=400)
    assert len(done.blocks) > 10
    broken = tuple(number for number, line in enumerate(lines, 1) if b"fields" in line)
    # The ledger has such a row of its own at its end.
    assert len(broken) == 5 and done.broken == whole.broken == broken
    assert done.blank == whole.blank == (501, 502, 701, 1502)
    reads = [[cut.read(part, WRITEOFFS, Vocabulary({}), mapping=None, latest=None) for part in parts] for cut in (done, whole)]
    for part, other, read, read_whole in zip(parts, whole_parts, *reads, strict=True):
        assert part.rows.tolist() == other.rows.tolist() and read.row_numbers.tolist() == read_whole.row_numbers.tolist()
        assert read.rejects == read_whole.rejects
        assert read.batch.columns["writeoff_id"].tolist() == read_whole.batch.columns["writeoff_id"].tolist()


def test_what_is_wrong_with_a_csv_ledger_is_told_with_its_row_however_it_is_read(ledger: Path, tmp_path: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    lines.insert(1500, b'"open,\n')
    path = tmp_path / "ledger.csv"
    path.write_bytes(b"".join(lines))
    with pytest.raises(BadData) as apart:
        cut(path, WRITEOFFS, tmp_path, part_rows=400, each=one_by_one, stretch_rows=150)
    with pytest.raises(BadData) as whole:
        cut(path, WRITEOFFS, tmp_path, part_rows=400)
    assert str(apart.value) == str(whole.value)


def test_forked_processes_of_a_large_ledger_give_the_bytes_of_one(ledger: Path, learned: Learned, at_once: Scores, tmp_path: Path) -> None:
    # In a process of its own, since pytest has threads, and what forks must have none.
    asked = f"""
from datetime import date
from pathlib import Path
from recoup.batch import Asked, score_ledger
from recoup.beside import Beside
from recoup.inputs import Inputs
from recoup.progress import Bars
from recoup.settings import Settings
chosen, bars = Settings(home=Path({str(tmp_path / "home")!r})), Bars(None)
ledger, model = Path({str(ledger)!r}), Path({str(learned.folder)!r})
asked = Asked(ledger, None, Beside(), None, model, day={AS_OF}, reasons=300, processes=2, large_from=0)
inputs = Inputs(chosen, mapping=None, rejects=None, today=date(2026, 11, 1), bars=bars)
score_ledger(asked, chosen, inputs, Path({str(tmp_path / "out.csv")!r}), top=10, tell=bars.rate("score"))
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:multiprocessing", "-c", asked],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert len(pyarrow.csv.read_csv(tmp_path / "out.csv")) == len(at_once)
    same_bytes(tmp_path / "out.csv", at_once, tmp_path)


def test_a_process_that_scores_does_not_import_pandas_for_an_array() -> None:
    asked = "[__import__('pyarrow').array(__import__('numpy').zeros(3)), 'pandas' in __import__('sys').modules][1]"
    with starting(1, None, None) as pool:
        assert pool.submit(eval, asked).result() is False


def test_a_scorer_is_packed_without_what_its_bundle_holds(practice: Files, learned: Learned) -> None:
    fresh = Scorer.load(learned.folder)
    assert Packed.of(fresh, fresh.vocabulary).eyes is None
    fresh.learn_usual(practice.writeoffs, until=AS_OF)
    packed = Packed.of(fresh, fresh.vocabulary)
    assert packed.eyes is not None
    sent = packed.unpack(Scorer.load(learned.folder))
    some = practice.writeoffs.take(np.arange(300))
    there, here = (scorer.score(some, as_of=AS_OF, reasons=0).columns["anomaly_score"] for scorer in (sent, fresh))
    assert there.tolist() == here.tolist() != learned.scorer.score(some, as_of=AS_OF, reasons=0).columns["anomaly_score"].tolist()


def test_a_killed_job_goes_on_where_it_was(ledger: Path, learned: Learned, at_once: Scores, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    done, parts = cut(ledger, WRITEOFFS, folder, part_rows=400)
    task = Task(done, Packed.of(learned.scorer, learned.scorer.vocabulary.overlay()), None, None, AS_OF, False, None, None)
    worker = Worker(task, learned.scorer)
    first = worker.score(parts[0]).stat()

    class Killed(Alone):
        def score(self, parts: object) -> Iterator[Path]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_parts(task, parts, Killed(worker), tmp_path / "out.csv", version="", reasons=0)
    assert not (tmp_path / "out.csv").exists()
    in_parts(learned.scorer, tmp_path / "gone.csv", folder, tmp_path / "out.csv")
    same_bytes(tmp_path / "out.csv", at_once, tmp_path)
    assert (folder / "run-0.arrows").stat().st_mtime_ns == first.st_mtime_ns


def test_the_folder_is_found_again_only_by_the_same_job(tmp_path: Path) -> None:
    told = {"day": 1, "files": [state_of(Path(__file__))]}
    with pytest.raises(StorageFailed), batch_folder(tmp_path, told) as folder:
        (folder / "part").write_text("done")
        raise StorageFailed("disk full")
    with batch_folder(tmp_path, {"day": 2}) as other:
        assert not (other / "part").exists()
    with batch_folder(tmp_path, told) as again:
        assert (again / "part").read_text() == "done" and again.stat().st_mode & 0o077 == 0
        with batch_folder(tmp_path, told) as beside:
            assert beside != again and not (beside / "part").exists()
    assert [path for path in (tmp_path / "batch").iterdir() if path.is_dir()] == []


def test_a_job_that_ends_beside_another_leaves_it_its_folder(tmp_path: Path) -> None:
    told = {"day": 1}
    with batch_folder(tmp_path, told) as first:
        with batch_folder(tmp_path, told) as second:
            assert second != first
        with batch_folder(tmp_path, told) as third:
            assert third not in (first, second) and first.is_dir()
    with pytest.raises(BadData), batch_folder(tmp_path, told):
        raise BadData("no ledger")
    assert list((tmp_path / "batch").iterdir()) == []


def test_jobs_that_come_and_go_never_share_a_folder(tmp_path: Path) -> None:
    # Each waits for nobody: whoever opens a lock that its holder is about to take away must not take it for the current one.
    def work(_: int) -> None:
        for _ in range(200):
            with batch_folder(tmp_path, {"day": 1}) as folder:
                (folder / "mine").touch(exist_ok=False)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [None] * 4
    assert list((tmp_path / "batch").iterdir()) == []


def test_too_many_rejects_write_nothing(learned: Learned, tmp_path: Path) -> None:
    rows = "".join(f"W{i},2026-01-05,AETNA,{'x' if i < 2 else 5}\n" for i in range(10))
    (tmp_path / "bad.csv").write_text("writeoff_id,writeoff_date,payer_id,writeoff_amount\n" + rows)
    with pytest.raises(TooManyRowsRejected, match="2 of 10 rows rejected") as refused:
        in_parts(learned.scorer, tmp_path / "bad.csv", tmp_path / "work", tmp_path / "out.csv", part_rows=3)
    assert [reject.row for reject in refused.value.rejects] == [2, 3] and not (tmp_path / "out.csv").exists()


def test_a_ledger_of_which_no_row_is_scored_gives_a_header(learned: Learned, tmp_path: Path) -> None:
    (tmp_path / "zero.csv").write_text("writeoff_id,writeoff_date,payer_id,writeoff_amount\nW1,2026-01-05,AETNA,0\n")
    scored = in_parts(learned.scorer, tmp_path / "zero.csv", tmp_path / "work", tmp_path / "out.csv")
    assert scored.account.zero_amounts == 1 and (tmp_path / "out.csv").read_text().startswith("writeoff_id,rank")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1


def test_rows_gathered_from_no_parts_are_none(tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("writeoff_id,writeoff_date,payer_id\nW1,2026-01-05\n")
    done, parts = cut(tmp_path / "broken.csv", WRITEOFFS, tmp_path)
    assert parts == [] and done.broken == (2,)
    nothing = done.gather(parts, WRITEOFFS, Vocabulary(), mapping=None, latest=None)
    assert len(nothing) == 0 and list(nothing.columns) == list(WRITEOFFS.names)
    some = done.gather(parts, WRITEOFFS, Vocabulary(), mapping=None, latest=None, names=("writeoff_id",))
    assert list(some.columns) == ["writeoff_id"]


def test_a_process_that_is_ended_from_outside_is_told_as_such() -> None:
    with pytest.raises(StorageFailed, match="where memory runs out"), starting(1, None, None) as pool:
        list(hand_out(pool, signal.raise_signal, [signal.SIGKILL]))


def test_rows_gathered_from_parts_are_those_of_the_file(ledger: Path, tmp_path: Path) -> None:
    done, parts = cut(ledger, WRITEOFFS, tmp_path, part_rows=400)
    assert len(parts) > 5
    whole = read_table(ledger, WRITEOFFS, vocabulary=Vocabulary()).batch
    names = ("writeoff_id", "writeoff_date", "allowed_amount")
    some = done.gather(parts, WRITEOFFS, Vocabulary(), mapping=None, latest=None, names=names)
    assert list(some.columns) == list(names)
    for name in names:
        np.testing.assert_array_equal(some.columns[name], whole.columns[name])
    wanted = set(whole.columns["writeoff_id"][::97].tolist())
    few = done.gather(parts, WRITEOFFS, Vocabulary(), mapping=None, latest=None, ids=wanted)
    expected = whole.take(np.flatnonzero([ident in wanted for ident in whole.columns["writeoff_id"].tolist()]))
    for name in WRITEOFFS.names:
        np.testing.assert_array_equal(few.words(name) if few.columns[name].dtype == np.int32 else few.columns[name],
                                      expected.words(name) if few.columns[name].dtype == np.int32 else expected.columns[name])  # fmt: skip


def test_what_belongs_together_is_in_one_part() -> None:
    draw = np.random.default_rng(0)
    ids = np.array(draw.permutation(500) + 1, dtype=np.uint64)
    ids[draw.integers(0, 500, 20)] = ids[0]
    claims = draw.integers(0, 150, 500).astype(np.uint64) * np.uint64(1 << 40)
    reverses = np.where(draw.random(500) < 0.1, draw.choice(ids, 500), 0).astype(np.uint64)
    together = belonging(ids, claims, reverses)
    parts = parts_of(together, part_rows=50)
    part_of = np.full(500, -1)
    for part in parts:
        assert (np.diff(part.rows) > 0).all() and (part_of[part.rows] == -1).all()
        part_of[part.rows] = part.number
    assert (part_of >= 0).all()
    for a in range(500):
        linked = (claims == claims[a]) & (claims[a] != 0) | (ids == ids[a]) | (ids == reverses[a]) & (reverses[a] != 0)
        assert len(set(part_of[linked])) == 1


def sorted_runs(count: int, pieces: int) -> tuple[list[str], list[pa.RecordBatch]]:
    """Return ids in rank order, and their rows dealt out to sorted runs, of which the first is empty."""
    draw = np.random.default_rng(1)
    scope, value = draw.random(count) < 0.5, np.round(draw.normal(size=count), 0)
    ids = [f"W{i}" for i in draw.permutation(count)]
    expected = sorted(range(count), key=lambda i: (not scope[i], -value[i], -abs(value[i]), ids[i]))
    place = np.argsort(expected)
    runs = []
    for rows in [np.arange(0), *np.array_split(draw.permutation(count), pieces - 1)]:
        held = rows[np.argsort(place[rows])]
        texts = pa.array([ids[i] for i in held], pa.string())
        runs.append(
            pa.record_batch({"writeoff_id": texts, "in_scope": scope[held], "by_value": value[held], "by_expected": abs(value[held])})
        )
    return [ids[i] for i in expected], runs


def ids_of(buckets: list[pa.RecordBatch]) -> list[str]:
    return [ident for bucket in buckets for ident in bucket["writeoff_id"].to_pylist()]


def test_runs_merge_into_one_order_whatever_the_buckets() -> None:
    expected, batches = sorted_runs(400, 8)
    for every, bucket_keys, first, stretch in product((1, 10), (1, 7, 1000), (0, 1, 25, 399, 400, 5000), (1, 13, 400)):
        stretches = [[batch.slice(at, stretch) for at in range(0, batch.num_rows, stretch)] for batch in batches]
        runs = [Run(sample_of(batch, every), some) for batch, some in zip(batches, stretches, strict=True)]
        buckets = list(merge(runs, bucket_keys, first))
        assert ids_of(buckets) == expected
        if bucket_keys == 1000:
            assert [bucket.num_rows for bucket in buckets] == ([first, 400 - first] if 0 < first < 400 else [400])
        elif first == 0:
            assert max(bucket.num_rows for bucket in buckets) <= every * (bucket_keys + len(batches))


def test_many_runs_are_merged_into_longer_ones_first(tmp_path: Path) -> None:
    expected, batches = sorted_runs(9000, 11)
    paths = [tmp_path / f"run-{number:02d}.arrows" for number in range(len(batches))]
    for path, batch in zip(paths, batches, strict=True):
        save_run(path, batch, Account(rows_read=batch.num_rows))
    assert sum(load_account(path).rows_read for path in paths) == 9000

    class Merging:
        turns: ClassVar[list[list[int]]] = []

        def merge(self, groups: list[list[Path]]) -> list[Path]:
            self.turns.append([len(group) for group in groups])
            return list(map(merge_runs, groups))

    empty = merge_runs([paths[0], paths[0]])
    assert list(merge([open_run(empty)])) == []
    for most, turns in ((11, []), (10, [[2]]), (4, [[4, 4, 2]]), (2, [[2] * 5, [2] * 3, [2]])):
        Merging.turns = []
        left = few_runs(paths, cast(Workers, Merging()), most)
        assert len(left) <= most and Merging.turns == turns
        assert ids_of(list(merge([open_run(path) for path in left], 3))) == expected


def test_money_and_six_digits_are_rounded_as_their_text_is() -> None:
    draw = np.random.default_rng(2)
    values = np.concatenate(
        [draw.normal(size=3000) * 10.0 ** draw.integers(-3, 8, 3000), np.arange(-400, 400) / 8, [0.0, -0.0, 2.675, 1e15]]
    )
    assert cents_of(values).tolist() == [round(round(value, 2) * 100) for value in values.tolist()]
    positive = np.concatenate([np.abs(values), 10.0 ** np.arange(-30.0, 20.0), [999999.5, 99999.95, 9999995.0]])
    assert six_digits(positive).tolist() == [float(f"{value:.6g}") for value in positive.tolist()]


def test_an_account_comes_back_from_its_text() -> None:
    account = Account(
        rows_read=3,
        scored=2,
        in_scope=2,
        expected=[0.3],
        net=[0.2],
        worked=1,
        worked_expected=[0.1],
        worked_net=[0.1],
        unknown={"carc": {"ZZ9"}},
    )
    account.findings.rows["date_after_writeoff", "remit_date"] = 2
    again = Account.from_json(account.as_json())
    assert again.as_json() == account.as_json() and again.as_read().rows_read == 3
    again.add(account)
    assert again.net_dollars == 0.4 and again.fresh == pytest.approx((2, 0.4, 0.2))
    assert (again.scored, again.findings.rows["date_after_writeoff", "remit_date"]) == (4, 4)
