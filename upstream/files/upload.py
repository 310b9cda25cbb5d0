"""Putting one file on the backend, in three steps (protocol notes, sections 3 and 4.5).

The file is announced, its bytes are put at a signed address on another host, and the backend is told
that they are there. Documents are then indexed, which takes a moment.
"""

import asyncio
import re
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

from accounts import Credential
from upstream.files.answers import absolute_url, content_of, successful_content
from upstream.files.errors import AddressExpired, CallRefused, TransferRefused
from upstream.files.timeouts import FileTimeouts
from upstream.files.upload_cache import StoredFile
from upstream.http import API, HttpClient, UnusableAnswer, UpstreamError, file_path

ANSWER_BYTES: Final = 64 * 1024
"""Of the storage's answer: it is empty, or a few lines about what is wrong."""

PICTURES: Final = "multimodal"
DOCUMENTS: Final = "my_files"
OTHERS: Final = "ace_upload"

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(;[ -~]*)?", re.ASCII)
_PICTURE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TABLE_TYPES: Final = ("text/csv", "text/tab-separated-values")
_DOCUMENT_TYPES: Final = (
    "application/json",
    "application/msword",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)


def use_case_of(media_type: str) -> str:
    """What the backend is asked to do with a file, chosen as its web client does.

    `PICTURES` are for the model to look at, `DOCUMENTS` are indexed and searched, `OTHERS` (tables among
    them) can only be read by Python.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind in _PICTURE_TYPES:
        return PICTURES
    if kind in _DOCUMENT_TYPES or (kind.startswith("text/") and kind not in _TABLE_TYPES):
        return DOCUMENTS
    return OTHERS


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be put on the account of `credential`."""

    client: HttpClient
    credential: Credential
    data: bytes
    name: str
    media_type: str
    timeouts: FileTimeouts

    @property
    def use_case(self) -> str:
        """See `use_case_of`."""
        return use_case_of(self.media_type)

    async def store(self) -> StoredFile:
        """Take the three steps, and wait for the index of a document, but not for long.

        Raises:
            CallRefused, UnusableAnswer: the backend did not want the file, or did not say where to put it.
            AddressExpired, AddressRefused, TransferRefused: its bytes could not be put there.
            UpstreamError: the transport failed.
        """
        about = {"file_name": self.name, "file_size": len(self.data), "use_case": self.use_case}
        place = successful_content(await self.client.call("POST", f"{API}/files", self.credential, about))
        file_id, upload_url = place.get("file_id"), place.get("upload_url")
        if not isinstance(file_id, str) or not isinstance(upload_url, str):
            raise UnusableAnswer("place for an upload")
        path = file_path(file_id)
        await self._put(absolute_url(self.client, upload_url))
        successful_content(await self.client.call("POST", f"{path}/uploaded", self.credential, {}))
        return StoredFile(file_id, await self._index_tokens(path) if self.use_case == DOCUMENTS else None)

    async def is_there(self, file_id: str) -> bool:
        """Whether the backend still has what was stored.

        Raises:
            UpstreamError: that is not known.
        """
        answer = await self.client.call("GET", f"{file_path(file_id)}/download", self.credential)
        status = content_of(answer).get("status")
        if answer.status in (401, 429) or answer.status >= 500 or status == "retry":
            raise CallRefused(answer, status)
        return answer.successful and status == "success"

    async def _put(self, url: str) -> None:
        # The storage (Azure Blob) requires these headers. The signed address says whose file it is.
        headers = {
            "Content-Type": self.media_type
            if _MEDIA_TYPE.fullmatch(self.media_type)
            else "application/octet-stream",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-version": "2020-04-08",
        }
        answer = await self.client.transfer(
            "PUT",
            url,
            headers,
            self.data,
            limit=ANSWER_BYTES,
            seconds=self.timeouts.upload,
            credential=self.credential,
        )
        if answer.status == 403:
            raise AddressExpired
        if not answer.successful:
            raise TransferRefused(answer.status)

    async def _index_tokens(self, path: str) -> int | None:
        """How many tokens the index counts; None if there will be no index, or not in time."""
        pauses = self.timeouts.index_pauses
        try:
            async with asyncio.timeout(self.timeouts.index):
                for pause in chain(pauses, repeat(pauses[-1])):
                    about = content_of(await self.client.call("GET", path, self.credential))
                    status, tokens = about.get("retrieval_index_status"), about.get("file_size_tokens")
                    if status == "success":
                        return tokens if type(tokens) is int else None
                    if isinstance(status, str) and ("fail" in status or "error" in status):
                        return None
                    await asyncio.sleep(pause)
        except (TimeoutError, UpstreamError):
            pass  # the file itself is there
        return None
