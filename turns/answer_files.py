"""Pictures and files of one answer: fetched from the backend, kept here, linked from the text."""

import asyncio
import base64
import logging
from typing import Final
from urllib.parse import unquote

from accounts import Credential
from media import MediaError, MediaStore, public_path
from runtime import COMPUTING
from translate.values import Asset, Picture
from upstream import UpstreamError
from upstream.files import BackendFiles, SandboxGone

log = logging.getLogger("pandora")

MAX_FILES: Final = 20
"""Files of the sandbox that one answer may link to."""


class AnswerFiles:
    """For one answer.

    `base_url` is where users reach this service, without a slash at its end. With `link_upstream` pictures
    are linked where the backend has them; with `as_bytes` they are fetched and not kept, for answers that
    hold them.
    """

    def __init__(
        self,
        files: BackendFiles,
        media: MediaStore,
        credential: Credential,
        base_url: str,
        *,
        link_upstream: bool = False,
        as_bytes: bool = False,
    ) -> None:
        self._files = files
        self._media = media
        self._credential = credential
        self._base_url = base_url
        self._link_upstream = link_upstream
        self._as_bytes = as_bytes
        self._reserved: dict[tuple[str, str], str] = {}  # names in the store by message and path

    async def picture(self, asset: Asset) -> Picture | None:
        """The picture behind `asset`, or None if it cannot be fetched."""
        try:
            address = await self._files.download_url(self._credential, asset.file_id)
            # An address relative to the backend would reveal its secret prefix: keep a copy then.
            if self._link_upstream and not self._as_bytes and address.startswith("http"):
                return Picture(address)
            download = await self._files.fetch(address)
            if self._as_bytes:
                encoded = await COMPUTING.run(base64.b64encode, download.data)
                return Picture("inline", encoded.decode())
            name = await self._media.save(download.data, download.file_name)
        except (UpstreamError, MediaError) as error:
            log.warning("a picture could not be fetched: %s", error)
            return None
        return Picture(self._base_url + public_path(name))

    def sandbox(self, message_id: str, path: str) -> str | None:
        """An address for a file of the sandbox, before the file is there: see `fetch_reserved`."""
        key = (message_id, unquote(path))
        if key not in self._reserved:
            if len(self._reserved) >= MAX_FILES:
                return None
            self._reserved[key] = self._media.reserve(_name(key[1]))
        return self._base_url + public_path(self._reserved[key])

    async def fetch_reserved(self, conversation_id: str) -> list[str]:
        """Fetch the linked files of a complete answer; return a note for the user for each that failed.

        It must come before the conversation is hidden: the sandbox goes with it.
        """
        notes = await asyncio.gather(*(self._fetch(conversation_id, *key) for key in list(self._reserved)))
        return [note for note in notes if note]

    def drop_reserved(self) -> None:
        """Give up the links that were not filled."""
        for name in self._reserved.values():
            self._media.drop(name)
        self._reserved.clear()

    async def _fetch(self, conversation_id: str, message_id: str, path: str) -> str:
        name = _name(path)[:100]
        try:
            address = await self._files.sandbox_url(self._credential, conversation_id, message_id, path)
            download = await self._files.fetch(address)
            await self._media.fill(self._reserved[message_id, path], download.data)
        except SandboxGone:
            return f"[The file {name} is gone: the sandbox has expired.]"
        except (UpstreamError, MediaError) as error:
            log.warning("a file of the sandbox could not be fetched: %s", error)
            return f"[The file {name} could not be fetched.]"
        del self._reserved[message_id, path]
        return ""


def _name(path: str) -> str:
    return path.rpartition("/")[2]
