"""Pictures and files of one answer: fetched with the caller's key, kept here, linked from the text."""

import asyncio
import logging
from urllib.parse import unquote

from accounts import Caller, credential_for
from handlers.service import Service
from media import MediaError, public_path
from translate.backend.content import Asset
from upstream import UpstreamError
from upstream.files import SandboxGone

log = logging.getLogger("pandora")

MAX_FILES = 20
"""Files of the sandbox that one answer may link to."""


class Assets:
    """For one answer. ``base_url`` is where users reach this service, without a slash at its end."""

    def __init__(self, service: Service, key: str, base_url: str) -> None:
        self._service = service
        self._credential = credential_for(Caller(key))
        self._base_url = base_url
        self._reserved: dict[tuple[str, str], str] = {}

    async def picture(self, asset: Asset) -> str | None:
        """An address for ``asset``, or None if it cannot be had."""
        try:
            address = await self._service.files.download_url(self._credential, asset.file_id)
            # An address relative to the backend would have to tell its secret prefix: keep a copy then.
            if self._service.settings.image_links == "upstream" and address.startswith("http"):
                return address
            download = await self._service.files.fetch(address)
            name = await self._service.media.save(download.data, download.file_name)
        except (UpstreamError, MediaError) as error:
            log.warning("a picture could not be fetched: %s", error)
            return None
        return self._base_url + public_path(name)

    async def picture_bytes(self, asset: Asset) -> bytes | None:
        """The bytes of ``asset``, or None if they cannot be had."""
        try:
            address = await self._service.files.download_url(self._credential, asset.file_id)
            return (await self._service.files.fetch(address)).data
        except UpstreamError as error:
            log.warning("a picture could not be fetched: %s", error)
            return None

    def sandbox(self, message_id: str, path: str) -> str | None:
        """An address for a file of the sandbox, before it is there: see :meth:`settle`."""
        key = (message_id, unquote(path))
        if key not in self._reserved:
            if len(self._reserved) >= MAX_FILES:
                return None
            self._reserved[key] = self._service.media.reserve(_name(key[1]))
        return self._base_url + public_path(self._reserved[key])

    async def settle(self, conversation_id: str) -> list[str]:
        """Fetch the linked files, the answer being complete; what to tell the user where that failed.

        It must come before the conversation is hidden: the sandbox goes with it.
        """
        notes = await asyncio.gather(*(self._fetch(conversation_id, *key) for key in list(self._reserved)))
        return [note for note in notes if note]

    def drop(self) -> None:
        """Give up the links that were not filled."""
        for name in self._reserved.values():
            self._service.media.drop(name)
        self._reserved.clear()

    async def _fetch(self, conversation_id: str, message_id: str, path: str) -> str:
        files, name = self._service.files, _name(path)[:100]
        try:
            address = await files.sandbox_url(self._credential, conversation_id, message_id, path)
            download = await files.fetch(address)
            await self._service.media.fill(self._reserved[message_id, path], download.data)
        except SandboxGone:
            return f"[The file {name} is gone: the sandbox has expired.]"
        except (UpstreamError, MediaError) as error:
            log.warning("a file of the sandbox could not be fetched: %s", error)
            return f"[The file {name} could not be fetched.]"
        del self._reserved[message_id, path]
        return ""


def _name(path: str) -> str:
    return path.rpartition("/")[2]
