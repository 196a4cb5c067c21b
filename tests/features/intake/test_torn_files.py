"""Whatever bytes come, reading ends in rows, rejects or an error of ours: never in a traceback of somebody else's."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.errors import RecoupError
from features.intake.rejects import Rule
from features.intake.table_file import read_table
from features.intake.table_read import TableRead
from features.tables import OUTCOMES
from features.vocabulary import Vocabulary

GOOD = (
    b"writeoff_id,effort_id,worked_date,status,resolved_date,recovered_amount,reference_number\r\n"
    b'W1,E1,2024-01-05,recovered,2024-02-01,"12.50","say ""no"", he said"\r\n'
    b"W2,,2024-01-05,pending,,,\xc3\xa9\r\n"
    b"W3,E1,2024-01-06,denied,2024-02-01,0,\r\n"
)
PIECES = st.sampled_from(
    [b"", b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf", b"'", b"=", b"1e3", b"NaN", b"\xed\xa0\x80", b";", b"\t"]
)


def read(content: bytes) -> TableRead | None:
    try:
        return read_table(io.BytesIO(content), OUTCOMES, vocabulary=Vocabulary(), most_rejected=None)
    except RecoupError:
        return None


def assert_accounted(result: TableRead) -> None:
    """Every row that came is accepted or rejected; none is both or lost. Numbers of rows that say nothing are left free."""
    accepted, rejected = set(result.row_numbers.tolist()), {reject.row for reject in result.rejects}
    assert accepted.isdisjoint(rejected)
    assert len(accepted | rejected) == result.rows_read and min(accepted | rejected, default=2) >= 2
    assert all(len(values) == len(accepted) for values in result.batch.columns.values())


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(GOOD)), drop=st.integers(0, 40), piece=PIECES)
@example(at=0, drop=len(GOOD), piece=b"")
def test_mutilated_files_are_read_or_refused(at: int, drop: int, piece: bytes) -> None:
    result = read(GOOD[:at] + piece + GOOD[at + drop :])
    if result is not None:
        assert_accounted(result)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused(content: bytes) -> None:
    header = GOOD.split(b"\r\n")[0] + b"\n"
    read(content)
    result = read(header + content)
    if result is not None:
        assert_accounted(result)


def test_every_truncation_is_read_or_refused() -> None:
    for end in range(len(GOOD)):
        result = read(GOOD[:end])
        if result is not None:
            assert_accounted(result)


def test_every_truncation_of_parquet_is_refused() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"writeoff_id": ["W1"], "worked_date": ["2024-01-05"], "status": ["pending"]}), out)
    whole = out.getvalue()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.parquet"
        for end in range(0, len(whole), 7):
            path.write_bytes(whole[:end])
            try:
                read_table(path, OUTCOMES, vocabulary=Vocabulary())
            except RecoupError:
                continue
            raise AssertionError(f"{end} of {len(whole)} bytes were read")
        for place in range(0, len(whole), 3):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                read_table(path, OUTCOMES, vocabulary=Vocabulary(), most_rejected=None)
            except RecoupError:
                continue


def test_rules_have_distinct_names() -> None:
    assert len({rule.value for rule in Rule}) == len(Rule)
