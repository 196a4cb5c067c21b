"""From a ledger and its outcomes to a bundle: the fixed recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from features.batch import Batch
from features.errors import BadData
from features.pieces import Each, one_by_one
from features.unworked import NO_LOT, blind_spots, never_worked
from models.bundle import Bundle
from models.reference import histograms
from training.anomaly import fit_anomaly
from training.caveats import before_posting, hardly_worked, one_sided, without_hours
from training.cut import cut_ledger
from training.examples import Replayed, replay, see_postings
from training.likelihood import fit_likelihood
from training.rarity import fit_rarity
from training.recipe import FIXED, SEED, Recipe
from training.sums import learn_sums
from training.value import fit_value

Progress = Callable[[str, int, int], None]

REFERENCE_DAYS = 180
"""Write-offs posted in the last so many days are what later ones are held against."""


def train(
    writeoffs: Batch,
    outcomes: Batch,
    *,
    tables: Mapping[str, Batch] | None = None,
    as_of: int,
    seed: int = SEED,
    recipe: Recipe = FIXED,
    progress: Progress | None = None,
    each: Each = one_by_one,
) -> Bundle:
    """Fit a recipe on what was known on the morning of a day.

    Parameters
    ----------
    writeoffs, outcomes
        Tables as read; what is later than `as_of` is cut away first.
    tables
        `contracts`, `payer_rules`, `policies`, `reference_fees`, `citations`.
    as_of
        Data cut (days since 1970-01-01).
    recipe
        Settings of the likelihood; kept in the bundle's facts.
    progress
        Called with the step's name, its number and how many there are.
    each
        Does the pieces: past months of rows viewed, fits beside what is left out. The bundle does not depend on who does them.

    Raises
    ------
    BadData
        When no write-off was posted before the day.
    """
    say = progress or (lambda step, done, total: None)
    say("cut", 0, 5)
    ledger = cut_ledger(writeoffs, outcomes, tables or {}, as_of)
    if not len(ledger.writeoffs):
        raise BadData(f"no write-off was posted before {np.datetime64(as_of, 'D')}")
    say("replay", 1, 5)
    return fit(replay(ledger, as_of, each), seed=seed, recipe=recipe, progress=progress, each=each)


def fit(
    replayed: Replayed, *, seed: int = SEED, recipe: Recipe = FIXED, progress: Progress | None = None, each: Each = one_by_one
) -> Bundle:
    """Fit a recipe on a ledger that was replayed; see `train`."""
    say = progress or (lambda step, done, total: None)
    ledger, as_of, layout, examples, viewer = replayed.ledger, replayed.as_of, replayed.layout, replayed.examples, replayed.viewer
    say("likelihood", 2, 5)
    likelihood = fit_likelihood(examples, layout, seed, recipe, each)
    say("dollars and hours", 3, 5)
    value = fit_value(examples, layout, seed, each)
    sums = learn_sums(examples, layout, seed, recipe, likelihood, value, ledger.vocabulary, each)
    say("anomaly", 4, 5)
    rows, postings = see_postings(replayed, each)
    anomaly = fit_anomaly(postings.matrix, postings.columns, layout, seed)
    rarity, odd = fit_rarity(ledger.writeoffs.columns)
    recent = ledger.writeoffs.columns["writeoff_date"][rows] >= as_of - REFERENCE_DAYS
    reference = histograms(postings.matrix[recent], layout.names, layout.category_sizes)
    say("done", 5, 5)
    unknown = never_worked(ledger.writeoffs, np.unique(replayed.begun.row), rows[recent & postings.columns["in_scope"].astype(bool)])
    warnings = [
        *([] if examples.cases.explored.any() else [NO_LOT]),
        *one_sided(examples.cases),
        *without_hours(examples.cases),
        *before_posting(examples.cases, ledger.writeoffs.columns["writeoff_date"]),
        *hardly_worked(postings.columns, recent, likelihood.say),
        *blind_spots(unknown, as_of),
    ]
    return Bundle(
        cut=as_of,
        seed=seed,
        layout=layout,
        extra_codes=replayed.extra_codes,
        trees={**likelihood.trees, **value.trees, **anomaly.trees},
        linear=likelihood.linear,
        say=likelihood.say,
        calibration=likelihood.calibration,
        fraction_range=value.fraction_range,
        amount_range=value.amount_range,
        default_fraction=value.default_fraction,
        default_dollars=value.default_dollars,
        amount=value.amount,
        spread=anomaly.spread,
        payer_factor=anomaly.payer_factor,
        vocabulary=ledger.vocabulary,
        history=viewer.history,
        usual=viewer.usual,
        shares=viewer.shares,
        tables=dict(ledger.tables),
        facts={
            **_counted(replayed, recipe),
            **likelihood.facts,
            **anomaly.facts,
            "odd_share": odd,
            "warnings": warnings,
        },
        sums=sums,
        reference=reference,
        effort=value.effort,
        rarity=rarity,
        record=replayed.record,
        trees_share=recipe.trees_share,
    )


def _counted(replayed: Replayed, recipe: Recipe) -> dict[str, Any]:
    """Return what the bundle says of what it was fitted on."""
    examples, begun = replayed.examples, replayed.begun
    days = [str(np.datetime64(int(day), "D")) for day in (begun.worked_on.min(), begun.worked_on.max())] if len(begun) else ["", ""]
    return {
        "writeoffs": len(replayed.ledger.writeoffs),
        "efforts": len(begun),
        "labels": len(examples),
        "recovered": int(examples.cases.recovered.sum()),
        "explored": int(examples.cases.explored.sum()),
        "efforts_without_writeoff": replayed.unmatched,
        "recipe": recipe.as_dict(),
        "first_effort": days[0],
        "last_effort": days[1],
    }
