"""The backend's file interface: pictures and files sent to it, and those that it made.

The bytes of files are kept on other hosts than the backend itself, at addresses that are signed and expire
within the hour; they need no key, and never get one (protocol notes, sections 3 and 10). Those of 2026 are
kept by the backend itself, for their owner only (section 20.6).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from accounts import Credential, KeyKind
from runtime import HeldBytes
from upstream.files.addresses import ask_for_address
from upstream.files.audio import read_out, transcribe
from upstream.files.downloads import Download, fetch
from upstream.files.errors import AudioMissing, FileMissing, FileTooLarge, SandboxGone
from upstream.files.hiding import Hiding
from upstream.files.timeouts import FileTimeouts
from upstream.files.upload import PICTURES, Upload
from upstream.files.upload_cache import UploadCache
from upstream.http import API, AccountRoutes, HttpClient, conversation_path, file_path

DEFAULT_TIMEOUTS: Final = FileTimeouts()
TODAY: Final = "file_"
"""How ids of files begin since 2025; before, it was `file-`."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file on the backend, with what a message that attaches it must say (protocol notes, section 4.5).

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


class BackendFiles:
    """Files of at most `max_bytes`, through one client. `clock` gives seconds, for what is remembered.

    All methods close their socket when the awaiting task is cancelled, and raise `ValueError` for a
    credential that can't travel in a header.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        max_bytes: int,
        timeouts: FileTimeouts = DEFAULT_TIMEOUTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._timeouts = timeouts
        self._uploads = UploadCache(clock)
        self._speech = AccountRoutes(clock)
        self._hiding = Hiding(client, clock)

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
        conversation (protocol notes, section 15).

        Raises:
            FileTooLarge: before anything is sent.
            CallRefused, UnusableAnswer, AddressExpired, AddressRefused, TransferRefused: a step failed.
            UpstreamError: the transport did.
        """
        if len(data) > self._max_bytes:
            raise FileTooLarge(self._max_bytes)
        upload = Upload(self._client, credential, data, name, media_type, self._timeouts)
        if credential.kind is KeyKind.POOL:
            file = await upload.store()
        else:
            # The model and Python see the name of a document, but not that of a picture.
            seen_name = "" if upload.use_case == PICTURES else name
            identity = await self._uploads.identify(credential, data, upload.use_case, seen_name)
            file = await self._uploads.obtain(identity, upload)
        return Uploaded(file.file_id, name, media_type, len(data), width, height, file.tokens)

    async def download_url(self, credential: Credential, file_id: str, conversation_id: str = "") -> str:
        """Return the address of a file's bytes, for `fetch`, as the backend gives it: maybe relative to it.

        A picture may not be stored yet when it is first shown: that is tried again for some seconds. One of
        today, whose id begins with `file_`, may be found only as a file of its conversation.

        Raises:
            FileMissing, FileNotReady, CallRefused, UnusableAnswer, AddressRefused: after the last try.
            UpstreamError: the transport failed.
        """
        paths = [f"{file_path(file_id)}/download"]
        if file_id.startswith(TODAY) and conversation_id:
            attached = f"{conversation_path(conversation_id)}/attachment/{file_id}/download"
            query = f"conversation_id={conversation_id}&inline=false"
            paths += [f"{API}/files/download/{file_id}?{query}", attached]
        return await ask_for_address(
            self._client,
            paths,
            credential,
            self._timeouts,
            gone=FileMissing,
            missing_is_final=False,
        )

    async def sandbox_url(
        self, credential: Credential, conversation_id: str, message_id: str, path: str
    ) -> str:
        """Return the address of a file in a conversation's sandbox, like `download_url`.

        `message_id` is that of the message that shows the link; `path` is plain, like `/mnt/data/a b.csv`.

        Raises:
            SandboxGone: it lives for minutes to an hour, and no longer than its conversation.
            FileMissing, FileNotReady, CallRefused, UnusableAnswer, AddressRefused: after the last try.
            UpstreamError: the transport failed.
        """
        query = f"message_id={_quoted(message_id)}&sandbox_path={_quoted(path)}"
        return await ask_for_address(
            self._client,
            [f"{conversation_path(conversation_id)}/interpreter/download?{query}"],
            credential,
            self._timeouts,
            gone=SandboxGone,
            missing_is_final=True,
        )

    def needs_key(self, address: str) -> bool:
        """Whether `fetch` gives the bytes at an address only with the key of their owner."""
        try:
            return self._client.own_url(self._client.resolve(address)) is not None
        except ValueError:
            return False

    async def fetch(self, address: str, held: HeldBytes, credential: Credential | None = None) -> Download:
        """Fetch the bytes at an address that the backend gave. `held` has them then.

        The key of the `credential` goes along only where they are in the backend's own keeping, and only to
        the backend.

        Raises:
            FilesError, UpstreamError: as `upstream.files.downloads.fetch` does.
        """
        return await fetch(
            self._client,
            address,
            held,
            credential,
            max_bytes=self._max_bytes,
            seconds=self._timeouts.fetch,
            pauses=self._timeouts.address_pauses,
        )

    async def transcribe(self, credential: Credential, data: bytes, name: str, language: str) -> str:
        """The words in a recording. Raises as `upstream.files.audio.transcribe` does."""
        return await transcribe(self._client, credential, data, name, language, self._timeouts.audio)

    def may_read_out(self, credential: Credential) -> bool:
        """Whether `read_out` may be of use: not where it has raised `AudioMissing` within the last hour."""
        return self._speech.may_be_there(credential.digest)

    async def read_out(self, credential: Credential, query: dict[str, str], held: HeldBytes) -> bytes:
        """The recording of a stored message. Raises as `upstream.files.audio.read_out` does."""
        try:
            return await read_out(
                self._client,
                credential,
                query,
                held,
                max_bytes=self._max_bytes,
                seconds=self._timeouts.audio,
                pauses=self._timeouts.address_pauses,
            )
        except AudioMissing:
            if credential.kind is not KeyKind.POOL:  # the next request may reach another account
                self._speech.leave_out(credential.digest)
            raise

    async def hide_conversation(self, credential: Credential, conversation_id: str) -> bool:
        """Take one conversation off the account's list, and tell whether that worked; never raises.

        Without a usable id nothing is sent.
        """
        return await self._hiding.hide(credential, conversation_id)


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")
