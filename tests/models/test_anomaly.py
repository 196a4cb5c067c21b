"""What is unusual against a contract, against the usual, and when the whole charge is gone."""

from __future__ import annotations

import numpy as np
import pytest

from features.codes.tables import FAMILIES
from features.expected import log_implied
from features.money import NULL
from features.tables import Columns
from models.anomaly import AGREED, FLAGGED, Anomaly


def posting(**cents: int) -> Columns:
    """Return a contractual line of $100, of which $40 were written off and $60 allowed, which is usual; with changes."""
    told = {
        "family": FAMILIES.index("contractual"),
        "billed_amount": 100_00,
        "writeoff_amount": 40_00,
        "allowed_amount": 60_00,
        "implied_allowed_cents": 60_00,
        "underpayment_cents": NULL,
        "usual_smoothed_cents": 60_00,
    }
    return {name: np.array([value]) for name, value in (told | cents).items()}


@pytest.mark.parametrize(
    ("changes", "ratio", "agreed"),
    [
        ({}, 1.0, False),
        ({"allowed_amount": 30_00}, 0.5, False),
        ({"writeoff_amount": 70_00, "implied_allowed_cents": 30_00}, 0.5, False),
        ({"underpayment_cents": 0, "usual_smoothed_cents": 90_00}, 1.0, True),  # the contract's word against the habit's
        ({"underpayment_cents": 20_00}, 0.75, True),
        ({"allowed_amount": 0, "writeoff_amount": 100_00, "implied_allowed_cents": NULL}, 1 / 60_00, False),
        ({"allowed_amount": 0, "writeoff_amount": 100_00, "implied_allowed_cents": NULL, "underpayment_cents": 80_00}, 1 / 80_00, True),
    ],
)
def test_what_is_left_is_held_against_what_is_agreed_else_against_the_usual(changes: dict[str, int], ratio: float, agreed: bool) -> None:
    log, told = log_implied(posting(**changes))
    assert np.exp(log[0]) == pytest.approx(ratio)
    assert told[0] == agreed


@pytest.mark.parametrize("changes", [{"writeoff_amount": -40_00}, {"usual_smoothed_cents": 0}, {"family": FAMILIES.index("coding")}])
def test_where_nothing_proper_is_known_nothing_is_unusual(changes: dict[str, int]) -> None:
    log, agreed = log_implied(posting(**changes))
    assert np.isnan(log[0])
    assert Anomaly().score(np.zeros((1, 0)), log, agreed, np.zeros(1, dtype=int), np.zeros(1)).tolist() == [0.0]


def test_a_fifth_below_the_contract_is_unusual_and_below_a_little_known_habit_it_is_not() -> None:
    spread = (0.3, 0.2, 0.15, 0.12, 0.1, 0.02)
    assert len(spread) == AGREED + 1
    log, payer, few = np.log(np.array([0.8, 0.8])), np.zeros(2, dtype=int), np.zeros(2)
    agreed, usual = Anomaly(spread=spread).score(np.zeros((2, 0)), log, np.array([True, False]), payer, few).tolist()
    assert agreed > FLAGGED > 1.0 > usual
