"""Traces as OpenTelemetry has them, sent to a collector by OTLP over HTTP.

Names of attributes are those of OpenTelemetry's semantic conventions (`http.*`, `error.type`) and of those
for generative AI (`gen_ai.*`); what these do not know begins with `pandora.`.
"""

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBased,
    TraceIdRatioBased,
)
from opentelemetry.sdk.trace.sampling import Sampler as OtelSampler
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import Tracer as OtelTracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracing.complaints import take_complaints
from tracing.options import Sampler, TraceOptions
from tracing.traces import AttemptEnd, AttemptTrace, RequestEnd, RequestTrace

log = logging.getLogger("pandora")

PATH: Final = "/v1/traces"
"""Of the OTLP specification, behind the base address."""
PROVIDER: Final = "openai"
"""Whose models they are (`gen_ai.provider.name`)."""
LONGEST_VALUE: Final = 256
"""Characters of an attribute; what is longer is cut."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods with a name of their own; all others are `_OTHER`, as the conventions have it."""
MAKERS: Final[Mapping[Sampler, Callable[[float], OtelSampler]]] = {
    "always_on": lambda share: ALWAYS_ON,
    "always_off": lambda share: ALWAYS_OFF,
    "traceidratio": TraceIdRatioBased,
    "parentbased_always_on": lambda share: DEFAULT_ON,
    "parentbased_always_off": lambda share: DEFAULT_OFF,
    "parentbased_traceidratio": lambda share: ParentBased(TraceIdRatioBased(share)),
}

Value = str | int | float | list[str]


class OtlpTracer:
    """See `Tracer`. Spans are sent by a thread; if the collector does not take them they are lost, and nobody
    waits for it.
    """

    def __init__(self, options: TraceOptions) -> None:
        self._complaints = take_complaints()
        self._flush_seconds = options.flush
        self._exporter: SpanExporter = OTLPSpanExporter(
            endpoint=options.endpoint + PATH, headers=dict(options.headers), timeout=options.patience
        )
        self._provider = TracerProvider(
            sampler=MAKERS[options.sampler](options.share),
            resource=Resource.create(
                {
                    "service.name": options.service,
                    "service.version": options.version,
                    "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
                }
            ),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=LONGEST_VALUE),
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=options.queue,
                max_export_batch_size=options.batch,
                schedule_delay_millis=options.delay * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("pandora", options.version)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, *, request_id: str, method: str, route: str, parent: str) -> RequestTrace:
        """See `Tracer`. Of `tracestate`, which holds any words, nothing is gone on with."""
        context = Context()
        if parent:
            context = self._propagator.extract({"traceparent": parent}, context)
        known = method if method in METHODS else "_OTHER"
        span = self._tracer.start_span(
            f"{method if method in METHODS else 'HTTP'} {route}",
            context,
            SpanKind.SERVER,
            {"http.request.method": known, "pandora.route": route, "pandora.request_id": request_id},
        )
        return OtlpRequest(self._tracer, span)

    async def close(self) -> None:
        """See `Tracer`. What is still under way then ends with the process."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(sent.set)

        # A thread that nobody joins: a collector that does not answer must not keep the process.
        threading.Thread(target=send, name="last-traces", daemon=True).start()
        try:
            async with asyncio.timeout(self._flush_seconds):
                await sent.wait()
        except TimeoutError:
            log.warning("the last traces were not sent within %g seconds", self._flush_seconds)
            self._complaints.setLevel(logging.CRITICAL)  # of being ended
            self._exporter.shutdown()  # it pauses between two tries no more


class OtlpRequest:
    """See `RequestTrace`."""

    __slots__ = ("_attempts", "_began", "_span", "_tracer")

    def __init__(self, tracer: OtelTracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        self._began = time.time_ns()
        self._attempts = 0

    @property
    def trace_id(self) -> str:
        """See `RequestTrace`."""
        return format_trace_id(self._span.get_span_context().trace_id)

    def attempt(self, *, account: str, model: str) -> AttemptTrace:
        """See `RequestTrace`."""
        self._attempts += 1
        given: dict[str, Value] = {
            "http.request.method": "POST",
            "pandora.attempt.number": self._attempts,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": model,
        }
        if account:
            given["pandora.account"] = account
        context = set_span_in_context(self._span, Context())
        return OtlpAttempt(self._tracer.start_span(f"chat {model}", context, SpanKind.CLIENT, given))

    def end(self, end: RequestEnd) -> None:
        """See `RequestTrace`."""
        span = self._span
        _set(span, {
            "http.response.status_code": end.status,
            "pandora.outcome": end.outcome,
            "pandora.key": end.key,
            "pandora.account": end.account,
            "pandora.units": end.units,
            "error.type": end.error,
        })  # fmt: skip
        if end.operation:
            _set(span, {
                "gen_ai.operation.name": end.operation,
                "gen_ai.provider.name": PROVIDER,
                "gen_ai.output.type": end.output,
                "gen_ai.request.model": end.model,
                "gen_ai.response.model": end.answered_by,
                "gen_ai.response.finish_reasons": [end.finish_reason] if end.finish_reason else None,
                "gen_ai.response.time_to_first_chunk": end.ttft,
                "gen_ai.usage.input_tokens": end.prompt_tokens or None,
                "gen_ai.usage.output_tokens": end.completion_tokens or None,
            })  # fmt: skip
        if end.ttft is not None:
            span.add_event("first_content", timestamp=self._began + int(end.ttft * 1e9))
        if end.failed:
            span.set_status(StatusCode.ERROR)
        span.end()


class OtlpAttempt:
    """See `AttemptTrace`."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def answer_began(self) -> None:
        """See `AttemptTrace`."""
        self._span.add_event("answer_began")

    def end(self, end: AttemptEnd) -> None:
        """See `AttemptTrace`."""
        _set(self._span, {
            "http.response.status_code": end.status,
            "gen_ai.response.model": end.answered_by,
            "pandora.attempt.verdict": end.verdict,
            "pandora.attempt.outcome": end.outcome,
            "error.type": end.error,
        })  # fmt: skip
        if end.failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _set(span: Span, attributes: Mapping[str, Value | None]) -> None:
    """Set those that are known."""
    span.set_attributes({name: value for name, value in attributes.items() if value not in ("", None)})
