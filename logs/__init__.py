"""Log lines, and the last failures."""

from logs.recent import Failure, RecentFailures
from logs.setup import configure_logs

__all__ = ["Failure", "RecentFailures", "configure_logs"]
