"""The pages: generated ones are what the code says, and everything that a user can name is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.errors import RecoupError
from features.matrix import FEATURES
from features.tables import TABLES, Table
from models.scores import SCORE_COLUMNS
from recoup.dictionary import SCORES, dictionary
from recoup.manual import documented_commands, manual
from recoup.rights import rights
from recoup.settings import PREFIX, Settings

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
PAGES = sorted([*PROJECT.glob("*.md"), *DOCS.rglob("*.md"), *(PROJECT / "benchmarks").glob("*.md")])
STALE = "docs are older than the code: run `make docs`"


def section(page: str, title: str) -> str:
    """The text below a heading of the second level, down to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title}"
    return found[1]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
def test_every_column_of_a_table_is_in_the_dictionary(table: Table) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section(dictionary(), table.name), re.MULTILINE)
    assert rows == list(table.names)


def test_every_score_column_is_in_the_dictionary() -> None:
    assert list(SCORES) == list(SCORE_COLUMNS)
    assert re.findall(r"^\| `(\w+)` \|", section(dictionary(), "scores"), re.MULTILINE) == list(SCORE_COLUMNS)


def test_every_feature_is_in_the_dictionary_once() -> None:
    rows = re.findall(r"^\| `(\w+)`†? \|", section(dictionary(), "Features"), re.MULTILINE)
    assert sorted(rows) == sorted(feature.name for feature in FEATURES)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: str(feature.name))
def test_a_feature_says_what_it_is(feature: object) -> None:
    row = next(line for line in section(dictionary(), "Features").splitlines() if line.startswith(f"| `{getattr(feature, 'name', '')}`"))
    cells = [cell.strip() for cell in row.strip("| ").split(" | ")]
    assert len(cells) == 6
    assert all(cells[place] for place in (0, 1, 2, 3, 5))


def test_the_dictionary_is_what_is_committed() -> None:
    assert (DOCS / "data-dictionary.md").read_text() == dictionary(), STALE


def test_the_manual_is_what_is_committed() -> None:
    assert (DOCS / "cli.md").read_text() == manual(), STALE


def test_the_page_of_rights_is_what_is_committed() -> None:
    assert (DOCS / "rights.md").read_text() == rights(), STALE


def test_every_command_option_and_setting_is_explained() -> None:
    commands = dict(documented_commands())
    assert len(commands) > 10
    page = manual()
    for name, command in commands.items():
        assert command.help, f"{name} has no help"
        text = section(page, name)
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"
            assert all(f"`{word}`" in text for word in parameter.opts if word.startswith("-"))
    for name, _, _, meaning in Settings().rows():
        assert meaning
        assert f"`{PREFIX}{name.upper()}`" in section(page, "Settings")


def test_every_exit_code_is_explained() -> None:
    def kinds(kind: type[RecoupError]) -> list[type[RecoupError]]:
        return [kind, *(found for inner in kind.__subclasses__() for found in kinds(inner))]

    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", section(manual(), "Exit codes"), re.MULTILINE)}
    assert {kind.exit_code for kind in kinds(RecoupError)} <= explained


def test_every_target_of_make_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for line in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert set(filter(None, line)) <= targets, page.name


def test_every_benchmark_is_explained() -> None:
    told = (PROJECT / "benchmarks" / "README.md").read_text()
    targets = re.findall(r"^(bench-[a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) > 20 and [target for target in targets if f"`make {target}`" not in told] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_a_page_leads_only_to_what_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def shown(page: str) -> list[str]:
    """The commands of a page, in blocks and within sentences, each with its options."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [part for block in blocks for line in block.replace("\\\n", " ").splitlines() for part in re.split(r"&&|[|;#]", line)]
    return [line.strip() for line in (*lines, *re.findall(r"`(recoup [^`]+)`", page)) if re.match(r"\s*(?:\.venv/bin/)?recoup [a-z]", line)]


def test_every_command_and_option_that_a_page_shows_exists() -> None:
    known = dict(documented_commands())
    groups, seen = {name.rsplit(" ", 1)[0] for name in known}, 0
    for page in PAGES:
        for line in shown(page.read_text()):
            words = line.removeprefix(".venv/bin/").split()
            name = next((name for end in (3, 2) if (name := " ".join(words[:end])) in known), None)
            if name is None:
                assert " ".join(words[:2]) in groups, f"{page.name}: {line}"
                continue
            given = {word for word in words if word.startswith("--")}
            assert given <= {"--help", *(one for parameter in known[name].params for one in parameter.opts)}, f"{page.name}: {line}"
            seen += len(given)
    assert seen > 50


def test_every_picture_is_shown_on_a_page() -> None:
    shown_ones = {(page.parent / link).resolve() for page in PAGES for link in re.findall(r"\]\(([^)#\s]+\.png)\)", page.read_text())}
    assert shown_ones and {path.resolve() for path in DOCS.rglob("*.png")} == shown_ones
