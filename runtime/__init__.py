"""What the process offers to every room: background tasks, threads, whole files, a Redis connection,
memory that is given back.
"""

from runtime.background import BackgroundTasks
from runtime.files import replace_file
from runtime.memory import give_back_large_blocks
from runtime.redis import UNREACHABLE, connect_redis
from runtime.threads import COMPUTING, SMALL_FILES, Threads

__all__ = [
    "COMPUTING",
    "SMALL_FILES",
    "UNREACHABLE",
    "BackgroundTasks",
    "Threads",
    "connect_redis",
    "give_back_large_blocks",
    "replace_file",
]
