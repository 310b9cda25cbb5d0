"""Pictures and files of one answer: fetched from the backend, kept here, linked from the text."""

import asyncio
import base64
import logging
from typing import Final
from urllib.parse import unquote

from accounts import Credential
from media import MediaError, MediaStore, public_path
from runtime import COMPUTING, ByteBudget, HeldBytes, NoRoom
from translate.values import Asset, Picture
from upstream import UpstreamError
from upstream.files import BackendFiles, SandboxGone

log = logging.getLogger("pandora")

MAX_FILES: Final = 20
"""Files of the sandbox that one answer may link to."""


class AnswerFiles:
    """For one answer.

    `base_url` is where users reach this service, without a slash at its end. With `link_upstream` pictures
    are linked where the backend has them; with `inline` they are not kept, and the answer has them in base64:
    `inline` holds the bytes of all of them, until the answer is written. What is on its way to the disk has
    `room` meanwhile.
    """

    __slots__ = (
        "_base_url",
        "_credential",
        "_files",
        "_inline",
        "_link_upstream",
        "_media",
        "_reserved",
        "_room",
    )

    def __init__(
        self,
        files: BackendFiles,
        media: MediaStore,
        room: ByteBudget,
        credential: Credential,
        base_url: str,
        *,
        link_upstream: bool = False,
        inline: HeldBytes | None = None,
    ) -> None:
        self._files = files
        self._media = media
        self._room = room
        self._credential = credential
        self._base_url = base_url
        self._link_upstream = link_upstream
        self._inline = inline
        self._reserved: dict[tuple[str, str], str] = {}  # names in the store by message and path

    async def picture(self, asset: Asset, conversation_id: str = "") -> Picture | None:
        """The picture behind `asset`, or None if it cannot be fetched. It is shown in the conversation."""
        try:
            address = await self._files.download_url(self._credential, asset.file_id, conversation_id)
            if self._inline is not None and not asset.chart:
                return await self._in_base64(address, self._inline)
            if self._link_upstream and self._can_be_linked(address):
                return Picture(address)
            with self._room.hold() as held:
                download = await self._files.fetch(address, held, self._credential)
                name = await self._media.save(download.data, download.file_name)
        except (UpstreamError, MediaError, NoRoom) as error:
            log.warning("a picture could not be fetched: %s", error)
            return None
        return Picture(self._base_url + public_path(name))

    @property
    def has_room(self) -> bool:
        """Whether one more file of the sandbox can have an address."""
        return len(self._reserved) < MAX_FILES

    def sandbox(self, message_id: str, path: str) -> str | None:
        """An address for a file of the sandbox, before the file is there: see `fetch_reserved`."""
        key = (message_id, unquote(path))
        if key not in self._reserved:
            if not self.has_room:
                return None
            self._reserved[key] = self._media.reserve(_name(key[1]))
        return self._base_url + public_path(self._reserved[key])

    async def fetch_reserved(self, conversation_id: str) -> list[str]:
        """Fetch the linked files of a complete answer; return a note for the user for each that failed.

        It must come before the conversation is hidden: the sandbox goes with it.
        """
        if not self._reserved:
            return []
        notes = await asyncio.gather(*(self._fetch(conversation_id, *key) for key in list(self._reserved)))
        return [note for note in notes if note]

    def drop_reserved(self) -> None:
        """Give up the links that were not filled."""
        for name in self._reserved.values():
            self._media.drop(name)
        self._reserved.clear()

    def _can_be_linked(self, address: str) -> bool:
        """Whether users can open it. One relative to the backend would reveal its secret prefix."""
        return address.startswith("http") and not self._files.needs_key(address)

    async def _in_base64(self, address: str, held: HeldBytes) -> Picture:
        before = after = held.size
        try:
            download = await self._files.fetch(address, held, self._credential)
            encoded_size = base64_size(len(download.data))
            if (waiting := held.grow_to(before + encoded_size)) is not None:
                await waiting
            picture = Picture("inline", await COMPUTING.run(_base64, download.data))
            after += encoded_size
            return picture
        finally:
            held.shrink_to(after)

    async def _fetch(self, conversation_id: str, message_id: str, path: str) -> str:
        name = _name(path)[:100]
        try:
            address = await self._files.sandbox_url(self._credential, conversation_id, message_id, path)
            with self._room.hold() as held:
                download = await self._files.fetch(address, held, self._credential)
                await self._media.fill(self._reserved[message_id, path], download.data)
        except SandboxGone:
            return f"[The file {name} is gone: the sandbox has expired.]"
        except (UpstreamError, MediaError) as error:
            log.warning("a file of the sandbox could not be fetched: %s", error)
            return f"[The file {name} could not be fetched.]"
        del self._reserved[message_id, path]
        return ""


def base64_size(size: int) -> int:
    """How many bytes so many bytes take in base64."""
    return (size + 2) // 3 * 4


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _name(path: str) -> str:
    return path.rpartition("/")[2]
