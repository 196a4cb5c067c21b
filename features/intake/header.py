"""The columns of a file or request: which are ours, which are the user's own, which are unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from features.errors import BadData, ColumnsMissing
from features.intake.mapping import Mapping
from features.tables import Table


class Header:
    """Finds the column of a table that a name stands for.

    Names are trimmed and compared without case; a mapping's names come first.

    Parameters
    ----------
    table
        Whose columns are looked for.
    mapping
        The practice's own names.

    Examples
    --------
    >>> from features.tables import OUTCOMES
    >>> header = Header(OUTCOMES, Mapping(columns={"Result": "status"}))
    >>> header.find(" WriteOff_ID"), header.find("Result"), header.find("x_reason"), header.find("colour")
    ('writeoff_id', 'status', 'x_reason', None)
    """

    def __init__(self, table: Table, mapping: Mapping | None) -> None:
        self._names = {name: name for name in table.names}
        ours = set(table.names)
        # A column that the mapping gives to another table is none of this one.
        self._mapped = {
            theirs.strip().lower(): (name if name in ours or name.startswith("x_") else None)
            for theirs, name in (mapping.columns if mapping else {}).items()
        }

    def find(self, name: str) -> str | None:
        """Return our name, an `x_` name as it stands, or None."""
        name = name.strip()
        lower = name.lower()
        if lower in self._mapped:
            return self._mapped[lower]
        if lower.startswith("x_") and len(lower) > 2:
            return "x_" + name[2:]
        return self._names.get(lower)


_VALUE = re.compile(
    r"[^\w]*[0-9][0-9.,/:TZ+ -]*([AaPp][Mm])?[^\w]*"  # 12.50, 2024-01-05 00:00:00, 1/5/24 12:00 AM
    r"|(.*[^0-9])?[0-9]{1,2}[^0-9](.*[^0-9])?(19|20)[0-9]{2}([^0-9].*)?",  # Jan 5, 2024; 05-Jan-2024
    re.DOTALL,
)
"""A number, an amount or a date, which names no column."""
_LONGEST = 60
"""So much of a name is looked at, and told."""


def resolve(source: str, table: Table, names: Sequence[str], mapping: Mapping | None) -> tuple[dict[str, int], list[str]]:
    """Return where each of our columns stands in a file, and the names that are unknown.

    Raises
    ------
    ColumnsMissing
        When a required column is not there.
    BadData
        When two columns are the same one.
    """
    header = Header(table, mapping)
    places: dict[str, int] = {}
    unknown: list[str] = []
    for place, name in enumerate(names):
        ours = header.find(name)
        if ours is None:
            unknown.append(name)
        elif ours in places:
            raise BadData(f"{source}: columns {names[places[ours]]!r} and {name!r} are both {ours}; rename or drop one")
        else:
            places[ours] = place
    missing = [column.name for column in table.columns if not column.nullable and column.name not in places]
    if missing and any(_VALUE.fullmatch(name[:_LONGEST]) for name in names):
        # They may be a patient's.
        raise ColumnsMissing(source, table.name, missing, ["values where names should be: the first row must name the columns"])
    if missing:
        raise ColumnsMissing(source, table.name, missing, [name[:_LONGEST] for name in names[:100] if name.strip()])
    return places, unknown
