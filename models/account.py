"""What the registry keeps of a fit beside its bundle: numbers, settings, pictures, and which data by their digest; never a row of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Setting: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Data:
    """A table that was learned from.

    Parameters
    ----------
    name, digest
        Its name, and the SHA-256 of the snapshot that holds it.
    rows, columns
        How many; what they are called.
    """

    name: str
    digest: str
    rows: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of tuning: its settings and its loss."""

    settings: Mapping[str, Setting]
    loss: float


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one fit.

    Parameters
    ----------
    metrics
        Numbers; what is not finite is left out.
    settings
        Of the recipe and the run.
    tags
        Data cut, label maturity, feature set, commit and what else a person searches by.
    data
        Tables learned from.
    files
        Reports and pictures: place among the artifacts -> text.
    tried
        Trials of tuning, in order.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    data: tuple[Data, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    tried: tuple[Tried, ...] = ()
