"""A collector of traces: it takes OTLP over HTTP as any collector does, and keeps all that it was told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

LAST_SENDER = "last-traces"
"""The thread of a tracer that is closed, until it has nothing more to send."""
SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
ERROR = Status.STATUS_CODE_ERROR
UNSET = Status.STATUS_CODE_UNSET


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as the collector got it; ids are hexadecimal, times are in seconds."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    status: int
    message: str
    attributes: dict[str, Any]
    events: dict[str, float]
    began: float
    ended: float

    def __getitem__(self, name: str) -> Any:
        """The value of an attribute, None if it has none."""
        return self.attributes.get(name)


class Collector:
    """Answers with `status`; with `hangs` it never answers."""

    def __init__(self, *, status: int = 200, hangs: bool = False) -> None:
        self.status = status
        self.hangs = hangs
        self.over = threading.Event()
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        self.headers: dict[str, str] = {}
        self.port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """Those of a service that is traced here."""
        return {"TRACES": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": self.address}

    @property
    def resource(self) -> dict[str, Any]:
        """Whose spans the last ones are."""
        return _values(self._requests()[-1].resource_spans[0].resource.attributes)

    @property
    def spans(self) -> list[Seen]:
        """All spans, in the order in which they ended."""
        found = [
            _seen(span)
            for request in self._requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.ended)

    @property
    def requests(self) -> list[Seen]:
        """The spans of requests."""
        return [span for span in self.spans if span.kind == SERVER]

    def attempts(self, request: Seen) -> list[Seen]:
        """The messages that were posted for a request, in order."""
        own = [span for span in self.spans if span.parent_id == request.span_id]
        return sorted(own, key=lambda span: span.began)

    def _requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]


def wait_for_senders() -> None:
    """Wait until nothing is sent any more by tracers that are closed: what they say belongs to this test."""
    for thread in threading.enumerate():
        if thread.name == LAST_SENDER:
            thread.join(20)


@contextmanager
def collecting(*, status: int = 200, hangs: bool = False) -> Iterator[Collector]:
    """A collector that listens."""
    collector = Collector(status=status, hangs=hangs)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.paths.add(self.path)
            collector.headers = {name.lower(): value for name, value in self.headers.items()}
            collector.bodies.append(body)
            if collector.hangs:
                collector.over.wait()
                self.close_connection = True
                return
            content = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    collector.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _seen(span: Span) -> Seen:
    return Seen(
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.status.code,
        span.status.message,
        _values(span.attributes),
        {event.name: event.time_unix_nano / 1e9 for event in span.events},
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
    )


def _values(attributes: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    if value.HasField("array_value"):
        return [_value(item) for item in value.array_value.values]
    return getattr(value, value.WhichOneof("value") or "string_value")
