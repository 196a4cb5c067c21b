"""Files out: whole or not at all, the same bytes for the same table, safe in a spreadsheet, and readable again."""

from __future__ import annotations

import csv
import gzip
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import StorageFailed, UsageError
from features.intake.output import write_batch, write_table
from features.intake.records import read_records
from features.intake.table_file import read_table
from features.money import NULL
from features.tables import OUTCOMES, WRITEOFFS, Kind
from features.vocabulary import Vocabulary


def written(columns: dict[str, object], **named: object) -> str:
    out = io.BytesIO()
    write_table("-", columns, stdout=out, **named)  # type: ignore[arg-type]
    return out.getvalue().decode()


def test_cells_are_written_as_their_kind() -> None:
    columns: dict[str, object] = {
        "text": ["a", None, 'say "no", he said'],
        "money": np.array([1250, NULL, -7]),
        "day": np.array([0, NULL, 19727]),
        "flag": np.array([1, -1, 0], dtype=np.int8),
        "count": np.array([3, NULL, -1]),
        "number": np.array([0.1, np.nan, 1e-7]),
        "when": [date(2024, 1, 5), None, None],
        "plain": [True, None, False],
    }
    kinds = {"money": Kind.MONEY, "day": Kind.DATE, "flag": Kind.BOOL, "count": Kind.INT}
    assert written(columns, kinds=kinds) == (
        "text,money,day,flag,count,number,when,plain\n"
        "a,12.50,1970-01-01,true,3,0.1,2024-01-05,true\n"
        ",,,,,,,\n"
        '"say ""no"", he said",-0.07,2024-01-05,false,-1,1e-7,,false\n'
    )


@pytest.mark.parametrize("text", ["=1+1", "+5", "-x", "@cmd", "\tx", "\rx", "'=1", "''@"])
def test_formulas_get_an_apostrophe(text: str) -> None:
    cell = next(csv.reader(io.StringIO(written({"a": [text]}).split("\n", 1)[1], newline="")))[0]
    assert cell == "'" + text


@pytest.mark.parametrize("text", ["-12.50", "-3", "'tis", "'", "a=b", "1+1"])
def test_harmless_text_stays(text: str) -> None:
    assert written({"a": [text]}) == f"a\n{text}\n"


IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).map(lambda text: text.strip()).filter(bool)
DANGEROUS = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "'=", "''-", "'"]), IDS)


