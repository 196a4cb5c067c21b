"""A scorer without a model, for tests of what stands around one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from features.batch import Batch
from features.vocabulary import Vocabulary
from models.pointer import Pointer, Promotion, read_pointer, write_pointer


class FixedScores:
    """Scores that say half for every row."""

    def __init__(self, ids: list[str], version: str) -> None:
        self._ids, self._version = ids, version

    def records(self) -> list[dict[str, Any]]:
        """Return one fixed score a row."""
        return [{"writeoff_id": name, "recovery_probability": 0.5, "model_version": self._version, "reasons": []} for name in self._ids]


class FixedScorer:
    """Scores every row alike, and breaks down with the whole batch in its message at the id `explode`."""

    def __init__(self, version: str, cut: int | None = None) -> None:
        self.version, self.cut, self.vocabulary = version, cut, Vocabulary()

    def score(self, batch: Batch, *, as_of: int, reasons: int | None = None, apart: bool = False) -> FixedScores:
        """Return one fixed score a row."""
        ids = [str(name) for name in batch.words("writeoff_id")]
        if "explode" in ids:
            raise RuntimeError(f"cannot score {batch!r}")
        return FixedScores(ids, self.version)


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
