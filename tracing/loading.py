"""The door to what is installed only where traces are wanted."""

from tracing.options import TraceOptions
from tracing.traces import Tracer


class TracesMissing(Exception):
    """The packages that send traces are not installed."""


def load_tracer(options: TraceOptions) -> Tracer:
    """What tells an OTLP collector of each request. It has a thread of its own until it is closed.

    Raises:
        TracesMissing: a package is not there.
    """
    try:
        from tracing.otlp import OtlpTracer
    except ImportError as error:
        raise TracesMissing(error.name or "") from None
    return OtlpTracer(options)
