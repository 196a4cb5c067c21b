"""The procedures: invented codes, what Medicare would pay and what the practice charges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recoup.sample.arrays import Floats, Ints, stream

SPECIALTIES = (
    "primary_care", "cardiology", "orthopedics", "radiology", "gastroenterology", "neurology",
    "physical_therapy", "oncology", "urology", "dermatology", "surgery", "laboratory",
)  # fmt: skip


@dataclass(frozen=True)
class Procedures:
    """One entry per procedure; fees in dollars per unit."""

    codes: tuple[str, ...]
    specialty: Ints
    fee: Floats
    charge: Floats
    weight: Floats


def draw_procedures(seed: int, count: int = 600) -> Procedures:
    """Draw procedures with heavy-tailed fees; the code numbers are invented and mean nothing.

    Examples
    --------
    >>> procedures = draw_procedures(7)
    >>> len(set(procedures.codes)), bool((procedures.charge > procedures.fee).all())
    (600, True)
    """
    rng = stream(seed, "procedures")
    numbers = np.sort(rng.choice(np.arange(10_000, 99_900), count, replace=False))
    level = rng.normal(0.0, 0.45, len(SPECIALTIES))
    specialty = rng.integers(0, len(SPECIALTIES), count)
    fee = np.clip(np.exp(4.75 + level[specialty] + rng.normal(0.0, 0.9, count)), 9.0, 14_000.0)
    return Procedures(
        codes=tuple(str(number) for number in numbers),
        specialty=specialty,
        fee=fee,
        charge=fee * np.exp(rng.normal(1.12, 0.16, count)).clip(1.8),
        # Cheap procedures are the frequent ones, as in any practice.
        weight=np.exp(rng.normal(0.0, 1.5, count)) / np.sqrt(fee),
    )
