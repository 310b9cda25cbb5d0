"""Prometheus metrics: the only room that makes metric objects."""

from metrics.lag import LagSampler
from metrics.names import (
    CONVERSATION_ROUTES,
    AcceptPause,
    Attempt,
    ClosedConnection,
    Outcome,
    ProtocolFault,
)
from metrics.registry import Metrics

__all__ = [
    "CONVERSATION_ROUTES",
    "AcceptPause",
    "Attempt",
    "ClosedConnection",
    "LagSampler",
    "Metrics",
    "Outcome",
    "ProtocolFault",
]
