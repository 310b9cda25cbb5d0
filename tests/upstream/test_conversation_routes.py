"""Where a message is posted: to `f/conversation` where the backend has it, else to `conversation`; once."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from accounts import Credential
from tests.eventually import eventually
from tests.scripted_server import (
    EVENT_STREAM,
    JSON,
    Request,
    ScriptedServer,
    Verb,
    rst,
    send,
    stall,
    status,
)
from tests.upstream.rig import ANSWER, ME, PATIENT, PREFIX, Reader, nothing_left
from translate.backend import PostedConversation, Wishes, conversation, preflight
from translate.values import BUILT_IN, ChatMessage
from upstream import (
    AccountSockets,
    ConnectionLost,
    ConversationClient,
    Exchange,
    HttpClient,
    Preflight,
    ResponseRefused,
    SocketLimits,
)

pytestmark = pytest.mark.timeout(seconds=60)

OLDER = f"/{PREFIX}/backend-api/conversation"
TODAY = f"/{PREFIX}/backend-api/f/conversation"
PREPARE = f"{TODAY}/prepare"
TOKEN = "eyJ-canary-conduit"
GPT_4 = BUILT_IN[0]


def says(code: int, body: object = None, text: bytes = b"") -> Sequence[Verb]:
    """One JSON answer, or `text` as it is."""
    content = text or json.dumps(body).encode()
    return status(code, {**JSON, "Content-Length": str(len(content))}), send(content)


NO_ROUTE = says(404, {"detail": "Not Found"})
PREPARED = says(200, {"status": "ok", "conduit_token": TOKEN})


def posted() -> PostedConversation:
    return conversation(GPT_4, [ChatMessage("user", "canary-prompt")], iter("abcdefgh").__next__)


@dataclass
class Backend:
    """Plays `scripts` by path; other paths it does not have."""

    scripts: dict[str, Sequence[Verb]]
    seen: list[Request] = field(default_factory=list)

    def script(self, request: Request) -> Sequence[Verb]:
        self.seen.append(request)
        return self.scripts.get(request.path, NO_ROUTE)

    def at(self, path: str) -> list[Request]:
        return [request for request in self.seen if request.path == path]

    @property
    def posts(self) -> list[str]:
        """Where messages went, in order."""
        return [request.path for request in self.seen if b"canary-prompt" in request.body]


@dataclass
class World:
    """A client that asks for the routes of today, and its backend."""

    client: ConversationClient
    backend: Backend

    async def converse(
        self, begun: Preflight | None = None, exchange: Exchange | None = None, credential: Credential = ME
    ) -> bytes:
        """Post one message, with the preflight that goes before it; the bytes of the answer."""
        reader = Reader()
        begun = begun or self.begin(credential)
        await begun.done()
        await self.client.converse(credential, posted(), reader, exchange or Exchange(), begun)
        begun.close()
        return reader.content

    def begin(self, credential: Credential = ME) -> Preflight:
        return self.client.preflight(credential, lambda: preflight(GPT_4, lambda: "id", Wishes()))


@asynccontextmanager
async def world(preflight_seconds: float = 30.0, **scripts: Sequence[Verb]) -> AsyncIterator[World]:
    """`today`, `older` and `prepare` are scripts."""
    paths = {"today": TODAY, "older": OLDER, "prepare": PREPARE}
    backend = Backend({paths[name]: script for name, script in scripts.items()})
    async with nothing_left(), ScriptedServer(aside=backend.script) as server:
        http = HttpClient(server.url, PREFIX, PATIENT)
        client = ConversationClient(
            http, AccountSockets(http, SocketLimits()), of_today=True, preflight_seconds=preflight_seconds
        )
        yield World(client, backend)
        client.close()
        http.close()


async def test_backend_of_today_gets_the_message_once_with_its_conduit() -> None:
    async with world(today=ANSWER, prepare=PREPARED) as here:
        assert await here.converse() == b"data: hello\n\n"
        assert here.backend.posts == [TODAY]
        (post,), (prepared,) = here.backend.at(TODAY), here.backend.at(PREPARE)
    assert prepared.headers["x-conduit-token"] == "no-token"
    assert post.headers["x-conduit-token"] == TOKEN
    body = json.loads(post.body)
    assert body["client_prepare_state"] == "success"
    assert "force_use_sse" not in body
    told = json.loads(prepared.body)
    assert "messages" not in told
    assert b"canary-prompt" not in prepared.body
    assert told["model"] == body["model"]


@pytest.mark.parametrize(
    "absent",
    [
        NO_ROUTE,
        says(405, {"detail": "Method Not Allowed"}),
        says(404, text=b"404 page not found"),
        says(404, text=b"<html>nginx</html>"),
        says(404, {"error": {"message": "Unknown request URL"}}),
    ],
    ids=["404", "405", "404 in words", "404 of a proxy", "404 of an API"],
)
async def test_backend_without_the_route_gets_the_message_at_the_older_one_and_is_remembered(
    absent: Sequence[Verb],
) -> None:
    async with world(today=absent, older=ANSWER) as here:
        for _ in range(3):
            assert await here.converse() == b"data: hello\n\n"
        assert here.backend.posts == [TODAY, OLDER, OLDER, OLDER]
        assert len(here.backend.at(PREPARE)) == 1
        older = here.backend.at(OLDER)[0]
    assert json.loads(older.body)["force_use_sse"] is True
    assert "client_prepare_state" not in json.loads(older.body)
    assert "x-conduit-token" not in older.headers


@pytest.mark.parametrize(
    "refusal",
    [
        says(500, {"detail": "oops"}),
        says(502, text=b"<html>bad gateway</html>"),
        says(503, {"detail": "busy"}),
        says(400, {"detail": "no"}),
        says(422, {"detail": "Invalid conversation body"}),
        says(429, {"detail": "Too many requests in 1 hour."}),
        says(404, {"detail": {"message": "gone", "code": "x"}, "conversation_id": "c1"}),
    ],
    ids=["500", "502", "503", "400", "422", "429", "404 of a conversation"],
)
async def test_any_other_refusal_is_told_and_nothing_is_posted_again(refusal: Sequence[Verb]) -> None:
    async with world(today=refusal, older=ANSWER, prepare=PREPARED) as here:
        with pytest.raises(ResponseRefused):
            await here.converse()
        assert here.backend.posts == [TODAY]


async def test_connection_that_breaks_is_no_proof_that_nothing_was_read() -> None:
    async with world(today=[rst()], older=ANSWER) as here:
        exchange = Exchange()
        with pytest.raises(ConnectionLost):
            await here.converse(exchange=exchange)
        assert here.backend.posts == [TODAY]
        assert exchange.reached_backend


async def test_loss_at_the_older_route_is_judged_without_the_answer_of_the_other_one() -> None:
    async with world(older=[rst()]) as here:
        exchange = Exchange()
        with pytest.raises(ConnectionLost):
            await here.converse(exchange=exchange)
        assert here.backend.posts == [TODAY, OLDER]
    assert (exchange.status, exchange.reached_backend) == (None, True)


async def test_404_of_both_routes_is_told_and_nothing_is_remembered() -> None:
    async with world() as here:
        for _ in range(2):
            with pytest.raises(ResponseRefused) as caught:
                await here.converse()
            assert caught.value.status == 404
        assert here.backend.posts == [TODAY, OLDER, TODAY, OLDER]


PREFLIGHTS: dict[str, Sequence[Verb]] = {
    "absent": NO_ROUTE,
    "refused": says(403, {"detail": "no"}),
    "broken": says(500, {"detail": "no"}),
    "lost": [rst()],
    "no JSON": says(200, text=b"surprise"),
    "token of another kind": says(200, {"conduit_token": ["x"]}),
    "token with a line break": says(200, {"conduit_token": "x\r\nAuthorization: y"}),
    "no token": says(200, {"status": "ok", "conduit_token": None}),
}


@pytest.mark.parametrize("case", PREFLIGHTS)
async def test_preflight_that_brings_no_token_stops_nothing(case: str) -> None:
    async with world(today=ANSWER, prepare=PREFLIGHTS[case]) as here:
        assert await here.converse() == b"data: hello\n\n"
        assert here.backend.posts == [TODAY]
        (post,) = here.backend.at(TODAY)
    assert "x-conduit-token" not in post.headers
    taken = case in ("no JSON", "token of another kind", "token with a line break", "no token")
    assert json.loads(post.body)["client_prepare_state"] == ("success" if taken else "failure")


async def test_preflight_that_hangs_is_waited_for_once() -> None:
    async with world(preflight_seconds=2, today=ANSWER, prepare=[stall()]) as here:
        for _ in range(3):
            assert await here.converse() == b"data: hello\n\n"
        assert here.backend.posts == [TODAY] * 3
        assert len(here.backend.at(PREPARE)) == 1


async def test_preflight_that_the_backend_does_not_have_is_left_out() -> None:
    async with world(today=ANSWER) as here:
        for _ in range(3):
            await here.converse()
        assert here.backend.posts == [TODAY] * 3
        assert len(here.backend.at(PREPARE)) == 1


async def test_preflight_that_is_closed_leaves_nothing() -> None:
    async with world(prepare=[stall()]) as here:
        begun = here.begin()
        await eventually(lambda: bool(here.backend.seen))
        assert begun.pending
        begun.close()
        await begun.done()
        assert begun.conduit is None
        assert not begun.headers


async def test_pool_is_told_nothing_before() -> None:
    async with world(today=ANSWER, prepare=PREPARED) as here:
        await here.converse(credential=Credential("pk-canary-pool"))
        assert here.backend.posts == [TODAY]
        assert not here.backend.at(PREPARE)


@pytest.mark.parametrize("told", ["conduit-of-stream", "two words", "x" * 8193])
@pytest.mark.parametrize("prepare", [PREPARED, NO_ROUTE], ids=["prepared", "not prepared"])
async def test_exchange_has_the_token_of_the_preflight_or_else_that_of_the_stream(
    told: str, prepare: Sequence[Verb]
) -> None:
    stream = [status(200, {**EVENT_STREAM, "X-Conduit-Token": told}), *ANSWER[1:]]
    exchange = Exchange()
    async with world(today=stream, prepare=prepare) as here:
        await here.converse(exchange=exchange)
    usable = told if told == "conduit-of-stream" else ""
    assert exchange.conduit == (TOKEN if prepare is PREPARED else usable)


async def test_token_of_a_preflight_is_not_that_of_the_older_route() -> None:
    exchange = Exchange()
    async with world(today=NO_ROUTE, older=ANSWER, prepare=PREPARED) as here:
        await here.converse(exchange=exchange)
    assert exchange.conduit == ""


async def test_conduit_is_quoted_from_no_answer() -> None:
    async with world(today=says(400, {"detail": f"bad {TOKEN}"}), prepare=PREPARED) as here:
        with pytest.raises(ResponseRefused) as caught:
            await here.converse()
    assert TOKEN.encode() not in caught.value.body
