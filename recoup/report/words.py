"""Names of columns and codes as a report writes them."""

from __future__ import annotations

from collections.abc import Mapping

from serving.citation import sources
from serving.findings.figures import FIGURES

NAMES: Mapping[str, str] = {
    "payer_id": "payer",
    "procedure_code": "procedure",
    "facility_id": "facility",
    "provider_id": "provider",
    "posted_by": "poster",
    "carc": "reason",
}


SAID: Mapping[str, str] = {
    "cob": "who pays first",
    "bcbs": "Blue Cross Blue Shield",
    "tricare": "TRICARE",
    "cob_update": "settle who pays first",
    "none": "no usual remedy, look at each",
    "non_covered": "not covered",
    "benefit_max": "benefit used up",
    "unknown": "reason not known",
    **{name: figure.name for name, figure in FIGURES.items()},
}
"""Names that their own words do not explain."""


def plain(name: str) -> str:
    """Write a name of ours in words.

    >>> plain("medical_necessity"), plain("cob")
    ('medical necessity', 'who pays first')
    """
    return SAID.get(name, name.replace("_", " "))


def titled(name: str) -> str:
    """Write a name of ours as the head of a row.

    >>> titled("payer_type"), titled("cob"), titled("bcbs")
    ('Payer type', 'Who pays first', 'Blue Cross Blue Shield')
    """
    words = plain(name)
    return words[:1].upper() + words[1:]


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop.

    >>> sentence("no outcome was seen"), sentence("Why?")
    ('No outcome was seen.', 'Why?')
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def authority(citation: str) -> str:
    """Return by what a rule stands: the sources of its citation, else what is done everywhere.

    >>> authority("DOMAIN 3; 42 CFR 413.89(e) for Medicare bad debt"), authority("DOMAIN 0.1")
    ('42 CFR 413.89(e) for Medicare bad debt', 'practice of the trade')
    """
    return sources(citation) or "practice of the trade"


def named(cell: Mapping[str, str | None]) -> str:
    """Write a cell of the prevention tables.

    >>> named({"payer_id": "P1", "facility_id": "F2"})
    'payer P1, facility F2'
    """
    return ", ".join(f"{NAMES.get(key, plain(key))} {value}" for key, value in cell.items())
