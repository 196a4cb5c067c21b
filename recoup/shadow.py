"""The challenger in the champion's shadow: both score the same live write-offs, and what came of them decides later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.batch import Batch
from features.errors import BadData, CheckFailed
from features.feature import Floats
from models.named import resolve
from models.registry import CHALLENGER, CHAMPION
from models.value import Costs
from recoup.days import day_number
from recoup.settings import Settings
from training.contest import Entry, Window, compare, describe
from training.cut import recode
from training.evaluate import first_efforts
from training.labels import cases_as_of, delay_weights

if TYPE_CHECKING:
    from models.scorer import Scorer

FOLDER = "shadow"
PAIR = (CHAMPION, CHALLENGER)
_PARTS = ("p", "expected", "key")


@dataclass(frozen=True, slots=True)
class Shadow:
    """Scores of both models, kept before anything was known of the results: one row per write-off and morning.

    Parameters
    ----------
    writeoff_id, day
        What was scored, and on which morning (days since 1970-01-01).
    scores
        `champion_p challenger_p ...`: chance, expected dollars, and the key of the order of work, the smallest first.
    """

    writeoff_id: Sequence[str]
    day: Sequence[int]
    scores: dict[str, Floats]


def models(chosen: Settings, tracking_uri: str | None) -> dict[str, Scorer]:
    """Return champion and challenger.

    Raises
    ------
    CheckFailed
        When there is no champion, or the challenger is the champion.
    """
    from models.scorer import Scorer

    costs = Costs(chosen.hourly_cost, chosen.action_outlay)
    folder = resolve(CHAMPION, chosen.home, tracking_uri)
    if folder is None:
        raise CheckFailed("no model serves yet, so no other can stand in its shadow")
    other = resolve(CHALLENGER, chosen.home, tracking_uri)
    found = {CHAMPION: Scorer.load(folder, costs=costs), CHALLENGER: Scorer.load(other or folder, costs=costs)}
    if found[CHAMPION].bundle_hash == found[CHALLENGER].bundle_hash:
        raise CheckFailed("the challenger is the champion; `recoup retrain` makes another")
    return found


def keep_shadow(pair: dict[str, Scorer], writeoffs: Batch, as_of: date, home: Path) -> tuple[Path, int]:
    """Score write-offs with both models and keep what they said; scoring the same morning again replaces it.

    Parameters
    ----------
    writeoffs
        Live rows, coded by any vocabulary; what was posted on the day or later is not known on its morning, and left out.

    Returns
    -------
    Path, int
        Where the scores are, and of how many write-offs.
    """
    from features.intake.output import replace_file

    writeoffs = writeoffs.take(writeoffs.columns["writeoff_date"] < day_number(as_of))
    columns: dict[str, Any] = {"writeoff_id": writeoffs.columns["writeoff_id"].tolist(), "day": [day_number(as_of)] * len(writeoffs)}
    for name, scorer in pair.items():
        found = scorer.score(recode(writeoffs, scorer.vocabulary.overlay()), as_of=day_number(as_of), reasons=0).columns
        outside = np.where(found["in_scope"].astype(bool), 0.0, 1e12)
        columns |= {f"{name}_p": found["recovery_probability"], f"{name}_expected": found["expected_recovery"]}
        columns[f"{name}_key"] = outside - found["value_per_hour"]
    place = home / FOLDER / _folder(pair) / f"{as_of}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, lambda file: pq.write_table(pa.table(columns), file, compression="zstd"))
    return place, len(writeoffs)


def read_shadow(pair: dict[str, Scorer], home: Path) -> Shadow:
    """Return all that was kept of a pair.

    Raises
    ------
    BadData
        When nothing was.
    """
    paths = sorted((home / FOLDER / _folder(pair)).glob("*.parquet"))
    if not paths:
        raise BadData("nothing was scored in the shadow by this champion and challenger yet; `recoup shadow score` does")
    table = pa.concat_tables([pq.ParquetFile(path).read() for path in paths])
    names = [f"{name}_{part}" for name in PAIR for part in _PARTS]
    return Shadow(table["writeoff_id"].to_pylist(), table["day"].to_pylist(), {name: table[name].to_numpy() for name in names})


def compare_shadow(shadow: Shadow, writeoffs: Batch, outcomes: Batch, as_of: int) -> dict[str, Any]:
    """Compare both models on what was worked after they had scored it, by the results known on a morning.

    Of each write-off the last scores before its effort began count. The weights make up for results that are not in yet.

    Raises
    ------
    CheckFailed
        When no result is known of what was scored.
    """
    cases, _ = cases_as_of(writeoffs, outcomes, as_of)
    first = first_efforts(cases)
    begun = dict(zip(writeoffs.columns["writeoff_id"][first.row].tolist(), range(len(first)), strict=True))
    last: dict[int, int] = {}
    for place, (key, day) in enumerate(zip(shadow.writeoff_id, shadow.day, strict=True)):
        effort = begun.get(key)
        if effort is not None and day <= first.worked_on[effort] and (effort not in last or shadow.day[last[effort]] < day):
            last[effort] = place
    scored = np.array(sorted(last), dtype=np.int64)
    ended = scored[first.decided[scored]] if len(scored) else scored
    if not len(ended):
        raise CheckFailed("no effort on a write-off that both models had scored is decided yet: come back later")
    decided = first.take(ended)
    at = np.array([last[effort] for effort in ended.tolist()])
    window = Window(
        int(decided.worked_on.min()),
        int(decided.worked_on.max()) + 1,
        int(as_of - decided.worked_on.max()),
        len(scored),
        writeoffs.take(decided.row),
        decided,
        delay_weights(decided, as_of),
    )
    entries = [
        Entry(name, shadow.scores[f"{name}_key"][at], shadow.scores[f"{name}_p"][at], shadow.scores[f"{name}_expected"][at])
        for name in reversed(PAIR)
    ]
    return {
        "as_of": str(np.datetime64(as_of, "D")),
        "scored": len(set(shadow.writeoff_id)),
        "window": window.as_json(),
        "capacity": compare(window, entries),
        "entries": {entry.name: describe(window, entry) for entry in entries},
    }


def write_comparison(result: dict[str, Any], folder: Path) -> Path:
    """Write a comparison as JSON and return its place."""
    from features.intake.output import put_file

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.json"
    put_file(path, json.dumps(result, indent=1, allow_nan=False))
    return path


def _folder(pair: dict[str, Scorer]) -> str:
    return "-".join(pair[name].bundle_hash[:12] for name in PAIR)
