"""What Prometheus may scrape of this process."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 60)
"""Upper bounds in seconds, each included."""


@dataclass(slots=True)
class Times:
    """How long the answers of one route took: how many in each bucket, and seconds in all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def buckets(self) -> Iterator[tuple[str, float]]:
        """Yields each bound and how many answers took no longer."""
        total = 0
        for bound, count in zip((*map(str, map(float, BUCKETS)), "+Inf"), self.counts, strict=True):
            total += count
            yield bound, total


class Requests(Collector):
    """Counts answers on the event loop's thread alone, so that counting takes no lock."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, Times] = {}

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        kind = (route, method, status)
        self._answers[kind] = self._answers.get(kind, 0) + 1
        times = self._times.get(route)
        if times is None:
            times = self._times[route] = Times()
        times.counts[bisect_left(BUCKETS, seconds)] += 1
        times.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Yields what Prometheus scrapes."""
        answers = CounterMetricFamily(
            "provisioner_requests", "Answered requests.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in self._answers.items():
            answers.add_metric([route, method, str(status)], count)
        yield answers
        seconds = HistogramMetricFamily(
            "provisioner_request_seconds",
            "Time from a request's head to the end of its answer.",
            labels=["route"],
        )
        for route, times in self._times.items():
            seconds.add_metric([route], list(times.buckets()), times.seconds)
        yield seconds


class Metrics:
    """Requests, latencies, and the gauges that `watch` names."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Requests()
        self._registry.register(self._requests)

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer; `route` is a pattern, never a path with somebody's serial."""
        self._requests.answered(route=route, method=method, status=status, seconds=seconds)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Adds a gauge that is read when somebody asks."""
        gauge = Gauge(f"provisioner_{name}", description, registry=self._registry)
        gauge.set_function(value)

    def text(self) -> bytes:
        """Returns the exposition format."""
        return generate_latest(self._registry)