@settings(deadline=None)
@given(ids=st.lists(st.one_of(IDS, DANGEROUS), min_size=1, max_size=5, unique=True))
def test_ids_come_back_as_they_were(ids: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    records = [{"writeoff_id": text, "writeoff_date": "2024-01-05", "payer_id": text} for text in ids]
    first = read_records(records, WRITEOFFS, vocabulary=Vocabulary())
    path = tmp_path_factory.mktemp("ids") / "ledger.csv"
    write_batch(path, first.batch)
    again = read_table(path, WRITEOFFS, vocabulary=Vocabulary(), most_rejected=None)
    assert again.rejects == []
    assert again.batch.columns["writeoff_id"].tolist() == first.batch.columns["writeoff_id"].tolist()
    assert again.batch.words("payer_id") == first.batch.words("payer_id")


@pytest.mark.parametrize("name", ["ledger.csv", "ledger.csv.gz", "ledger.parquet"])
def test_a_batch_is_valid_input_again(name: str, tmp_path: Path) -> None:
    record = {"writeoff_id": "W1", "writeoff_date": "2024-01-05", "payer_id": "A", "writeoff_amount": 12.5, "qmb": True, "units": 0.1,
              "line_number": 2, "service_date": "2024-01-01", "carc": "45", "x_own": "7"}  # fmt: skip
    records = [record, {"writeoff_id": "=W2", "writeoff_date": "2024-01-05", "payer_id": "B", "writeoff_amount": -0.07}]
    first = read_records(records, WRITEOFFS, vocabulary=Vocabulary()).batch
    write_batch(tmp_path / name, first)
    again = read_table(tmp_path / name, WRITEOFFS, vocabulary=Vocabulary()).batch
    for column, values in first.columns.items():
        np.testing.assert_array_equal(values, again.columns[column], err_msg=column)
    assert again.extras["x_own"].tolist() == ["7", None]


def test_packed_files_have_no_time_stamp(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        write_table(tmp_path / name, {"a": [1]})
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == b"a\n1\n"


def test_parquet_money_is_dollars_that_add_up(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", {"m": np.array([1250, NULL, -7])}, kinds={"m": Kind.MONEY})
    table = pq.read_table(tmp_path / "a.parquet")
    assert (str(table.schema.field("m").type), table.column("m").to_pylist()) == ("double", [12.5, None, -0.07])


def test_tables_without_rows_or_of_one_blank_column_are_written() -> None:
    assert written({"a": [], "b": np.array([], dtype=float)}) == "a,b\n"
    assert written({"a": [None, "x"]}) == 'a\n""\nx\n'


def test_columns_of_unequal_length_and_unknown_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="columns differ in length: a 1, b 2"):
        write_table(tmp_path / "a.csv", {"a": [1], "b": [1, 2]})
    with pytest.raises(UsageError, match=r"ends in .csv, .csv.gz or .parquet"):
        write_table(tmp_path / "a.xlsx", {"a": [1]})
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_table(path, {"a": [1]})
    with pytest.raises(TypeError):
        write_table(path, {"a": [[1]]})
    assert path.read_text() == "a\n1\n"
    write_table(path, {"a": [2]})
    assert path.read_text() == "a\n2\n"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_follow_the_mask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_table(tmp_path / "a.csv", {"a": [1]})
    finally:
        os.umask(old)
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_storage_failed(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot be written: No such file or directory; nothing was left there"):
        write_table(tmp_path / "none" / "a.csv", {"a": [1]})


_FULL = """
import resource, signal, sys
from pathlib import Path
from features.errors import StorageFailed
from features.intake.output import write_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_table(Path(sys.argv[1]), {"a": [str(i) * 9 for i in range(200_000)]})
except StorageFailed as error:
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_full_disk_leaves_nothing_and_exits_74(name: str, tmp_path: Path) -> None:
    # A limit on file size fails a write as a full disk does (an OSError), without a file system of our own.
    run = subprocess.run([sys.executable, "-c", _FULL, str(tmp_path / name)], cwd=Path(__file__).parents[3], check=False)
    assert run.returncode == 74
    assert list(tmp_path.iterdir()) == []


_DIE = """
import os, sys
from pathlib import Path
from features.intake import output
if sys.argv[2] == "named":
    del os.O_TMPFILE
def die(file):
    file.write(b"half")
    file.flush()
    os._exit(9)
output.replace_file(Path(sys.argv[1]), die)
"""


@pytest.mark.parametrize("way", ["nameless", "named"])
def test_killed_writers_leave_the_old_file(way: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_table(path, {"a": [1]})
    assert subprocess.run([sys.executable, "-c", _DIE, str(path), way], cwd=Path(__file__).parents[3], check=False).returncode == 9
    assert path.read_text() == "a\n1\n"
    # Where files without a name are not to be had, what is left is hidden and says what it is.
    assert all(left == path or left.name.endswith(".part") for left in tmp_path.iterdir())


def test_files_that_must_have_a_name_are_replaced_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "a.csv"
    for number in (1, 2):
        write_table(path, {"a": [number]})
    assert (path.read_text(), list(tmp_path.iterdir())) == ("a\n2\n", [path])


@pytest.fixture
def public(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The public recoveries beside the checkout; absent in other places."""
    folder = Path(os.environ.get("RECOUP_PUBLIC_DATA", Path(__file__).parents[4] / "shared")) / "outcomes" / "ct_2015_2019"
    yield folder


def test_the_public_recoveries_are_read_without_a_reject(public: Path) -> None:
    if not public.exists():
        return
    vocabulary = Vocabulary()
    ledger = read_table(public / "writeoffs.csv", WRITEOFFS, vocabulary=vocabulary)
    efforts = read_table(public / "outcomes.csv", OUTCOMES, vocabulary=vocabulary)
    assert (len(ledger.batch), len(efforts.batch), ledger.rejects, efforts.rejects) == (10_642, 10_642, [], [])
    assert (ledger.issues, [i.code for i in efforts.issues]) == ([], ["not_listed"])
    assert set(efforts.batch.words("action")) == {"other"}
    assert (ledger.batch.columns["writeoff_amount"] == NULL).all()
    # README.md there: 17.8 % recovered something, $13.8 M in all.
    recovered = efforts.batch.columns["recovered_amount"]
    assert round(float((recovered > 0).mean()), 3) == 0.178
    assert round(int(recovered.sum()) / 1e8, 1) == 13.8
