"""A small practice and a model of it, made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.commands import Commands, environment, start

AS_OF = "2026-11-01"


@dataclass(frozen=True, slots=True)
class Trained:
    """A practice of 4,000 write-offs, and a home in which a model of it is champion."""

    practice: Path
    home: Path

    def tables(self) -> list[object]:
        """Return the flags of a command that reads all tables of the practice."""
        return [
            "--writeoffs", self.practice / "writeoffs.csv", "--contracts", self.practice / "contract_rates.csv",
            "--payer-rules", self.practice / "payer_rules.csv", "--policies", self.practice / "writeoff_policies.csv",
        ]  # fmt: skip


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Make the practice and the model by the commands themselves, each in its own process."""
    folder = tmp_path_factory.mktemp("practice")
    made = Trained(folder / "practice", folder / "home")
    for arguments in (
        ["sample", "--out", made.practice, "--rows", 4000, "--truth"],
        ["train", *made.tables(), "--outcomes", made.practice / "outcomes.csv", "--as-of", AS_OF],
    ):
        process = start(*arguments, home=made.home, folder=folder)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    assert environment(made.home)["RECOUP_HOME"] == str(made.home)
    return made


@pytest.fixture
def recoup(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Commands:
    """Run commands in the home with a model."""
    return Commands(trained.home, tmp_path, monkeypatch, capfd)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Commands:
    """Run commands in an empty home."""
    return Commands(tmp_path / "home", tmp_path, monkeypatch, capfd)
