"""What was uploaded lately, so that the same picture in the next request's history is not sent again.

The API we offer has no memory: each request brings its whole history, pictures included.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from accounts import Credential
from runtime import COMPUTING, BackgroundTasks
from upstream.http import UpstreamError

MAX_ENTRIES: Final = 2000
"""An entry has some hundred bytes: more of them would need little memory, but would hardly be of use."""
MAX_AGE_SECONDS: Final = 12 * 3600.0
"""After this a file is uploaded again; few conversations go on for longer."""
TRUSTED_SECONDS: Final = 300.0
"""So long after the backend was seen to have a file it is not asked again."""
HASH_IN_THREAD_BYTES: Final = 256 * 1024
"""From this size on, hashing takes a millisecond or more, and happens in a thread."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one upload from another.

    `account` is the digest of the credential, `content` a hash of the bytes. `name` is the file's name where
    the model gets to see it, else "".
    """

    account: str
    content: bytes
    use_case: str
    name: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the backend; `tokens` is what its index counted, or None if it has none."""

    file_id: str
    tokens: int | None = None


class Storable(Protocol):
    """A file that can be put on the backend; see `upstream.files.upload.Upload`."""

    async def store(self) -> StoredFile:
        """Put it there."""
        ...

    async def is_there(self, file_id: str) -> bool:
        """Whether the backend still has it under this id. Raises UpstreamError if that is not known."""
        ...


@dataclass(slots=True)
class _Entry:
    """A file that was stored at one time and last seen on the backend at another, by the cache's clock."""

    file: StoredFile
    stored_at: float
    seen_at: float


@dataclass(slots=True)
class _SharedTask:
    """Work for one identity that is under way, and how many callers wait for it."""

    task: "asyncio.Task[StoredFile]"
    waiting: int = 0


class UploadCache:
    """Remembers the `max_entries` uploads used last, by `Identity`. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float], *, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._entries: OrderedDict[Identity, _Entry] = OrderedDict()
        self._under_way: dict[Identity, _SharedTask] = {}
        self._tasks = BackgroundTasks()

    async def identify(self, credential: Credential, data: bytes, use_case: str, name: str) -> Identity:
        """The identity of an upload; it holds neither the credential nor the bytes."""
        if len(data) < HASH_IN_THREAD_BYTES:
            content = _digest(data)
        else:
            content = await COMPUTING.run(_digest, data)
        return Identity(credential.digest, content, use_case, name)

    async def obtain(self, identity: Identity, upload: Storable) -> StoredFile:
        """Return the file of this identity, from memory or by storing `upload`.

        If the file has not been seen for some minutes, the backend is asked first whether it is there. If
        that is not known, it is taken to be there: the cache is to save work, not to make a request fail.
        Callers that want the same file at the same time share one task, which is cancelled when all of them
        are.

        Raises:
            UpstreamError: what `upload.store` raises.
        """
        entry = self._entries.get(identity)
        if entry is not None and self._clock() < entry.seen_at + TRUSTED_SECONDS:
            self._entries.move_to_end(identity)
            return entry.file
        shared = self._under_way.get(identity)
        if shared is None:
            shared = self._share(identity, self._tasks.start(self._find_or_store(identity, upload)))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                shared.task.cancel()
                self._end_sharing(identity, shared)

    def _share(self, identity: Identity, task: "asyncio.Task[StoredFile]") -> _SharedTask:
        shared = self._under_way[identity] = _SharedTask(task)
        task.add_done_callback(lambda _: self._end_sharing(identity, shared))
        return shared

    def _end_sharing(self, identity: Identity, shared: _SharedTask) -> None:
        if self._under_way.get(identity) is shared:
            del self._under_way[identity]

    async def _find_or_store(self, identity: Identity, upload: Storable) -> StoredFile:
        entry = self._entries.get(identity)
        if entry is not None and self._clock() < entry.stored_at + MAX_AGE_SECONDS:
            self._entries.move_to_end(identity)
            try:
                if await upload.is_there(entry.file.file_id):
                    entry.seen_at = self._clock()
                    return entry.file
            except UpstreamError:
                return entry.file
        self._entries.pop(identity, None)
        file = await upload.store()
        now = self._clock()
        self._entries[identity] = _Entry(file, now, now)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        return file


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
