"""A run of MLflow: what is kept of a fit, and a run below it for each trial."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any

from models.account import Account, Data


def take_away_unfinished(client: Any, experiment: str, digest: str) -> None:
    """Delete runs of a bundle that has no version: whoever logged them was cut off."""
    for run in client.search_runs([experiment], filter_string=f"tags.bundle_hash = '{digest}'", max_results=1000):
        client.delete_run(run.info.run_id)


def log_account(client: Any, experiment: str, run: str, account: Account, settings: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Log settings, numbers, data by digest, reports and pictures, and a run below this one for each trial."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    now = int(time.time() * 1000)
    metrics = [Metric(name, float(value), now, 0) for name, value in account.metrics.items() if math.isfinite(value)]
    metrics += [Metric("tuning_loss", trial.loss, now, place) for place, trial in enumerate(account.tried)]
    client.log_batch(run, metrics=metrics, params=[Param(name, value) for name, value in settings.items()])
    inputs = [
        DatasetInput(
            Dataset(data.name, data.digest[:36], "local", "a snapshot under RECOUP_HOME", _schema_of(data), _profile(data)),
            [InputTag("mlflow.data.context", "training")],
        )
        for data in account.data
    ]
    if inputs:
        client.log_inputs(run, inputs)
    self_tags = {"mlflow.parentRunId": run, "bundle_hash": tags["bundle_hash"]}
    for place, trial in enumerate(account.tried):
        child = client.create_run(experiment, run_name=f"trial {place}", tags=self_tags).info.run_id
        client.log_batch(
            child, metrics=[Metric("loss", trial.loss, now, 0)], params=[Param(n, v) for n, v in texts(trial.settings).items()]
        )
        client.set_terminated(child)
    for name, text in account.files.items():
        client.log_text(run, text, name)


def _schema_of(data: Data) -> str:
    return json.dumps({"mlflow_colspec": [{"name": name, "type": "string", "required": False} for name in data.columns]})


def _profile(data: Data) -> str:
    return json.dumps({"num_rows": data.rows, "sha256": data.digest})


def texts(settings: Mapping[str, object]) -> dict[str, str]:
    """Return settings as MLflow keeps them."""
    return {name: str(value) for name, value in settings.items()}
