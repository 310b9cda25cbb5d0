"""Proof that another API format takes one class and one route: newline-delimited JSON.

    {"text": "..."}                          a piece of the answer
    {"done": "stop", "usage": [9, 12]}       the end of a good one
    {"error": "..."}                         the end of any other; a body of its own before the headers

Nothing else of the service knows of it. It is served by the real application, with one route more.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.web import Application

from handlers.answer import AnswerHandler, AnswerParts
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.broken_turns import broken_after
from tests.service.deployment import KEY, Deployment, deployed
from translate import Options
from translate.openai import JsonBody
from translate.values import AnswerEnd, ApiError, ChatMessage, Event, TextDelta
from turns import Prompt, TurnRequest

PATH = "/lines"


class JsonLines:
    """The class."""

    streams = True
    content_type = "application/x-ndjson"

    def open(self) -> bytes:
        return b""

    def encode(self, event: Event) -> bytes:
        if isinstance(event, TextDelta):
            return b"".join(b'{"text": "%b"}\n' % piece for piece in event.pieces)
        return b""

    def idle(self, *, visible: bool) -> bytes:
        return b"{}\n" if visible else b"\n"

    def fail(self, error: ApiError) -> bytes:
        return json.dumps({"error": error.message}).encode() + b"\n"

    def finish(self, end: AnswerEnd) -> bytes:
        usage = [end.usage.prompt_tokens, end.usage.completion_tokens]
        return json.dumps({"done": end.reason, "usage": usage}).encode() + b"\n"


class LinesHandler(AnswerHandler[JsonBody]):
    """The route: what its requests and its errors look like."""

    route = "chat"  # so that its requests are counted among those

    def initialize(self, parts: AnswerParts) -> None:
        self.parts = parts

    def new_body(self) -> JsonBody:
        return JsonBody()

    def error_body(self, error: ApiError) -> bytes:
        return JsonLines().fail(error)

    async def post(self) -> None:
        request: dict[str, Any] = self.whole_body().read_object()
        model = await self.resolve(request["model"])
        self.check_limits(self.caller, model)
        prompt = Prompt(model, [ChatMessage("user", request["ask"])])
        format = JsonLines()
        turn = TurnRequest(self.caller, prompt, Options(), self.public_base())
        await self.respond(self.parts.turns.turn(turn, format), format)


@asynccontextmanager
async def serving(env: dict[str, str] | None = None, broken_events: int = 0) -> AsyncIterator[Deployment]:
    """The service with this route; with `broken_events` each answer meets a bug after so many events."""
    adapt = broken_after(broken_events) if broken_events else lambda parts: parts
    async with deployed(env, adapt=adapt) as service:
        app = service.server.service.app
        parts = app.answers
        application = service.server.http.application
        assert isinstance(application, Application)
        application.add_handlers(".*", [(PATH, LinesHandler, {"parts": parts})])
        yield service


async def ask(service: Deployment, text: str, model: str = "gpt-4-s", key: str = KEY) -> Answer:
    return await service.post({"model": model, "ask": text}, path=PATH, key=key)


def lines(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.body.splitlines() if line]


async def test_answer_is_streamed_in_pieces_that_make_the_text_of_a_chat() -> None:
    async with serving() as service:
        answer = await ask(service, "Repeat after me: one two three 四 \N{FOX FACE}")
        chat = (await service.chat("Repeat after me: one two three 四 \N{FOX FACE}")).json
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.headers["transfer-encoding"] == "chunked"
    *pieces, end = lines(answer)
    assert len(pieces) > 2
    assert "".join(piece["text"] for piece in pieces) == chat["choices"][0]["message"]["content"]
    usage = chat["usage"]
    assert end == {"done": "stop", "usage": [usage["prompt_tokens"], usage["completion_tokens"]]}


async def test_silence_is_filled_as_the_format_says() -> None:
    async with serving({"STREAM_HEADERS_AFTER": "0.1", "KEEPALIVE_INTERVAL": "0.1"}) as service:
        answer = await ask(service, "Say exactly: late [[sim header_delay=3]]")
    assert answer.body.startswith(b"\n\n")
    assert lines(answer)[0] == {"text": "late"}


@pytest.mark.parametrize(
    ("question", "model", "key", "status"),
    [
        ("Hello", "gpt-9", KEY, 404),
        ("Hello", "gpt-4-s", "", 401),
        ("Hello [[sim fault=status_500]]", "gpt-4-s", KEY, 502),
        ("Hello [[sim fault=model_cap_exceeded]]", "gpt-4-s", KEY, 429),
    ],
    ids=["model", "key", "backend", "cap"],
)
async def test_failure_before_the_headers_has_its_status_and_the_formats_shape(
    question: str, model: str, key: str, status: int
) -> None:
    async with serving() as service:
        answer = await ask(service, question, model, key)
    assert answer.status == status
    (error,) = lines(answer)
    assert list(error) == ["error"]


async def test_failure_in_mid_stream_is_the_last_line() -> None:
    async with serving() as service:
        answer = await ask(service, "Repeat after me: one two three four [[sim pace=200 fault=reset_mid]]")
        assert service.requests("upstream_error") == 1
    assert answer.status == 200
    *pieces, error = lines(answer)
    assert "".join(piece["text"] for piece in pieces).startswith("one")
    assert error == {"error": "The upstream connection was lost."}


async def test_bug_in_mid_stream_is_the_last_line(loud_log: pytest.LogCaptureFixture) -> None:
    async with serving(broken_events=12) as service:
        answer = await ask(service, "Tell me about rain [[sim pace=300]]")
        assert service.requests("error") == 1
    assert lines(answer)[-1]["error"].startswith("The service failed.")


async def test_limits_of_the_service_hold_for_it_too() -> None:
    async with serving({"MAX_CONCURRENT": "1"}) as service, service.connect() as client:
        await service.begin(client, "Tell me about rain [[sim tokens=400 pace=50]]")
        await client.read_head()
        refused = await ask(service, "Hello")
        assert (refused.status, service.requests("rejected")) == (503, 1)
        assert lines(refused) == [{"error": "Too many answers are being made at once."}]


async def test_client_that_leaves_stops_the_backend() -> None:
    async with serving() as service:
        async with service.connect() as client:
            body = json.dumps({"model": "gpt-4-s", "ask": "Tell me about rain [[sim tokens=400 pace=50]]"})
            await client.send("POST", PATH, {"Authorization": f"Bearer {KEY}"}, body.encode())
            await client.read_head()
            assert service.last_stream.is_open, "it is passed on while the backend still writes"
        await service.settled()
        assert service.requests("client_gone") == 1
        await eventually(lambda: service.last_stream.outcome == "client_closed")
