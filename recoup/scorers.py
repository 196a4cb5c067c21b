"""The scorer of a practice: a model at the practice's own costs, or the expert's rates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.scorer import Scorer
    from models.value import Costs
    from recoup.settings import Settings


def scorer_of(folder: Path | None, chosen: Settings) -> Scorer:
    """Load a model; expert rates where there is none."""
    from models.scorer import Scorer

    costs = costs_of(chosen)
    return Scorer.prior(costs=costs) if folder is None else Scorer.load(folder, costs=costs)


def costs_of(chosen: Settings) -> Costs:
    """Return what working costs, as it was set."""
    from models.value import Costs

    return Costs(chosen.hourly_cost, chosen.action_outlay)
