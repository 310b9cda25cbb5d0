"""Prometheus metrics: the only room that makes metric objects."""

from metrics.lag import LagSampler
from metrics.names import CONVERSATION_ROUTES, Attempt, Outcome
from metrics.registry import Metrics

__all__ = ["CONVERSATION_ROUTES", "Attempt", "LagSampler", "Metrics", "Outcome"]
