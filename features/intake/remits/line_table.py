"""`remit_lines` from a table: what an 835 says, brought as a file by a practice that has no 835.

The rows become the records that an 835 becomes, so netting, candidates, the join onto a ledger and outcomes are the same code. A table
says less than an 835: no control numbers, filing indicator, revenue codes or provider adjustments; what it does not say stays blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeAlias

from features.errors import RecoupError
from features.intake.header import Header
from features.intake.mapping import Mapping as Words
from features.intake.rejects import Reject
from features.intake.remits.balance import is_balanced
from features.intake.remits.candidates import LONGEST_CELL
from features.intake.remits.records import Adjustment, Claim, ServiceLine, Transaction
from features.intake.sources import open_source
from features.intake.table_file import read_table
from features.intake.written import as_text
from features.money import parse_cents
from features.tables import REMIT_LINES
from features.vocabulary import Vocabulary

ENDINGS = (".csv", ".csv.gz", ".parquet")

_Row: TypeAlias = Mapping[str, str]
"""One row as text, blank where null; `row` is its number in the file."""


class LineTable(NamedTuple):
    """A table as remittances, in the order in which the table names them first, and the rows that were refused."""

    remits: list[Transaction]
    rejects: list[Reject]


def is_line_table(path: Path, mapping: Words | None = None) -> bool:
    """Whether a file is a table with the columns that `remit_lines` must have; an 835 may have any ending.

    >>> is_line_table(Path("nowhere.csv")), is_line_table(Path("a.835"))
    (False, False)
    """
    if not path.name.lower().endswith(ENDINGS):
        return False
    header = Header(REMIT_LINES, mapping)
    try:
        source = open_source(path)
    except RecoupError:
        return False
    try:
        found = {header.find(name) for name in source.header}
    finally:
        source.close()
    return {column.name for column in REMIT_LINES.columns if not column.nullable} | {"claim_id"} <= found


def read_line_table(path: Path, *, mapping: Words | None = None, latest: int | None = None) -> LineTable:
    """Return the remittances of a `remit_lines` table.

    A claim of a remittance is what has one claim number, payer's number and status; a line that comes a second time under the same
    group and code begins the claim again. Rows without a line number are of the claim as a whole, unless they name a procedure.

    Parameters
    ----------
    path, mapping, latest
        As `features.intake.table_file.read_table` takes them.

    Raises
    ------
    BadData
        When the table cannot be read, or too many of its rows are refused.
    """
    read = read_table(path, REMIT_LINES, vocabulary=Vocabulary(), mapping=mapping, latest=latest)
    columns = as_text(read.batch)
    remits: dict[tuple[str, ...], list[_Row]] = {}
    for place, number in enumerate(read.row_numbers.tolist()):
        row = dict.fromkeys(REMIT_LINES.names, "") | {name: values[place] for name, values in columns.items()} | {"row": str(number)}
        key = row["file"], row["payer_id"], row["remit_id"], row["remit_date"] or row["known_date"]
        remits.setdefault(key, []).append(row)
    return LineTable([_remit(path.name[-LONGEST_CELL:], rows) for rows in remits.values()], read.rejects)


def _remit(table: str, rows: list[_Row]) -> Transaction:
    first = rows[0]
    day = first["remit_date"] or first["known_date"]
    known = max(row["known_date"] or day for row in rows)
    claims = tuple(_claim(rows_of_claim) for rows_of_claim in _by_claim(rows))
    return Transaction(
        file=first["file"] or table,
        segment=_place(first),
        version="",
        payer_id=first["payer_id"],
        payer_name="",
        provider="",
        trace=first["remit_id"],
        payment=None,
        remit_date=day,
        known_date=known,
        sent_date=day,
        # A table has no control numbers: remits of one day stand in the order of its rows.
        control=("", "", "", "", "", f"{int(first['row']):012d}"),
        claims=claims,
        provider_adjustments=(),
        is_balanced=True,
    )


def _by_claim(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Give the rows of each claim, in the order in which the claims come first."""
    open_claims: dict[tuple[str, ...], tuple[list[_Row], set[tuple[str, ...]]]] = {}
    for turn, row in enumerate(rows):
        key = row["claim_id"], row["payer_claim_number"], row["claim_status"], row["is_reversal"]
        said = row["line_number"], row["procedure_code"], row["modifiers"], row["service_date"], row["group_code"], row["carc"]
        known = open_claims.get(key)
        if known is not None and said in known[1]:
            # Said again: the same claim a second time.
            open_claims[(*key, str(turn))] = open_claims.pop(key)
            known = None
        members, seen = known or open_claims.setdefault(key, ([], set()))
        members.append(row)
        seen.add(said)
    yield from sorted((members for members, _ in open_claims.values()), key=lambda members: int(members[0]["row"]))


