"""What the process offers to every room: background tasks, threads, whole files, a Redis connection,
memory that is given back, a budget of the bytes that are held, signals.
"""

from runtime.background import BackgroundTasks
from runtime.clock import ClockTrust
from runtime.files import replace_file
from runtime.held_bytes import ByteBudget, HeldBytes, NoRoom
from runtime.memory import MemoryTrimmer, give_back_large_blocks
from runtime.redis import UNREACHABLE, connect_redis
from runtime.signals import Signals
from runtime.state_directory import StateDirectory
from runtime.threads import COMPUTING, SMALL_FILES, Threads

__all__ = [
    "COMPUTING",
    "SMALL_FILES",
    "UNREACHABLE",
    "BackgroundTasks",
    "ByteBudget",
    "ClockTrust",
    "HeldBytes",
    "MemoryTrimmer",
    "NoRoom",
    "Signals",
    "StateDirectory",
    "Threads",
    "connect_redis",
    "give_back_large_blocks",
    "replace_file",
]
