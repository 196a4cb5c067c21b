"""Reports of sums, as an audit left them; dollars."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Self

from serving.store.audits import Kept
from serving.wire.fields import Told


class WireStep(Told):
    """A step of the bridge from what was written off to what can still come; `words` say what it takes off."""

    step: str
    words: str
    dollars: float
    writeoffs: int


class WireGroup(Told):
    """What is open of one payer, family or remedy; the band holds what comes nine times in ten."""

    group: str
    writeoffs: int
    gross: float
    expected: float
    low: float
    high: float
    net: float


class WireExpiring(Told):
    """What expires within so many days if nobody acts; null: what has expired untouched."""

    within_days: int | None
    writeoffs: int
    gross: float
    expected: float
    of_it_by_rule_or_law: float


class OpportunityTold(Told):
    """What may still be collected, by the latest audit that was kept.

    `inputs` counts what the audit read; `tie_out`, `staffing`, `lags` and `realised` are as in the audit's own document.
    """

    as_of: date
    model_version: str
    is_ledger: bool
    made_at: datetime
    inputs: dict[str, Any]
    steps: list[WireStep]
    expected_band: tuple[float, float]
    net_band: tuple[float, float]
    hours: float
    rows_without_amount: int
    basis: str
    by_payer: list[WireGroup]
    by_family: list[WireGroup]
    by_remedy: list[WireGroup]
    expiring: list[WireExpiring]
    tie_out: list[dict[str, Any]]
    staffing: list[dict[str, Any]]
    lags: dict[str, Any]
    realised: dict[str, Any]

    @classmethod
    def of(cls, found: Kept) -> Self:
        """Return an audit that was kept as it is told."""
        return cls.model_validate({**found.document, **found.document["opportunity"], "made_at": found.made_at})
