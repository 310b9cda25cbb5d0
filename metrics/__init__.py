"""The registry of what is measured; the only room that makes metric objects."""

from metrics.registry import Metrics, Outcome

__all__ = ["Metrics", "Outcome"]
