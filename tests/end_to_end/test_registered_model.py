"""The registered model as MLflow's own tools load it, far from this checkout."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from features.tables import WRITEOFFS, Kind
from models.named import resolve
from models.scorer import Scorer
from tests.end_to_end.commands import environment, start
from tests.end_to_end.conftest import AS_OF, Trained

ROWS: list[dict[str, object]] = [
    {"writeoff_id": "W1", "writeoff_date": "2026-10-20", "payer_id": "P001", "writeoff_amount": 180.25, "carc": "197", "qmb": True},
    {"writeoff_id": "W0", "writeoff_date": "2026-10-21", "payer_id": "P001", "writeoff_amount": 0.0, "carc": "45", "qmb": None},
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
    first, nothing, last = told["scores"]
    assert [score["writeoff_id"] for score in (first, last)] == ["W1", "W2"]
    # Null of a frame is NaN, which equals nothing; the row of zero dollars is null throughout.
    assert all(value is None or value != value for value in nothing.values())
    for found, known in zip((first, last), expected, strict=True):
        assert json.loads(found["reasons"]) == known["reasons"]
        for name in ("recovery_probability", "expected_recovery", "rank", "remedy", "as_of", "model_version"):
            assert found[name] == known[name]


def test_mlflow_models_serve_gives_the_scores_of_recoup_score(trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    with (trained.practice / "writeoffs.csv").open() as file:
        head = [next(file) for _ in range(31)]
    part = tmp_path / "writeoffs.csv"
    part.write_text("".join(head))
    scored = start("score", "--writeoffs", part, "--out", out, "--as-of", AS_OF, home=trained.home, folder=tmp_path)
    port = free_port()
    variables = environment(trained.home, MLFLOW_TRACKING_URI=f"sqlite:///{trained.home}/mlflow/mlflow.db")
    # MLflow starts uvicorn by its name.
    variables |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"}
    command = ["-m", "mlflow", "models", "serve", "-m", "models:/recoup@champion", "--env-manager", "local", "-p", str(port)]
    server = subprocess.Popen([sys.executable, *command], env=variables, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        names = head[0].strip().split(",")
        types = {column.name: column.kind for column in WRITEOFFS.columns}
        rows = [[read(types[n], cell) for n, cell in zip(names, line.strip("\n").split(","), strict=True)] for line in head[1:]]
        body = {"dataframe_split": {"columns": names, "data": rows}, "params": {"as_of": AS_OF, "reasons": False}}
        found = ask(f"http://127.0.0.1:{port}/invocations", body)["predictions"]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    _, problem = scored.communicate(timeout=120)
    assert scored.returncode == 0, problem
    known = {row["writeoff_id"]: row for row in csv.DictReader(out.read_text().splitlines())}
    assert len(found) == len(known) == 30
    for row in found:
        told = known[row["writeoff_id"]]
        assert row["recovery_probability"] == float(told["recovery_probability"]) and row["rank"] == int(told["rank"])
        assert row["expected_recovery"] == float(told["expected_recovery"]) and row["remedy"] == told["remedy"]


def read(kind: Kind, cell: str) -> object:
    """Return a cell of a file as JSON would carry it to MLflow."""
    if cell == "":
        return None
    if kind is Kind.BOOL:
        return cell.lower() in ("true", "t", "yes", "1")
    return float(cell) if kind in (Kind.MONEY, Kind.INT, Kind.NUMBER) else cell


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask(url: str, body: object) -> Any:
    """Post JSON as soon as somebody listens."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 120
    while True:
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


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