def _claim(rows: list[_Row]) -> Claim:
    first = rows[0]
    whole = [row for row in rows if not row["line_number"] and not row["procedure_code"]]
    of_line: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        if row["line_number"] or row["procedure_code"]:
            key = row["line_number"], row["procedure_code"], row["modifiers"], row["service_date"]
            of_line.setdefault(key, []).append(row)
    lines = tuple(_line(rows_of_line, number) for rows_of_line, number in zip(of_line.values(), count(1), strict=False))
    adjustments = _adjustments(whole)
    if whole:
        charge, paid, patient, allowed = (_first_cents(whole, name) for name in _AMOUNTS)
    else:
        charge, paid = _sum([line.charge for line in lines]), _sum([line.paid for line in lines])
        patient = allowed = None
    is_reversal = first["is_reversal"] == "true"
    return Claim(
        claim_id=first["claim_id"],
        status="22" if is_reversal else first["claim_status"] or first["payer_sequence"],
        charge=charge,
        paid=paid,
        patient=patient,
        filing="",
        icn=first["payer_claim_number"],
        facility="",
        frequency="",
        drg="",
        original_icn="",
        service_from=next((row["service_date"] for row in rows if row["service_date"]), ""),
        service_to="",
        received="",
        allowed=allowed,
        provider="",
        is_institutional=False,
        adjustments=adjustments,
        rarcs=_remarks(whole),
        lines=lines,
        fault="" if first["claim_id"] or first["payer_claim_number"] else "claim_unidentified",
        fault_segment=int(first["row"]),
        segment=_place(first),
        is_ghost=False,
        is_complete=True,
        is_balanced=_balances(charge, [*adjustments, *_of_lines(lines)], paid),
    )


_AMOUNTS = ("billed_amount", "paid_amount", "patient_responsibility_amount", "allowed_amount")


def _line(rows: list[_Row], number: int) -> ServiceLine:
    first = rows[0]
    charge, paid, _, allowed = (_first_cents(rows, name) for name in _AMOUNTS)
    adjustments = _adjustments(rows)
    return ServiceLine(
        number=number,
        qualifier="",
        procedure=first["procedure_code"],
        modifiers=tuple(first["modifiers"].split()),
        original_procedure="",
        charge=charge,
        paid=paid,
        revenue_code="",
        units=next((row["units"] for row in rows if row["units"]), ""),
        service_from=first["service_date"],
        service_to="",
        control_number=first["line_number"],
        allowed=allowed,
        adjustments=adjustments,
        rarcs=_remarks(rows),
        segment=_place(first),
        is_balanced=all(row["balanced"] != "false" for row in rows) and _balances(charge, adjustments, paid),
    )


def _adjustments(rows: Iterable[_Row]) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(row["group_code"] or "OTHER", row["carc"], parse_cents(row["amount"]), row["quantity"], 1, _place(row))
        for row in rows
        if row["amount"]
    )


def _of_lines(lines: Iterable[ServiceLine]) -> list[Adjustment]:
    return [one for line in lines for one in line.adjustments]


def _balances(charge: int | None, adjustments: Iterable[Adjustment], paid: int | None) -> bool:
    """Whether the amounts balance; where the table leaves charge or payment out, nothing is shown to be wrong."""
    return charge is None or paid is None or is_balanced(charge, [one.cents for one in adjustments], paid)


def _remarks(rows: Iterable[_Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for row in rows for code in row["rarcs"].split()))


def _first_cents(rows: Iterable[_Row], name: str) -> int | None:
    return next((parse_cents(row[name]) for row in rows if row[name]), None)


def _sum(amounts: list[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known and len(known) == len(amounts) else None


def _place(row: _Row) -> int:
    """The segment of the 835 that the row came from, else the row of the table."""
    return int(row["segment"] or row["row"])
