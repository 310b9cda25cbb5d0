"""The WebSocket dialect: address, frames, acknowledgements, drops."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from simulator import Knobs, Simulator
from tests.simulator.client import API, KEY, Answer, ask, call, parse_events, running, until

SUBPROTOCOL = "json.reliable.webpubsub.azure.v1"
OVER_SOCKET = Knobs(transport="ws")


class Listener:
    """One WebSocket client that keeps all frames."""

    def __init__(self, connection: WebSocketClientConnection, *, acknowledges: bool) -> None:
        self.connection = connection
        self.greeting: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self.over = False
        self._acknowledges = acknowledges

    async def listen(self) -> None:
        while (text := await self.connection.read_message()) is not None:
            frame = json.loads(text)
            if frame["type"] == "system":
                self.greeting = frame
                continue
            self.frames.append(frame)
            if self._acknowledges and frame["sequenceId"] % 5 == 0:
                await self.acknowledge(frame["sequenceId"])
        self.over = True

    async def acknowledge(self, sequence: int) -> None:
        with suppress(WebSocketClosedError):
            await self.connection.write_message(json.dumps({"type": "sequenceAck", "sequenceId": sequence}))

    def of(self, request_id: str) -> list[dict[str, Any]]:
        return [frame["data"] for frame in self.frames if frame["data"]["websocket_request_id"] == request_id]

    def body(self, request_id: str) -> bytes:
        return b"".join(base64.b64decode(data["body"]) for data in self.of(request_id))

    def answer(self, request_id: str) -> Answer:
        return Answer(chunks=[self.body(request_id)])

    def is_complete(self, request_id: str) -> bool:
        return any(not data["more_body"] for data in self.of(request_id))


async def register(simulator: Simulator, key: str = KEY) -> str:
    answer = await call(simulator, "POST", f"{API}/register-websocket", {}, key=key)
    assert set(answer.json) == {"wss_url", "expires_at"}
    return str(answer.json["wss_url"])


@asynccontextmanager
async def listening(
    simulator: Simulator, url: str | None = None, *, acknowledges: bool = True
) -> AsyncIterator[Listener]:
    url = url or await register(simulator)
    connection = await websocket_connect(url, subprotocols=[SUBPROTOCOL])
    listener = Listener(connection, acknowledges=acknowledges)
    task = asyncio.ensure_future(listener.listen())
    await until(lambda: listener.greeting)
    try:
        yield listener
    finally:
        connection.close()
        await task


async def test_post_answers_json_with_the_address_and_the_marks_of_the_turn() -> None:
    async with running(OVER_SOCKET) as simulator:
        answer = await ask(simulator, "Hello", websocket_request_id="w-1")
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {
        "wss_url",
        "expires_at",
        "conversation_id",
        "response_id",
        "websocket_request_id",
    }
    assert answer.json["websocket_request_id"] == "w-1"
    assert answer.json["response_id"].endswith("-AMS")
    assert "access_token=" in answer.json["wss_url"]


async def test_greeting_comes_first_then_numbered_frames_with_base64_records() -> None:
    async with running(OVER_SOCKET) as simulator, listening(simulator) as listener:
        posted = (await ask(simulator, "say exactly: 你好🔥")).json
        await until(lambda: listener.is_complete(posted["websocket_request_id"]))
        greeting = listener.greeting
        assert greeting["event"] == "connected"
        assert greeting["connectionId"]
        assert greeting["reconnectionToken"]
        assert [frame["sequenceId"] for frame in listener.frames] == list(range(1, len(listener.frames) + 1))
        data = listener.frames[0]["data"]
        assert data["type"] == "http.response.body"
        assert data["conversation_id"] == posted["conversation_id"]
        assert data["response_id"] == posted["response_id"]
        events = parse_events(base64.b64decode(data["body"]))
        assert len(events) == 1
        answer = listener.answer(posted["websocket_request_id"])
        assert answer.text == "你好🔥"
        assert answer.done


async def test_more_body_can_stay_true_to_the_end() -> None:
    async with running(OVER_SOCKET) as simulator, listening(simulator) as listener:
        posted = (await ask(simulator, "Hello [[sim last_frame=0]]")).json
        await until(lambda: listener.answer(posted["websocket_request_id"]).done)
        assert not listener.is_complete(posted["websocket_request_id"])


async def test_frames_can_cut_records_and_characters() -> None:
    async with running(OVER_SOCKET) as simulator, listening(simulator) as listener:
        request_id = (await ask(simulator, "say exactly: 你好🔥 [[sim chunk=7 ascii=0]]")).json[
            "websocket_request_id"
        ]
        await until(lambda: listener.is_complete(request_id))
        sizes = {len(base64.b64decode(data["body"])) for data in listener.of(request_id)[:-2]}
        assert sizes == {7}
        assert listener.answer(request_id).text == "你好🔥"


async def test_one_socket_carries_all_conversations_of_the_account_and_of_nobody_else() -> None:
    async with (
        running(Knobs(transport="ws", busy=False)) as simulator,
        listening(simulator) as listener,
        listening(simulator, await register(simulator, "fk-other")) as other,
    ):
        ids = [
            (await ask(simulator, f"say exactly: {word} and {word} [[sim pace=1]]")).json[
                "websocket_request_id"
            ]
            for word in ("one", "two")
        ]
        await until(lambda: all(listener.is_complete(request_id) for request_id in ids))
        order = [frame["data"]["websocket_request_id"] for frame in listener.frames]
        assert order != sorted(order, key=ids.index), "the frames of the two turns must mix"
        assert [listener.answer(request_id).text for request_id in ids] == ["one and one", "two and two"]
        assert other.frames == []


async def test_frames_before_the_connection_are_lost() -> None:
    async with running(OVER_SOCKET) as simulator:
        url = await register(simulator)
        posted = (await ask(simulator, "Tell me about tea [[sim pace=10 tokens=30]]")).json
        await until(lambda: simulator.state.streams[0].records > 5)
        async with listening(simulator, url) as listener:
            await until(lambda: listener.is_complete(posted["websocket_request_id"]))
            roles = [
                shown["author"]["role"] for shown in listener.answer(posted["websocket_request_id"]).messages
            ]
    assert set(roles) == {"assistant"}


async def test_without_acknowledgements_the_server_closes() -> None:
    async with (
        running(Knobs(transport="ws", max_unacked=20)) as simulator,
        listening(simulator, acknowledges=False) as listener,
    ):
        await ask(simulator, "Tell me about tea")
        await until(lambda: listener.over)
        assert len(listener.frames) == 20
        assert listener.connection.close_code == 1008


async def test_with_acknowledgements_any_number_of_frames_comes_through() -> None:
    async with running(Knobs(transport="ws", max_unacked=20)) as simulator, listening(simulator) as listener:
        request_id = (await ask(simulator, "Tea [[sim tokens=300]]")).json["websocket_request_id"]
        await until(lambda: listener.is_complete(request_id))
        assert len(listener.frames) > 300


async def test_dropped_connection_comes_back_with_what_was_not_acknowledged() -> None:
    async with running(OVER_SOCKET) as simulator:
        url = await register(simulator)
        async with listening(simulator, url) as first:
            posted = (await ask(simulator, "Tell me about tea [[sim fault=drop_mid pace=500]]")).json
            request_id = posted["websocket_request_id"]
            await until(lambda: first.over)
            assert first.connection.close_code is None
        await until(lambda: not simulator.state.open_streams)
        ids = f"awps_connection_id={first.greeting['connectionId']}"
        ids += f"&awps_reconnection_token={first.greeting['reconnectionToken']}"
        async with listening(simulator, f"{url}&{ids}") as second:
            await until(lambda: second.is_complete(request_id))
        seen = {frame["sequenceId"]: frame for frame in first.frames + second.frames}
        assert sorted(seen) == list(range(1, len(seen) + 1))
        whole = b"".join(base64.b64decode(seen[number]["data"]["body"]) for number in sorted(seen))
        assert simulator.state.streams[0].outcome == "complete"
    answer = Answer(chunks=[whole])
    assert answer.done
    assert answer.messages[-1]["end_turn"] is True
    assert second.frames[0]["sequenceId"] % 5 == 1, "acknowledged frames are not sent again"


@pytest.mark.parametrize("how", ["reset", "fin"])
async def test_lost_connection_ends_the_turn(how: str) -> None:
    async with running(OVER_SOCKET) as simulator, listening(simulator) as listener:
        posted = (await ask(simulator, f"Tell me about tea [[sim fault={how}_mid]]")).json
        await until(lambda: listener.over)
        assert simulator.state.streams[0].outcome == f"{how}_mid"
        assert not listener.answer(posted["websocket_request_id"]).done
        assert not listener.is_complete(posted["websocket_request_id"])


async def test_stop_conversation_stops_the_turn_of_that_request_id() -> None:
    async with running(OVER_SOCKET) as simulator, listening(simulator) as listener:
        request_id = str(uuid.uuid4())
        await ask(simulator, "Tell me about tea [[sim silence=60]]", websocket_request_id=request_id)
        await until(lambda: listener.frames)
        stopped = await call(
            simulator, "POST", f"{API}/stop_conversation", {"websocket_request_id": request_id}
        )
        await until(lambda: not simulator.state.open_streams)
        assert stopped.status == 200
        assert simulator.state.streams[0].outcome == "stopped"
        assert (await ask(simulator, "Hello")).status == 200, "the account is free again"


async def test_running_turn_keeps_the_account_busy_after_the_post() -> None:
    async with running(OVER_SOCKET) as simulator:
        await ask(simulator, "Hello [[sim silence=60]]")
        assert (await ask(simulator, "Hello")).status == 429


async def test_force_use_sse_is_honoured_or_not() -> None:
    async with running(OVER_SOCKET) as simulator:
        honoured = await ask(simulator, "Hello", force_use_sse=True)
        ignored = await ask(simulator, "Hello [[sim allow_sse=0]]", force_use_sse=True)
    assert honoured.headers["content-type"].startswith("text/event-stream")
    assert ignored.headers["content-type"] == "application/json"


async def test_refusals_come_before_any_address() -> None:
    async with running(OVER_SOCKET) as simulator:
        answer = await ask(simulator, "Hello [[sim fault=model_cap_exceeded]]")
    assert answer.status == 429


async def test_delta_can_come_over_a_socket() -> None:
    async with running(OVER_SOCKET) as simulator, listening(simulator) as listener:
        request_id = (await ask(simulator, "say exactly: one two [[sim age=2025]]")).json[
            "websocket_request_id"
        ]
        await until(lambda: listener.is_complete(request_id))
        shown = listener.answer(request_id).shown
    assert list(shown.values())[-1]["content"]["parts"] == ["one two"]


@pytest.mark.parametrize(
    ("query", "subprotocols", "status"),
    [("access_token=wrong", [SUBPROTOCOL], 401), ("", [SUBPROTOCOL], 401), (None, ["other"], 400)],
)
async def test_socket_wants_a_token_and_the_reliable_protocol(
    query: str | None, subprotocols: list[str], status: int
) -> None:
    async with running(OVER_SOCKET) as simulator:
        url = await register(simulator)
        if query is not None:
            url = f"{url.partition('?')[0]}?{query}"
        with pytest.raises(HTTPClientError) as refused:
            await websocket_connect(url, subprotocols=subprotocols)
    assert refused.value.code == status
