"""The metric families: every name, help text and label in one place."""

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from metrics import names
from metrics.names import AcceptPause, Attempt, ClosedConnection, ProtocolFault

# The times at which series were made are not needed, and make a scrape half as large again.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Families:
    """All families on `registry`; those with a closed set of labels have every series from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"pandora_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"pandora_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"pandora_{name}", text, labels, buckets=buckets, registry=registry)

        self.requests = counter(
            "requests_total", "Requests by route, model and outcome.", "route", "model", "outcome"
        )
        self.duration = histogram(
            "request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            names.DURATION_BUCKETS,
            "route",
            "model",
        )
        self.ttft = histogram(
            "time_to_first_token_seconds",
            "Time from a request's arrival to the first content written to the client; streams only.",
            names.TTFT_BUCKETS,
            "model",
        )
        self.per_token = histogram(
            "time_per_output_token_seconds",
            "Time between two tokens of an answer on average; streams only.",
            names.PER_TOKEN_BUCKETS,
            "model",
        )
        self.tokens = counter("tokens_total", "Tokens, as counted by this service.", "model", "direction")
        self.turn_tokens = histogram(
            "turn_tokens",
            "Tokens of what one turn sent, and of its answer, as counted by this service.",
            names.TOKEN_BUCKETS,
            "model",
            "direction",
        )
        self.answers = counter("answers_total", "Whole answers, by why they end.", "model", "reason")
        self.responses = counter("responses_total", "Requests by route and HTTP status.", "route", "status")
        self.overhead = histogram(
            "overhead_seconds",
            "Time that this service itself takes for an answer.",
            names.OVERHEAD_BUCKETS,
            "route",
        )
        self.backend = histogram(
            "backend_seconds", "Time that an answer waits for the backend.", names.DURATION_BUCKETS, "route"
        )
        self.units = counter("quota_units_total", "Quota units spent since the start.", "model")
        self.quota_limit = gauge("quota_limit_units", "Quota units per day; +Inf for no limit.")
        self.quota_used = gauge("quota_used_units", "Quota units spent today.")
        self.quota_remaining = gauge("quota_remaining_units", "Quota units left today; +Inf for no limit.")
        self.quota_reset = gauge("quota_reset_timestamp_seconds", "When the next day of quota begins.")
        self.window_messages = gauge(
            "gpt4_window_messages", "GPT-4 messages in the rolling window of the busiest key."
        )
        self.window_limit = gauge("gpt4_window_limit", "GPT-4 messages per key and window; +Inf for none.")
        self.window_reset = gauge(
            "gpt4_window_reset_timestamp_seconds",
            "When the oldest message leaves the window of the busiest key; 0 if it is empty.",
        )
        self.capped = gauge(
            "model_capped", "1 while the backend has reported the cap of the model for some key.", "model"
        )
        self.account_state = gauge(
            "account_state", "1 for the state that the account is in, 0 for the others.", "account", "state"
        )
        self.account_units = counter(
            "account_quota_units_total", "Quota units spent on the account since the start.", "account"
        )
        self.account_used = gauge(
            "account_quota_used_units", "Quota units spent on the account today.", "account"
        )
        self.account_limit = gauge(
            "account_quota_limit_units", "Quota units of the account per day; +Inf for no limit.", "account"
        )
        self.account_remaining = gauge(
            "account_quota_remaining_units",
            "Quota units that the account has left today; +Inf for no limit.",
            "account",
        )
        self.account_window_messages = gauge(
            "account_gpt4_window_messages", "GPT-4 messages of the account in the rolling window.", "account"
        )
        self.account_window_limit = gauge(
            "account_gpt4_window_limit", "GPT-4 messages of the account per window; +Inf for none.", "account"
        )
        self.account_cooldown = gauge(
            "account_cooldown_until_timestamp_seconds",
            "Until when the account rests after a failure; 0 if it does not.",
            "account",
        )
        self.account_in_use = gauge(
            "account_in_use", "Messages that are under way on the account, from this instance.", "account"
        )
        self.account_conversations = counter(
            "account_conversations_total",
            "Conversations posted to the account, by how they ended.",
            "account",
            "outcome",
        )
        self.account_failures = counter(
            "account_failures_total",
            "Messages that failed by the fault of the account.",
            "account",
            "reason",
        )
        self.account_switches = counter(
            "account_switches_total",
            "Turns that went on to another account than this one.",
            "account",
            "reason",
        )
        self.key_units = counter(
            "key_quota_units_total", "Quota units spent by the key of this service since the start.", "key"
        )
        self.tool_calls = counter(
            "tool_calls_total",
            "Calls of clients' tools that were made; answers with tools or in a form that were asked for "
            "again, or failed.",
            "model",
            "outcome",
        )
        self.substituted = counter(
            "model_substituted_total",
            "Conversations that another model answered than the one that was asked for.",
            "model",
        )
        self.side_requests = counter(
            "side_requests_total",
            "Requests that a client made by itself, such as for a title, by client and task.",
            "client",
            "task",
        )
        self.backend_remaining = gauge(
            "backend_limit_remaining",
            "Uses of a feature that the account with the fewest has left, as the backend says; "
            "+Inf if it has not said.",
            "feature",
        )
        self.in_flight = gauge("in_flight", "Answers being made.", "route")
        self.queue_waiting = gauge("queue_waiting", "Requests that wait for another one of their key.")
        self.queue_wait = histogram(
            "queue_wait_seconds", "How long requests waited for their key.", names.WAIT_BUCKETS
        )
        self.rejected = counter("rejected_total", "Requests turned away by this service.", "reason")
        self.attempts = counter(
            "upstream_attempts_total", "Conversations posted upstream, by how they ended.", "outcome"
        )
        self.retries = counter("retries_total", "Conversations posted once more, after a failure.", "reason")
        self.disconnects = counter(
            "client_disconnects_total", "Clients that left before their answer was whole.", "phase"
        )
        self.connections = gauge("connections", "Open connections of clients.")
        self.accept_pauses = counter(
            "accept_pauses_total",
            "Times that new connections had to wait before they were accepted.",
            "reason",
        )
        self.connections_closed = counter(
            "connections_closed_total", "Connections closed because no request came on them.", "reason"
        )
        self.protocol_faults = counter(
            "protocol_faults_total", "Requests that were not valid HTTP, or not sent to their end.", "reason"
        )
        self.images = counter("images_total", "Pictures of answers, fetched or not available.", "outcome")
        self.unknown_events = counter(
            "unknown_events_total", "Things in the backend's streams that were not understood.", "kind"
        )
        self.upstream_up = gauge(
            "upstream_up", "0 while the last conversation could not reach the backend, else 1."
        )
        self.lag = histogram(
            "event_loop_lag_seconds", "How late the event loop woke, sampled each second.", names.LAG_BUCKETS
        )
        self.backlog = gauge("ledger_backlog", "Records of the ledger that are not yet stored.")
        self.ledger_failing = gauge("ledger_failing", "1 while records cannot be stored, else 0.")
        self.ledger_errors = counter("ledger_errors_total", "Attempts to store records that failed.")
        self.build = gauge("build_info", "Always 1; the version is in the label.", "version")
        self._make_closed_series()

    def _make_closed_series(self) -> None:
        closed: tuple[tuple[Counter, tuple[str, ...]], ...] = (
            (self.rejected, names.REJECTIONS),
            (self.attempts, tuple(Attempt)),
            (self.retries, names.RETRIES),
            (self.disconnects, names.PHASES),
            (self.accept_pauses, tuple(AcceptPause)),
            (self.connections_closed, tuple(ClosedConnection)),
            (self.protocol_faults, tuple(ProtocolFault)),
            (self.images, names.IMAGES),
            (self.unknown_events, names.UNKNOWN_KINDS),
        )
        for metric, values in closed:
            for value in values:
                metric.labels(value)
        for feature in names.FEATURES:
            self.backend_remaining.labels(feature).set(math.inf)
