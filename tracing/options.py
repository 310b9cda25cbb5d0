"""What the settings say of traces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]
"""Which requests are traced, by the names of OpenTelemetry's `OTEL_TRACES_SAMPLER`."""


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """Where traces go: `endpoint` is the base address of an OTLP collector over HTTP, `headers` are sent
    along and are secret. `service` and `version` say whose traces they are. `share` (0 to 1) is for the
    samplers of a ratio.

    `queue` is how many spans may wait, above which the oldest are dropped; so many as `batch` are sent at
    once, and after `delay` seconds all that wait. The collector may take `patience` seconds, and at the end
    `flush` seconds for all.
    """

    endpoint: str
    headers: Mapping[str, str] = field(repr=False)
    service: str
    version: str
    sampler: Sampler
    share: float
    queue: int = 2048
    batch: int = 32
    delay: float = 5.0
    patience: float = 10.0
    flush: float = 2.0
