"""The registry: versions, aliases, promotion and its way back."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PosixPath
from typing import Any

import pytest

from features.errors import BundleRefused, CheckFailed, TryAgain, Unavailable, UsageError
from models.account import Account
from models.bundle import FORMAT
from models.named import resolve
from models.pointer import read_pointer
from models.registry import Registry, keep, settle


def make_bundle(folder: Path, word: str) -> Path:
    """Write a folder whose manifest holds and whose one file is a word."""
    folder.mkdir(parents=True)
    (folder / "model.txt").write_text(word)
    content: dict[str, Any] = {
        "format": FORMAT,
        "cut": "2026-08-01",
        "seed": 7,
        "libraries": {"numpy": "2.0"},
        "files": {"model.txt": hashlib.sha256(word.encode()).hexdigest()},
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    manifest = {"name": f"recoup-{word}", "bundle_hash": digest, "created": "2026-08-01T00:00:00Z", **content}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a, then b, then c were registered, and nothing else was done."""
    home = tmp_path_factory.mktemp("home")
    for word in "abc":
        Registry(home).register(
            make_bundle(home.parent / f"bundle-{word}-{home.name}", word), Account({"auc": 0.7, "nothing": float("nan")})
        )
    return home


def test_first_model_is_champion_and_later_ones_are_challengers(home: Path) -> None:
    versions = Registry(home).versions()
    assert [(v.number, v.name, v.cut) for v in versions] == [
        ("3", "recoup-c", "2026-08-01"),
        ("2", "recoup-b", "2026-08-01"),
        ("1", "recoup-a", "2026-08-01"),
    ]
    assert [v.aliases for v in versions] == [("challenger",), (), ("champion",)]


def test_a_bundle_registered_twice_keeps_its_version(home: Path) -> None:
    again = home.parent / f"bundle-c-{home.name}"
    assert Registry(home).register(again) == "3" and len(Registry(home).versions()) == 3


def test_metrics_are_shown_and_what_is_not_finite_is_left_out(home: Path) -> None:
    assert Registry(home).show("challenger").metrics == {"auc": 0.7}


def test_promotion_and_rollback_move_the_pointer_and_the_alias(home: Path) -> None:
    registry = Registry(home)
    assert registry.promote("challenger").version == "3"
    promoted = registry.promote("2")
    pointer = read_pointer(home)
    assert pointer is not None and pointer.champion == promoted and [p.version for p in pointer.history] == ["1", "3"]
    assert (promoted.folder(home) / "model.txt").read_text() == "b"
    assert registry.show("champion").number == "2"
    assert registry.rollback().version == "3" and registry.rollback().version == "1"
    with pytest.raises(CheckFailed, match="no earlier champion"):
        registry.rollback()
    assert registry.show("champion").number == "1"


def test_promoting_the_champion_again_changes_nothing(home: Path) -> None:
    before = read_pointer(home)
    Registry(home).promote("champion")
    assert read_pointer(home) == before


def test_a_name_is_a_folder_then_a_version_then_an_alias(home: Path) -> None:
    folder = home.parent / f"bundle-b-{home.name}"
    assert resolve(str(folder), home) == folder
    found = [resolve(ref, home) for ref in ("2", "challenger", "champion")]
    assert [(place / "model.txt").read_text() for place in found if place] == ["b", "c", "a"]


@pytest.mark.parametrize("ref", ["9", "nobody", ".", "models/none"])
def test_a_name_that_means_nothing_is_refused(home: Path, ref: str) -> None:
    with pytest.raises(UsageError):
        resolve(ref, home)


def test_an_altered_bundle_is_neither_registered_nor_gone_back_to(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home")
    first, second = make_bundle(tmp_path / "a", "a"), make_bundle(tmp_path / "b", "b")
    registry.register(first)
    registry.promote(registry.register(second))
    pointer = read_pointer(tmp_path / "home")
    assert pointer is not None
    (pointer.history[0].folder(tmp_path / "home") / "model.txt").write_text("x")
    with pytest.raises(BundleRefused):
        registry.rollback()
    assert read_pointer(tmp_path / "home") == pointer
    (first / "model.txt").write_text("x")
    with pytest.raises(BundleRefused, match="altered"):
        registry.register(first)


def test_two_promotions_at_once_are_told_to_try_again(home: Path) -> None:
    with (home / ".registry.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TryAgain):
            Registry(home).promote("1")


def test_a_bundle_is_kept_once_under_its_hash(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "a", "a")
    place = keep(folder, tmp_path / "home")
    assert keep(folder, tmp_path / "home") == place and (place / "model.txt").read_text() == "a"
    assert [p.name for p in place.parent.iterdir()] == [place.name]


def test_of_two_that_settle_at_once_one_stays(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=60)

    def settled(word: str) -> None:
        made = make_bundle(tmp_path / word / "bundle", "a")
        both.wait()
        settle(made, tmp_path / "place")

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(settled, ("one", "other"))) == [None, None]
    assert sorted(path.name for path in (tmp_path / "place").iterdir()) == ["manifest.json", "model.txt"]
    assert len([*tmp_path.glob("*/bundle")]) == 1


def test_a_folder_that_cannot_be_settled_is_an_error(tmp_path: Path) -> None:
    made = make_bundle(tmp_path / "made", "a")
    with pytest.raises(FileNotFoundError):
        settle(made, tmp_path / "nowhere" / "place")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        settle(made, tmp_path / "file")
    assert (made / "manifest.json").is_file()


def test_a_bundle_that_somebody_else_fetches_meanwhile_is_theirs(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home")
    version = Registry(tmp_path / "home").show("2")
    place = tmp_path / "home" / "models" / version.bundle_hash
    shutil.rmtree(place, ignore_errors=True)
    came: list[Path] = []

    class Beaten(PosixPath):
        """A home in which somebody else fetches a bundle right after we saw that it is not there."""

        def is_dir(self) -> bool:
            found = super().is_dir()
            if self.name == place.name and not came:
                came.append(place)
                shutil.copytree(home.parent / f"bundle-b-{home.name}", place)
            return found

    assert Registry(Beaten(tmp_path / "home")).fetch("2") == place and came
    assert [path.name for path in place.parent.iterdir() if path.name.startswith(".")] == []


def test_a_registry_that_is_not_there_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    # Port 9 is discard: nothing listens there.
    with pytest.raises(Unavailable):
        Registry(tmp_path, "http://127.0.0.1:9").versions()


def test_finding_the_champion_imports_no_mlflow(home: Path) -> None:
    code = (
        "import sys, pathlib; from models.named import resolve; "
        f"assert resolve('champion', pathlib.Path({str(home)!r})); "
        "assert not {'mlflow', 'lightgbm', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.getcwd()})
