"""What the analyst's page shows of a model: its figures, a reliability plot and the latest look at drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of a reliability plot: chances predicted and seen, and how many write-offs it holds."""

    predicted: float
    observed: float
    rows: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """A payer that pays otherwise than before."""

    payer: str
    family: str
    since: str
    text: str


@dataclass(frozen=True, slots=True)
class Drift:
    """The latest look at drift."""

    as_of: str
    days: int
    results: int
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What there is to say of the model that serves.

    Parameters
    ----------
    version, cut
        Its version, and the morning up to which it learned; blank for priors.
    problem
        Why it does not serve as it should; blank where all is well.
    figures
        Name and value of its figures.
    dots, judged_on
        Reliability bins of its report, and what they were judged on.
    drift
        The latest look at drift; None before there was one.
    """

    version: str
    cut: str = ""
    problem: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    dots: tuple[Dot, ...] = ()
    judged_on: str = ""
    drift: Drift | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot of the plot in the units of its drawing, which is 100 wide and high."""

    x: float
    y: float
    radius: float
    words: str


def marks(dots: Sequence[Dot]) -> tuple[Mark, ...]:
    """Return the dots of a reliability plot; their area grows with their rows.

    >>> marks([Dot(0.25, 0.2, 100)])[0]
    Mark(x=25.0, y=80.0, radius=4.0, words='predicted 25 %, seen 20 %, 100 write-offs')
    """
    most = max((dot.rows for dot in dots), default=1)
    return tuple(
        Mark(
            round(100 * dot.predicted, 2),
            round(100 - 100 * dot.observed, 2),
            round(1.2 + 2.8 * (dot.rows / most) ** 0.5, 2),
            f"predicted {dot.predicted:.0%}, seen {dot.observed:.0%}, {dot.rows:,} write-offs".replace("%", " %"),
        )
        for dot in dots
    )
