"""From a fitted bundle to a folder that others can load: files, probe, card, manifest; whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from features.matrix import BY_NAME
from models.anomaly import FLAGGED
from models.bundle import Bundle, read_manifest, seal, write
from models.probe import PROBE, make_probe
from models.scorer import Scorer

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
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Not named by the process: in containers that share a disk each is number 1.
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.making-", dir=folder.parent, ignore_cleanup_errors=True) as aside:
        making = Path(aside) / folder.name
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
        making.rename(folder)
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
    """Return the model card: what it is, what it learned from, how far that is to be trusted, what it must not be used for."""
    facts = manifest["facts"]
    lines = [
        f"# {manifest['name']}",
        "",
        "Ranks medical-billing write-offs by the payer cash that working them now is likely to bring, per hour of work.",
        "",
        f"- Bundle: `{manifest['bundle_hash'][:12]}`, data cut {manifest['cut']}, seed {manifest['seed']}",
        f"- Features: {_concepts(manifest['features'])}",
        "- No trait of a patient is a feature: none is read from who the patient is, what ails them, or how poor they are",
        "",
        "## What it learned from",
        "",
        f"- {_count(facts['labels'], 'decided effort')} on {_count(facts['writeoffs'], 'write-off')}; "
        f"{facts['recovered']} brought payer cash",
        f"- Of {_count(facts['efforts'], 'effort')} begun{_span(facts)}, {_share(facts['labels'], facts['efforts'])} were decided "
        "by the cut and can recover by rule; late answers are made up for by weights",
        f"- {_explored(facts)}",
        f"- Expert belief counts as {facts['recipe']['pseudo_labels']:.0f} labels; from the first label on the two are weighed",
        "",
        "## How well it did on blocks of time that it had not seen",
        "",
        *_figures(facts),
        "",
        "## Unusual postings",
        "",
        *_unusual(facts),
        "",
        "## Limits",
        "",
        *(f"- {warning}" for warning in facts.get("warnings", [])),
        "",
        "Labels exist only for what people chose to work; sums of expected dollars are corrected by randomly chosen work where it was "
        "logged, else they may be high. A probability is of payer cash net of take-backs, not of a won appeal; an effort that was given up "
        "counts as one that brought nothing. What a payer changed after the cut it does not know. It decides an order of work; people "
        "decide every action. It must not decide about patients: whom to bill, whom to treat, whom to help.",
    ]
    return "\n".join(lines) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def _span(facts: dict[str, Any]) -> str:
    return f" from {facts['first_effort']} to {facts['last_effort']}" if facts.get("first_effort") else ""


def _concepts(features: list[str]) -> str:
    counts = Counter(BY_NAME[name].concept if name in BY_NAME else "your own columns" for name in features)
    told = ", ".join(f"{concept} {count}" for concept, count in counts.most_common())
    return f"{len(features)} ({told})" if told else "none: there is nothing to learn from yet"


def _explored(facts: dict[str, Any]) -> str:
    if not facts["explored"]:
        return "Nothing was chosen at random: nobody can say how far staff chose the better ones, and sums may be high"
    return (
        f"{_count(facts['explored'], 'effort')} chosen at random moved the log odds by {facts.get('explored_shift', 0.0):+.2f}, "
        f"and below a chance of 27 % by a further {facts.get('low_stretch', 0.0):+.0%} of the way"
    )


def _figures(facts: dict[str, Any]) -> list[str]:
    if "brier_out_of_fold" not in facts:
        return ["Nothing was learned: the chances are what an expert believes."]
    return [
        f"- AUC {facts['auc_out_of_fold']:.3f}, Brier score {facts['brier_out_of_fold']:.4f}, "
        f"calibration error {facts['ece_out_of_fold']:.3f}, on efforts that were worked",
        "- Dollars, captured shares, bands and use by payer type and facility: `recoup evaluate`, on a window after the cut",
    ]


def _unusual(facts: dict[str, Any]) -> list[str]:
    if "unusual_share" not in facts:
        return ["Too few contractual postings to learn what is usual: scores lean on judgement."]
    return [
        f"{facts['unusual_share']:.1%} of contractual postings score {FLAGGED:.0f} or more (they leave too little). As many as "
        f"{facts['false_alarm_share']:.2%} leave as much too much, which nobody mis-posts: about so many alarms are false, at most.",
        "",
        f"Apart from amounts, {facts.get('odd_share', 0.0):.2%} of the latest postings have two codes that hardly ever come together; "
        "nearly all postings are proper, so about so many of them are called odd without cause.",
    ]


def _iso(day: int) -> str:
    return str(np.datetime64(day, "D"))
