"""A scorer without a model, for tests of what stands around one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.intake.rejects import Reject, Rule, TooManyRowsRejected
from models.pointer import Pointer, Promotion, read_pointer, write_pointer


class FixedScorer:
    """Scores every row alike; a row whose amount is `bad` is refused."""

    def __init__(self, version: str, cut: int = 0) -> None:
        self._version, self._cut = version, cut

    @property
    def version(self) -> str:
        """The version it was given."""
        return self._version

    @property
    def cut(self) -> int:
        """The day it was given."""
        return self._cut

    def score_records(self, records: Sequence[Mapping[str, Any]], *, as_of: int, reasons: bool = True) -> list[dict[str, Any]]:
        """Return one fixed score a row."""
        refused = [
            Reject(i + 1, "", "writeoff_amount", Rule.NOT_AN_AMOUNT) for i, row in enumerate(records) if row.get("writeoff_amount") == "bad"
        ]
        if refused:
            raise TooManyRowsRejected("request", "writeoffs", len(records), refused)
        if any(row.get("writeoff_id") == "explode" for row in records):
            raise RuntimeError(f"cannot score {records!r}")
        return [
            {
                "writeoff_id": row["writeoff_id"],
                "recovery_probability": 0.5,
                "model_version": self.version,
                "reasons": [] if reasons else None,
            }
            for row in records
        ]


def add_bundle(home: Path, version: str, bundle_hash: str) -> Path:
    """Write a folder that passes for a bundle of this version."""
    folder = home / "models" / bundle_hash
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"bundle_hash": bundle_hash, "name": version}))
    return folder


def promote_fake(home: Path, version: str, bundle_hash: str) -> None:
    """Make such a folder the champion."""
    add_bundle(home, version, bundle_hash)
    promotion = Promotion(version, bundle_hash, f"models/{bundle_hash}")
    before = read_pointer(home)
    write_pointer(home, before.promoted(promotion) if before else Pointer(promotion))


def load_fake(folder: Path) -> FixedScorer:
    """Load such a folder."""
    return FixedScorer(json.loads((folder / "manifest.json").read_text())["name"])
