"""The payers: who they are, what they pay, how hard they are, and how long they wait for an appeal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recoup.sample.arrays import Bools, Floats, Ints, stream


class Kind(NamedTuple):
    """What payers of one type share."""

    name: str
    payers: int
    weight: float
    multiplier: float
    patient_share: float
    appeal_days: tuple[int, ...]
    filing_indicator: str


KINDS = (
    Kind("commercial", 22, 0.30, 1.45, 0.16, (60, 90, 120, 180), "12"),
    Kind("bcbs", 7, 0.16, 1.35, 0.15, (90, 180, 365), "13"),
    Kind("medicare", 3, 0.15, 1.00, 0.20, (125,), "MB"),
    Kind("medicare_advantage", 8, 0.13, 1.00, 0.14, (60, 65, 90), "16"),
    Kind("medicaid", 3, 0.06, 0.72, 0.0, (60, 90), "MC"),
    Kind("medicaid_managed", 7, 0.10, 0.78, 0.0, (60, 90), "HM"),
    Kind("tricare", 2, 0.03, 1.00, 0.12, (90,), "CH"),
    Kind("workers_comp", 5, 0.04, 1.25, 0.0, (90, 180), "WC"),
    Kind("auto", 3, 0.03, 1.50, 0.05, (90, 180), "AM"),
)
TYPES = tuple(kind.name for kind in KINDS)
_FIRST = "Harbor Cedar Summit Granite Prairie Lakeside Juniper Beacon Meridian Pinecrest Falcon Redwood".split()
_LAST = ("Mutual", "Health Plan", "Assurance", "Benefit Trust", "Care Network")


@dataclass(frozen=True)
class Payers:
    """One entry per payer; `kind` is a position in `KINDS`, days are calendar days from the remit."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    kind: Ints
    weight: Floats
    multiplier: Floats
    rise: Floats
    is_loaded: Bools
    appeal_days: Ints
    corrected_days: Ints
    pay_weekday: Ints
    plans: Ints

    def is_type(self, name: str) -> Bools:
        """Say which payers are of a type."""
        result: Bools = self.kind == TYPES.index(name)
        return result


def draw_payers(seed: int) -> Payers:
    """Draw sixty payers of nine types; a few of each type hold most of its volume.

    Examples
    --------
    >>> payers = draw_payers(7)
    >>> len(payers.ids), payers.ids[0], payers.is_type("medicare").sum()
    (60, 'P001', np.int64(3))
    """
    rng = stream(seed, "payers")
    kind = np.repeat(np.arange(len(KINDS)), [k.payers for k in KINDS])
    n = len(kind)
    share = [1.0 / np.arange(1, k.payers + 1) ** 0.8 for k in KINDS]
    weight = np.concatenate([k.weight * s / s.sum() for k, s in zip(KINDS, share, strict=True)])
    appeal = np.array([KINDS[k].appeal_days[rng.integers(len(KINDS[k].appeal_days))] for k in kind])
    return Payers(
        ids=tuple(f"P{i + 1:03d}" for i in range(n)),
        names=tuple(f"{_FIRST[i % len(_FIRST)]} {_LAST[i // len(_FIRST)]}".upper() for i in range(n)),
        kind=kind,
        weight=weight,
        multiplier=np.array([KINDS[k].multiplier for k in kind]) * np.exp(rng.normal(0.0, 0.10, n)),
        rise=rng.uniform(0.005, 0.025, n),
        # Fee schedules are loaded for some payers only: most practices have never typed in all of theirs.
        is_loaded=rng.random(n) < 0.40,
        appeal_days=appeal,
        corrected_days=_corrected_days(kind, appeal),
        pay_weekday=rng.integers(0, 5, n),
        plans=rng.integers(1, 5, n),
    )


def _corrected_days(kind: Ints, appeal: Ints) -> Ints:
    """Give the window of a corrected claim; Medicare's is the year of a reopening (42 CFR 405.980)."""
    usual = np.where(appeal < 120, appeal + 30, np.minimum(appeal, 180))
    return np.where(kind == TYPES.index("medicare"), 365, usual).astype(np.int64)
