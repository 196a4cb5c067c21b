"""The registered model on Spark, by the words of the manual."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.commands import environment, start
from tests.end_to_end.conftest import AS_OF, Trained

MANUAL = Path(__file__).parents[2] / "docs" / "cluster.md"
ROWS = 40
TEXTS = ("category", "family", "remedy", "deadline_date", "deadline_source", "work_item_id", "reasons", "model_version", "as_of")


def program() -> str:
    """Return the example that the manual gives."""
    [code] = re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    return str(code)


def read(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a table by their write-off."""
    return {row["writeoff_id"]: row for row in csv.DictReader(path.read_text().splitlines())}


def test_spark_by_the_words_of_the_manual_gives_the_scores_of_recoup_score(trained: Trained, tmp_path: Path) -> None:
    with (trained.practice / "writeoffs.csv").open() as file:
        (tmp_path / "writeoffs.csv").write_text("".join(next(file) for _ in range(ROWS + 1)))
    words = ("--writeoffs", "writeoffs.csv", "--out", "known.csv", "--as-of", AS_OF, "--reasons", "none")
    scored = start("score", *words, home=trained.home, folder=tmp_path)
    variables = environment(
        trained.home,
        MLFLOW_TRACKING_URI=f"sqlite:///{trained.home}/mlflow/mlflow.db",
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_SUBMIT_ARGS="--master local[1] --conf spark.ui.enabled=false --conf spark.driver.bindAddress=127.0.0.1 pyspark-shell",
        SPARK_LOCAL_IP="127.0.0.1",
        SPARK_LOCAL_DIRS=str(tmp_path / "spark"),
    )
    # The packages logged with the model are the ones that score: no path leads to this checkout's.
    del variables["PYTHONPATH"]
    code = program() + '\nscores.toPandas().to_csv("found.csv", index=False)\n'
    done = subprocess.run([sys.executable, "-P", "-c", code], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    _, problem = scored.communicate(timeout=120)
    assert scored.returncode == 0, problem
    found, known = (read(tmp_path / name) for name in ("found.csv", "known.csv"))
    assert len(known) == ROWS and found.keys() == known.keys()
    for key, row in known.items():
        for name, cell in row.items():
            told = found[key][name]
            if name in TEXTS or not cell:
                assert told == cell, (name, key)
            elif name == "in_scope":
                assert told.lower() == cell
            elif name != "writeoff_id":
                assert float(told) == float(cell), (name, key)
