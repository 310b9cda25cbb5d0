"""What was uploaded lately, so that the same picture in the next request's history is not sent again.

The API we offer has no memory: each request brings its whole history, pictures included.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from accounts import Credential
from upstream.http import UpstreamError

MAX_ENTRIES: Final = 2000
"""An entry takes some hundred bytes: memory would allow more, but older uploads are of little use."""
MAX_AGE_SECONDS: Final = 12 * 3600.0
"""After this a file is uploaded anew; talks rarely go on for longer."""
TRUSTED_SECONDS: Final = 300.0
"""How long a file is taken to be where it was seen last; after that the backend is asked."""
HASH_IN_THREAD_BYTES: Final = 256 * 1024
"""From about a millisecond of hashing on, another thread does it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which upload would be the same as another.

    `account` is a keyed hash of the credential, `content` a hash of the bytes. `name` is the file's
    name where the model gets to see it, else "".
    """

    account: bytes
    content: bytes
    use_case: str
    name: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the backend; `tokens` is what its index counted, or None if it has none."""

    file_id: str
    tokens: int | None = None


@dataclass(slots=True)
class _Entry:
    file: StoredFile
    stored_at: float
    seen_at: float


@dataclass(slots=True)
class _Work:
    """An upload or a look at a file, and how many wait for it."""

    task: "asyncio.Task[StoredFile]"
    waiting: int = 0


class UploadCache:
    """Remembers uploads by `Identity`, least recently used first out. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # New for each process, so that the hashes kept here tell nothing about the credentials.
        self._secret = secrets.token_bytes(32)
        self._entries: OrderedDict[Identity, _Entry] = OrderedDict()
        self._under_way: dict[Identity, _Work] = {}

    def __len__(self) -> int:
        return len(self._entries)

    async def identify(self, credential: Credential, data: bytes, use_case: str, name: str) -> Identity:
        """Hash what tells this upload from others; the credential itself is not kept."""
        account = hmac.digest(self._secret, credential.digest.encode(), "sha256")
        if len(data) < HASH_IN_THREAD_BYTES:
            return Identity(account, _digest(data), use_case, name)
        return Identity(account, await asyncio.to_thread(_digest, data), use_case, name)

    async def obtain(
        self,
        identity: Identity,
        store: Callable[[], Awaitable[StoredFile]],
        is_there: Callable[[str], Awaitable[bool]],
    ) -> StoredFile:
        """Return the file of this identity, from memory or by `store`.

        A file not seen for some minutes is looked for with `is_there` first. If that can't tell
        (`UpstreamError`), the file is taken to be there: the cache saves work, and must not make a request
        fail. Callers that want the same at the same time share one task, which is cancelled when all of them
        are. Raises what `store` raises.
        """
        entry = self._entries.get(identity)
        if entry is not None and self._clock() < entry.seen_at + TRUSTED_SECONDS:
            self._entries.move_to_end(identity)
            return entry.file
        work = self._under_way.get(identity)
        if work is None:
            work = self._under_way[identity] = self._start(identity, store, is_there)
        work.waiting += 1
        try:
            return await asyncio.shield(work.task)
        finally:
            work.waiting -= 1
            if not work.waiting:
                work.task.cancel()
                self._forget(identity, work)

    def _start(
        self,
        identity: Identity,
        store: Callable[[], Awaitable[StoredFile]],
        is_there: Callable[[str], Awaitable[bool]],
    ) -> _Work:
        work = _Work(asyncio.create_task(self._renew(identity, store, is_there)))
        work.task.add_done_callback(lambda _: self._forget(identity, work))
        return work

    def _forget(self, identity: Identity, work: _Work) -> None:
        if self._under_way.get(identity) is work:
            del self._under_way[identity]

    async def _renew(
        self,
        identity: Identity,
        store: Callable[[], Awaitable[StoredFile]],
        is_there: Callable[[str], Awaitable[bool]],
    ) -> StoredFile:
        entry = self._entries.get(identity)
        if entry is not None and self._clock() < entry.stored_at + MAX_AGE_SECONDS:
            self._entries.move_to_end(identity)
            try:
                if await is_there(entry.file.file_id):
                    entry.seen_at = self._clock()
                    return entry.file
            except UpstreamError:
                return entry.file
        self._entries.pop(identity, None)
        file = await store()
        now = self._clock()
        self._entries[identity] = _Entry(file, now, now)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return file


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
