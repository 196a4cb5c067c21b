"""The champion is loaded once, swapped when its pointer changes, and never half."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from features.errors import BundleRefused, StorageFailed
from models.pointer import FILE, Pointer, Promotion, read_pointer, write_pointer
from serving.champion import BatchScorer, Champion
from tests.serving.fakes import FixedScorer, load_fake, promote_fake

ROOT = Path(__file__).parents[2]

NO_FILES = """
import resource, sys
from pathlib import Path
from serving.champion import Champion
from tests.serving.fakes import FixedScorer, load_fake, promote_fake
home = Path(sys.argv[1])
promote_fake(home, "a", "aa")
champion = Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))
promote_fake(home, "b", "bb")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
short = champion.current()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
after = champion.current()
print(short.scorer.version, short.problem, after.scorer.version, after.problem, sep="|")
"""


def champion_of(home: Path) -> Champion[BatchScorer]:
    return Champion(home, load=load_fake, prior=lambda: FixedScorer("prior"))


def test_priors_score_while_there_is_no_model(tmp_path: Path) -> None:
    loaded = champion_of(tmp_path).current()
    assert loaded.is_prior and loaded.scorer.version == "prior" and loaded.problem


def test_a_promotion_is_served_without_a_restart(tmp_path: Path) -> None:
    champion = champion_of(tmp_path)
    for version in ("a", "b", "c"):
        promote_fake(tmp_path, version, version * 8)
        loaded = champion.current()
        assert (loaded.scorer.version, loaded.registry_version, loaded.problem, loaded.is_prior) == (version, version, None, False)


def test_an_unchanged_pointer_loads_nothing(tmp_path: Path) -> None:
    loads: list[Path] = []

    def load(folder: Path) -> FixedScorer:
        loads.append(folder)
        return load_fake(folder)

    promote_fake(tmp_path, "a", "aa")
    champion = Champion(tmp_path, load=load, prior=lambda: FixedScorer("prior"))
    for _ in range(100):
        champion.current()
    assert len(loads) == 1


@pytest.mark.parametrize("harm", ["gone", "other", "torn", "outside", "no manifest"])
def test_a_bad_promotion_leaves_the_old_model_and_is_named(tmp_path: Path, harm: str) -> None:
    promote_fake(tmp_path, "a", "aa")
    champion = champion_of(tmp_path)
    if harm == "gone":
        write_pointer(tmp_path, Pointer(Promotion("b", "bb", "models/bb")))
    elif harm == "other":
        write_pointer(tmp_path, Pointer(Promotion("b", "bb", "models/aa")))
    elif harm == "torn":
        (tmp_path / FILE).write_text('{"version": "b"')
    elif harm == "outside":
        write_pointer(tmp_path, Pointer(Promotion("b", "bb", "../elsewhere")))
    else:
        promote_fake(tmp_path, "b", "bb")
        (tmp_path / "models" / "bb" / "manifest.json").unlink()
    loaded = champion.current()
    assert loaded.scorer.version == "a" and not loaded.is_prior and loaded.problem
    promote_fake_again = Pointer(Promotion("a", "aa", "models/aa"))
    write_pointer(tmp_path, promote_fake_again)
    assert champion.current().problem is None


def test_readers_meet_the_old_or_the_new_model_while_it_is_swapped(tmp_path: Path) -> None:
    promote_fake(tmp_path, "v0", "h0")
    champion = champion_of(tmp_path)
    met: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            met.append(champion.current().scorer.version)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for i in range(1, 20):
        promote_fake(tmp_path, f"v{i}", f"h{i}")
        champion.current()
    stop.set()
    for reader in readers:
        reader.join()
    assert set(met) <= {f"v{i}" for i in range(20)} and champion.current().scorer.version == "v19"


def wait_for(champion: Champion[BatchScorer], version: str) -> None:
    """Wait until a version serves, some seconds at most."""
    waiting = threading.Event()
    for _ in range(500):
        if champion.current().scorer.version == version:
            break
        waiting.wait(0.01)


def test_who_follows_is_swapped_by_another_thread_within_seconds(tmp_path: Path) -> None:
    loaders: set[str] = set()

    def load(folder: Path) -> FixedScorer:
        loaders.add(threading.current_thread().name)
        return load_fake(folder)

    champion = Champion(tmp_path, load=load, prior=lambda: FixedScorer("prior"))
    with champion.follow(every=0.01):
        promote_fake(tmp_path, "a", "aa")
        wait_for(champion, "a")
    assert champion.current().scorer.version == "a" and loaders == {"champion"}


def test_a_bundle_that_breaks_the_loader_leaves_the_old_model(tmp_path: Path) -> None:
    def load(folder: Path) -> FixedScorer:
        if folder.name == "bb":
            raise KeyError("roles")
        return load_fake(folder)

    promote_fake(tmp_path, "a", "aa")
    champion = Champion(tmp_path, load=load, prior=lambda: FixedScorer("prior"))
    promote_fake(tmp_path, "b", "bb")
    loaded = champion.current()
    assert loaded.scorer.version == "a" and loaded.problem == "the bundle cannot be read: KeyError"


def test_a_promotion_while_files_run_out_is_served_once_there_are_some(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", NO_FILES, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "a|the bundle cannot be read: OSError|b|None"


@pytest.mark.parametrize(
    ("error", "tries"), [(OSError("input/output error"), 2), (MemoryError(), 2), (StorageFailed("disk"), 2), (BundleRefused("altered"), 1)]
)
def test_what_may_pass_is_tried_again_and_what_is_refused_is_not(tmp_path: Path, error: Exception, tries: int) -> None:
    loads: list[str] = []

    def load(folder: Path) -> FixedScorer:
        loads.append(folder.name)
        if loads == ["aa", "bb"]:
            raise error
        return load_fake(folder)

    promote_fake(tmp_path, "a", "aa")
    champion = Champion(tmp_path, load=load, prior=lambda: FixedScorer("prior"))
    promote_fake(tmp_path, "b", "bb")
    first = champion.current()
    assert first.scorer.version == "a" and first.problem
    for _ in range(3):
        loaded = champion.current()
    assert loads == ["aa", *["bb"] * tries]
    assert (loaded.scorer.version, loaded.problem) == (("b", None) if tries > 1 else ("a", first.problem))


def test_who_follows_is_swapped_after_a_look_that_failed(tmp_path: Path) -> None:
    loaders: list[str] = []

    def load(folder: Path) -> FixedScorer:
        loaders.append(threading.current_thread().name)
        if len(loaders) == 1:
            raise OSError("input/output error")
        return load_fake(folder)

    champion = Champion(tmp_path, load=load, prior=lambda: FixedScorer("prior"))
    with champion.follow(every=0.01):
        promote_fake(tmp_path, "a", "aa")
        wait_for(champion, "a")
    assert champion.current().problem is None and loaders == ["champion"] * 2


def test_pointer_keeps_who_served_before(tmp_path: Path) -> None:
    for version in ("a", "b", "c"):
        promote_fake(tmp_path, version, version)
    pointer = read_pointer(tmp_path)
    assert pointer is not None and [item.version for item in pointer.history] == ["a", "b"]
    back = pointer.rolled_back()
    assert back is not None and back.champion.version == "b" and [item.version for item in back.history] == ["a"]


def test_a_damaged_pointer_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(BundleRefused, match="damaged"):
        read_pointer(tmp_path)
