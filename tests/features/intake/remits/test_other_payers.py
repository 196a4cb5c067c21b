"""What another payer pays later on what the first one's claim was written off for."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from features.intake.remits import import_remits
from features.intake.remits.events import Outcomes
from tests.features.intake.remits.answers import outcomes_of
from tests.features.intake.remits.reading import TODAY
from tests.features.intake.remits.writer import Claim, Line, Remit, Triplet, encode


def _said(month: int, *adjustments: Triplet, payer: str = "60054", icn: str = "ICN1", status: str = "1", reverse: bool = False) -> Remit:
    claim = Claim((Line(20000, adjustments),), icn=icn, status=status)
    return Remit((claim.reversed() if reverse else claim,), f"2024{month:02d}05", f"T{month}", payer, month)


def _second(month: int, *adjustments: Triplet, reverse: bool = False) -> Remit:
    return _said(month, *adjustments, payer="87726", icn="OTHER9", status="2", reverse=reverse)


REFUSED = _said(1, ("CO", "22", 20000))
PAID_MOST = _second(4, ("CO", "45", 5000), ("PR", "2", 3000))
SHARE = _said(1, ("CO", "45", 8000), ("PR", "1", 4000))


def _told(found: Outcomes) -> list[tuple[str, str, str, int, int]]:
    return [(one.resolved_date[5:7], one.action, one.status, one.recovered, one.taken_back) for one in found.events]


def _with_ledger(folder: Path, remits: tuple[Remit, ...], **columns: str) -> list[tuple[str, str, int]]:
    row = {
        "writeoff_id": "W1", "writeoff_date": "2024-02-01", "payer_id": "60054", "claim_id": "ACCT1", "procedure_code": "99213",
        "service_date": "2023-12-01", "writeoff_amount": "40.00",
    } | columns  # fmt: skip
    with (folder / "ledger.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    inbox = folder / "remits"
    inbox.mkdir()
    for i, remit in enumerate(remits):
        (inbox / f"{i}.835").write_bytes(encode(remit.segments()))
    found = import_remits([inbox], ledger=folder / "ledger.csv", today=TODAY).outcomes()
    return [(one.writeoff.writeoff_id, one.status, one.recovered) for one in found.events]


def test_a_refusal_for_the_order_of_payers_is_made_good_by_the_right_one() -> None:
    assert _told(outcomes_of(REFUSED, PAID_MOST)) == [("04", "rebill_other_payer", "recovered", 12000, 0)]


@pytest.mark.parametrize("carc", ["109", "27", "31", "129"])
def test_so_is_a_refusal_for_coverage(carc: str) -> None:
    assert [one.recovered for one in outcomes_of(_said(1, ("CO", carc, 20000)), PAID_MOST).events] == [12000]


@pytest.mark.parametrize("reason", [("CO", "50"), ("CO", "97"), ("CO", "45"), ("OA", "23"), ("PR", "1")])
def test_what_the_first_payer_refused_for_itself_is_not(reason: tuple[str, str]) -> None:
    assert outcomes_of(_said(1, (*reason, 20000)), PAID_MOST).events == []


def test_it_is_known_from_the_day_of_the_second_remit() -> None:
    assert outcomes_of(REFUSED, PAID_MOST, as_of="2024-04-05").events == []
    assert len(outcomes_of(REFUSED, PAID_MOST, as_of="2024-04-06").events) == 1


def test_what_the_second_payer_takes_again_is_taken_of_what_came() -> None:
    taken = _second(6, ("CO", "45", 5000), ("PR", "2", 3000), reverse=True)
    less = _second(6, ("CO", "45", 5000), ("PR", "2", 9000))
    assert _told(outcomes_of(REFUSED, PAID_MOST, taken)) == [("04", "rebill_other_payer", "recovered", 12000, 12000)]
    # What the second payer refuses of its own price besides is on its own adjustments.
    first = [one for one in _told(outcomes_of(REFUSED, PAID_MOST, taken, less)) if one[3]]
    assert first == [("04", "rebill_other_payer", "recovered", 12000, 6000)]


def test_files_twice_and_in_another_order_say_the_same() -> None:
    assert _told(outcomes_of(PAID_MOST, REFUSED, PAID_MOST)) == _told(outcomes_of(REFUSED, PAID_MOST))


@pytest.mark.parametrize(
    "change", [{"name": "ACCT2"}, {"lines": (Line(20000, procedure="HC:99215"),)}, {"lines": (Line(20000, day="20231205"),)}]
)
def test_another_claim_service_or_day_is_nothing_of_it(change: dict[str, object]) -> None:
    other = replace(PAID_MOST, claims=(replace(PAID_MOST.claims[0], **change),))  # type: ignore[arg-type]
    assert outcomes_of(REFUSED, other).events == []


def test_a_share_that_was_written_off_is_paid_by_the_next_payer(tmp_path: Path) -> None:
    paid = _second(4, ("OA", "23", 16000))
    assert _with_ledger(tmp_path, (SHARE, paid), group_code="PR", carc="1") == [("W1", "recovered", 4000)]


def test_a_share_under_the_practices_own_code_is_found_by_its_amount(tmp_path: Path) -> None:
    paid = _second(4, ("OA", "23", 16000), ("PR", "2", 1500))
    assert _with_ledger(tmp_path, (SHARE, paid), adjustment_code="BADDEBT") == [("W1", "partially_recovered", 2500)]


def test_a_share_that_nobody_wrote_off_is_the_usual_course(tmp_path: Path) -> None:
    paid = _second(4, ("OA", "23", 16000))
    assert _with_ledger(tmp_path, (SHARE, paid), group_code="CO", carc="45", writeoff_amount="80.00") == []


def test_a_write_off_after_the_second_payers_remit_is_not_answered_by_it(tmp_path: Path) -> None:
    paid = _second(4, ("OA", "23", 16000), ("PR", "2", 1500))
    assert _with_ledger(tmp_path, (SHARE, paid), group_code="PR", carc="1", writeoff_date="2024-05-01") == []
