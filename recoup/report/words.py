"""Names of columns and codes as a report writes them."""

from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "payer_id": "payer",
    "procedure_code": "procedure",
    "facility_id": "facility",
    "provider_id": "provider",
    "posted_by": "poster",
    "carc": "reason",
}


def plain(name: str) -> str:
    """Write a name of ours in words.

    >>> plain("medical_necessity")
    'medical necessity'
    """
    return name.replace("_", " ")


def named(cell: Mapping[str, str | None]) -> str:
    """Write a cell of the prevention tables.

    >>> named({"payer_id": "P1", "facility_id": "F2"})
    'payer P1, facility F2'
    """
    return ", ".join(f"{NAMES.get(key, plain(key))} {value}" for key, value in cell.items())
