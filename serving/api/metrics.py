"""What the service did, for Prometheus; labels hold routes and kinds, never values."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts and times since the process began, and gauges that are set before they are read. Threads may share it.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.request("/livez", 200, 0.5)
    >>> metrics.gauge("recoup_queue_depth", "Items that wait.", [({"state": "open"}, 3)])
    >>> told = metrics.text("prior").splitlines()
    >>> print("\\n".join(line for line in told if line.startswith(("recoup_requests_total", "recoup_queue", "recoup_model"))))
    recoup_requests_total{route="/livez",status="200"} 1.0
    recoup_queue_depth{state="open"} 3.0
    recoup_model_info{version="prior"} 1.0
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("recoup_requests", "Requests answered.", ["route", "status"], registry=self._registry)
        self._seconds = Histogram("recoup_request_seconds", "Time spent answering.", ["route"], buckets=SECONDS, registry=self._registry)
        self._rows = Counter("recoup_scored_rows", "Write-offs scored.", registry=self._registry)
        self._gauges: dict[str, Gauge] = {}
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        # Looking a child up by its labels costs more than counting.
        children = self._children.get((route, status))
        if children is None:
            children = self._children[route, status] = (self._requests.labels(route, str(status)), self._seconds.labels(route))
        children[0].inc()
        children[1].observe(seconds)

    def rows(self, count: int) -> None:
        """Count scored rows."""
        self._rows.inc(count)

    def gauge(self, name: str, meaning: str, values: Iterable[tuple[dict[str, str], float]]) -> None:
        """Set a gauge anew, with a value for each set of labels; labels that are no longer told are gone."""
        told = list(values)
        gauge = self._gauges.get(name)
        if gauge is None:
            labels = sorted({label for given, _ in told for label in given})
            gauge = self._gauges[name] = Gauge(name, meaning, labels, registry=self._registry)
        if gauge._labelnames:
            gauge.clear()
        for given, value in told:
            (gauge.labels(**given) if given else gauge).set(value)

    def text(self, model_version: str) -> str:
        """Return everything as Prometheus text."""
        self.gauge("recoup_model_info", "The model that serves.", [({"version": model_version}, 1)])
        return generate_latest(self._registry).decode()
