"""What Prometheus may scrape of this process."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Requests, latencies, and the gauges that `watch` names."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "provisioner_requests",
            "Answered requests.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "provisioner_request_seconds",
            "Time from a request's head to the end of its answer.",
            ["route"],
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 60),
            registry=self._registry,
        )

        # Finding a counter by its labels costs more than counting.
        self._counters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer; `route` is a pattern, never a path with somebody's serial."""
        kind = (route, method, status)
        counters = self._counters.get(kind)
        if counters is None:
            counters = (
                self._requests.labels(route, method, str(status)),
                self._seconds.labels(route),
            )
            self._counters[kind] = counters
        counters[0].inc()
        counters[1].observe(seconds)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Adds a gauge that is read when somebody asks."""
        gauge = Gauge(f"provisioner_{name}", description, registry=self._registry)
        gauge.set_function(value)

    def text(self) -> bytes:
        """Returns the exposition format."""
        return generate_latest(self._registry)
