"""The registered model as MLflow's own tools load it, far from this checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from models.registry import resolve
from models.scorer import Scorer
from tests.end_to_end.commands import environment
from tests.end_to_end.conftest import AS_OF, Trained

ROWS: list[dict[str, object]] = [
    {"writeoff_id": "W1", "writeoff_date": "2026-10-20", "payer_id": "P001", "writeoff_amount": 180.25, "carc": "197", "qmb": True},
    {"writeoff_id": "W2", "writeoff_date": "2026-10-21", "payer_id": "P002", "writeoff_amount": None, "carc": "45", "qmb": None},
]

CODE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas
home, rows, as_of = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
mlflow.set_tracking_uri(f"sqlite:///{home}/mlflow/mlflow.db")
model = mlflow.pyfunc.load_model("models:/recoup@champion")
frame = pandas.DataFrame(rows)
frame["writeoff_date"] = pandas.to_datetime(frame["writeoff_date"])
scores = model.predict(frame, params={"as_of": as_of})
import models
print(json.dumps({"place": models.__file__, "scores": scores.to_dict("records")}))
"""


def test_mlflow_gives_the_scores_that_the_service_gives(trained: Trained, tmp_path: Path) -> None:
    variables = environment(trained.home)
    del variables["PYTHONPATH"]
    arguments = [str(trained.home), json.dumps(ROWS), AS_OF]
    # -P: the working directory is not searched either.
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE, *arguments], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["place"].startswith(str(trained.home)), "the packages logged with the model are the ones that score"
    folder = resolve("champion", trained.home)
    assert folder is not None
    # 2026-11-01 is day 20,758 since 1970-01-01.
    expected = Scorer.load(folder).score_records(ROWS, as_of=20_758)
    assert [score["writeoff_id"] for score in told["scores"]] == ["W1", "W2"]
    for found, known in zip(told["scores"], expected, strict=True):
        assert json.loads(found["reasons"]) == known["reasons"]
        for name in ("recovery_probability", "expected_recovery", "rank", "remedy", "as_of", "model_version"):
            assert found[name] == known[name]


def test_the_run_keeps_an_invented_example_and_no_row_of_the_practice(trained: Trained) -> None:
    artifacts = [path for path in (trained.home / "mlflow" / "artifacts").rglob("*") if path.is_file()]
    assert any(path.name == "MLmodel" for path in artifacts)
    assert not any(path.suffix in (".pkl", ".pickle", ".so") for path in artifacts)
    examples = [path for path in artifacts if path.name == "input_example.json"]
    assert examples
    for path in examples:
        rows = json.loads(path.read_text())
        place = rows["columns"].index("writeoff_id")
        assert [row[place] for row in rows["data"]] == ["probe-0", "probe-1"]
    ids = {line.split(",")[0] for line in (trained.practice / "writeoffs.csv").read_text().splitlines()[1:200]}
    for path in artifacts:
        if path.suffix in (".json", ".md", ".html", ".svg", ".yaml", ".yml"):
            text = path.read_text()
            assert not any(f'"{key}"' in text for key in ids), path
