"""The flight recorder: keeps the streams of turns that went wrong, without what was said in them.

While a turn runs, its bytes are kept in memory: the beginning of each stream and its end, up to a limit. What
is worth a file is redacted and written in a thread of its own, after the turn.
"""

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from recordings.turn import Continued, Piece, Reason, RecordedStream, RecordedTurn
from runtime import BackgroundTasks, Threads, replace_file
from translate.values import ApiError, SentMessage

log = logging.getLogger("pandora")

RecordMode = Literal["off", "unknown", "failed", "all"]

MIB: Final = 1 << 20
PIECE_COST: Final = 128
"""Bytes for which a piece counts besides its own, since it is an object in memory."""
MAX_STREAMS: Final = 32
"""Of one turn. What further ones bring counts as a gap in the last one."""
MAX_WAITING: Final = 8
"""Turns that wait for being written; further ones are dropped."""
SUFFIX: Final = ".jsonl"


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """In bytes: of the beginning and of the end of each stream, and of all streams together, as far as they
    are kept in memory; of all files together, of which there are at most `files`.
    """

    head: int = 256 * 1024
    tail: int = 256 * 1024
    memory: int = 32 * MIB
    files: int = 100
    file_bytes: int = 32 * MIB


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A file: its name, when the turn ended in Unix seconds, why it was kept, and its size in bytes."""

    name: str
    at: float
    reason: str
    size: int


class Recording:
    """One turn while it runs: `begin` for each exchange, `go_on` for each further stream of it, `take` for
    each piece, `end` once.
    """

    def __init__(self, recorder: "Recorder") -> None:
        self._recorder = recorder
        self._began = time.time()
        self._ticks = time.monotonic()
        self._streams: list[RecordedStream] = []
        self._tail: deque[Piece] = deque()
        self._head_size = self._tail_size = self._gap = 0
        self._full = False
        self.held = 0
        """Bytes that are kept."""

    def begin(self, sent: Iterable[SentMessage]) -> None:
        """Another exchange: what comes now answers `sent`, our own messages."""
        self._begin([(message.id, message.role) for message in sent], "")

    def go_on(self, *, fresh: bool) -> None:
        """Another stream of the same exchange, which with `fresh` repeats what has come."""
        self._begin((), "fresh" if fresh else "behind")

    def _begin(self, sent: Sequence[tuple[str, str]], goes_on: Continued) -> None:
        self._close_stream()
        self._full = len(self._streams) == MAX_STREAMS
        if not self._full:
            at = time.monotonic() - self._ticks
            self._streams.append(RecordedStream(at, sent, goes_on=goes_on))

    def take(self, data: bytes) -> None:
        """A piece of the stream, cut anywhere."""
        if not self._streams:
            return
        if self._full:
            self._gap += len(data)
            return
        limits, cost = self._recorder.limits, len(data) + PIECE_COST
        piece = Piece(time.monotonic() - self._ticks, data)
        in_head = self._head_size + cost <= limits.head and not (self._gap or self._tail)
        if not (in_head or cost <= limits.tail) or not self._recorder.hold(self, cost):
            self._drop(self._tail_size)
            self._gap += len(data)
            return
        if in_head:
            self._streams[-1].pieces.append(piece)
            self._head_size += cost
            return
        self._tail.append(piece)
        self._tail_size += cost
        self._drop(self._tail_size - limits.tail)

    def _drop(self, size: int) -> None:
        """Forget the oldest pieces behind the beginning, `size` bytes at least."""
        while size > 0 and self._tail:
            dropped = self._tail.popleft()
            cost = len(dropped.data) + PIECE_COST
            self._gap += len(dropped.data)
            self._tail_size -= cost
            self._recorder.release(self, cost)
            size -= cost

    def _close_stream(self) -> None:
        if self._streams:
            pieces = self._streams[-1].pieces
            if self._gap:
                pieces.append(Piece(pieces[-1].at if pieces else 0.0, b"", self._gap))
            pieces += self._tail
        self._tail.clear()
        self._head_size = self._tail_size = self._gap = 0

    def end(self, unknown: Mapping[str, int], error: ApiError | None) -> None:
        """The turn is over: `unknown` counts what was not understood, `error` says why it failed.

        It is written if that is wanted.
        """
        self._close_stream()
        streams, self._streams = self._streams, []
        reason: Reason = "unknown" if unknown else "failed" if error else "whole"
        failure = (error.status, error.code or "") if error else (0, "")
        turn = RecordedTurn(self._began, reason, dict(unknown), failure, streams)
        if not any(stream.pieces for stream in streams) or not self._recorder.keep(self, turn):
            self._recorder.release(self, self.held)


class Recorder:
    """Makes recordings, and keeps the latest of them as files in `folder`, readable by their owner alone."""

    def __init__(self, folder: Path, mode: RecordMode, limits: RecordingLimits | None = None) -> None:
        self.limits = limits or RecordingLimits()
        self._folder = folder
        self._wanted: frozenset[Reason] = WANTED[mode]
        self._held = 0
        self._tasks = BackgroundTasks()
        self._thread = Threads(1, "recordings")
        self._told = False

    def begin(self) -> Recording | None:
        """The recording of a turn that begins; None if nothing is recorded."""
        return Recording(self) if self._wanted else None

    def hold(self, recording: Recording, size: int) -> bool:
        """Whether so many more bytes may be kept; then they count until `release`."""
        if self._held + size > self.limits.memory:
            return False
        self._held += size
        recording.held += size
        return True

    def release(self, recording: Recording, size: int) -> None:
        """So many bytes are kept no more."""
        self._held -= size
        recording.held -= size

    def keep(self, recording: Recording, turn: RecordedTurn) -> bool:
        """Write the turn in the background, if it is of a wanted kind; its bytes count until that is done."""
        if turn.reason not in self._wanted or len(self._tasks) >= MAX_WAITING:
            return False
        self._tasks.start(self._write(recording, turn))
        return True

    async def _write(self, recording: Recording, turn: RecordedTurn) -> None:
        try:
            await self._thread.run(_write, self._folder, turn, self.limits)
            self._told = False
        except OSError as error:
            if not self._told:
                self._told = True
                log.warning("a recording cannot be written: %s", error.strerror)
        finally:
            self.release(recording, recording.held)

    async def files(self) -> Sequence[RecordingFile]:
        """The files that there are, the newest first; none while nothing is recorded."""
        return await self._thread.run(list_files, self._folder) if self._wanted else ()

    async def close(self) -> None:
        """Write what is left. No turn may be running any more."""
        await self._tasks.wait()
        self._thread.close()


WANTED: Final[Mapping[RecordMode, frozenset[Reason]]] = {
    "off": frozenset(),
    "unknown": frozenset(("unknown",)),
    "failed": frozenset(("unknown", "failed")),
    "all": frozenset(("unknown", "failed", "whole")),
}


def _write(folder: Path, turn: RecordedTurn, limits: RecordingLimits) -> None:
    """Redact and write, then delete the oldest files. Blocks. Raises OSError."""
    content = turn.redacted().as_file()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(turn.at))
    replace_file(folder / f"{moment}-{turn.reason}-{secrets.token_hex(3)}{SUFFIX}", content)
    kept = 0
    for number, file in enumerate(list_files(folder)):
        kept += file.size
        if number and (number >= limits.files or kept > limits.file_bytes):
            (folder / file.name).unlink(missing_ok=True)


def list_files(folder: Path) -> list[RecordingFile]:
    """The recordings in a folder, the newest first; files of other names are left out. Blocks."""
    found = []
    for path in folder.glob(f"*-*-*{SUFFIX}"):
        try:
            status = path.stat()
        except OSError:
            continue  # deleted meanwhile
        found.append(RecordingFile(path.name, status.st_mtime, path.name.split("-")[1], status.st_size))
    return sorted(found, key=lambda file: (file.at, file.name), reverse=True)
