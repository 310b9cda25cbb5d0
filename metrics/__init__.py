"""Prometheus metrics: the only room that makes metric objects."""

from metrics.accounts import AccountGauges, AccountMetrics
from metrics.exposition import MAX_AGE_SECONDS, Exposition
from metrics.lag import LagSampler
from metrics.names import (
    CONVERSATION_ROUTES,
    AcceptPause,
    AccountState,
    Attempt,
    ClosedConnection,
    Outcome,
    ProtocolFault,
    ToolCalls,
)
from metrics.registry import Metrics

__all__ = [
    "CONVERSATION_ROUTES",
    "MAX_AGE_SECONDS",
    "AcceptPause",
    "AccountGauges",
    "AccountMetrics",
    "AccountState",
    "Attempt",
    "ClosedConnection",
    "Exposition",
    "LagSampler",
    "Metrics",
    "Outcome",
    "ProtocolFault",
    "ToolCalls",
]
