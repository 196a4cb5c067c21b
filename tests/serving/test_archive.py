"""A practice in a ZIP: what its members are, and every way in which an archive may lie."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from features.errors import BadData
from serving.jobs.archive import pack, unpack


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_members_are_what_they_are_called_wherever_they_stand(tmp_path: Path) -> None:
    members = {
        "north/writeoffs.csv": b"w",
        "north/contract_rates.parquet": b"c",
        "north/remits/a/one.835": b"1",
        "north/remits/two.txt": b"2",
        "late.835": b"3",
    }
    found = unpack(packed(tmp_path / "a.zip", members), tmp_path / "out")
    assert {name: path.read_bytes() for name, path in found.tables.items()} == {"writeoffs": b"w", "contract_rates": b"c"}
    assert [(path.name, path.read_bytes()) for path in found.remits] == [("one.835", b"1"), ("two.txt", b"2"), ("late.835", b"3")]


@pytest.mark.parametrize(
    "name", ["../../evil.835", "/etc/evil.835", "..\\..\\evil.835", "remits/.evil", "remits/a\nb", "remits/Å", "remits/con.835\x00"]
)
def test_no_member_says_where_it_is_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "out"
    found = unpack(packed(tmp_path / "a.zip", {name: b"x", "remits/file.835": b"y"}), folder)
    assert all(path.is_relative_to(folder / "remits") and path.resolve() == path for path in found.remits)
    assert sorted(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".zip") == [b"x", b"y"]
    assert not list(tmp_path.glob("*.835"))


def test_remittances_of_one_name_are_both_there(tmp_path: Path) -> None:
    found = unpack(packed(tmp_path / "a.zip", {"remits/x/a.835": b"1", "remits/y/a.835": b"2"}), tmp_path / "out")
    assert [path.read_bytes() for path in found.remits] == [b"1", b"2"] and len(set(found.remits)) == 2


def test_a_link_is_a_file_with_the_place_as_its_words(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("remits/link.835")
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    (only,) = unpack(tmp_path / "a.zip", tmp_path / "out").remits
    assert not only.is_symlink() and only.read_bytes() == b"/etc/passwd"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"notes-of-jane-doe.doc": b"x"}, "file 1 of the archive is neither"),
        ({"a/writeoffs.csv": b"x", "b/writeoffs.parquet": b"y"}, "two tables of writeoffs"),
        ({f"remits/{i}": b"x" for i in range(11)}, "11 files, more than 10"),
        ({"remits/big": b"x" * 1001}, "unpacks to more"),
        ({f"remits/{i}": b"x" * 400 for i in range(3)}, "unpacks to more"),
    ],
)
def test_what_no_practice_holds_is_refused_and_not_named(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    with pytest.raises(BadData, match=words) as refused:
        unpack(packed(tmp_path / "a.zip", members), tmp_path / "out", most_bytes=1000, most_members=10)
    assert "jane" not in str(refused.value)


def test_what_an_archive_says_of_sizes_is_not_believed(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"remits/bomb": b"x" * 5_000_000})
    content = bytearray(path.read_bytes())
    assert len(content) < 10_000
    for magic, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(magic) + place
        content[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    with pytest.raises(BadData):
        unpack(path, tmp_path / "out", most_bytes=1000)
    assert sum(found.stat().st_size for found in (tmp_path / "out").rglob("*") if found.is_file()) <= 1000


def test_a_torn_or_locked_archive_is_refused(tmp_path: Path) -> None:
    whole = packed(tmp_path / "a.zip", {"remits/a": b"ISA" * 5000}).read_bytes()
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    strange = bytearray(whole)
    strange[8] = strange[whole.index(b"PK\x01\x02") + 10] = 99
    middle = bytearray(whole)
    middle[45] ^= 0xFF
    for number, content in enumerate((whole[:50], whole[-40:], bytes(locked), bytes(strange), bytes(middle), b"PK\x03\x04" + b"\x00" * 40)):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(BadData):
            unpack(tmp_path / "b.zip", tmp_path / f"out-{number}")


def test_equal_files_are_packed_to_equal_bytes(tmp_path: Path) -> None:
    for name in ("b.csv", "a.json"):
        (tmp_path / name).write_text(name * 100)
    files = [tmp_path / "b.csv", tmp_path / "a.json"]
    pack(files, tmp_path / "one.zip")
    (tmp_path / "a.json").touch()
    pack(files[::-1], tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO((tmp_path / "one.zip").read_bytes())) as archive:
        assert archive.namelist() == ["a.json", "b.csv"] and archive.read("b.csv") == b"b.csv" * 100
