"""A CSV file read in stretches is the file read from its beginning, or it is known that it cannot be."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.errors import BadData
from features.intake.csv_source import CsvSource, CsvStretch
from features.intake.cut import SetDown, numbered
from features.intake.row_ends import stretches_of
from features.intake.source import Source
from features.intake.table_file import row_numbers

Read = tuple[list[list[str | None]], list[int], list[int]]

HEADER = b"a,b\n"
pieces = st.sampled_from([b"1", b"x", b",", b",", b'"', b'""', b"\n", b"\n", b"\r\n", b"\r", b" ", "é".encode(), b'"y\nz"'])


def rows_of(source: Source) -> Read:
    """Return the rows of a source, and the numbers of those that are broken and of those that are blank."""
    found: list[list[str | None]] = []
    for _, columns in source.blocks([0, 1]):
        found += [list(row) for row in zip(columns[0].to_pylist(), columns[1].to_pylist(), strict=True)]
    return found, source.broken, source.blank


def whole(path: Path) -> Read:
    """Read a file from its beginning."""
    return rows_of(CsvSource("file", path.open("rb"), path=path))


def apart(path: Path, size: int) -> Read:
    """Read a file in stretches of so many bytes."""
    rows: list[list[str | None]] = []
    done = []
    with path.open("rb") as file:
        places = list(stretches_of(file, size))
    assert places[0][0] == 0 and all(a[1] == b[0] for a, b in zip(places, places[1:], strict=False))
    for begin, end in places:
        stretch = CsvStretch("file", path, ["a", "b"], begin, end)
        found, broken, blank = rows_of(stretch)
        rows += found
        done.append(SetDown(stretch.first_row, broken, sizes=[len(found)], blank=blank))
    all_broken, all_blank = numbered(done, 2)
    return rows, list(all_broken), list(all_blank)


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([b"", b"", b",", b" ", b" , ", b",,", b"1", b"1,2", b"1,", b"x,y,z", b",2"]), max_size=40), st.integers(0, 3)
)
def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], above: int) -> None:
    path = tmp_path_factory.getbasetemp() / "numbered.csv"
    path.write_bytes(b"\n" * above + HEADER + b"\n".join(lines) + b"\n")
    source = CsvSource("file", path.open("rb"), path=path)
    rows, broken, blank = rows_of(source)
    # A last line end begins no row, and no line end stands behind no line.
    told = list(enumerate(lines or [b""], above + 2))
    silent = [number for number, line in told if not line.strip(b" ,") and line != b" , "]
    assert blank == silent
    assert broken == [number for number, line in told if number not in silent and line.count(b",") != 1]
    came = [(number, line) for number, line in told if number not in {*silent, *broken}]
    assert row_numbers(source, len(rows)).tolist() == [number for number, _ in came]
    assert rows == [[cell.decode() or None for cell in line.split(b",")] for _, line in came]


@settings(max_examples=300)
@given(st.lists(pieces, max_size=60).map(b"".join), st.integers(4, 40))
@example(b'1,"x\n', 8)
@example(b'"1"x,2\n3,4"\n5,6\n', 4)
def test_rows_are_the_same_in_stretches_and_from_the_beginning(tmp_path_factory: pytest.TempPathFactory, body: bytes, size: int) -> None:
    path = tmp_path_factory.getbasetemp() / "file.csv"
    # A file that fits in what is looked at for its header gets a last line end where it has none.
    path.write_bytes(HEADER + body + b"\n")
    try:
        expected = whole(path)
    except BadData:
        # Whatever the stretches say, nothing is read of such a file that is not said to be broken.
        return
    try:
        found = apart(path, size)
    except BadData:
        # The file is read again from its beginning then.
        return
    assert found == expected


def test_a_file_of_rows_with_line_ends_in_them_is_taken_apart_between_rows(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerows([["a", "b"], *([f"{row}" * 40, f'said "no",\nthen {row}' if row % 9 == 0 else "plain"] for row in range(4000))])
    path.write_bytes(told.getvalue().encode())
    with path.open("rb") as file:
        places = list(stretches_of(file, 20_000))
    assert len(places) > 10
    rows, broken, blank = apart(path, 20_000)
    assert (rows, broken, blank) == whole(path) and len(rows) == 4000 and not broken and not blank


def test_a_file_of_quotes_is_one_stretch() -> None:
    rows = b'"a","b"\n' * 50_000
    assert list(stretches_of(io.BytesIO(rows), 10_000)) == [(0, None)]
