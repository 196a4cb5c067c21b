"""One look at drift: the model that is watched, what is kept of the result, and where the service's page finds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.batch import Batch
from features.errors import Unavailable, UsageError
from recoup.days import day_number

if TYPE_CHECKING:
    from models.scorer import Scorer

REPORTS = "reports"
LATEST = "drift.json"
"""The latest result, under `RECOUP_HOME/reports`: the service's page reads it."""


def watched(
    scorer: Scorer, ref: str, writeoffs: Batch, outcomes: Batch, as_of: int, home: Path, tracking_uri: str | None
) -> dict[str, Any]:
    """Return what changed since a model's cut; tables are coded by an overlay of its vocabulary.

    Raises
    ------
    UsageError
        When no model serves, or nothing became known since its cut: an exit code of 1 says that an alarm rings, and nothing else.
    """
    from models.bundle import REFERENCE
    from models.named import resolve
    from training.cut import Ledger, cut_ledger, recode
    from training.drift import watch

    folder = resolve(ref, home, tracking_uri)
    if folder is None:
        raise UsageError("no model serves yet, so there is nothing to watch; `recoup train` makes one")
    known = cut_ledger(writeoffs, outcomes, {}, as_of)
    ledger = Ledger(recode(known.writeoffs, writeoffs.vocabulary), recode(known.outcomes, writeoffs.vocabulary), {}, writeoffs.vocabulary)
    place = folder / REFERENCE
    return watch(scorer, ledger, as_of, json.loads(place.read_bytes()) if place.is_file() else {})


def keep_drift(result: Mapping[str, Any], report: Path, home: Path, tracking_uri: str | None) -> None:
    """Write the report, make it the latest one for the service, and add its numbers to the model's run where the registry answers."""
    from features.intake.output import put_file
    from models.registry import Registry
    from recoup.report.drift import drift_html

    page, told = drift_html(result), json.dumps(result, indent=1, allow_nan=False)
    report.mkdir(parents=True, exist_ok=True)
    (home / REPORTS).mkdir(parents=True, exist_ok=True)
    put_file(report / "report.html", page)
    for path in (report / "report.json", home / REPORTS / LATEST):
        put_file(path, told)
    day = day_number(date.fromisoformat(result["as_of"]))
    try:
        Registry(home, tracking_uri).note(
            result["bundle_hash"], metrics_of(result), step=day, files={f"drift/{result['as_of']}.html": page}
        )
    except Unavailable:
        # What was found stands in the report; a registry that does not answer now loses a line of a chart.
        return


def metrics_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of drift for a chart over time."""
    found = {
        "drift_alarms": len(result["alarms"]),
        "drift_results": result["results"],
        "drift_shift": result["chosen"]["shift"],
        "drift_explored_shift": result["explored"]["shift"],
        "drift_largest_psi": max((row["psi"] for row in result["moved"]), default=0.0),
        "drift_new_code_share": max((row["share"] for row in result["new_codes"]), default=0.0),
    }
    return {name: float(value) for name, value in found.items() if value is not None}
