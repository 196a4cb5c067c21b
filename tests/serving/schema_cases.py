"""Requests made from the service's own description, good ones and bad ones, held to all checks of schemathesis."""

from __future__ import annotations

from collections import Counter
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

MAY_ANSWER = ["2xx", 401, 403, 404, 409, 422]
"""Of a request that fits the description: 422 too, because a form cannot say that two ids differ, or that a day lies before another."""


PATIENCE_SECONDS = 120


class Findings:
    """What was asked and what was wrong."""

    def __init__(self) -> None:
        self.requests = 0
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()


def run_all(app: FastAPI, key: str, *, examples: int, seed: int = 1) -> Findings:
    """Send requests to every operation that the service describes, as whoever has the key."""
    headers = {"Authorization": f"Bearer {key}"}
    config = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": MAY_ANSWER}}})
    described: Any = schemathesis.openapi.from_asgi("/v1/openapi.json", app, headers=headers, config=config)
    found = Findings()

    def ask(case: Any) -> None:
        # A list of models asks another process, which takes its time on a busy machine.
        answer = case.call(headers=headers, timeout=PATIENCE_SECONDS)
        found.requests += 1
        found.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, headers=headers)
        except BaseExceptionGroup as wrong:
            for one in wrong.exceptions:
                found.failures[f"{case.method} {case.path}: {type(one).__name__}: {str(one)[:300]}"] += 1
        except AssertionError as one:
            found.failures[f"{case.method} {case.path}: {type(one).__name__}: {str(one)[:300]}"] += 1

    for result in described.get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            drawn = settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(case=operation.as_strategy(generation_mode=mode))(ask))
            try:
                drawn()
            except Unsatisfiable:
                # An operation that takes nothing cannot be asked wrongly.
                assert mode is GenerationMode.NEGATIVE
    return found
