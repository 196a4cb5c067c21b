"""Counts of what the service did, in the text form that Prometheus reads; labels hold routes, never values."""

from __future__ import annotations

import threading
from collections import Counter


class Metrics:
    """Requests, time and rows since the process began.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.request("/livez", 200, 0.5)
    >>> print(metrics.text("prior").splitlines()[2])
    recoup_requests_total{route="/livez",status="200"} 1
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._rows = 0

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        with self._lock:
            self._requests[route, status] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]

    def rows(self, count: int) -> None:
        """Count scored rows."""
        with self._lock:
            self._rows += count

    def text(self, model_version: str) -> str:
        """Return everything as Prometheus text."""
        with self._lock:
            requests, seconds, rows = sorted(self._requests.items()), sorted(self._seconds.items()), self._rows
        lines = ["# HELP recoup_requests_total Requests answered.", "# TYPE recoup_requests_total counter"]
        lines += [f'recoup_requests_total{{route="{route}",status="{status}"}} {count}' for (route, status), count in requests]
        lines += ["# HELP recoup_request_seconds_total Time spent answering.", "# TYPE recoup_request_seconds_total counter"]
        lines += [f'recoup_request_seconds_total{{route="{route}"}} {spent:.6f}' for route, spent in seconds]
        lines += ["# HELP recoup_scored_rows_total Write-offs scored.", "# TYPE recoup_scored_rows_total counter"]
        lines += [f"recoup_scored_rows_total {rows}"]
        lines += ["# HELP recoup_model_info The model that serves.", "# TYPE recoup_model_info gauge"]
        lines += [f'recoup_model_info{{version="{model_version}"}} 1']
        return "\n".join(lines) + "\n"
