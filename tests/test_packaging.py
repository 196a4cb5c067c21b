"""The five packages: that their names are this checkout's, and that a wheel holds all they need."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SPECIFICATION = tomllib.loads((PROJECT / "pyproject.toml").read_text())
PACKAGES = ("features", "models", "training", "serving", "recoup")
GENERATED = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    program = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=PROJECT, capture_output=True, text=True, check=True)
    with ZipFile(folder / built.stdout.splitlines()[-1]) as file:
        yield file


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_the_one_of_this_checkout(name: str) -> None:
    package = importlib.import_module(name)
    assert [Path(folder) for folder in package.__path__] == [PROJECT / name]


def test_the_packages_are_those_that_are_declared() -> None:
    assert tuple(SPECIFICATION["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == PACKAGES


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_stands_as_it_is_found_without_this_folder_on_the_path(name: str, tmp_path: Path) -> None:
    # Installed packages of the same plain names would be found first, or instead.
    program = f"import {name}; print({name}.__file__)"
    found = subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()) == PROJECT / name / "__init__.py"


def test_a_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: ZipFile) -> None:
    ours = {
        path.relative_to(PROJECT).as_posix()
        for name in PACKAGES
        for path in (PROJECT / name).rglob("*")
        if path.is_file() and not GENERATED & set(path.parts)
    }
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == ours


@pytest.mark.parametrize("ending", [".py", ".csv", ".j2", ".css", ".svg"])
def test_a_wheel_holds_code_tables_templates_and_static_files(wheel: ZipFile, ending: str) -> None:
    assert any(name.endswith(ending) for name in wheel.namelist())


def test_a_wheel_carries_the_licence_and_the_program(wheel: ZipFile) -> None:
    names = wheel.namelist()
    (licence,) = [name for name in names if name.endswith("/licenses/LICENSE")]
    assert wheel.read(licence) == (PROJECT / "LICENSE").read_bytes()
    (entries,) = [name for name in names if name.endswith("/entry_points.txt")]
    assert wheel.read(entries).decode().split() == ["[console_scripts]", "recoup", "=", "recoup.cli:main"]


def requirements() -> list[str]:
    """Every requirement, of the run and of the extras."""
    project = SPECIFICATION["project"]
    return [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]


def name_of(requirement: str) -> str:
    """A requirement's distribution, as names are compared: lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ \[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def pins() -> dict[str, str]:
    """The pinned version of each distribution in constraints.txt."""
    lines = [line for line in (PROJECT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    return {name_of(line): line.partition("==")[2] for line in lines}


def test_constraints_are_names_and_versions_only() -> None:
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    strange = [line for line in lines if not line.startswith("#") and not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line)]
    assert strange == []


def test_every_requirement_is_pinned_and_installed_at_that_version() -> None:
    pinned = pins()
    for requirement in requirements():
        name = name_of(requirement)
        assert metadata.version(name) == pinned[name]


def test_what_is_imported_is_required() -> None:
    # A package that is not named here may leave when another one stops needing it.
    extras = SPECIFICATION["project"]["optional-dependencies"]
    required = {name_of(line) for line in (*SPECIFICATION["project"]["dependencies"], *extras["cluster"])}
    owners = metadata.packages_distributions()
    imports = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            for name in imports.findall(path.read_text()):
                if name in owners and name not in PACKAGES:
                    assert required & {name_of(owner) for owner in owners[name]}, f"{path.relative_to(PROJECT)} imports {name}"


def test_what_is_required_is_imported() -> None:
    owners = metadata.packages_distributions()
    text = "\n".join(path.read_text() for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    for requirement in SPECIFICATION["project"]["dependencies"]:
        modules = [module for module, names in owners.items() if name_of(requirement) in {name_of(name) for name in names}]
        assert any(re.search(rf"^\s*(?:from|import) {module}\b", text, re.MULTILINE) for module in modules), requirement
