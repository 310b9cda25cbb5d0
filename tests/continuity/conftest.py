"""Files of places of answers lie in memory."""

from tests.scratch import scratch_path

__all__ = ["scratch_path"]
