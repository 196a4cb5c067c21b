"""Audits that are kept, and what they found that may be owed back: an audit never takes away what people decided."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from features.errors import BadData, NotFound
from features.tables import REMIT_LINES
from serving.findings.clock import OVERPAYMENT_COLUMNS
from serving.store import audits, remit_lines, writeoffs
from serving.store.store import Store
from tests.serving.store.rows import stored_writeoff
from tests.serving.worklist.queues import NOW

WHO = "person:ana"


def entry(number: str, **said: str) -> dict[str, list[str | None]]:
    row = {"overpayment_id": number, "rule": "overpaid", "amount": "12.50", "evidence": "paid twice", "detected_on": "2026-03-01"} | said
    return {name: [row.get(name) or None] for name in OVERPAYMENT_COLUMNS}


def keep(store: Store, as_of: str, owed: dict[str, list[str | None]] | None = None, **said: Any) -> None:
    with store.write() as unit:
        audits.keep(unit, "default", {"as_of": as_of, **said}, owed or entry("a"), at=NOW, by=WHO)


def test_the_latest_audit_is_read_and_one_of_the_same_morning_takes_its_place(store: Store) -> None:
    keep(store, "2026-03-01", total=1)
    keep(store, "2026-04-01", total=2)
    keep(store, "2026-04-01", total=3)
    with store.read() as unit:
        latest, before = audits.latest(unit, "default"), audits.latest(unit, "default", before=date(2026, 4, 1))
        assert audits.latest(unit, "other") is None
    assert latest is not None and before is not None
    assert (latest.document["total"], latest.by, before.document["total"]) == (3, WHO, 1)


def test_what_people_decided_outlives_the_next_audit_and_so_does_an_entry_it_no_longer_finds(store: Store) -> None:
    keep(store, "2026-03-01")
    with store.write() as unit:
        audits.decide(unit, "default", "a", started=date(2026, 3, 2), identified=date(2026, 3, 5), by=WHO)
    keep(store, "2026-04-01", entry("a", amount="20.00", detected_on="2026-04-01"))
    keep(store, "2026-05-01", entry("b", amount=""))
    with store.read() as unit:
        first, second = audits.owed_of(unit, "default")
    assert (first.overpayment_id, first.amount, first.detected_on, first.found_on) == ("a", 2_000, date(2026, 3, 1), date(2026, 4, 1))
    assert (first.investigation_started_on, first.identified_on, first.decided_by) == (date(2026, 3, 2), date(2026, 3, 5), WHO)
    assert (second.overpayment_id, second.amount, second.identified_on) == ("b", None, None)


def test_nothing_is_decided_of_what_is_not_there_or_known_before_it_was_looked_into(store: Store) -> None:
    keep(store, "2026-03-01")
    with pytest.raises(NotFound), store.write() as unit:
        audits.decide(unit, "other", "a", started=None, identified=date(2026, 3, 5), by=WHO)
    with pytest.raises(BadData, match="on or after"), store.write() as unit:
        audits.decide(unit, "default", "a", started=date(2026, 3, 6), identified=date(2026, 3, 5), by=WHO)


def test_nothing_is_owed_back_before_the_remittance_that_paid_it(store: Store) -> None:
    keep(store, "2026-03-01", entry("a", claim_id="C1"))
    keep(store, "2026-03-01", entry("b", writeoff_id="W2"))
    keep(store, "2026-03-01", entry("c", claim_id="C3"))
    line = dict.fromkeys(REMIT_LINES.names) | {"remit_id": "R1", "payer_id": "AETNA", "claim_id": "C1", "remit_date": date(2024, 8, 9)}
    with store.write() as unit:
        remit_lines.keep(unit, "default", [line, line | {"remit_id": "R2", "remit_date": date(2024, 9, 1)}])
        # The same claim number of somebody else says nothing.
        remit_lines.keep(unit, "other", [line | {"remit_date": date(2026, 1, 1), "claim_id": "C3"}])
        writeoffs.keep(unit, [stored_writeoff("W2", remit_date=date(2024, 8, 9))])
        for number in ("a", "b"):
            with pytest.raises(BadData, match="identified on or after the day of its remittance, 2024-08-09; 2020-01-01 came"):
                audits.decide(unit, "default", number, started=None, identified=date(2020, 1, 1), by=WHO)
            with pytest.raises(BadData, match="investigation .* on or after the day of its remittance, 2024-08-09; 2024-08-08 came"):
                audits.decide(unit, "default", number, started=date(2024, 8, 8), identified=date(2024, 8, 9), by=WHO)
            found = audits.decide(unit, "default", number, started=date(2024, 8, 9), identified=date(2024, 8, 9), by=WHO)
            assert found.identified_on == date(2024, 8, 9)
        assert audits.decide(unit, "default", "c", started=None, identified=date(2020, 1, 1), by=WHO).decided_by == WHO
