"""What the process offers to every room: background tasks, threads, whole files, SQLite files, a Redis
connection, memory that is given back, a budget of the bytes that are held, the event loop, limits of time
over one that is held up, signals, words to systemd, contexts that only have an end, and the name that people
type to run it.
"""

from runtime.background import BackgroundTasks
from runtime.clock import ClockTrust
from runtime.content_coding import DECODED, DECODED_BYTES, Decoder
from runtime.ending import Ending
from runtime.event_loop import event_loop_name, new_event_loop
from runtime.file_changes import ChangeDetector, Signature, signature_of
from runtime.files import alone_in, replace_file, replacing
from runtime.held_bytes import ByteBudget, HeldBytes, NoRoom
from runtime.installation import COMMAND, PACKAGED, PROGRAM
from runtime.memory import MemoryTrimmer, give_back_large_blocks
from runtime.names import listed
from runtime.patience import LOOKS, patience
from runtime.redis import connect_redis, redis_failures, script_keys
from runtime.signals import Signals
from runtime.sqlite import SqliteFailed, SqliteFile, transaction
from runtime.state_directory import StateDirectory
from runtime.systemd import READY, STOPPING, tell_systemd
from runtime.text_table import text_table
from runtime.threads import COMPUTING, SMALL_FILES, Threads
from runtime.zstd_coding import ZSTD, ZstdDecoder

__all__ = [
    "COMMAND",
    "COMPUTING",
    "DECODED",
    "DECODED_BYTES",
    "LOOKS",
    "PACKAGED",
    "PROGRAM",
    "READY",
    "SMALL_FILES",
    "STOPPING",
    "ZSTD",
    "BackgroundTasks",
    "ByteBudget",
    "ChangeDetector",
    "ClockTrust",
    "Decoder",
    "Ending",
    "HeldBytes",
    "MemoryTrimmer",
    "NoRoom",
    "Signals",
    "Signature",
    "SqliteFailed",
    "SqliteFile",
    "StateDirectory",
    "Threads",
    "ZstdDecoder",
    "alone_in",
    "connect_redis",
    "event_loop_name",
    "give_back_large_blocks",
    "listed",
    "new_event_loop",
    "patience",
    "redis_failures",
    "replace_file",
    "replacing",
    "script_keys",
    "signature_of",
    "tell_systemd",
    "text_table",
    "transaction",
]
