"""Attachments: read, uploaded a few at a time, and named when something is wrong with them."""

import asyncio
import base64

import pytest

from accounts import Caller, Credential
from media import (
    Content,
    FetchFailed,
    Malformed,
    MediaError,
    MediaReader,
    StoreFailed,
    TooBig,
    UrlRefused,
    WrongType,
)
from runtime import ByteBudget
from tests.eventually import eventually
from tests.media.pictures import png
from tests.plenty import plenty
from tests.turns.stored_files import StoredFiles
from translate.values import ApiError, Attachment, BadRequest, InternalError, Overloaded, UnusableAttachment
from turns.attachments import AT_ONCE, AttachmentUploader, as_part_error
from upstream import ConnectFailed
from upstream.files import FileTooLarge

CREDENTIAL = Credential("fk-alice")
CALLER = Caller("fk-alice")
PARAM = "messages[0].content[1].image_url"
PNG = base64.b64encode(png(3, 2)).decode()


def picture(number: int = 0, name: str = "") -> Attachment:
    return Attachment("image", f"data:image/png;base64,{PNG}", name, f"messages[{number}]")


def text_file(name: str = "") -> Attachment:
    return Attachment("file", "data:text/plain,hello", name, PARAM)


def uploader(files: StoredFiles, max_bytes: int = 10**6) -> AttachmentUploader:
    return AttachmentUploader(MediaReader(None, max_bytes=max_bytes, max_pixels=10**6), files, plenty())


async def test_each_attachment_is_read_and_uploaded_under_its_name() -> None:
    files = StoredFiles()
    given = [picture(name="cat.png"), text_file("notes.txt")]
    uploads = await uploader(files).upload_all(CREDENTIAL, given, {}, CALLER)
    assert {(name, kind) for _, name, kind in files.uploaded} == {
        ("cat.png", "image/png"),
        ("notes.txt", "text/plain"),
    }
    assert list(uploads) == given
    assert (uploads[given[0]].width, uploads[given[0]].height) == (3, 2)
    assert (uploads[given[1]].width, uploads[given[1]].height) == (0, 0)


async def test_attachment_without_a_name_gets_one() -> None:
    files = StoredFiles()
    await uploader(files).upload_all(CREDENTIAL, [picture(), text_file()], {}, CALLER)
    assert {name for _, name, _ in files.uploaded} == {"image.png", "file.plain"}


async def test_attachment_that_occurs_twice_is_uploaded_once() -> None:
    files = StoredFiles()
    uploads = await uploader(files).upload_all(CREDENTIAL, [picture(), picture()], {}, CALLER)
    assert len(files.uploaded) == len(uploads) == 1


async def test_what_was_read_before_is_not_read_again() -> None:
    files = StoredFiles()
    given = Attachment("image", "", "cat.png", "image.[0]")
    await uploader(files).upload_all(CREDENTIAL, [given], {given: Content(b"bytes", "image/png")}, CALLER)
    assert files.uploaded == [(b"bytes", "cat.png", "image/png")]


async def test_only_a_few_are_under_way_at_once() -> None:
    files = StoredFiles()
    files.gate.clear()
    given = [picture(number) for number in range(AT_ONCE + 2)]
    task = asyncio.create_task(uploader(files).upload_all(CREDENTIAL, given, {}, CALLER))
    await eventually(lambda: len(files.uploaded) == AT_ONCE)
    await asyncio.sleep(0.05)
    assert len(files.uploaded) == AT_ONCE
    files.gate.set()
    assert len(await task) == AT_ONCE + 2


async def test_first_failure_ends_the_others() -> None:
    files = StoredFiles()
    files.gate.clear()
    bad = Attachment("image", "data:image/png;base64,AAAA", "", PARAM)
    with pytest.raises(BadRequest) as raised:
        await uploader(files).upload_all(CREDENTIAL, [picture(), bad], {}, CALLER)
    assert raised.value.param == PARAM
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(
    ("failure", "error", "param"),
    [
        (FileTooLarge(10), BadRequest, PARAM),
        (ConnectFailed("refused"), Overloaded, None),
    ],
)
async def test_upload_that_fails_is_an_error(
    failure: FileTooLarge | ConnectFailed, error: type[ApiError], param: str | None
) -> None:
    files = StoredFiles()
    files.upload_failure = failure
    with pytest.raises(error) as raised:
        await uploader(files).upload_all(CREDENTIAL, [text_file()], {}, CALLER)
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Malformed("it is not base64"), "invalid_media"),
        (TooBig("it is too big"), "media_too_large"),
        (WrongType("it is no picture"), "unsupported_media"),
        (UrlRefused("it is a private address"), "url_not_allowed"),
        (FetchFailed("it cannot be fetched"), "media_not_reachable"),
    ],
)
def test_unusable_part_is_named(error: MediaError, code: str) -> None:
    told = as_part_error(error, PARAM)
    assert isinstance(told, UnusableAttachment)
    assert (told.param, told.code) == (PARAM, code)
    assert told.message == f"{PARAM}: {error}"


def test_failure_of_our_disk_is_not_the_callers_fault() -> None:
    assert isinstance(as_part_error(StoreFailed("the disk is full"), PARAM), InternalError)


async def test_bytes_of_an_attachment_are_held_until_it_is_uploaded() -> None:
    files, room = StoredFiles(), plenty()
    reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
    files.gate.clear()
    work = asyncio.ensure_future(
        AttachmentUploader(reader, files, room).upload_all(CREDENTIAL, [text_file()], {}, CALLER)
    )
    await eventually(lambda: room.used > 0)
    work.cancel()
    await eventually(lambda: room.used == 0)


async def test_attachment_for_which_there_is_no_room_in_time_may_be_sent_again() -> None:
    room = ByteBudget(1, patience=0.01)
    assert room.hold().try_grow_to(1)
    reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
    with pytest.raises(Overloaded, match="no room") as caught:
        await AttachmentUploader(reader, StoredFiles(), room).upload_all(
            CREDENTIAL, [text_file()], {}, CALLER
        )
    assert caught.value.headers() == {"Retry-After": "5", "x-should-retry": "true"}
    read = {picture(): Content(b"12", "image/png")}
    with pytest.raises(Overloaded):
        await AttachmentUploader(reader, StoredFiles(), room).upload_all(CREDENTIAL, read, read, CALLER)
