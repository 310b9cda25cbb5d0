"""Packages that are installed only where traces are wanted."""

import sys

import pytest

from tests.tracing.collector import Collector
from tests.tracing.test_otlp import options
from tracing import TracesMissing, load_tracer


@pytest.mark.parametrize("package", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
def test_package_that_is_missing_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "tracing.otlp" or name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(TracesMissing, match=package):
        load_tracer(options(Collector()))
