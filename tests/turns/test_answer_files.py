"""Pictures and files of an answer: kept and linked, and told of when they cannot be had."""

import base64
import os
from pathlib import Path

import pytest

from accounts import Credential
from media import MediaStore, NotStored
from tests.plenty import plenty
from tests.turns.questions import BASE
from tests.turns.stored_files import StoredFiles, stored_in
from translate.values import Asset, Picture
from turns.answer_files import MAX_FILES, AnswerFiles
from upstream.files import FileMissing, SandboxGone

CREDENTIAL = Credential("fk-alice")
CAT = Asset("file-service://file-1", "a cat")
PNG = b"\x89PNG\r\n\x1a\n"
CSV = "/mnt/data/a b.csv"


class Answer:
    """The files of one answer. The backend has these files."""

    def __init__(
        self,
        folder: Path,
        files: dict[str, bytes] | None = None,
        *,
        link_upstream: bool = False,
        as_bytes: bool = False,
        store: MediaStore | None = None,
    ) -> None:
        self.backend = StoredFiles(files if files is not None else {"file-1": PNG, CSV: b"1,2\n"})
        self.store = store or stored_in(folder)
        self.room = plenty()
        self.inline = self.room.hold()
        self.files = AnswerFiles(
            self.backend,
            self.store,
            self.room,
            CREDENTIAL,
            BASE,
            link_upstream=link_upstream,
            inline=self.inline if as_bytes else None,
        )

    async def stored(self, address: str) -> bytes:
        """What is behind a link of ours."""
        assert address.startswith(BASE)
        file = await self.store.open(address.rpartition("/")[2])
        try:
            return await file.read(0, 1000)
        finally:
            file.close()


async def test_picture_is_kept_and_linked_here(tmp_path: Path) -> None:
    answer = Answer(tmp_path)
    picture = await answer.files.picture(CAT)
    assert picture is not None
    assert picture.base64 == ""
    assert await answer.stored(picture.address) == PNG


async def test_picture_is_looked_for_in_its_conversation(tmp_path: Path) -> None:
    answer = Answer(tmp_path)
    await answer.files.picture(CAT, "c1")
    assert answer.backend.shown_in == ["c1"]


async def test_picture_is_linked_at_the_backend_if_the_settings_say_so(tmp_path: Path) -> None:
    picture = await Answer(tmp_path, link_upstream=True).files.picture(CAT)
    assert picture == Picture("https://files.example/file-1")


@pytest.mark.parametrize(
    "address", ["/secret-prefix/files/", "https://official.example/backend-api/estuary/content?id="]
)
async def test_address_that_reveals_the_prefix_or_needs_the_key_is_never_linked(
    tmp_path: Path, address: str
) -> None:
    answer = Answer(tmp_path, link_upstream=True)
    answer.backend.address = address
    picture = await answer.files.picture(CAT)
    assert picture is not None
    assert picture.address.startswith(BASE)
    assert "secret" not in picture.address


@pytest.mark.parametrize("link_upstream", [False, True])
async def test_picture_as_bytes_is_not_kept(tmp_path: Path, link_upstream: bool) -> None:
    answer = Answer(tmp_path, as_bytes=True, link_upstream=link_upstream)
    picture = await answer.files.picture(CAT)
    assert picture is not None
    assert base64.b64decode(picture.base64) == PNG
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("as_bytes", [False, True])
async def test_picture_that_cannot_be_fetched_is_none_and_logged(
    tmp_path: Path, as_bytes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert await Answer(tmp_path, {}, as_bytes=as_bytes).files.picture(CAT) is None
    assert "a picture could not be fetched: no such file" in caplog.text


async def test_picture_that_cannot_be_kept_is_none(tmp_path: Path) -> None:
    too_small = MediaStore(tmp_path, max_file_bytes=1, max_total_bytes=10, max_age_seconds=0)
    assert await Answer(tmp_path, store=too_small).files.picture(CAT) is None


async def test_file_has_its_address_before_it_is_there(tmp_path: Path) -> None:
    answer = Answer(tmp_path)
    address = answer.files.sandbox("m1", "/mnt/data/a%20b.csv")
    assert address is not None
    assert answer.files.sandbox("m1", CSV) == address, "it is the same file"
    assert answer.files.sandbox("m2", CSV) != address, "it is that of another message"


async def test_linked_files_are_fetched_at_the_end(tmp_path: Path) -> None:
    answer = Answer(tmp_path)
    address = answer.files.sandbox("m1", CSV)
    assert address is not None
    assert await answer.files.fetch_reserved("c1") == []
    answer.files.drop_reserved()
    assert await answer.stored(address) == b"1,2\n"


@pytest.mark.parametrize(
    ("failure", "note"),
    [
        (SandboxGone(), "[The file a b.csv is gone: the sandbox has expired.]"),
        (FileMissing(), "[The file a b.csv could not be fetched.]"),
    ],
)
async def test_file_that_cannot_be_fetched_leaves_a_note_and_no_link(
    tmp_path: Path, failure: SandboxGone | FileMissing, note: str
) -> None:
    answer = Answer(tmp_path, {"/mnt/data/good.csv": b"3\n"})
    answer.backend.failure = failure
    bad, good = answer.files.sandbox("m1", CSV), answer.files.sandbox("m1", "/mnt/data/good.csv")
    assert bad is not None
    assert good is not None
    assert await answer.files.fetch_reserved("c1") == [note]
    answer.files.drop_reserved()
    assert await answer.stored(good) == b"3\n"
    with pytest.raises(NotStored):
        await answer.stored(bad)


async def test_long_name_is_cut_in_a_note(tmp_path: Path) -> None:
    answer = Answer(tmp_path, {})
    answer.files.sandbox("m1", "/mnt/data/" + "n" * 300)
    assert await answer.files.fetch_reserved("c1") == [f"[The file {'n' * 100} could not be fetched.]"]


async def test_answer_may_link_to_so_many_files(tmp_path: Path) -> None:
    answer = Answer(tmp_path)
    addresses: list[str | None] = []
    while answer.files.has_room:
        addresses.append(answer.files.sandbox("m1", f"/mnt/data/{len(addresses)}.csv"))
    assert len(addresses) == MAX_FILES
    assert None not in addresses
    assert answer.files.sandbox("m1", "/mnt/data/more.csv") is None
    assert answer.files.sandbox("m1", "/mnt/data/0.csv") == addresses[0]


async def test_nothing_is_held_of_what_is_on_the_disk(tmp_path: Path) -> None:
    answer = Answer(tmp_path)
    assert await answer.files.picture(CAT) is not None
    assert answer.room.used == 0


async def test_pictures_in_an_answer_are_held_as_they_are_there(tmp_path: Path) -> None:
    answer = Answer(tmp_path, as_bytes=True)
    pictures = [await answer.files.picture(CAT) for _ in range(2)]
    assert answer.room.used == sum(len(picture.base64) for picture in pictures if picture is not None) > 0
    assert await answer.files.picture(Asset("file-service://file-2")) is None
    answer.inline.release()
    assert answer.room.used == 0
    assert await answer.files.picture(CAT) is None
