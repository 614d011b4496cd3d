"""What `/metrics` tells, in the format of Prometheus: counts and times, never a word of a text."""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of one application.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.note({"method": "GET"}, 404, 0.002)
    >>> b'stance_requests_total{method="GET",route="none",status="404"} 1.0' in metrics.render()
    True
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "stance_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "stance_request_seconds",
            "Time from a request's headers to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "stance_batch_texts",
            "Texts that shared a batch; their sum is the number of texts scored.",
            buckets=_SIZES,
            registry=self._registry,
        )
        self._waiting = Gauge(
            "stance_waiting_requests",
            "Requests that wait for the model or are being scored.",
            registry=self._registry,
        )

    def watch_waiting(self, waiting: Callable[[], int]) -> None:
        """Ask `waiting` for the number of waiting requests at each rendering."""
        self._waiting.set_function(waiting)

    def note(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count one answered request."""
        # Only what the application itself names: a client must not be able to make up labels.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def note_batch(self, texts: int) -> None:
        """Count one batch."""
        self._batches.observe(texts)

    def render(self) -> bytes:
        """Return the figures of now."""
        return generate_latest(self._registry)
