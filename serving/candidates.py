"""Models that are registered, and making another one serve: what pages need of a registry that this process never loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from serving.access import Identity

SHORTEST_PURPOSE, LONGEST_PURPOSE = 10, 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered model.

    Parameters
    ----------
    number, name, bundle_hash, cut, created
        As the registry has them.
    aliases
        `champion` is the one that serves, `challenger` the latest that was trained.
    figures
        Numbers of its fit, by name.
    gates
        `held`, `failed`, or blank where it never stood before them.
    gates_failed
        Names of those that did not hold.
    """

    number: str
    name: str
    bundle_hash: str
    cut: str
    created: str
    aliases: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    gates: str = ""
    gates_failed: str = ""

    @property
    def serves(self) -> bool:
        """Whether it is the champion."""
        return "champion" in self.aliases


class Candidates(Protocol):
    """The models of an installation."""

    def listed(self) -> Sequence[Candidate]:
        """Return every model, the latest first; raises RecoupError."""

    def pair(self, number: str) -> tuple[Candidate, Candidate | None]:
        """Return one with its figures, and the one that serves where that is another; raises UsageError."""

    def promote(self, who: Identity, number: str, purpose: str, *, past_gates: bool = False) -> None:
        """Make one serve, told to the access log with who and why; raises RecoupError, and the champion stays.

        One whose gates did not hold, or that never stood before them, serves only with `past_gates`.
        """
