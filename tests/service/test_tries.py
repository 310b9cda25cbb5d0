"""How often one question is posted, by the official SDK with its own retries, and what is booked for that.

A backend on raw sockets counts the posts. For each fault: how many there may be, and what the ledger has.
"""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate

import openai
import pytest
from openai import AsyncOpenAI

from simulator.refusals import GATEWAY_PAGE, ONLY_ONE_MESSAGE
from tests.scripted_server import (
    EVENT_STREAM,
    JSON,
    Connection,
    ScriptedServer,
    Verb,
    chunk,
    fin,
    last_chunk,
    rst,
    send,
    status,
    wait,
    without_accounts,
)
from tests.service.deployment import KEY, PREFIX, Deployment, deployed

pytestmark = pytest.mark.timeout(60)

SDK_TRIES = 3
"""What the SDK makes of one question by default."""
OWN_TRIES = 2
"""What the service makes of it here."""
MESSAGE = b'{"id":"a1","author":{"role":"assistant"},"content":{"content_type":"text","parts":["Hi"]},"status":"%s","end_turn":%s,"recipient":"all"}'  # noqa: E501
EVENT = b'data: {"message":%s,"conversation_id":"c1","error":null}\n\n'
BEGUN = EVENT % (MESSAGE % (b"in_progress", b"null"))
FINISHED = EVENT % (MESSAGE % (b"finished_successfully", b"true"))
DONE = b"data: [DONE]\n\n"
OOPS = b'{"detail": "Internal Server Error"}'
PLAIN = {name: value for name, value in EVENT_STREAM.items() if name != "Content-Type"}


def whole(code: int, body: bytes, kind: str = JSON["Content-Type"], **headers: str) -> list[Verb]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return [
        status(code, {"Content-Type": kind, **names, "Content-Length": str(len(body))}),
        send(body),
        fin(),
    ]


def streamed(*pieces: bytes) -> list[Verb]:
    return [status(200, EVENT_STREAM), *(chunk(piece) for piece in pieces)]


MAY_HAVE_COST: dict[str, list[Verb]] = {
    "reset": [rst()],
    "fin": [fin()],
    "garbage": [send(b"\x00\x01\x02\r\n\r\n"), fin()],
    "cut status line": [send(b"HTTP/1.1 20"), fin()],
    "cut headers": [send(b"HTTP/1.1 200 OK\r\nContent-Ty"), rst()],
    "204": [status(204), fin()],
    "200 with a conversation": whole(200, b'{"conversation_id": "c1"}'),
    "200 in an unknown coding": whole(200, b"?", "text/event-stream", Content_Encoding="br"),
    "500": whole(500, OOPS),
    "500 page": whole(500, GATEWAY_PAGE.encode(), "text/html"),
    "502 page": whole(502, GATEWAY_PAGE.encode(), "text/html"),
    "503 without a body": whole(503, b""),
    "504": whole(504, OOPS),
    "524": whole(524, GATEWAY_PAGE.encode(), "text/html"),
    "empty stream": [*streamed(), last_chunk()],
    "reset in mid-answer": [*streamed(BEGUN), rst()],
    "garbage in mid-answer": [*streamed(BEGUN), send(b"no chunk\r\n"), fin()],
}
FREE: dict[str, tuple[list[Verb], int]] = {
    "bad key": (whole(401, b'{"detail": "Unauthorized"}'), 1),
    "rate": (whole(429, b'{"detail": "Too many requests in 1 hour. Try again later."}'), 1),
    "busy": (whole(429, ONLY_ONE_MESSAGE.body), OWN_TRIES),
    "503": (whole(503, OOPS), OWN_TRIES),
    "503 with a wait": (whole(503, b"", Retry_After="1"), OWN_TRIES),
    "503 with a long wait": (whole(503, b"", Retry_After="100"), 1),
}
WHOLE: dict[str, list[Verb]] = {
    "gzip": [
        status(200, {**EVENT_STREAM, "Content-Encoding": "gzip"}),
        chunk(gzip.compress(FINISHED + DONE)),
        last_chunk(),
    ],
    "no content type": [status(200, PLAIN), chunk(FINISHED + DONE), last_chunk()],
    "reset after the end": [*streamed(FINISHED), wait(0.05), rst()],
    "fin after the end": [*streamed(FINISHED), fin()],
    "garbage after the end": [*streamed(FINISHED), send(b"no chunk\r\n"), fin()],
    "proper end without [DONE]": [*streamed(FINISHED), last_chunk()],
    "reset after [DONE]": [*streamed(BEGUN + DONE), wait(0.05), rst()],
}  # fmt: skip


@asynccontextmanager
async def asked(
    script: Sequence[Verb], **env: str
) -> AsyncIterator[tuple[Deployment, ScriptedServer, AsyncOpenAI]]:
    settings = {"UPSTREAM_RETRIES": str(OWN_TRIES - 1), "IDLE_TIMEOUT": "20", **env}
    async with (
        ScriptedServer(script, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url, **settings}) as service,
        AsyncOpenAI(base_url=f"http://127.0.0.1:{service.port}/v1", api_key=KEY) as client,
    ):
        yield service, backend, client


