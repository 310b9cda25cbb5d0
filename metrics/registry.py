"""Prometheus metrics, on a registry of their own per application.

Names begin with `pandora_`, units are base units, and counters end in `_total`. Labels hold configured names
only: what strangers send becomes `other`, so the number of series is bounded by models x outcomes. TTFT is
the time from a request's arrival to the first content written to the client, and the time per output token
is (duration - TTFT) / (output tokens - 1); both are for streams only. The overhead of an answer is what is
left of the time from the whole request to the end of the turn without the waits for a slot of the account
and for the backend.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from metrics import names
from metrics.accounts import AccountMetrics
from metrics.families import Families
from metrics.names import OTHER, AcceptPause, Attempt, ClosedConnection, Outcome, ProtocolFault, ToolCalls

_Family = TypeVar("_Family", Counter, Gauge, Histogram)
_Labelled = tuple[Counter | Gauge | Histogram | str, ...]


class Metrics:
    """What happened is counted by a method of that name. Call them once per request, not per delta.

    `routes` and `models` are the names that labels may hold, `version` the one in `pandora_build_info`. Times
    are in seconds. `accounts` counts what happens on accounts of the operator's.
    """

    def __init__(self, routes: Iterable[str], models: Iterable[str], version: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._families = Families(self.registry)
        self.accounts = AccountMetrics(self._families)
        self._families.build.labels(version).set(1)
        self._families.upstream_up.set(1)
        self._children: dict[_Labelled, Any] = {}  # `labels` would take longer than counting does
        self._models: set[str] = set()
        self._listed: set[str] = set()
        self._capped: set[str] = set()
        for route in routes:
            self._families.in_flight.labels(route)
            _make(self._series_of_requests(route, OTHER))
            _make((self._families.responses, (route, status)) for status in names.STATUSES)
        for route in names.CONVERSATION_ROUTES:
            _make(((self._families.overhead, (route,)), (self._families.backend, (route,))))
        _make(
            (self._families.side_requests, (client, task))
            for client in names.SIDE_CLIENTS
            for task in names.SIDE_TASKS
        )
        _make(self._series_of_model(OTHER))
        for model in models:
            self.add_model(model)

    def add_model(self, name: str) -> None:
        """Begin the series of this model, at zero: rates and alerts need a value to start from."""
        self._models.add(name)
        _make(self._series_of(name))

    def add_listed_model(self, name: str) -> None:
        """Begin the series of a model that only the backend's list names, unless there are many already."""
        if name not in self._models and len(self._listed) < names.MAX_LISTED_MODELS:
            self._listed.add(name)
            self.add_model(name)

    def remove_model(self, name: str) -> None:
        """Drop the series of a model that is no longer offered; late requests count as `other`."""
        if name == OTHER:
            return
        self._models.discard(name)
        self._listed.discard(name)
        self._capped.discard(name)
        for family, labels in self._series_of(name):
            family.remove(*labels)
            self._children.pop((family, *labels), None)

    def _series_of(self, model: str) -> Iterator["_Series"]:
        """All series of a model that is offered. None is looked for: of 2,000 that would take a minute."""
        for route in names.CONVERSATION_ROUTES:
            yield from self._series_of_requests(route, model)
        yield from self._series_of_model(model)

    def _series_of_requests(self, route: str, model: str) -> Iterator["_Series"]:
        yield self._families.duration, (route, model)
        for outcome in Outcome:
            yield self._families.requests, (route, model, outcome)

    def _series_of_model(self, model: str) -> Iterator["_Series"]:
        families = self._families
        for family in (
            families.ttft,
            families.per_token,
            families.units,
            families.capped,
            families.substituted,
        ):
            yield family, (model,)
        for called in ToolCalls:
            yield families.tool_calls, (model, called)
        for reason in names.FINISH_REASONS:
            yield families.answers, (model, reason)
        for direction in names.DIRECTIONS:
            yield families.tokens, (model, direction)
            yield families.turn_tokens, (model, direction)

    def _name(self, model: str) -> str:
        return model if model in self._models else OTHER

    def _child(self, family: _Family, *labels: str) -> _Family:
        child: _Family | None = self._children.get((family, *labels))
        if child is None:
            child = self._children[family, *labels] = family.labels(*labels)
        return child

    def started(self, route: str) -> None:
        """A request was admitted."""
        self._child(self._families.in_flight, route).inc()

    def ended(self, route: str) -> None:
        """An admitted request is over."""
        self._child(self._families.in_flight, route).dec()

    def request(
        self,
        route: str,
        model: str,
        outcome: Outcome,
        duration: float,
        ttft: float | None,
        completion_tokens: int = 0,
    ) -> None:
        """A request ended, admitted or not; `ttft` only for streams that had content."""
        name = self._name(model) if route in names.CONVERSATION_ROUTES else OTHER
        families = self._families
        self._child(families.requests, route, name, outcome).inc()
        self._child(families.duration, route, name).observe(duration)
        if ttft is not None and name != OTHER:
            self._child(families.ttft, name).observe(ttft)
            if completion_tokens > 1:
                self._child(families.per_token, name).observe((duration - ttft) / (completion_tokens - 1))

    def responded(self, route: str, status: int | None) -> None:
        """A request ended with this HTTP status; None if its client had left."""
        label = names.GONE if status is None else str(status)
        self._child(self._families.responses, route, label if label in names.STATUSES else OTHER).inc()

    def answered(self, model: str, reason: str) -> None:
        """An answer came whole; it ends for this reason, in OpenAI's words."""
        known = reason if reason in names.FINISH_REASONS else OTHER
        self._child(self._families.answers, self._name(model), known).inc()

    def turn(self, route: str, *, overhead: float, backend: float) -> None:
        """A turn is over, good or not: so long it took us, and so long it waited for the backend."""
        self._child(self._families.overhead, route).observe(overhead)
        self._child(self._families.backend, route).observe(backend)

    def tokens(self, model: str, prompt: int, completion: int) -> None:
        """The tokens of one answer, as we counted them."""
        name, families = self._name(model), self._families
        for direction, count in zip(names.DIRECTIONS, (prompt, completion), strict=True):
            self._child(families.tokens, name, direction).inc(count)
            self._child(families.turn_tokens, name, direction).observe(count)

    def attempt(self, model: str, outcome: Attempt, units: int, *, account: str = "", key: str = "") -> None:
        """A conversation posted upstream is over, and cost so many quota units.

        `account` is that of the operator's, empty for none, and `key` the name of the caller's key.
        """
        self._child(self._families.attempts, outcome).inc()
        self._child(self._families.units, self._name(model)).inc(units)
        self.accounts.conversation(account, key, outcome, units)
        if outcome in (Attempt.OK, Attempt.REFUSED, Attempt.FAILED):
            self._families.upstream_up.set(1)

    def unreachable(self) -> None:
        """The backend could not be reached, or did not answer at all."""
        self._families.upstream_up.set(0)

    def queued(self) -> None:
        """A request began to wait for its key."""
        self._families.queue_waiting.inc()

    def dequeued(self, wait: float) -> None:
        """A request no longer waits for its key, after so many seconds: it goes on, or gave up."""
        self._families.queue_waiting.dec()
        self._families.queue_wait.observe(wait)

    def retried(self, reason: str) -> None:
        """A conversation is posted once more, after a failure."""
        self._families.retries.labels(reason if reason in names.RETRIES else OTHER).inc()

    def rejected(self, reason: str) -> None:
        """A request was turned away by us."""
        self._families.rejected.labels(reason if reason in names.REJECTIONS else OTHER).inc()

    def disconnected(self, phase: str) -> None:
        """A client left before its answer was whole; see `names.PHASES`."""
        self._families.disconnects.labels(phase).inc()

    def connection_accepted(self) -> None:
        """A connection of a client is open."""
        self._families.connections.inc()

    def connection_ended(self) -> None:
        """One that was accepted is closed, whoever closed it."""
        self._families.connections.dec()

    def accept_paused(self, reason: AcceptPause) -> None:
        """New connections have to wait from now on."""
        self._families.accept_pauses.labels(reason).inc()

    def connection_given_up(self, reason: ClosedConnection) -> None:
        """A connection on which no request came is closed by us."""
        self._families.connections_closed.labels(reason).inc()

    def protocol_fault(self, reason: ProtocolFault) -> None:
        """A request was not valid HTTP, or was not sent to its end; no handler answers it."""
        self._families.protocol_faults.labels(reason).inc()

    def image(self, *, served: bool) -> None:
        """A picture of an answer was fetched for the client, or could not be."""
        self._families.images.labels("served" if served else "failed").inc()

    def unknown_events(self, counts: dict[str, int]) -> None:
        """What one turn held that we do not understand, by kind."""
        for kind, count in counts.items():
            known = kind if kind in names.UNKNOWN_KINDS else OTHER
            self._families.unknown_events.labels(known).inc(count)

    def substituted(self, model: str) -> None:
        """Another model than the one that was asked for has answered."""
        self._families.substituted.labels(self._name(model)).inc()

    def side_request(self, client: str, task: str) -> None:
        """A client asks something by itself; see `names.SIDE_CLIENTS` and `names.SIDE_TASKS`."""
        self._child(self._families.side_requests, client, task).inc()

    def tool_calls(self, model: str, outcome: ToolCalls, count: int) -> None:
        """So many calls, or answers that had to keep to something, came to that in one turn."""
        if count:
            self._child(self._families.tool_calls, self._name(model), outcome).inc(count)

    def backend_remaining(self, fewest: Mapping[str, int]) -> None:
        """Uses of features that the account with the fewest has left."""
        for feature in names.FEATURES:
            self._families.backend_remaining.labels(feature).set(fewest.get(feature, math.inf))

    def loop_lagged(self, seconds: float) -> None:
        """The event loop woke so much later than it was asked to."""
        self._families.lag.observe(seconds)

    def ledger_backlog(self, records: int) -> None:
        """So many records are not yet stored."""
        self._families.backlog.set(records)

    def ledger_failed(self) -> None:
        """Records could not be stored."""
        self._families.ledger_errors.inc()
        self._families.ledger_failing.set(1)

    def ledger_recovered(self) -> None:
        """Records are stored again."""
        self._families.ledger_failing.set(0)

    def quota(self, used: float, limit: float, reset_at: float) -> None:
        """Units of today; `limit` is infinite for none, `reset_at` in Unix seconds."""
        families = self._families
        families.quota_used.set(used)
        families.quota_limit.set(limit)
        families.quota_remaining.set(max(0.0, limit - used))
        families.quota_reset.set(reset_at)

    def gpt4_window(self, messages: int, limit: float, reset_at: float) -> None:
        """The rolling window of the busiest key; `reset_at` is when its oldest message leaves, or 0."""
        families = self._families
        families.window_messages.set(messages)
        families.window_limit.set(limit)
        families.window_reset.set(reset_at)

    def capped(self, models: Iterable[str]) -> None:
        """The models whose cap the backend has reported for some key, and that has not yet cleared."""
        capped = self._models.intersection(models)
        for name in capped ^ self._capped:
            self._families.capped.labels(name).set(name in capped)
        self._capped = capped


_Series = tuple[Counter | Gauge | Histogram, tuple[str, ...]]


def _make(series: Iterable[_Series]) -> None:
    for family, labels in series:
        family.labels(*labels)
