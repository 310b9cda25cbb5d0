"""What is measured and counted: the only room that makes metric objects, and the ledger of conversations."""

from metrics.names import Attempt, Outcome
from metrics.registry import Metrics

__all__ = ["Attempt", "Metrics", "Outcome"]
