"""A bundle's probe: rows whose features and estimates a load must find again, to the last bit, on whatever machine it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import BundleRefused

if TYPE_CHECKING:
    from models.scorer import Scorer

PROBE = "probe.json"


def make_probe(scorer: Scorer, records: Sequence[Mapping[str, object]], as_of: int) -> dict[str, Any]:
    """Return the probe of synthetic records."""
    x, found = scorer.probe(records, as_of)
    return {
        "as_of": as_of,
        "records": [dict(record) for record in records],
        "matrix": hashlib.sha256(x.tobytes()).hexdigest(),
        "outputs": {name: [value.hex() for value in values.tolist()] for name, values in found.items()},
    }


def check_probe(scorer: Scorer, folder: Path) -> None:
    """Recompute a bundle's probe.

    Raises
    ------
    BundleRefused
        When a feature or an output differs in any bit.
    """
    told = json.loads((folder / PROBE).read_text())
    x, found = scorer.probe(told["records"], told["as_of"])
    if hashlib.sha256(x.tobytes()).hexdigest() != told["matrix"]:
        raise BundleRefused(f"{folder.name}: the probe's features come out differently on this machine or version")
    for name, values in found.items():
        if [value.hex() for value in values.tolist()] != told["outputs"][name]:
            raise BundleRefused(f"{folder.name}: the probe's {name} comes out differently on this machine or version")
