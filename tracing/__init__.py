"""Traces: a span for each request and for each message posted to the backend, told to a collector.

The other rooms know this face only. What OpenTelemetry brings is imported once traces are switched on.
"""

from tracing.loading import TracesMissing, load_tracer
from tracing.options import TraceOptions
from tracing.traces import AttemptEnd, AttemptTrace, RequestEnd, RequestTrace, Tracer

__all__ = [
    "AttemptEnd",
    "AttemptTrace",
    "RequestEnd",
    "RequestTrace",
    "TraceOptions",
    "Tracer",
    "TracesMissing",
    "load_tracer",
]
