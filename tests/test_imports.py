"""Who may know whom, and what an import does: nothing but define."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("features", "models", "training", "serving", "recoup")
HEAVY = {"lightgbm", "mlflow", "pandas", "scipy", "sklearn"}

MODULES = [
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages([str(PROJECT / package)], f"{package}.")
    if not module.name.endswith(".__main__")
]

LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

OPENED = """
import importlib, os, sys

# What our modules import is imported first: what others open at import is their affair.
for name in sys.argv[2].split():
    importlib.import_module(name)

allowed, seen = (".py", ".pyc"), []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        name = arguments[0]
        # An import reads source, and reads or writes bytecode beside it.
        if not (name.endswith(allowed) or ".pyc." in name):
            seen.append(f"open {name}")
    elif event.startswith(("socket.", "subprocess.", "sqlite3.", "os.system", "os.mkdir", "tempfile.", "urllib.")):
        seen.append(event)

known = set(sys.modules)
sys.addaudithook(watch)
for name in sys.argv[1].split():
    importlib.import_module(name)
sys.exit("\\n".join(seen) or None)
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, *arguments], cwd=PROJECT, capture_output=True, text=True)


def test_the_import_rules_hold(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--cache-dir", str(tmp_path)]
    checked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("module", ["serving.api.app", "serving.champion", "serving.web.site", "models.scorer"])
def test_a_request_is_answered_without_the_heavy_libraries(module: str) -> None:
    loaded = run(LOADED, module)
    assert loaded.returncode == 0, loaded.stderr
    assert not HEAVY & set(json.loads(loaded.stdout))


def test_the_service_never_knows_training() -> None:
    assert "training" not in json.loads(run(LOADED, "serving.api.app").stdout)


def test_nothing_is_opened_or_connected_at_import() -> None:
    others = (
        "numpy pyarrow pyarrow.csv pyarrow.parquet lightgbm sklearn.linear_model sklearn.isotonic scipy.optimize scipy.sparse lignum pandas"
    )
    web = "fastapi uvicorn prometheus_client structlog jinja2 typer typer.core rich.progress rich.table mlflow.pyfunc.model mlflow.models"
    stored = "pysqlite3 psycopg sqlalchemy sqlalchemy.dialects.sqlite.pysqlite sqlalchemy.dialects.postgresql.psycopg alembic alembic.op"
    written = "docx docxtpl lxml.etree reportlab.platypus reportlab.pdfbase.ttfonts pypdf xlsxwriter sqlcipher3"
    written += " openpyxl reportlab.graphics.shapes"
    opened = run(OPENED, " ".join(MODULES), f"{others} {web} {stored} {written}")
    assert opened.returncode == 0, opened.stderr