async def ask(client: AsyncOpenAI, *, stream: bool) -> str:
    """The text of the answer. Raises openai.APIError."""
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
    if not stream:
        answer = await client.chat.completions.create(model="gpt-4-s", messages=messages)
        return answer.choices[0].message.content or ""
    chunks = await client.chat.completions.create(model="gpt-4-s", messages=messages, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


async def booked(service: Deployment) -> tuple[int, int]:
    """Units and free conversations, as the ledger has them."""
    rows = await service.server.service.charges.ledger.usage(0, 2**33)
    return sum(row.units for row in rows), sum(row.free for row in rows)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("script", MAY_HAVE_COST.values(), ids=MAY_HAVE_COST)
async def test_what_may_have_cost_something_is_posted_once_and_spent(
    script: list[Verb], stream: bool
) -> None:
    async with asked(script) as (service, backend, client):
        with pytest.raises(openai.APIError):
            await ask(client, stream=stream)
        assert len(backend.connections) == 1
        assert await booked(service) == (14, 0)


@pytest.mark.parametrize(("script", "posts"), FREE.values(), ids=FREE)
async def test_refusal_is_repeated_by_the_service_or_not_at_all_and_free(
    script: list[Verb], posts: int
) -> None:
    async with asked(script) as (service, backend, client):
        with pytest.raises(openai.APIStatusError):
            await ask(client, stream=True)
        assert len(backend.connections) == posts
        assert await booked(service) == (0, posts)


async def test_refusal_is_repeated_by_the_sdk_where_the_service_is_not_to_do_that() -> None:
    async with asked(whole(503, OOPS), UPSTREAM_RETRIES="0") as (service, backend, client):
        with pytest.raises(openai.InternalServerError):
            await ask(client, stream=True)
        assert len(backend.connections) == SDK_TRIES
        assert await booked(service) == (0, SDK_TRIES)


async def test_unclear_failure_is_repeated_by_the_service_if_that_is_set_and_each_try_is_spent() -> None:
    async with asked([rst()], RETRY_UNCLEAR="true") as (service, backend, client):
        with pytest.raises(openai.InternalServerError):
            await ask(client, stream=True)
        assert len(backend.connections) == OWN_TRIES
        assert await booked(service) == (14 * OWN_TRIES, 0)


async def test_backend_that_cannot_be_reached_is_tried_by_the_service_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with asked([], BASE_URL=f"http://127.0.0.1:{port}") as (service, _, client):
        with pytest.raises(openai.InternalServerError) as raised:
            await ask(client, stream=True)
        assert raised.value.response.headers["x-should-retry"] == "false"
        assert await booked(service) == (0, OWN_TRIES)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("script", WHOLE.values(), ids=WHOLE)
async def test_complete_answer_is_whole_however_it_came_and_ended(script: list[Verb], stream: bool) -> None:
    async with asked(script) as (service, backend, client):
        assert await ask(client, stream=stream) == "Hi"
        assert len(backend.connections) == 1
        assert await booked(service) == (14, 0)
        assert service.requests("ok") == 1


async def test_date_until_which_the_backend_asks_to_wait_is_passed_on_in_seconds() -> None:
    now = 1_700_000_000.0
    later = formatdate(now + 1000, usegmt=True)
    script = whole(503, OOPS, Date=formatdate(now, usegmt=True), Retry_After=later)
    async with asked(script) as (service, backend, _):
        answer = await service.chat()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1000")
        assert len(backend.connections) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_backend_that_quotes_the_key_and_the_prefix_is_not_quoted(stream: bool) -> None:
    quote = f"cannot POST /{PREFIX}/backend-api/conversation for {KEY}"
    error = b'data: {"message": null, "conversation_id": "c1", "error": "%s"}\n\n' % quote.encode()
    scripts = whole(403, b'{"detail": "%s"}' % quote.encode()), [*streamed(error), last_chunk()]
    for script in scripts:
        async with asked(script) as (service, _, _):
            answer = await service.chat(stream=stream)
            assert answer.error["message"].endswith("cannot POST /***/backend-api/conversation for ***")


async def test_answer_of_pings_alone_has_failed_for_everybody() -> None:
    async def ping(connection: Connection) -> None:
        while not connection.gone:
            await chunk(b"event: ping\ndata: 1\n\n")(connection)
            await asyncio.sleep(0.02)

    script = [*streamed(), ping]
    async with (
        ScriptedServer(script, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}, progress_timeout=0.3) as service,
    ):
        answer = await service.chat(stream=True)
        assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
        assert service.requests("upstream_timeout") == 1
        registry = service.server.service.metrics.registry
        name = "pandora_upstream_attempts_total"
        assert registry.get_sample_value(name, {"outcome": "failed"}) == 1
        assert registry.get_sample_value(name, {"outcome": "stopped"}) == 0
        assert await booked(service) == (14, 0)
