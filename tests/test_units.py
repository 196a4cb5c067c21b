"""The container file and the units, as text: closed in, started as documented, and naming only what there is."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest

from recoup.manual import documented_commands
from recoup.settings import PREFIX, Settings

PROJECT = Path(__file__).resolve().parents[1]
UNITS = PROJECT / "docs" / "units"
SERVICES = sorted(UNITS.glob("*.service"))
COMMANDS = {name for name, _ in documented_commands()}
SETTINGS = {f"{PREFIX}{name.upper()}" for name, *_ in Settings().rows()}


def read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return parser


def command_of(words: list[str]) -> str:
    """The command of a call of recoup, with its group."""
    place = next(i for i, word in enumerate(words) if word.rsplit("/", 1)[-1] == "recoup")
    named = [word for word in words[place + 1 : place + 3] if re.fullmatch(r"[a-z-]+", word)]
    found = [name for name in (" ".join(["recoup", *named]), " ".join(["recoup", *named[:1]])) if name in COMMANDS]
    assert found, words
    return found[0]


def test_there_are_units_for_the_service_and_its_workers() -> None:
    assert [path.name for path in SERVICES] == ["recoup-worker@.service", "recoup.service"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_is_closed_in(path: Path) -> None:
    service = read(path)["Service"]
    expected = {
        "User": "recoup", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "UMask": "0077",
        "PrivateDevices": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "yes", "SystemCallArchitectures": "native",
        "StateDirectoryMode": "0700", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    }  # fmt: skip
    assert {name: service.get(name) for name in expected} == expected
    # systemd must wait longer than the service takes to finish what is in flight.
    assert int(service["TimeoutStopSec"]) > 10
    assert service["ReadWritePaths"] == "/var/lib/recoup" and "RECOUP_HOME=/var/lib/recoup" in path.read_text()


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_starts_a_command_and_names_settings_that_exist(path: Path) -> None:
    assert command_of(shlex.split(read(path)["Service"]["ExecStart"])) in ("recoup serve", "recoup worker")
    assert set(re.findall(r"\bRECOUP_[A-Z_]+", path.read_text())) <= SETTINGS


def test_every_line_of_the_nightly_round_runs_commands_that_exist() -> None:
    lines = [line for line in (UNITS / "recoup.cron").read_text().splitlines() if re.match(r"[\d*]", line)]
    calls = [part for line in lines for part in re.split(r"&&|;", line) if re.search(r"\brecoup [a-z]", part.split("recoup  ")[-1])]
    words = [
        shlex.split(part)[-20:] if "recoup  " not in part else ["recoup", *shlex.split(part.split("recoup  recoup ")[-1])] for part in calls
    ]
    commands = {"recoup queue export", "recoup score", "recoup queue load", "recoup backup", "recoup trail verify"}
    assert {command_of(call) for call in words} == commands


def test_the_nightly_round_names_the_store_that_the_service_may_keep_elsewhere() -> None:
    text = (UNITS / "recoup.cron").read_text()
    assert "#RECOUP_DATABASE_URL=" in text and set(re.findall(r"\bRECOUP_[A-Z_]+", text)) <= SETTINGS


def test_the_container_runs_as_nobody_and_installs_what_is_pinned() -> None:
    text = (PROJECT / "Containerfile").read_text()
    steps = re.findall(r"^([A-Z]+) ", text, re.MULTILINE)
    assert steps.count("FROM") == 2 and "ADD" not in steps
    # No root from there on, and a number, so that a cluster can see that it is not root.
    assert re.search(r"^USER 10001$", text, re.MULTILINE) and text.index("USER 10001") < text.index("ENTRYPOINT")
    assert "--constraint constraints.txt" in text and "latest" not in text and "/livez" in text
    assert set(re.findall(r"\bRECOUP_[A-Z_]+", text)) <= SETTINGS
    assert re.search(r'^CMD \["serve"\]$', text, re.MULTILINE) and "recoup serve" in COMMANDS
    assert not re.search(r"(?i)password|secret|api_key", text)


def test_the_image_is_made_without_data_and_history() -> None:
    ignored = (PROJECT / ".containerignore").read_text().split()
    assert {".git", ".venv", "var", "*.db"} <= set(ignored)
