"""What the process offers to every room: background tasks, files replaced whole, a Redis connection."""

from runtime.background import BackgroundTasks
from runtime.files import replace_file
from runtime.redis import UNREACHABLE, connect_redis

__all__ = ["UNREACHABLE", "BackgroundTasks", "connect_redis", "replace_file"]
