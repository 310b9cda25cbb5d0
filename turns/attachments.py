"""Pictures and files of a request: read, checked, and uploaded to the account of the conversation."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from accounts import Credential
from media import (
    Content,
    FetchFailed,
    Malformed,
    MediaError,
    MediaReader,
    TooBig,
    Unusable,
    UrlRefused,
    WrongType,
)
from runtime import ByteBudget, HeldBytes, NoRoom
from translate.backend import Uploaded
from translate.values import ApiError, Attachment, BadRequest, InternalError, Overloaded
from turns.failures import as_api_error
from upstream import UpstreamError
from upstream.files import BackendFiles, FileTooLarge

AT_ONCE: Final = 3
"""Uploads of one request that go on at the same time."""
RETRY_AFTER: Final = 5.0
"""Seconds after which a client for whose files there was no room may try again."""

CODES: Final[dict[type[Unusable], str]] = {
    Malformed: "invalid_media",
    TooBig: "media_too_large",
    WrongType: "unsupported_media",
    UrlRefused: "url_not_allowed",
    FetchFailed: "media_not_reachable",
}


class AttachmentUploader:
    """Reads attachments with `reader` and uploads them through `files`, with `room` for their bytes."""

    def __init__(self, reader: MediaReader, files: BackendFiles, room: ByteBudget) -> None:
        self._reader = reader
        self._files = files
        self._room = room

    async def upload_all(
        self,
        credential: Credential,
        attachments: Iterable[Attachment],
        contents: Mapping[Attachment, Content],
    ) -> dict[Attachment, Uploaded]:
        """Put each attachment on the backend; `contents` are those that were read before.

        Raises ApiError that names the part at fault.
        """
        wanted = list(dict.fromkeys(attachments))
        if not wanted:
            return {}
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(attachment: Attachment) -> Uploaded:
            async with slots:
                with self._room.hold() as held:
                    content = contents.get(attachment) or await self._read(attachment, held)
                    return await self._upload(credential, attachment, content, held)

        tasks = [asyncio.ensure_future(one(attachment)) for attachment in wanted]
        try:
            return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()  # what still runs when one has failed

    async def _read(self, attachment: Attachment, held: HeldBytes) -> Content:
        read = self._reader.picture if attachment.kind == "image" else self._reader.file
        try:
            return await read(attachment.source, held)
        except NoRoom as error:
            raise _overloaded(error) from None
        except MediaError as error:
            raise as_part_error(error, attachment.param) from None

    async def _upload(
        self, credential: Credential, attachment: Attachment, content: Content, held: HeldBytes
    ) -> Uploaded:
        picture = content.picture
        usual_name = f"{'image' if picture else 'file'}.{content.media_type.rpartition('/')[2]}"
        try:
            if (waiting := held.grow_to(len(content.data))) is not None:  # it was read before
                await waiting
            return await self._files.upload(
                credential,
                content.data,
                attachment.name or usual_name,
                content.media_type,
                width=picture.width if picture else 0,
                height=picture.height if picture else 0,
            )
        except NoRoom as error:
            raise _overloaded(error) from None
        except FileTooLarge as error:
            raise BadRequest(str(error), param=attachment.param) from None
        except UpstreamError as error:
            raise as_api_error(error) from None


def _overloaded(error: NoRoom) -> Overloaded:
    return Overloaded(f"{error} Nothing was spent; try again.", retry_after=RETRY_AFTER, should_retry=True)


def as_part_error(error: MediaError, param: str) -> ApiError:
    """What is wrong with the part `param` of a request, such as `messages[0].content[1].image_url`.

    A failure of our own disk is not the caller's fault.
    """
    if not isinstance(error, Unusable):
        return InternalError(str(error))
    return BadRequest(f"{param}: {error}", param=param, code=CODES.get(type(error), "invalid_media"))
