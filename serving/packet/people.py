"""Who writes, to whom, about whom: the practice, its payers, and the patient's identity."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeAlias

from features.errors import Misconfigured

FILE = "practice.toml"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a patient is; read while a document is written and kept nowhere."""

    name: str
    birth_date: date | None = None
    member_id: str | None = None
    group_number: str | None = None

    def __repr__(self) -> str:
        # Never in a message or a log.
        return "Identity(...)"


Identities: TypeAlias = Callable[[str, str], Identity | None]
"""From the hash of a patient and a payer to the identity; None where it is not known."""


def nobody(patient_id: str, payer_id: str) -> Identity | None:
    """Know no patient: every packet keeps its block to complete."""
    return None


@dataclass(frozen=True, slots=True)
class Party:
    """A name, and the lines below it."""

    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Practice:
    """The letterhead and the payers' addresses, from `practice.toml`.

    Parameters
    ----------
    sender
        Who writes; None: the letterhead names the practice by its id in the ledger.
    payers
        By payer id.
    """

    sender: Party | None = None
    payers: Mapping[str, Party] = field(default_factory=dict)


def read_practice(folder: Path | None) -> Practice:
    """Read `practice.toml` of a folder; without one letters carry the ids of the ledger.

    Raises
    ------
    Misconfigured
        When the file is not of the form that docs/packets.md shows.
    """
    path = None if folder is None else folder / FILE
    if path is None or not path.is_file():
        return Practice()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{FILE} is not TOML: {error}") from error
    unknown = sorted(set(told) - {"practice", "payers"})
    if unknown:
        raise Misconfigured(f"{FILE} has {', '.join(unknown)}; allowed are [practice] and [payers.ID]")
    payers = told.get("payers", {})
    if not isinstance(payers, dict):
        raise Misconfigured(f"{FILE}: payers must be tables like [payers.P001]")
    sender = _party(told["practice"], "practice") if "practice" in told else None
    return Practice(sender, {str(key): _party(value, f"payers.{key}") for key, value in payers.items()})


def _party(told: object, place: str) -> Party:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise Misconfigured(f"{FILE}: [{place}] needs a name, and lines if wanted")
    lines = told.get("lines", [])
    unknown = sorted(set(told) - {"name", "lines"})
    if unknown or not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Misconfigured(f"{FILE}: [{place}] holds a name and a list of lines, nothing else")
    return Party(told["name"], tuple(lines))
