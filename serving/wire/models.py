"""Models that are registered, and making another one serve."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from serving.candidates import LONGEST_PURPOSE, SHORTEST_PURPOSE, Candidate
from serving.wire.fields import PLAIN, Asked, String, Told

Purpose = Annotated[String, StringConstraints(min_length=SHORTEST_PURPOSE, max_length=LONGEST_PURPOSE, pattern=PLAIN)]


class WireModel(Told):
    """A registered model.

    `aliases`: `champion` serves, `challenger` is the latest that was trained; `gates`: `held`, `failed`, or blank where it never stood
    before them.
    """

    version: str
    name: str
    bundle_hash: str
    cut: str
    created: str
    aliases: list[str]
    gates: str
    gates_failed: str

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """Return a candidate as it is told."""
        return cls(
            version=candidate.number,
            name=candidate.name,
            bundle_hash=candidate.bundle_hash,
            cut=candidate.cut,
            created=candidate.created,
            aliases=list(candidate.aliases),
            gates=candidate.gates,
            gates_failed=candidate.gates_failed,
        )


class ModelsTold(Told):
    """Every registered model, the latest first, and the version that answers now (`prior`: expert rates)."""

    serving: str
    models: list[WireModel]


class PromotionAsked(Asked):
    """Make a model serve; why stands in the access log."""

    purpose: Purpose
    past_gates: Annotated[bool, Field(description="whether it serves although its gates did not hold, or were never asked")] = False


class PromotionTold(Told):
    """The model that serves from now on; the service takes it up within seconds."""

    champion: str
