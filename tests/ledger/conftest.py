"""Files of ledgers lie in memory."""

from tests.scratch import scratch_path

__all__ = ["scratch_path"]
