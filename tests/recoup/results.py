"""A hand-made evaluation result, for reports before and beside a real one."""

from __future__ import annotations

from typing import Any


def evaluation_result(**changes: Any) -> dict[str, Any]:
    """Return a believable result of `training.evaluate`, with changes."""
    hours = [i / 20 for i in range(21)]
    bend = {"model": 0.30, "static_rule": 0.42, "dollars_per_hour": 0.52, "dollars_first": 0.62, "oldest_first": 0.98}
    result: dict[str, Any] = {
        "model_version": "7",
        "bundle_hash": "3f" * 32,
        "as_of": "2026-11-01",
        "from": "2026-04-01",
        "to": "2026-07-31",
        "rows": 9120,
        "resolved_rows": 1288,
        "matured_share": 0.81,
        "recovered_rows": 512,
        "auc": 0.783,
        "brier": 0.171,
        "ece": 0.031,
        "gini": 0.55,
        "predicted_dollars": 268_400.0,
        "actual_dollars": 251_120.5,
        "capacity": [{"share": share, **{name: share**power for name, power in bend.items()}} for share in (0.05, 0.1, 0.2)],
        "curve": {"hours_share": hours, **{name: [x**power for x in hours] for name, power in bend.items()}},
        "reliability": [_bin(i) for i in range(10)],
        "months": [_dollars({"month": f"2026-0{month}"}, 300, 61_000.0 + 4_000 * month) for month in (4, 5, 6, 7)],
        "payers": [_dollars({"payer": f"PAYER {i:02d}"}, 40 + i, 900.0 * i) for i in range(20)],
        "importance": [
            {"concept": name, "share": share} for name, share in (("payer_behaviour", 0.41), ("code", 0.33), ("deadline", 0.26))
        ],
        "warnings": ["only 81 % of the efforts begun have ended"],
        "truth": None,
    }
    return {**result, **changes}


def _bin(i: int) -> dict[str, Any]:
    observed = min(1.0, i / 10 + 0.03 + 0.02 * (i % 3))
    return {"low": i / 10, "high": (i + 1) / 10, "rows": 300 - 28 * i, "predicted": i / 10 + 0.05, "observed": observed}


def _dollars(whose: dict[str, Any], rows: int, predicted: float) -> dict[str, Any]:
    return {**whose, "rows": rows, "predicted_dollars": predicted, "actual_dollars": 0.94 * predicted}
