"""The backend's file interface: pictures and files sent to it, and those that it made.

The bytes of files are kept on other hosts than the backend itself, at addresses that are signed and
expire within the hour; they need no key, and never get one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from accounts import Credential, KeyKind
from upstream.files.answers import address_in, content_of, resolved, succeeded
from upstream.files.errors import (
    AddressExpired,
    AddressRefused,
    FileMissing,
    FileNotReady,
    FilesError,
    FileTooLarge,
    Refused,
    SandboxGone,
    TransferRefused,
)
from upstream.files.file_name import download_name
from upstream.files.upload import PICTURES, Upload
from upstream.files.upload_cache import UploadCache
from upstream.http import (
    ConnectionLost,
    HttpClient,
    TotalTimeout,
    UpstreamError,
    conversation_path,
    file_path,
)

__all__ = [
    "AddressExpired",
    "AddressRefused",
    "BackendFiles",
    "Download",
    "FileMissing",
    "FileNotReady",
    "FileTooLarge",
    "FilesError",
    "Refused",
    "SandboxGone",
    "TransferRefused",
    "Uploaded",
]

FETCH_SECONDS: Final = 120.0
"""Most that fetching a file's bytes may take, redirects included."""
ADDRESS_SECONDS: Final = 30.0
"""Most that finding out an address may take, with all tries."""
TRY_AGAIN_AFTER: Final = (0.5, 1.0, 2.0)
"""Pauses in seconds: a picture may be shown some moments before it is stored."""
MAX_REDIRECTS: Final = 3

_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file on the backend, with what a message that attaches it must say about it.

    `size` is in bytes, `width` and `height` in pixels (0 unless it is a picture); `file_tokens` is what
    the backend's index counted, or None if it has no index.
    """

    file_id: str
    name: str
    media_type: str
    size: int
    width: int
    height: int
    file_tokens: int | None


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes of a file; type and name are what the other side gave, or "", and not to be trusted."""

    data: bytes
    media_type: str
    file_name: str


class BackendFiles:
    """Files of at most `max_bytes`, through one client. `clock` gives seconds, for the upload cache.

    All methods close their socket when the awaiting task is cancelled, and raise `ValueError` for a
    credential that can't travel in a header.
    """

    def __init__(
        self, client: HttpClient, *, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._uploads = UploadCache(clock)

    async def upload(
        self,
        credential: Credential,
        data: bytes,
        name: str,
        media_type: str,
        *,
        width: int = 0,
        height: int = 0,
    ) -> Uploaded:
        """Put a file on the backend, unless the same was put there lately with the same credential.

        With the key of a pool nothing is remembered: the upload may be on another account than the next
        conversation.

        Raises:
            FileTooLarge: before anything is sent.
            Refused, UnusableAnswer, AddressExpired, AddressRefused, TransferRefused: one of the steps failed.
            UpstreamError: the transport did.
        """
        if len(data) > self._max_bytes:
            raise FileTooLarge(self._max_bytes)
        upload = Upload(self._client, credential, data, name, media_type)
        if credential.kind is KeyKind.POOL:
            file = await upload.store()
        else:
            # The model and Python know files by their names, so the name counts; for pictures it does not.
            seen_name = "" if upload.use_case == PICTURES else name
            identity = await self._uploads.identify(credential, data, upload.use_case, seen_name)
            file = await self._uploads.obtain(identity, upload.store, upload.is_there)
        return Uploaded(file.file_id, name, media_type, len(data), width, height, file.tokens)

    async def download_url(self, credential: Credential, file_id: str) -> str:
        """Return the address of a file's bytes for `fetch`, as the backend gave it: maybe relative to it.

        A picture may not be stored yet when it is first shown: that is tried again for some seconds.

        Raises:
            FileMissing, FileNotReady, Refused, UnusableAnswer, AddressRefused: no address was given.
            UpstreamError: the transport failed.
        """
        return await self._address(
            credential, f"{file_path(file_id)}/download", FileMissing, missing_is_final=False
        )

    async def sandbox_url(
        self, credential: Credential, conversation_id: str, message_id: str, path: str
    ) -> str:
        """Return the address of a file in a conversation's sandbox, like `download_url`.

        `message_id` is that of the message that shows the link; `path` is plain, like `/mnt/data/a b.csv`.

        Raises:
            SandboxGone: it lives for minutes to an hour, and no longer than its conversation.
            FileMissing, FileNotReady, Refused, UnusableAnswer, AddressRefused: no address was given.
            UpstreamError: the transport failed.
        """
        query = f"message_id={_quoted(message_id)}&sandbox_path={_quoted(path)}"
        call = f"{conversation_path(conversation_id)}/interpreter/download?{query}"
        return await self._address(credential, call, SandboxGone, missing_is_final=True)

    async def fetch(self, url: str) -> Download:
        """Fetch the bytes at an address that the backend gave.

        Raises:
            AddressExpired: get a new one.
            FileMissing, FileTooLarge, TransferRefused: the host of the bytes gives none, or too many.
            AddressRefused: it is no http(s) address, has credentials, or redirects more than three times.
            UpstreamError: the transport failed, or it took more than two minutes.
        """
        async with _at_most(FETCH_SECONDS):
            at = resolved(self._client, url)
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._client.transfer(
                    "GET", at, {"Accept": "*/*"}, limit=self._max_bytes, seconds=FETCH_SECONDS
                )
                if 200 <= answer.status < 300:
                    if not answer.complete:
                        raise FileTooLarge(self._max_bytes)
                    name = download_name(at, answer.headers.get("content-disposition", ""))
                    return Download(answer.body, answer.content_type, name or download_name(url, ""))
                if answer.status not in _REDIRECTS or "location" not in answer.headers:
                    raise _not_given(answer.status)
                at = resolved(self._client, answer.headers["location"], at)
        raise AddressRefused("it redirects too often")

    async def hide_conversation(self, credential: Credential, conversation_id: str) -> bool:
        """Take one conversation off the account's list, and tell whether that worked; never raises.

        Without a usable id nothing is sent.
        """
        try:
            path = conversation_path(conversation_id)
            answer = await self._client.call("PATCH", path, credential, {"is_visible": False})
        except (UpstreamError, ValueError, RuntimeError):  # RuntimeError: the client was closed
            return False
        return succeeded(answer) and content_of(answer).get("success") is True

    async def _address(
        self, credential: Credential, path: str, gone: type[FilesError], *, missing_is_final: bool
    ) -> str:
        """Ask for an address, and again where that may help. `gone` is what status 410 means."""

        async def ask() -> str:
            address = address_in(await self._client.call("GET", path, credential), gone)
            resolved(self._client, address)
            return address

        async with _at_most(ADDRESS_SECONDS):
            for pause in TRY_AGAIN_AFTER:
                try:
                    return await ask()
                except FileMissing:
                    if missing_is_final:
                        raise
                except Refused as refused:
                    if refused.status < 500:
                        raise
                except (FileNotReady, ConnectionLost):
                    pass
                await asyncio.sleep(pause)
            return await ask()


@asynccontextmanager
async def _at_most(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TotalTimeout(seconds) from None


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _not_given(status: int) -> FilesError:
    match status:
        case 403:
            return AddressExpired()
        case 404 | 410:
            return FileMissing()
        case _:
            return TransferRefused(status)
