"""A practice in one file: a ZIP of its tables and remittances, unpacked under names of our own, and what was made of it packed again."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from features.errors import BadData

TABLES = (
    "writeoffs", "outcomes", "contract_rates", "payer_rules", "writeoff_policies", "reference_fees", "citations", "process_changes",
)  # fmt: skip
"""Tables that an archive may hold, by the name of the file without its ending: as `recoup sample` names them."""

ENDINGS = (".csv", ".csv.gz", ".parquet")
REMITS, PLAIN = "remits", re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MOST_MEMBERS = 20_000
MOST_UNPACKED = 2 * 1024**3
BLOCK = 1 << 20
_UNMOVED = (1980, 1, 1, 0, 0, 0)
"""The time that every packed file bears, so that equal results are equal bytes."""


@dataclass(frozen=True, slots=True)
class Practice:
    """The files of a practice.

    Parameters
    ----------
    tables
        Files of tables by the names of `TABLES`.
    remits
        835 files.
    """

    tables: dict[str, Path]
    remits: tuple[Path, ...]


def unpack(archive: Path, folder: Path, *, most_bytes: int = MOST_UNPACKED, most_members: int = MOST_MEMBERS) -> Practice:
    """Unpack an archive into an empty folder.

    What a member is called decides what it is: `writeoffs.csv` and its like are tables; whatever stands in a folder `remits`, or ends in
    `.835`, is a remittance. Folders around them do not matter. No member says where it is written to.

    Raises
    ------
    BadData
        When it is no ZIP, is torn, encrypted or too large, names a table twice, or holds a file that is neither.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if len(members) > most_members:
                raise BadData(f"the archive holds {len(members):,} files, more than {most_members:,}; send parts of it")
            found, left = Practice({}, ()), most_bytes
            for number, member in enumerate(members):
                found, place = _placed(found, member, folder, number)
                left -= _write(packed, member, place, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError) as error:
        raise BadData("the archive is torn, or packed in a way that is not read here; plain ZIP is") from error
    return found


def _placed(found: Practice, member: zipfile.ZipInfo, folder: Path, number: int) -> tuple[Practice, Path]:
    """Return the practice with a member in it, and where that is written."""
    if member.flag_bits & 0x1:
        raise BadData("the archive is encrypted; send it without a password")
    path = PurePosixPath(member.filename.replace("\\", "/"))
    for ending in ENDINGS:
        name = path.name.removesuffix(ending)
        if name in TABLES and path.name == name + ending:
            if name in found.tables:
                raise BadData(f"the archive holds two tables of {name}")
            place = folder / path.name
            return replace(found, tables=found.tables | {name: place}), place
    if REMITS in path.parts[:-1] or path.name.endswith(".835"):
        # Its name is how findings say where they stand; one that is strange or was there before gets a number instead.
        place = folder / REMITS / path.name
        if PLAIN.fullmatch(path.name) is None or place in found.remits:
            place = folder / REMITS / f"file-{number + 1}.835"
        return replace(found, remits=(*found.remits, place)), place
    raise BadData(
        f"file {number + 1} of the archive is neither a table nor a remittance; tables are called {', '.join(TABLES)} "
        f"({', '.join(ENDINGS)}), remittances stand in a folder `{REMITS}` or end in .835"
    )


def _write(packed: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path, left: int) -> int:
    """Write a member and return its size; what it says of its own size is not believed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with packed.open(member) as source, place.open("xb") as target:
        while block := source.read(BLOCK):
            size += len(block)
            if size > left:
                raise BadData(f"the archive unpacks to more than {MOST_UNPACKED >> 20:,} MB; send parts of it")
            target.write(block)
    return size


def pack(files: Iterable[Path], place: Path) -> None:
    """Pack files side by side; equal files give equal bytes."""
    with zipfile.ZipFile(place, "x", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(files):
            member = zipfile.ZipInfo(path.name, _UNMOVED)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            with path.open("rb") as source, packed.open(member, "w", force_zip64=True) as target:
                while block := source.read(BLOCK):
                    target.write(block)
