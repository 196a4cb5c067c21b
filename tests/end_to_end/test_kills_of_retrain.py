"""A retraining that is killed leaves the champion serving, and the next one completes (all steps: `make bench-kills-of-retrain`)."""

from __future__ import annotations

import signal
from pathlib import Path

from benchmarks.kills_of_retrain import FIRST_DAY, debris, problems, retrain
from models.pointer import read_pointer
from tests.practice import make_practice


def test_a_retraining_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    folder, home = tmp_path / "practice", tmp_path / "home"
    make_practice(folder, rows=3000, seed=3)
    code, steps = retrain(folder, home, FIRST_DAY)
    champion = read_pointer(home)
    assert code == 0 and champion is not None and steps[-1] == "registry: promoted"
    for point in ("keep", "registry: version", "registry: pointer"):
        assert point in steps
        assert retrain(folder, home, FIRST_DAY + 1, point)[0] == -signal.SIGKILL
        assert not problems(home, [champion])
    assert retrain(folder, home, FIRST_DAY + 1)[0] == 0
    after = read_pointer(home)
    assert after is not None and after.history == (champion.champion,)
    assert not problems(home, [after]) and not debris(home)
