"""Settings: their order, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import Misconfigured
from recoup.settings import Settings


def test_flags_beat_variables_beat_file_beat_defaults(tmp_path: Path) -> None:
    (tmp_path / "recoup.toml").write_text('host = "10.0.0.1"\nport = 1\nhome = "from-file"\n')
    settings = Settings.read({"host": "flag", "port": None}, {"RECOUP_HOST": "variable", "RECOUP_PORT": "2"}, folder=tmp_path)
    assert (settings.host, settings.port, settings.home, settings.api_key) == ("flag", 2, Path("from-file"), None)
    sources = {name: source for name, _, source, _ in settings.rows()}
    assert {name: source for name, source in sources.items() if source != "default"} == {
        "host": "flag", "port": "environment", "home": "recoup.toml",
    }  # fmt: skip


def test_home_is_var_by_default(tmp_path: Path) -> None:
    assert Settings.read({}, {}, folder=tmp_path).home == Path("var")


@pytest.mark.parametrize(
    ("text", "variables", "words"),
    [
        ("prot = 1", {}, "recoup.toml: prot is not a setting; did you mean port"),
        ("port = ", {}, "recoup.toml is not TOML"),
        ("port = true", {}, "recoup.toml: port must be a number"),
        ("host = 5", {}, "recoup.toml: host must be text"),
        ("[serve]\nport = 1", {}, "recoup.toml: serve is not a setting"),
        ("", {"RECOUP_PORT": "65536"}, "RECOUP_PORT must be a number from 0 to 65535"),
        ("", {"RECOUP_PORT": "-1"}, "RECOUP_PORT must be"),
        ("", {"RECOUP_HOEM": "x"}, "RECOUP_HOEM is not a setting; did you mean RECOUP_HOME?"),
        ("", {"RECOUP_API_KEY": "short"}, "RECOUP_API_KEY must be at least 16"),
        ("", {"RECOUP_SOURCES": "x"}, "RECOUP_SOURCES is not a setting"),
    ],
)
def test_unknown_and_wrong_settings_are_refused(tmp_path: Path, text: str, variables: dict[str, str], words: str) -> None:
    (tmp_path / "recoup.toml").write_text(text)
    with pytest.raises(Misconfigured, match="^" + words.replace("?", r"\?")):
        Settings.read({}, variables, folder=tmp_path)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings = Settings.read({}, {"RECOUP_API_KEY": "a-key-that-nobody-guesses"}, folder=tmp_path)
    assert "a-key-that-nobody-guesses" not in repr(settings.rows()) + repr(settings)


def test_every_setting_says_what_it_is() -> None:
    assert all(meaning for *_, meaning in Settings().rows())


def test_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings.read({}, {"RECOUP_API_KEY": "tiny-secret"}, folder=tmp_path)
    assert "tiny-secret" not in str(refused.value)


@pytest.mark.parametrize("given", ["-1", "cheap", "nan", "1e9", True])
def test_a_cost_is_a_number_of_dollars(given: object) -> None:
    with pytest.raises(Misconfigured, match="--hourly-cost must be dollars, 0 or more"):
        Settings.read({"hourly_cost": given}, {}, folder=None)


def test_costs_are_read_from_the_environment() -> None:
    chosen = Settings.read({}, {"RECOUP_HOURLY_COST": "55.5", "RECOUP_ACTION_OUTLAY": "3"}, folder=None)
    assert (chosen.hourly_cost, chosen.action_outlay) == (55.5, 3.0)


def test_limits_of_gates_come_from_a_table_or_from_text(tmp_path: Path) -> None:
    (tmp_path / "recoup.toml").write_text("[gates]\ngain_share = 0.02\nauc_least = 0.65\n")
    assert Settings.read({}, {}, folder=tmp_path).gates == "gain_share=0.02, auc_least=0.65"
    assert Settings.read({}, {"RECOUP_GATES": "gain_share=0.05"}, folder=tmp_path).gates == "gain_share=0.05"
    with pytest.raises(Misconfigured, match="gates"):
        Settings.read({}, {"RECOUP_GATES": "gain_share=much"}, folder=None)
