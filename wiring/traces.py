"""What traces requests."""

from settings import Settings, SettingsError
from tracing import TraceOptions, Tracer, TracesMissing, load_tracer

__all__ = ["make_tracer"]


def make_tracer(settings: Settings, version: str) -> Tracer | None:
    """What traces requests, if anything does. Raises SettingsError: a package that this needs is missing."""
    if settings.traces == "off":
        return None
    options = TraceOptions(
        settings.otel_exporter_otlp_endpoint,
        settings.otel_exporter_otlp_headers,
        settings.otel_service_name,
        version,
        settings.otel_traces_sampler,
        settings.otel_traces_sampler_arg,
    )
    try:
        return load_tracer(options)
    except TracesMissing as missing:
        raise SettingsError(
            f"TRACES=otlp needs packages that are not installed ({missing} is not there): "
            "install requirements-traces.lock, or set TRACES=off."
        ) from None
