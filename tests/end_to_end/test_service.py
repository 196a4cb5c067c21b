"""`serve` and `demo` as processes: what they print, answer and exit with."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.errors import Unavailable
from recoup.cli.service import read_page
from serving.client import Refused, Service, over_http
from tests.end_to_end.commands import environment, start
from tests.end_to_end.conftest import AS_OF, Trained

KEY = "a-key-for-tests-of-forty-three-characters-x"
CANARY = "Zebulon Quagmire"
ROW = {
    "writeoff_id": "W1",
    "writeoff_date": "2026-10-20",
    "payer_id": "P001",
    "writeoff_amount": 180.25,
    "billed_amount": "320.00",
    "carc": "197",
}
HEAVY = ("pandas", "lightgbm", "sklearn", "mlflow", "scipy")


def lines_until(process: subprocess.Popen[str], pattern: str) -> list[str]:
    """Read standard output up to the line that matches."""
    assert process.stdout is not None
    # A process that never says it must not keep the tests waiting.
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if re.search(pattern, line):
            watchdog.cancel()
            return lines
    raise AssertionError(f"{pattern!r} never came: {lines} {process.stderr.read() if process.stderr else ''}")


def call(url: str, body: Any = None, key: str | None = KEY) -> tuple[int, dict[str, Any]]:
    """Call the service and return status and document."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=data, headers=headers), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.fixture
