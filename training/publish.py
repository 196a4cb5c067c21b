"""From a fitted bundle to a folder that others can load: files, probe, card, manifest; whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import Bundle, read_manifest, seal, write
from models.scorer import PROBE, Scorer, make_probe

_PROBE_ROWS = 24


def publish(bundle: Bundle, folder: Path, *, name: str, created: str) -> str:
    """Write a bundle as a folder and return its hash.

    It is made beside its place and moved there when it is whole, so that a crash leaves the old folder or none.

    Parameters
    ----------
    name
        Of the model, for people.
    created
        ISO time of now.

    Raises
    ------
    BundleRefused
        When the folder holds something that is not a bundle: only a bundle is ever replaced.
    """
    making = folder.with_name(f".{folder.name}.making-{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    try:
        write(bundle, making)
        scorer = Scorer.load(making, version="probe", checked=False)
        probe = make_probe(scorer, probe_records(bundle), bundle.cut)
        (making / PROBE).write_text(json.dumps(probe, indent=1, sort_keys=True) + "\n")
        digest = seal(bundle, making, name=name, created=created)
        (making / "card.md").write_text(card(read_manifest(making)))
        if folder.exists():
            if any(folder.iterdir()):
                read_manifest(folder)
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return digest


def probe_records(bundle: Bundle) -> list[dict[str, Any]]:
    """Return invented write-offs out of the bundle's words: known and unseen codes, amounts present and absent, days before and after."""
    rng = np.random.default_rng(bundle.seed)
    words = {
        name: bundle.vocabulary.words(name)
        for name in (
            "payer_id",
            "payer_type",
            "plan_id",
            "procedure_code",
            "carc",
            "rarcs",
            "adjustment_code",
            "provider_id",
            "facility_id",
        )
    }
    records: list[dict[str, Any]] = []
    for i in range(_PROBE_ROWS):
        billed = int(rng.integers(2_000, 500_000))
        record: dict[str, Any] = {
            "writeoff_id": f"probe-{i}",
            "writeoff_date": _iso(bundle.cut - int(rng.integers(0, 400))),
            "payer_id": "unseen payer",
            "service_date": _iso(bundle.cut - int(rng.integers(400, 500))),
            "group_code": ("CO", "PR", "OA", "PI")[i % 4],
            "billed_amount": f"{billed / 100:.2f}",
        }
        for name, known in words.items():
            if known and rng.random() < 0.8:
                record[name] = known[int(rng.integers(len(known)))]
        if i % 5:
            record["writeoff_amount"] = f"{int(billed * rng.random()) / 100:.2f}"
        if i % 3:
            record["remit_date"] = _iso(bundle.cut - int(rng.integers(300, 400)))
            record["authorization_on_file"] = bool(i % 2)
        for name, kind in bundle.layout.extras.items():
            record[name] = {"number": str(i), "bool": ("true", "false")[i % 2]}.get(kind, "unseen")
        records.append(record)
    return records


def card(manifest: dict[str, Any]) -> str:
    """Return the model card: what it is, what it learned from, what it must not be used for."""
    facts = manifest["facts"]
    lines = [
        f"# {manifest['name']}",
        "",
        "Ranks medical-billing write-offs by the payer cash that working them now is likely to bring, per hour of work.",
        "",
        f"- Bundle: `{manifest['bundle_hash'][:12]}`, data cut {manifest['cut']}, seed {manifest['seed']}",
        f"- Learned from {facts['labels']} decided efforts on {facts['writeoffs']} write-offs; {facts['recovered']} brought payer cash; "
        f"{facts['explored']} were chosen at random",
        f"- Features: {len(manifest['features'])}; no trait of a patient is among them",
        "",
        "## Limits",
        "",
        "Labels exist only for what people chose to work; sums of expected dollars are corrected by randomly chosen work where it was "
        "logged, else they may be high. A probability is of payer cash net of take-backs, not of a won appeal. It decides an order of "
        "work; people decide every action.",
    ]
    return "\n".join(lines) + "\n"


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))
