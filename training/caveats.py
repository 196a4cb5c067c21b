"""What a model's reader must be warned of, in sentences: where it rests on belief, because nothing was there to learn from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.codes.tables import FAMILIES
from features.feature import Floats
from features.money import NULL
from features.tables import CATEGORIES, Columns
from models.say import ENOUGH, Say
from training.labels import Cases

NAMED = 5
"""So many kinds are named, those with the most dollars first."""

LEAST_SHARE = 0.01
"""Kinds that together hold less of the dollars are not worth a sentence."""


def one_sided(cases: Cases) -> list[str]:
    """Say that all decided efforts ended alike.

    >>> nobody = np.zeros(2, dtype=np.int64)
    >>> one_sided(Cases(nobody, nobody, nobody, nobody == 0, nobody, np.zeros(2), nobody > 0, nobody))
    ['None of the 2 decided efforts recovered anything: they tell how high chances are, not one write-off from another.']
    """
    won = cases.recovered
    if not len(won) or won.any() and not won.all():
        return []
    what = "All {:,} decided efforts recovered" if won.all() else "None of the {:,} decided efforts recovered anything"
    return [what.format(len(won)) + ": they tell how high chances are, not one write-off from another."]


def without_hours(cases: Cases) -> list[str]:
    """Say that nobody logs hours."""
    if not len(cases) or (cases.hours > 0).any():
        return []
    return ["No hours were logged: the order rests on dollars, and on a third of what is believed of the hours of each remedy."]


def before_posting(cases: Cases, posted: NDArray[np.int64]) -> list[str]:
    """Say how many efforts began before their write-off was posted.

    Parameters
    ----------
    posted
        Day on which each write-off of the ledger was posted.

    Examples
    --------
    >>> rows, on = np.arange(2), np.array([10, 30])
    >>> cases = Cases(rows, on, on, rows >= 0, rows, np.zeros(2), rows > 9, rows)
    >>> before_posting(cases, np.array([20, 20]))[0].partition(":")[0], before_posting(cases, np.array([10, 20]))
    ('1 of 2 decided efforts began before their write-off was posted', [])
    """
    early = int((cases.worked_on < posted[cases.row]).sum())
    if not early:
        return []
    return [
        f"{early:,} of {len(cases):,} decided efforts began before their write-off was posted: are the dates right? What is asked later of "
        "a write-off is asked after its posting."
    ]


def hardly_worked(postings: Columns, rows: NDArray[np.bool_], say: Say) -> list[str]:
    """Say which kinds of write-offs nearly nobody worked, so that their chances are what an expert believes.

    Parameters
    ----------
    postings
        `category family possible writeoff_amount` of postings.
    rows
        Those that the sentence is about.
    say
        With the decided efforts by kind.
    """
    # What a patient owes has its own list, and no payer's chance.
    some = rows & postings["possible"].astype(bool) & (postings["category"] != CATEGORIES.index("patient_responsibility"))
    category, family = (postings[name][some].astype(np.int64) for name in ("category", "family"))
    dollars = np.where(postings["writeoff_amount"][some] == NULL, 0, np.maximum(postings["writeoff_amount"][some], 0)) / 100.0
    if say.labels is None:
        return []
    few = say.labels[category, family] < ENOUGH
    if not dollars[few].sum() > LEAST_SHARE * dollars.sum():
        return []
    names = _by_dollars(category[few], family[few], dollars[few])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [
        f"{dollars[few].sum() / dollars.sum():.0%} of the dollars lately written off are of kinds on which fewer than {ENOUGH:.0f} efforts "
        f"ended ({', '.join(names[:NAMED])}{more}): what they would bring is an expert's guess."
    ]


def _by_dollars(category: NDArray[np.int64], family: NDArray[np.int64], dollars: Floats) -> list[str]:
    kinds, place = np.unique(np.stack([category, family]), axis=1, return_inverse=True)
    order = np.argsort(-np.bincount(place.reshape(-1), dollars), kind="stable")
    names = [(CATEGORIES[kinds[0, at]].replace("_", " "), FAMILIES[kinds[1, at]].replace("_", " ")) for at in order.tolist()]
    return [one if one == other else f"{one}: {other}" for one, other in names]
