"""A bundle is the model: whole, checked, free of code and of patients."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from features.errors import BundleRefused
from models.bundle import load, read_manifest
from models.probe import check_probe
from models.scorer import Scorer
from tests.practice import CREATED, Files, Learned
from training.publish import publish

ALTERED = 220


def copy(learned: Learned, folder: Path) -> Path:
    """Return a copy of the bundle's folder."""
    return Path(shutil.copytree(learned.folder, folder / "bundle"))


def test_the_same_inputs_give_the_same_bytes(learned: Learned, tmp_path: Path) -> None:
    digest = publish(learned.bundle, tmp_path / "again", name="another name", created="2027-01-01T00:00:00+00:00")
    assert digest == read_manifest(learned.folder)["bundle_hash"]
    assert read_manifest(tmp_path / "again")["created"] != CREATED


def test_every_altered_byte_is_refused(learned: Learned, tmp_path: Path) -> None:
    folder = copy(learned, tmp_path)
    rng, refused = np.random.default_rng(6), 0
    files = [p for p in sorted(folder.iterdir()) if p.name not in ("card.md", "report.html", "report.json")]
    assert {"manifest.json", "model.json", "likelihood.txt", "history.parquet", "usual.parquet", "vocabulary.json", "probe.json"} <= {
        p.name for p in files
    }
    for path in files:
        good = path.read_bytes()
        for _ in range(ALTERED // len(files) + 1):
            place = int(rng.integers(len(good)))
            # White space within the manifest and its date of making say nothing, so a change there is none.
            if path.name == "manifest.json" and (
                good[place : place + 1].isspace() or b'"created"' in good.split(b"\n")[good[:place].count(b"\n")]
            ):
                continue
            path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            if path.name == "manifest.json" and _same_name_only(good, path.read_bytes()):
                continue
            with pytest.raises(BundleRefused):
                Scorer.load(folder)
            refused += 1
        path.write_bytes(good)
    assert Scorer.load(folder).version == learned.scorer.version
    # The goal is 200 of 200; the few that alter nothing (white space of the manifest) are drawn beside.
    assert refused >= ALTERED * 0.95


def _same_name_only(one: bytes, other: bytes) -> bool:
    """Whether two manifests differ only in what people call the model."""
    try:
        first, second = json.loads(one), json.loads(other)
    except ValueError:
        return False
    return {k: v for k, v in first.items() if k not in ("name", "created")} == {
        k: v for k, v in second.items() if k not in ("name", "created")
    }


@pytest.mark.parametrize("name", ["model.json", "likelihood.txt", "manifest.json"])
def test_a_missing_file_is_refused(learned: Learned, tmp_path: Path, name: str) -> None:
    folder = copy(learned, tmp_path)
    (folder / name).unlink()
    with pytest.raises(BundleRefused, match=name):
        Scorer.load(folder)


def test_a_probe_that_comes_out_differently_is_refused(learned: Learned, tmp_path: Path) -> None:
    scorer = Scorer.load(learned.folder)
    probe = json.loads((learned.folder / "probe.json").read_text())
    probe["outputs"]["recovery_probability"][0] = (0.123).hex()
    (tmp_path / "probe.json").write_text(json.dumps(probe))
    with pytest.raises(BundleRefused, match="recovery_probability comes out differently"):
        check_probe(scorer, tmp_path)


def test_nothing_in_it_can_run_and_nothing_names_a_claim(practice: Files, learned: Learned) -> None:
    assert {p.suffix for p in learned.folder.iterdir()} <= {".json", ".txt", ".parquet", ".md", ".html"}
    everything = b"".join(p.read_bytes() for p in learned.folder.iterdir())
    for column in ("writeoff_id", "claim_id", "payer_claim_number"):
        for word in practice.writeoffs.words(column)[:200]:
            assert word is None or word.encode() not in everything


def test_a_folder_that_is_no_bundle_is_never_replaced(learned: Learned, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleRefused, match="not a model folder"):
        publish(learned.bundle, tmp_path / "mine", name="test", created=CREATED)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_the_state_comes_back_as_it_was(learned: Learned) -> None:
    loaded = load(learned.folder)
    for ours, theirs in (
        (learned.bundle.history.snapshot(), loaded.history.snapshot()),
        (learned.bundle.usual.snapshot(), loaded.usual.snapshot()),
    ):
        assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)
    assert loaded.vocabulary.as_dict() == learned.bundle.vocabulary.as_dict()
