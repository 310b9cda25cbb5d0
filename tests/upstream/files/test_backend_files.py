"""The whole way, against the simulated backend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from accounts import Credential
from simulator.knobs import Knobs
from simulator.server import Simulator
from tests.plenty import held
from tests.simulator.client import payload
from tests.upstream.files.rig import SHORT_PAUSES
from tests.upstream.rig import PATIENT, PREFIX, Reader, nothing_left
from translate.backend.payload import PostedConversation
from upstream import AccountSockets, ConversationClient, Exchange, HttpClient
from upstream.files import (
    AddressExpired,
    BackendFiles,
    CallRefused,
    Download,
    FileMissing,
    FileNotReady,
    SandboxGone,
)

pytestmark = pytest.mark.timeout(seconds=60)

ME, OTHER, POOL = Credential("fk-me"), Credential("fk-other"), Credential("pk-pool")
PICTURE = b"\x89PNG\r\n\x1a\n" + b"picture" * 50


@dataclass
class Sim:
    backend: Simulator
    client: HttpClient
    files: BackendFiles
    now: float = 1000.0

    async def upload(self, credential: Credential = ME, data: bytes = PICTURE, name: str = "a.png") -> str:
        return (await self.files.upload(credential, data, name, "image/png", width=4, height=3)).file_id

    async def make_files(self) -> tuple[str, str, list[str]]:
        """Ask for files; the conversation, the message that links to them, and their paths."""
        question = PostedConversation(lambda _: payload("[[sim kind=files]] Go on"), "")
        conversations = ConversationClient(self.client, AccountSockets(self.client))
        await conversations.converse(ME, question, Reader(), Exchange())
        (conversation,) = self.backend.state.conversations
        *_, last = conversation.messages()
        return conversation.id, last.id, list(conversation.sandbox_files)

    def count(self, method: str, ending: str) -> int:
        return sum(
            request.method == method and request.path.endswith(ending)
            for request in self.backend.state.requests
        )

    @property
    def puts(self) -> int:
        return sum(request.method == "PUT" for request in self.backend.state.requests)


@asynccontextmanager
async def sim(**knobs: object) -> AsyncIterator[Sim]:
    async with nothing_left():
        box: list[Sim] = []
        backend = Simulator(PREFIX, Knobs(**knobs), clock=lambda: box[0].now)  # type: ignore[arg-type]
        await backend.start()
        client = HttpClient(backend.url, PREFIX, PATIENT)
        files = BackendFiles(client, max_bytes=1 << 20, timeouts=SHORT_PAUSES, clock=lambda: box[0].now)
        box.append(Sim(backend, client, files))
        yield box[0]
        client.close()
        await backend.stop()


async def test_uploaded_file_is_registered_and_can_be_fetched_back() -> None:
    async with sim() as it:
        file_id = await it.upload(name="报告 (1).png")
        (stored,) = it.backend.state.files
        assert (stored.id, stored.content, stored.is_registered) == (file_id, PICTURE, True)
        assert not stored.authorization_on_put
        address = await it.files.download_url(ME, file_id)
        assert await it.files.fetch(address, held()) == Download(PICTURE, "报告 (1).png", "image/png")


async def test_document_is_given_with_its_tokens() -> None:
    async with sim(not_ready=2) as it:
        uploaded = await it.files.upload(ME, b"word " * 40, "a.txt", "text/plain")
        assert uploaded.file_tokens == 50
        (stored,) = it.backend.state.files
        assert stored.use_case == "my_files"


async def test_same_picture_in_the_next_request_is_not_uploaded_again() -> None:
    async with sim() as it:
        assert await it.upload() == await it.upload(name="other.png")
        assert it.puts == 1
        assert await it.upload(data=PICTURE + b"!") != await it.upload()
        assert it.puts == 2


async def test_same_document_by_another_name_is_another_upload() -> None:
    async with sim() as it:
        for name in ("a.csv", "b.csv", "a.csv"):
            await it.files.upload(ME, b"1,2", name, "text/csv")
        assert it.puts == 2


async def test_same_picture_of_another_account_is_another_upload() -> None:
    async with sim() as it:
        mine, others = await it.upload(ME), await it.upload(OTHER)
        assert mine != others
        assert {file.owner for file in it.backend.state.files} == {ME.secret, OTHER.secret}
        assert await it.upload(ME) == mine


async def test_pool_key_is_never_served_from_memory() -> None:
    async with sim() as it:
        assert await it.upload(POOL) != await it.upload(POOL)
        assert it.puts == 2


async def test_many_requests_with_the_same_picture_upload_it_once() -> None:
    async with sim() as it:
        ids = await asyncio.gather(*(it.upload() for _ in range(20)), *(it.upload(OTHER) for _ in range(20)))
        assert len(set(ids)) == 2
        assert it.puts == 2


async def test_picture_is_looked_for_after_some_minutes_and_uploaded_again_if_gone() -> None:
    async with sim() as it:
        file_id = await it.upload()
        it.now += 600
        assert await it.upload() == file_id
        assert it.count("GET", f"{file_id}/download") == 1
        for file in it.backend.state.files:
            file.owner = "another account"
        it.now += 600
        assert await it.upload() != file_id
        assert it.puts == 2


async def test_cancelled_upload_leaves_nothing_running() -> None:
    async with sim() as it:
        task = asyncio.create_task(it.upload())
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_dead_key_is_refused_with_the_backend_s_words() -> None:
    async with sim() as it:
        with pytest.raises(CallRefused) as caught:
            await it.upload(Credential("fk-dead"))
    assert caught.value.status == 401
    assert b"token_expired" in caught.value.body


async def test_file_of_another_account_is_missing() -> None:
    async with sim() as it:
        file_id = await it.upload(ME)
        with pytest.raises(FileMissing):
            await it.files.download_url(OTHER, file_id)


async def test_picture_that_is_stored_late_is_waited_for() -> None:
    async with sim(not_ready=2) as it:
        file = it.backend.state.files.store_generated(ME.secret, "drawing.png", PICTURE, it.backend.knobs)
        assert (await it.files.fetch(await it.files.download_url(ME, file.id), held())).data == PICTURE


@pytest.mark.parametrize("knobs", [{}, {"estuary": "official"}, {"not_ready": 2}], ids=str)
async def test_picture_of_today_is_fetched_by_its_owner_wherever_its_address_points(
    knobs: dict[str, object],
) -> None:
    async with sim(age="2026", **knobs) as it:
        files = it.backend.state.files
        file = files.store_generated(ME.secret, "a.png", PICTURE, it.backend.knobs, "sediment 2026")
        address = await it.files.download_url(ME, file.id, "c1")
        assert it.files.needs_key(address)
        assert (await it.files.fetch(address, held(), ME)).data == PICTURE
        with pytest.raises(AddressExpired):
            await it.files.fetch(address, held(), OTHER)


async def test_picture_that_is_never_stored_is_not_waited_for_long() -> None:
    async with sim(not_ready=99) as it:
        file = it.backend.state.files.store_generated(ME.secret, "drawing.png", PICTURE, it.backend.knobs)
        with pytest.raises(FileNotReady):
            await it.files.download_url(ME, file.id)


async def test_address_expires_and_a_new_one_works() -> None:
    async with sim(link_ttl=60.0) as it:
        file = it.backend.state.files.store_generated(ME.secret, "drawing.png", PICTURE, it.backend.knobs)
        address = await it.files.download_url(ME, file.id)
        it.now += 61
        with pytest.raises(AddressExpired):
            await it.files.fetch(address, held())
        assert (await it.files.fetch(await it.files.download_url(ME, file.id), held())).data == PICTURE


async def test_type_that_a_download_claims_does_not_matter() -> None:
    async with sim(download_type="text/html") as it:
        file = it.backend.state.files.store_generated(ME.secret, "drawing.png", PICTURE, it.backend.knobs)
        download = await it.files.fetch(await it.files.download_url(ME, file.id), held())
        assert download.data == PICTURE


async def test_every_file_of_a_sandbox_can_be_fetched_whatever_its_name() -> None:
    async with sim() as it:
        conversation_id, message_id, paths = await it.make_files()
        assert len(paths) > 3
        for path in paths:
            address = await it.files.sandbox_url(ME, conversation_id, message_id, path)
            download = await it.files.fetch(address, held())
            assert download.data
            assert download.file_name == path.rpartition("/")[2]


async def test_file_that_the_message_does_not_show_is_missing() -> None:
    async with sim() as it:
        conversation_id, message_id, (path, *_) = await it.make_files()
        with pytest.raises(FileMissing):
            await it.files.sandbox_url(ME, conversation_id, message_id, "/mnt/data/other.csv")
        with pytest.raises(FileMissing):
            await it.files.sandbox_url(ME, conversation_id, "m1", path)


@pytest.mark.parametrize("status", [200, 403, 404, 410])
async def test_sandbox_expires(status: int) -> None:
    async with sim(sandbox_ttl=60.0, sandbox_status=status) as it:
        conversation_id, message_id, (path, *_) = await it.make_files()
        await it.files.sandbox_url(ME, conversation_id, message_id, path)
        it.now += 61
        with pytest.raises(SandboxGone):
            await it.files.sandbox_url(ME, conversation_id, message_id, path)


async def test_sandbox_goes_with_its_conversation() -> None:
    async with sim() as it:
        conversation_id, message_id, (path, *_) = await it.make_files()
        assert await it.files.hide_conversation(ME, conversation_id)
        with pytest.raises(FileMissing):
            await it.files.sandbox_url(ME, conversation_id, message_id, path)
