"""Pictures and files of a request: read, checked, and put on the backend under the caller's account."""

import asyncio
from collections.abc import Iterable

from accounts import Caller, credential_for
from handlers.media import as_bad_request
from handlers.service import Service
from media import Content, MediaError, Unusable
from translate.backend.payload import Uploaded
from translate.values import ApiError, Attachment, BadRequest, InternalError
from turns.failures import as_api_error
from upstream import UpstreamError
from upstream.files import FileTooLarge

AT_ONCE = 3
"""Uploads of one request that go on at the same time."""


async def upload_all(
    service: Service, key: str, attachments: Iterable[Attachment]
) -> dict[Attachment, Uploaded]:
    """Each attachment on the backend. Raises ApiError that names the part at fault."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(attachment: Attachment) -> Uploaded:
        async with slots:
            try:
                read = service.reader.picture if attachment.kind == "image" else service.reader.file
                content = await read(attachment.source)
            except MediaError as error:
                raise as_bad_part(error, attachment.param) from None
            return await upload(service, key, attachment, content)

    wanted = list(dict.fromkeys(attachments))
    tasks = [asyncio.ensure_future(one(attachment)) for attachment in wanted]
    try:
        return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
    finally:
        for task in tasks:
            task.cancel()  # what still runs when one has failed


async def upload(service: Service, key: str, attachment: Attachment, content: Content) -> Uploaded:
    """Put ``content`` on the backend. Raises ApiError."""
    picture = content.picture
    name = attachment.name or f"{'image' if picture else 'file'}.{content.media_type.rpartition('/')[2]}"
    try:
        return await service.files.upload(
            credential_for(Caller(key)),
            content.data,
            name,
            content.media_type,
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
        )
    except FileTooLarge as error:
        raise BadRequest(str(error), param=attachment.param) from None
    except UpstreamError as error:
        raise as_api_error(error) from None


def as_bad_part(error: MediaError, param: str) -> ApiError:
    """What is wrong with the part ``param``; a disk of ours that failed is not the caller's fault."""
    return as_bad_request(error, param) if isinstance(error, Unusable) else InternalError(str(error))
