"""Ids of postings for an export that has none: made of other columns of the row, as the mapping says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import Misconfigured
from features.intake.header import Header
from features.intake.mapping import Mapping
from features.intake.source import Block, Source
from features.tables import Table

MADE = "writeoff_id"

_UNFIT = r"[/\\\s]+"
"""What an id is better without: it stands in addresses and file names."""


def with_made_ids(source: Source, table: Table, mapping: Mapping | None) -> Source:
    """Return the source, with a column `writeoff_id` more where the mapping makes one and the file has none.

    Raises
    ------
    Misconfigured
        When a column that the id is made of is not there.

    Examples
    --------
    >>> import io
    >>> from features.intake.mapping import parse
    >>> from features.intake.csv_source import CsvSource
    >>> from features.tables import WRITEOFFS
    >>> source = CsvSource("export", io.BytesIO(b"Voucher,Line,Posted\\nV7,1,06/01/2026\\nV7,,06/01/2026\\n"))
    >>> made = with_made_ids(source, WRITEOFFS, parse('writeoff_id = ["Voucher", "Line", "Posted"]'))
    >>> [(rows, columns[3].to_pylist()) for rows, columns in made.blocks([3])]
    [(2, ['V7-1-06-01-2026', 'V7--06-01-2026'])]
    """
    if mapping is None or not mapping.writeoff_id or MADE not in table.names:
        return source
    header = Header(table, mapping)
    if any(header.find(name) == MADE for name in source.header):
        return source
    places = {name.strip().lower(): place for place, name in enumerate(source.header)}
    missing = [name for name in mapping.writeoff_id if name.strip().lower() not in places]
    if missing:
        raise Misconfigured(
            f"{source.name}: the mapping makes writeoff_id of {', '.join(mapping.writeoff_id)}; the file has no {', '.join(missing)}"
        )
    return _WithIds(source, [places[name.strip().lower()] for name in mapping.writeoff_id])


class _WithIds:
    """Another source with a column more; see `Source`."""

    def __init__(self, source: Source, parts: Sequence[int]) -> None:
        self.name, self.first_row, self.is_text = source.name, source.first_row, source.is_text
        self.header = [*source.header, MADE]
        # The source's own lists, which it fills as it reads.
        self.broken, self.blank = source.broken, source.blank
        self._source, self._parts, self._place = source, parts, len(source.header)

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def stretches(self, rows: int) -> Iterable[Source] | None:
        """Return those of the other source, with the column."""
        found = self._source.stretches(rows)
        return None if found is None else (_WithIds(stretch, self._parts) for stretch in found)

    def blocks(self, wanted: Sequence[int], coded: Collection[int] = ()) -> Iterator[Block]:
        """Yield the rows; once."""
        inner = sorted({*wanted, *self._parts} - {self._place})
        for rows, columns in self._source.blocks(inner, [place for place in coded if place not in self._parts]):
            kept = {place: columns[place] for place in wanted if place in columns}
            yield rows, kept | {self._place: _joined([columns[place] for place in self._parts if place in columns], rows)}


def _joined(parts: Sequence[pa.Array], rows: int) -> pa.Array:
    """Return the texts of each row with a dash between; null where all are."""
    if not parts:
        return pa.nulls(rows, pa.string())
    texts = [pc.utf8_trim_whitespace(part.cast(pa.string()).fill_null("")) for part in parts]
    made = pc.replace_substring_regex(pc.binary_join_element_wise(*texts, "-"), pattern=_UNFIT, replacement="-")
    is_blank = pc.equal(pc.binary_join_element_wise(*texts, ""), "")
    return pc.if_else(is_blank, pa.scalar(None, pa.string()), made)
