"""The settings of a client's queue, each within its bounds."""

from __future__ import annotations

from dataclasses import dataclass, fields

from features.errors import UsageError

BOUNDS: dict[str, tuple[float, float, str]] = {
    "lease_minutes": (1, 480, "minutes that an item stays with whoever took it"),
    "pin_days": (0, 60, "days before its last day in which an item goes first"),
    "sample_share": (0.0, 0.5, "chance of each new item to be drawn as a sample check"),
    "sample_turn": (0.0, 1.0, "chance that a turn offers a sample check, while one waits"),
    "hours_per_week": (0.0, 100_000.0, "staff hours of a week, for what the queue can bring"),
    "approval_over": (0, 10**12, "cents of a reversal above which a second person approves"),
}
"""Least and greatest value of each setting, and what it means."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a client's queue is run; `BOUNDS` says what each setting means.

    Examples
    --------
    >>> Policy(sample_share=0.05).sample_share
    0.05
    >>> Policy(lease_minutes=0)
    Traceback (most recent call last):
    features.errors.UsageError: lease_minutes (minutes that an item stays with whoever took it) is from 1 to 480, not 0
    """

    lease_minutes: int = 30
    pin_days: int = 14
    sample_share: float = 0.02
    sample_turn: float = 0.1
    hours_per_week: float = 160.0
    approval_over: int = 100_000

    def __post_init__(self) -> None:
        for item in fields(self):
            least, most, meaning = BOUNDS[item.name]
            value = getattr(self, item.name)
            if not least <= value <= most:
                raise UsageError(f"{item.name} ({meaning}) is from {least:g} to {most:g}, not {value:g}")
