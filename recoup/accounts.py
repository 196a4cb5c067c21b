"""What is told to the registry of a fit: settings, numbers, tags to search by, tables by digest, reports and pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from models.account import Account, Data, Tried
from models.registry import GATES, HELD
from training.cut import Ledger

_TAGGED = ("labels", "explored", "shift", "explored_shift")
_CONTEST = ("auc", "brier", "ece", "chance_ratio", "dollars_ratio")


def account_of(
    facts: Mapping[str, Any], manifest: Mapping[str, Any], ledger: Ledger, snapshot: str, result: Mapping[str, Any] | None = None
) -> Account:
    """Return the account of a fit.

    Parameters
    ----------
    facts, manifest
        Of the bundle.
    ledger, snapshot
        What it was fitted on, and its digest.
    result
        What `training.retrain` reported; None: nothing was compared.
    """
    numbers = {name: float(value) for name, value in facts.items() if _is_number(value)}
    tags = {
        "feature_set": str(manifest["schema_hash"])[:12],
        "snapshot": snapshot,
        "commit": commit(Path(__file__).resolve().parents[1]),
        "recoup": metadata.version("recoup"),
        **{f"fit_{name}": str(facts[name]) for name in _TAGGED if name in facts},
    }
    data = tuple(
        Data(name, snapshot, len(batch), tuple(batch.columns))
        for name, batch in (("writeoffs", ledger.writeoffs), ("outcomes", ledger.outcomes), *sorted(ledger.tables.items()))
    )
    settings = dict(facts.get("recipe", {}))
    if result is None:
        return Account(numbers, settings, tags, data)
    window = result["window"]
    tags |= {
        GATES: HELD if result["held"] else "failed",
        "gates_failed": ", ".join(gate["name"] for gate in result["gates"] if not gate["held"]),
        "label_maturity_days": str(window["mature_days"]),
        "judged_from": window["from"],
        "judged_to": window["to"],
        "compared_with": str(result["champion"] or "static rule"),
    }
    tried = tuple(Tried(trial["recipe"], trial["loss"]) for trial in result["tuning"]["trials"])
    return Account(numbers | _judged(result), settings, tags, data, pictures(result), tried)


def _judged(result: Mapping[str, Any]) -> dict[str, float]:
    """Return what the contest measured, by names that a chart can compare between runs."""
    found = {f"judged_{name}": result["entries"]["challenger"][name] for name in _CONTEST}
    for row in result["capacity"]:
        at = f"at_{round(100 * row['share'])}_percent"
        for name, entry in row["entries"].items():
            found[f"dollars_{name.replace(' ', '_')}_{at}"] = entry["dollars"]
            if name != "challenger":
                found |= {f"{part}_over_{name.replace(' ', '_')}_{at}": entry[part] for part in ("gain", "gain_low", "gain_high")}
    return {name: float(value) for name, value in found.items() if _is_number(value)}


def pictures(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the report and its pictures, by their place among a run's artifacts."""
    from recoup.report.retrain import gains, losses, reliability, retrain_html
    from recoup.report.svg import alone

    drawn = {"gain": gains(result), "reliability": reliability(result), "tuning": losses(result)}
    files = {f"pictures/{name}.svg": alone(drawing) for name, drawing in drawn.items() if drawing}
    return {"report.html": retrain_html(result), "report.json": json.dumps(result, indent=1, allow_nan=False), **files}


def commit(root: Path) -> str:
    """Return the commit that a checkout stands at, `unknown` for an installed package."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        place = git / head.removeprefix("ref: ")
        if place.is_file():
            return place.read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
        return next((line.split()[0] for line in packed if line.endswith(head.removeprefix("ref: "))), "unknown")
    except OSError:
        return "unknown"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