def serving(trained: Trained, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service with the model, on a free port."""
    process = start("serve", "--port", "0", home=trained.home, folder=tmp_path, variables={"RECOUP_API_KEY": KEY})
    with process:
        line = lines_until(process, "serving on")[-1]
        found = re.search(r"http://\S+?:\d+", line)
        assert found
        yield found.group(), process
        process.terminate()
        process.communicate(timeout=30)


def test_a_served_score_is_the_score_of_the_file(serving: tuple[str, Any], trained: Trained, tmp_path: Path) -> None:
    url, _ = serving
    rows = [ROW, {**ROW, "writeoff_id": "W2", "carc": "45"}]
    status, answer = call(f"{url}/v1/scores", {"writeoffs": rows, "as_of": AS_OF})
    assert status == 200 and [score["writeoff_id"] for score in answer["scores"]] == ["W1", "W2"]
    assert answer["scores"][0]["reasons"] and answer["model_version"] == answer["scores"][0]["model_version"] != "prior"
    (tmp_path / "two.csv").write_text(",".join(ROW) + "\n" + "".join(",".join(str(v) for v in row.values()) + "\n" for row in rows))
    out = start("score", "--writeoffs", "two.csv", "--out", "s.csv", "--as-of", AS_OF, home=trained.home, folder=tmp_path)
    out.communicate(timeout=60)
    with (tmp_path / "s.csv").open() as file:
        by_id = {row["writeoff_id"]: row for row in csv.DictReader(file)}
    for score in answer["scores"]:
        for name in ("recovery_probability", "expected_recovery", "rank", "deadline_date", "work_item_id", "anomaly_score"):
            read = by_id[score["writeoff_id"]][name]
            assert read == str(score[name]) or float(read) == score[name]


def test_health_and_refusals(serving: tuple[str, Any]) -> None:
    url, _ = serving
    assert call(f"{url}/livez", key=None)[0] == 200 and call(f"{url}/readyz", key=None)[0] == 200
    assert call(f"{url}/v1/scores", {"writeoffs": [ROW]}, key=None)[0] == 401
    assert call(f"{url}/v1/scores", b'{"writeoffs": [{"writeoff_amount": 1e400}]}')[0] == 422


def test_the_typed_client_calls_over_http_and_says_when_nobody_answers(serving: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = serving
    send = over_http(url)
    assert Service(send, KEY).score([ROW], as_of=AS_OF) == call(f"{url}/v1/scores", {"writeoffs": [ROW], "as_of": AS_OF})[1]
    with pytest.raises(Refused) as refused:
        Service(send, "another").score([ROW])
    assert refused.value.status == 401
    process.terminate()
    process.communicate(timeout=30)
    with pytest.raises(Unavailable, match="does not answer"):
        Service(send, KEY).score([ROW])


def test_nothing_of_a_request_comes_back_in_errors_or_logs(trained: Trained, tmp_path: Path) -> None:
    process = start("serve", "--port", "0", home=trained.home, folder=tmp_path, variables={"RECOUP_API_KEY": KEY})
    with process:
        found = re.search(r"http://\S+?:\d+", lines_until(process, "serving on")[-1])
        assert found
        bad = {name: CANARY for name in ("writeoff_id", "writeoff_date", "payer_id", "writeoff_amount", "patient_id", CANARY)}
        answers = [call(f"{found.group()}/v1/scores", body) for body in ({"writeoffs": [bad]}, {CANARY: 1}, f'{{"{CANARY}'.encode())]
        answers.append(call(f"{found.group()}/v1/{CANARY.replace(' ', '-')}?name={CANARY.replace(' ', '-')}", None))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert [status for status, _ in answers] == [422, 422, 422, 404]
    for sink in (*(json.dumps(document) for _, document in answers), out, err):
        assert not any(part in sink for part in CANARY.split())


def test_the_service_path_imports_neither_training_nor_heavy_libraries(trained: Trained) -> None:
    import sys

    code = f"""
import sys
from pathlib import Path
from datetime import date
from recoup.cli.service import _champion, _service
from recoup.settings import Settings
from serving.api.app import create_app
from serving.api.questions import answer, read_question
chosen = Settings.read({{}}, {{}}, folder=None)
champion = _champion(Path({str(trained.home)!r}), chosen)
create_app(_service(chosen, champion, date.today, key="k" * 32))
import json
body = json.dumps({{"writeoffs": [{ROW!r}], "as_of": {AS_OF!r}}}).encode()
loaded = champion.current()
assert loaded.problem is None, loaded.problem
assert answer(read_question(body, today=date.today()), loaded).scores[0]["model_version"] != "prior"
heavy = [name for name in {HEAVY!r} + ("training", "recoup.sample") if name in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(trained.home))


def test_without_a_model_priors_answer_and_it_is_ready(tmp_path: Path) -> None:
    process = start("serve", "--port", "0", home=tmp_path / "home", folder=tmp_path)
    with process:
        lines = lines_until(process, "RECOUP_API_KEY")
        url = next(found.group() for line in lines if (found := re.search(r"http://\S+?:\d+", line)))
        key = next(line.split(": ")[1] for line in lines if line.startswith("key for this run"))
        assert call(f"{url}/readyz", key=None)[0] == 200 and call(f"{url}/livez", key=None)[0] == 200
        assert call(f"{url}/v1/scores", {"writeoffs": [ROW]}, key=key)[1]["model_version"] == "prior"
        process.terminate()
        process.communicate(timeout=30)


def test_a_port_that_is_taken_exits_69(serving: tuple[str, Any], trained: Trained, tmp_path: Path) -> None:
    port = serving[0].rsplit(":", 1)[1]
    process = start("serve", "--port", port, home=trained.home, folder=tmp_path)
    assert "cannot listen" in process.communicate(timeout=60)[1] and process.returncode == 69


def test_a_demo_read_by_a_visitor_ends(tmp_path: Path) -> None:
    process = start("demo", "--once", "--rows", "3000", "--port", "0", home=tmp_path / "home", folder=tmp_path)
    with process:
        url = lines_until(process, "token=")[-1].removeprefix("open ")
        page = read_page(url, url.partition("/enter")[0] + "/queue")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Take the next one" in page and page.count("data-open") >= 50 and "synthetic practice" in page
    assert (tmp_path / "home" / "demo" / "report.html").is_file() and not (tmp_path / "home" / "champion.json").exists()


def test_a_demo_that_nobody_reads_ends_by_itself(tmp_path: Path) -> None:
    process = start("demo", "--once", "--rows", "2000", "--port", "0", home=tmp_path / "home", folder=tmp_path)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0 and "token=" in out, err
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_an_interrupt_ends_with_130_and_one_quiet_line(tmp_path: Path) -> None:
    process = start("serve", "--port", "0", home=tmp_path / "home", folder=tmp_path)
    with process:
        lines_until(process, "RECOUP_API_KEY")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err
