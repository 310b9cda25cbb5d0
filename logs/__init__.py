"""Log lines, and the last failures."""

from logs.recent import RecentFailures
from logs.setup import configure_logs

__all__ = ["RecentFailures", "configure_logs"]
