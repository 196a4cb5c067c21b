"""What the analyst's page says of the champion: its facts, its latest report and the latest look at drift, read from RECOUP_HOME."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import RecoupError

if TYPE_CHECKING:
    from serving.champion import BatchScorer, Champion
    from serving.web.cards import Alarm, Card, Dot, Drift

LARGEST = 20 * 2**20
_FIGURES = (
    ("writeoffs", "Write-offs known", "{:,}"),
    ("labels", "Decided efforts learned from", "{:,}"),
    ("recovered", "of which brought something", "{:,}"),
    ("explored", "of which chosen by lot", "{:,}"),
    ("auc_out_of_fold", "AUC, out of fold", "{:.3f}"),
    ("brier_out_of_fold", "Brier score, out of fold", "{:.4f}"),
    ("ece_out_of_fold", "Calibration error, out of fold", "{:.3f}"),
)


def card_of(home: Path, champion: Champion[BatchScorer]) -> Card:
    """Return the card of the model that serves; a report that is not there, or of another model, is left out."""
    from models.bundle import read_manifest
    from models.pointer import read_pointer
    from serving.web.cards import Card
    from serving.web.words import long_day

    loaded = champion.current()
    cut = loaded.scorer.cut
    facts: Mapping[str, Any] = {}
    digest = ""
    try:
        pointer = read_pointer(home)
        if pointer is not None:
            manifest = read_manifest(pointer.champion.folder(home))
            facts, digest = manifest["facts"], pointer.champion.bundle_hash
    except RecoupError:
        # Champion says in `problem` what is wrong with the bundle.
        facts = {}
    dots, judged_on = _reliability(home, digest)
    figures = tuple((words, form.format(facts[name])) for name, words, form in _FIGURES if isinstance(facts.get(name), int | float))
    day = "" if cut is None else long_day(date(1970, 1, 1) + timedelta(days=cut))
    return Card(loaded.scorer.version, day, loaded.problem or "", figures, dots, judged_on, _drift(home))


def _reliability(home: Path, digest: str) -> tuple[tuple[Dot, ...], str]:
    from serving.web.cards import Dot

    for path in sorted((home / "reports").glob("retrain-*/report.json"), reverse=True):
        told = _read(path)
        if digest and told.get("bundle_hash") == digest:
            bins, words = told.get("reliability", {}).get("challenger", []), "Judged on efforts of months that it had not seen."
            break
    else:
        # The demonstration judges a model of the same recipe that was fitted before the months it is judged on.
        told = _read(home / "evaluation.json")
        bins = told.get("reliability", [])
        since, until = (_day(told.get(name)) for name in ("from", "to"))
        words = f"A model of the same recipe, judged on write-offs from {since} to {until} that it had not seen."
    dots = [row for row in bins if row.get("rows") and row.get("predicted") is not None and row.get("observed") is not None]
    return tuple(Dot(float(row["predicted"]), float(row["observed"]), int(row["rows"])) for row in dots), words if dots else ""


def _drift(home: Path) -> Drift | None:
    from serving.web.cards import Drift

    told = _read(home / "reports" / "drift.json")
    if not {"as_of", "days", "results", "alarms"} <= set(told):
        return None
    alarms = tuple(_alarm(row) for row in told["alarms"][:50])
    return Drift(_day(told["as_of"]), int(told["days"]), int(told["results"]), alarms)


def _alarm(row: Mapping[str, Any]) -> Alarm:
    from serving.web.cards import Alarm

    counts = [row.get(name) for name in ("recovered_since", "results_since", "predicted_since")]
    text = str(row.get("direction", ""))
    if all(isinstance(value, int | float) for value in counts):
        text += f"; {counts[0]:,} of {counts[1]:,} results brought something, {counts[2]:,.0f} were predicted"
    return Alarm(str(row.get("payer", "")), str(row.get("family") or ""), _day(row.get("changed_about")), text)


def _day(told: object) -> str:
    """Say a day of a report; what is none is said as it is."""
    from serving.web.words import long_day

    try:
        return long_day(date.fromisoformat(str(told or "")))
    except ValueError:
        return str(told or "")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            return {}
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
