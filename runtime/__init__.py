"""What the process offers to every room: background tasks, files replaced whole, a Redis connection,
memory that is given back.
"""

from runtime.background import BackgroundTasks
from runtime.files import replace_file
from runtime.memory import give_back_large_blocks
from runtime.redis import UNREACHABLE, connect_redis

__all__ = ["UNREACHABLE", "BackgroundTasks", "connect_redis", "give_back_large_blocks", "replace_file"]
