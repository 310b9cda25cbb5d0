"""Putting one file on the backend, in three steps.

The file is announced, its bytes are put at a signed address on another host, and the backend is told
that they are there. Documents are then indexed, which takes a moment.
"""

import asyncio
import re
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

from accounts import Credential
from upstream.files.answers import content_of, resolved, succeeded, successful_content
from upstream.files.errors import AddressExpired, Refused, TransferRefused
from upstream.files.upload_cache import StoredFile
from upstream.http import API, HttpClient, UnusableAnswer, UpstreamError, file_path

UPLOAD_SECONDS: Final = 120.0
"""Most that sending a file's bytes may take."""
ANSWER_BYTES: Final = 64 * 1024
"""The storage answers with nothing, or a few lines about what is wrong."""
INDEX_SECONDS: Final = 20.0
"""How long to wait for a document's index; without it the model may not find what is in there."""
INDEX_PAUSES: Final = (0.25, 0.5, 1.0, 2.0)
"""Seconds between looks at the index; the last pause goes on."""

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
    """Return the `use_case` of a file, chosen as the web client chooses it.

    `multimodal` for pictures that the model can look at, `my_files` for documents, which are indexed
    and searched, `ace_upload` for what only Python can make use of, tables among it.
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

    @property
    def use_case(self) -> str:
        """See `use_case_of`."""
        return use_case_of(self.media_type)

    async def store(self) -> StoredFile:
        """Take the three steps, and wait for the index of a document, but not for long.

        Raises:
            Refused, UnusableAnswer: the backend did not want the file, or did not say where to put it.
            AddressExpired, AddressRefused, TransferRefused: its bytes could not be put there.
            UpstreamError: the transport failed.
        """
        about = {"file_name": self.name, "file_size": len(self.data), "use_case": self.use_case}
        place = successful_content(await self.client.call("POST", f"{API}/files", self.credential, about))
        file_id, upload_url = place.get("file_id"), place.get("upload_url")
        if not isinstance(file_id, str) or not isinstance(upload_url, str):
            raise UnusableAnswer("place for an upload")
        path = file_path(file_id)
        await self._put(resolved(self.client, upload_url))
        successful_content(await self.client.call("POST", f"{path}/uploaded", self.credential, {}))
        return StoredFile(file_id, await self._tokens(path) if self.use_case == DOCUMENTS else None)

    async def is_there(self, file_id: str) -> bool:
        """Tell whether the backend still has what was stored. Raises `UpstreamError` if it can't tell."""
        answer = await self.client.call("GET", f"{file_path(file_id)}/download", self.credential)
        status = content_of(answer).get("status")
        if answer.status in (401, 429) or answer.status >= 500 or status == "retry":
            raise Refused(answer, status)
        return succeeded(answer) and status == "success"

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
            "PUT", url, headers, self.data, limit=ANSWER_BYTES, seconds=UPLOAD_SECONDS
        )
        if answer.status == 403:
            raise AddressExpired
        if not 200 <= answer.status < 300:
            raise TransferRefused(answer.status)

    async def _tokens(self, path: str) -> int | None:
        """Return how many tokens the index counts; None if there will be none, or not in time."""
        try:
            async with asyncio.timeout(INDEX_SECONDS):
                for pause in chain(INDEX_PAUSES, repeat(INDEX_PAUSES[-1])):
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
