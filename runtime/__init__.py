"""What the process offers to every room: background tasks, threads, whole files, a Redis connection,
memory that is given back, a budget of the bytes that are held, the event loop, signals, contexts
that only have an end.
"""

from runtime.background import BackgroundTasks
from runtime.clock import ClockTrust
from runtime.ending import Ending
from runtime.event_loop import event_loop_name, new_event_loop
from runtime.files import replace_file
from runtime.held_bytes import ByteBudget, HeldBytes, NoRoom
from runtime.memory import MemoryTrimmer, give_back_large_blocks
from runtime.redis import connect_redis, redis_failures
from runtime.signals import Signals
from runtime.state_directory import StateDirectory
from runtime.threads import COMPUTING, SMALL_FILES, Threads

__all__ = [
    "COMPUTING",
    "SMALL_FILES",
    "BackgroundTasks",
    "ByteBudget",
    "ClockTrust",
    "Ending",
    "HeldBytes",
    "MemoryTrimmer",
    "NoRoom",
    "Signals",
    "StateDirectory",
    "Threads",
    "connect_redis",
    "event_loop_name",
    "give_back_large_blocks",
    "new_event_loop",
    "redis_failures",
    "replace_file",
]
