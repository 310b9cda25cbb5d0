"""Files of ledgers that are overseen lie in memory."""

from tests.scratch import scratch_path

__all__ = ["scratch_path"]
