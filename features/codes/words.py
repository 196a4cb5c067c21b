"""The coded columns of one write-off, and what the tables hold of the codes in them."""

from __future__ import annotations

import re
from typing import NamedTuple

from features.codes.adjustment import split_group
from features.codes.tables import Carc, Codes, Rarc
from features.tables import PAYER_TYPES

_RARC_FORM = re.compile(r"(MA|M|N)\d{1,4}")


class Words(NamedTuple):
    """The coded columns that decide a meaning; None is null."""

    group_code: str | None = None
    carc: str | None = None
    rarcs: str | None = None
    payer_type: str | None = None
    claim_type: str | None = None
    filing_indicator: str | None = None
    claim_status: str | None = None
    posting_kind: str | None = None
    adjustment_code: str | None = None
    account_status: str | None = None

    @property
    def is_moved(self) -> bool:
        """Whether a balance was only carried to another account or system: if it was written off, another posting did that."""
        return self.posting_kind in ("transfer", "conversion")


class Read(NamedTuple):
    """The words of a row, looked up."""

    group: str | None
    carc: Carc | None
    remarks: tuple[Rarc, ...]
    payer_type: str | None
    claim_type: str | None

    def has(self, *codes: str) -> bool:
        """Return whether one of these remarks is among its own."""
        return any(remark.code in codes for remark in self.remarks)

    def is_late_in_medicare(self, family: str) -> bool:
        """Whether Medicare refuses a claim as late: no initial determination (42 CFR 405.926(n)); it may except the claim (424.44(b))."""
        return family == "timely_filing" and self.payer_type == "medicare"


def read_words(words: Words, codes: Codes) -> Read:
    """Find the codes; what is written in the wrong column or with its group is put where it belongs."""
    group, code = split_group(words.group_code, words.carc, codes)
    if code is None:
        group, code = split_group(group, words.adjustment_code, codes, must_have_group=True)
    remarks = (words.rarcs or "").upper().split()
    if code is not None and code not in codes.carcs and _RARC_FORM.fullmatch(code):
        remarks.insert(0, code)
    carc = codes.carcs.get(code) if code is not None else None
    return Read(
        group=group if group in codes.groups else None,
        carc=carc,
        remarks=tuple(codes.rarcs[remark] for remark in remarks if remark in codes.rarcs),
        payer_type=words.payer_type if words.payer_type in PAYER_TYPES else None,
        claim_type=_form(words),
    )


def _form(words: Words) -> str | None:
    """Return the form of the claim; Medicare's two parts name themselves in CLP06."""
    return words.claim_type or {"MA": "institutional", "MB": "professional"}.get(words.filing_indicator or "")
