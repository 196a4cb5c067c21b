"""What looks as if files were misread or missing is said before anything else, and nobody is accused for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from features.intake.remits.import_ import import_remits
from models.scorer import Scorer
from serving.findings.remits import Remits
from serving.findings.report import report
from tests.features.intake.remits.writer import Claim, Line, Remit, encode
from tests.spec.writeoffs import day, writeoffs

LINE = Line(10_000, (("CO", "45", 4_000),), day="20260401", control="1")
KNOWN = {"payer_id": "ACME", "writeoff_date": "2026-05-20", "remit_date": "2026-05-15", "line_number": 1, "group_code": "CO", "carc": "45"}


def told(folder: Path, remit: Remit, rows: Sequence[Mapping[str, object]], damage: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """Return the document of an audit of a remittance, in which one text was put in the place of another, and a ledger."""
    (folder / "a.835").write_bytes(
        encode(remit.segments()).replace(damage[0].encode(), damage[1].encode()) if damage[0] else encode(remit.segments())
    )
    found = import_remits([folder], today=date(2026, 7, 1))
    scorer = Scorer.prior()
    ledger = writeoffs(*({**KNOWN, **row} for row in rows), vocabulary=scorer.vocabulary.overlay())
    return report(ledger, scorer=scorer, as_of=day("2026-07-01"), remits=Remits(found.remits, found.chains, found.issues)).document


def of_claims(*names: str, plb: tuple[tuple[str, int], ...] = ()) -> Remit:
    return Remit(tuple(Claim((LINE,), name=name, icn=f"I{name}") for name in names), day="20260515", payer="ACME", trace="T1", plb=plb)


def test_a_claim_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    found = told(tmp_path, of_claims("C1", "C2"), [{"claim_id": "C2", "writeoff_amount": "40"}], ("CLP*C1*1*100", "CLP*C1*1*1e2"))
    [issue] = [one for one in found["remit_issues"] if one["code"] == "amount_invalid"]
    assert (issue["severity"], issue["count"], issue["file"]) == ("error", 1, "a.835") and issue["segment"]
    assert any("kept parts of the remittances from being read" in words for words in found["warnings"])
    assert not any(
        "kept parts" in words for words in told(tmp_path, of_claims("C1"), [{"claim_id": "C1", "writeoff_amount": "40"}])["warnings"]
    )


@pytest.mark.parametrize(("hands_in", "accused"), [(2, 0), (18, 2)])
def test_where_most_remittances_are_missing_no_posting_is_accused_of_having_none(tmp_path: Path, hands_in: int, accused: int) -> None:
    """Of twenty postings in the time of the payer's remittances so many are on one: the others are findings, or files are missing."""
    names = [f"C{i}" for i in range(20)]
    found = told(tmp_path, of_claims(*names[:hands_in]), [{"claim_id": name, "writeoff_amount": "40"} for name in names])
    [rule] = [one for one in found["rules"] if one["rule"] == "missing_remit_support"]
    assert rule["findings"] == accused
    assert any("of 20 postings in the time of the remittances of ACME only 2 are on one" in one for one in found["warnings"]) == (
        not accused
    )


def test_money_held_back_of_a_claim_that_nobody_knows_is_told(tmp_path: Path) -> None:
    found = told(tmp_path, of_claims("C1", plb=(("WO:ELSEWHERE", 2_500),)), [{"claim_id": "C1", "writeoff_amount": "40"}])
    assert any("held $25.00 back in 1 entry (PLB)" in words for words in found["warnings"])
