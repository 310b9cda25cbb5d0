"""Prometheus metrics, on a registry of their own per application.

Names: one-word prefix ``pandora_``, base units, counters end in ``_total``. Labels hold configured
names only: what strangers send becomes ``other`` before it gets here, so the number of series is
bounded by models x outcomes. TTFT is the time from the request's arrival to the first content bytes
written to the client, streams only.
"""

from collections.abc import Iterable
from enum import StrEnum

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

OTHER = "other"
DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
TTFT_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)


class Outcome(StrEnum):
    """How a request ended; exactly one for each."""

    OK = "ok"
    INVALID = "invalid"
    """The caller's fault: 4xx of ours."""
    REJECTED = "rejected"
    """Not admitted: too many in flight, or draining."""
    UPSTREAM_REFUSED = "upstream_refused"
    """The backend refused the key, the rate or the request."""
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    CLIENT_GONE = "client_gone"
    ERROR = "error"
    """Our bug."""


class Metrics:
    """Methods are named after what happened. Call them once per request, not per delta."""

    def __init__(self, routes: Iterable[str], models: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = Counter(
            "pandora_requests_total",
            "Requests by route, model and outcome.",
            ["route", "model", "outcome"],
            registry=self.registry,
        )
        self._duration = Histogram(
            "pandora_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["route", "model"],
            buckets=DURATION_BUCKETS,
            registry=self.registry,
        )
        self._ttft = Histogram(
            "pandora_time_to_first_token_seconds",
            "Time from a request's arrival to the first content written to the client; streams only.",
            ["model"],
            buckets=TTFT_BUCKETS,
            registry=self.registry,
        )
        self._in_flight = Gauge("pandora_in_flight", "Answers being made.", ["route"], registry=self.registry)
        self._routes = tuple(routes)
        self._models: set[str] = set()
        for route in self._routes:
            self._in_flight.labels(route)
        self._touch(OTHER)
        for model in models:
            self.know_model(model)

    def know_model(self, name: str) -> None:
        """From now on there are series for this model, from zero."""
        self._models.add(name)
        self._touch(name)
        self._ttft.labels(name)

    def forget_model(self, name: str) -> None:
        """Drop the series of a model that is no longer offered; late requests count as ``other``."""
        if name == OTHER:
            return
        self._models.discard(name)
        for metric in (self._requests, self._duration, self._ttft):
            metric.remove_by_labels({"model": name})

    def _touch(self, model: str) -> None:
        """Make series exist before they are first needed, so that rates and alerts start at a zero."""
        for route in self._routes:
            self._duration.labels(route, model)
            for outcome in Outcome:
                self._requests.labels(route, model, outcome)

    def started(self, route: str) -> None:
        """A request was admitted."""
        self._in_flight.labels(route).inc()

    def ended(self, route: str) -> None:
        """An admitted request is over."""
        self._in_flight.labels(route).dec()

    def request(self, route: str, model: str, outcome: Outcome, duration: float, ttft: float | None) -> None:
        """A request ended, admitted or not; times in seconds."""
        name = model if model in self._models else OTHER
        self._requests.labels(route, name, outcome).inc()
        self._duration.labels(route, name).observe(duration)
        if ttft is not None and name != OTHER:
            self._ttft.labels(name).observe(ttft)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type, in the format that ``accept`` asks for."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type
