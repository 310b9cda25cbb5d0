"""Pictures and files of a request: read, checked, and uploaded to the account of the conversation."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from accounts import Caller, Credential
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
from translate.values import ApiError, Attachment, InternalError, Overloaded, UnusableAttachment
from turns.failures import as_api_error
from uploads import NoSuchUpload, OwnFiles, UploadFailed
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
    """Reads attachments with `reader` and uploads them through `files`, with `room` for their bytes.

    `own_files` gives what a caller has stored here before; without it nothing can be stored.
    """

    def __init__(
        self,
        reader: MediaReader,
        files: BackendFiles,
        room: ByteBudget,
        own_files: Callable[[Caller], OwnFiles] | None = None,
    ) -> None:
        self._reader = reader
        self._files = files
        self._room = room
        self._own_files = own_files

    async def upload_all(
        self,
        credential: Credential,
        attachments: Iterable[Attachment],
        contents: Mapping[Attachment, Content],
        caller: Caller,
    ) -> dict[Attachment, Uploaded]:
        """Put each attachment of `caller` on the backend; `contents` are those that were read before.

        Raises ApiError that names the part at fault.
        """
        wanted = list(dict.fromkeys(attachments))
        if not wanted:
            return {}
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(attachment: Attachment) -> Uploaded:
            async with slots:
                with self._room.hold() as held:
                    content, name = contents.get(attachment), attachment.name
                    if content is None and attachment.file_id:
                        content, stored_name = await self._read_stored(attachment, held, caller)
                        name = name or stored_name
                    elif content is None:
                        content = await self._read(attachment, held)
                    return await self._upload(credential, replace(attachment, name=name), content, held)

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

    async def _read_stored(
        self, attachment: Attachment, held: HeldBytes, caller: Caller
    ) -> tuple[Content, str]:
        """A file that the caller has stored here, and the name that he has given it. Raises ApiError."""
        reader = self._reader
        try:
            if self._own_files is None:
                raise NoSuchUpload
            own = self._own_files(caller)
            upload, data = await own.get(attachment.file_id), await own.read(attachment.file_id, held)
            is_image = attachment.kind == "image"
            content = await reader.picture_in(data) if is_image else reader.file_in(data)
            return content, upload.filename
        except NoRoom as error:
            raise _overloaded(error) from None
        except MediaError as error:
            raise as_part_error(error, attachment.param) from None
        except NoSuchUpload:
            raise UnusableAttachment(
                f"There is no file '{attachment.file_id[:100]}'. Store it with POST /v1/files first.",
                param=attachment.param,
                code="file_not_found",
            ) from None
        except UploadFailed as error:
            raise InternalError(str(error)) from None

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
            raise UnusableAttachment(str(error), param=attachment.param) from None
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
    return UnusableAttachment(f"{param}: {error}", param=param, code=CODES.get(type(error), "invalid_media"))
