"""Records turns of the simulated backend without a socket; ids and times are always the same."""

import asyncio
import json
import random
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from simulator import Knobs
from simulator.accounts import DEAD_KEYS
from simulator.backend import Backend
from simulator.conversations import MAX_CONVERSATIONS, Conversation
from simulator.messages import JsonObject
from simulator.request import parse_request
from simulator.state import ObservedStream
from simulator.turn_plan import plan_turn
from simulator.turn_sender import TurnSender
from simulator.websocket import WebSocketWire, turn_identifiers
from simulator.wire import Wire
from tests.golden.scenes import Scene
from translate.values import SentMessage

KEY = "fk-recorded"
NOW = 1702623600.5
ALL_KINDS = "gpt-4"


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange of a turn: what we sent, and the bytes or the WebSocket frames that came of it."""

    sent: tuple[SentMessage, ...]
    stream: bytes
    frames: tuple[str, ...] = ()


class Tape:
    """A wire that keeps what it carries."""

    survives_disconnect = False

    def __init__(self) -> None:
        self.data = bytearray()

    async def send(self, data: bytes) -> None:
        self.data += data

    async def flush(self) -> None: ...

    def limit_writes(self, size: int) -> None: ...

    async def end_body(self) -> None: ...

    def drop(self, *, reset: bool) -> None:
        raise ConnectionError("a fault ended the recording")


class FrameTape:
    """A WebSocket that keeps its frames."""

    def __init__(self) -> None:
        self.frames: list[str] = []

    async def send(self, frame: JsonObject) -> None:
        self.frames.append(json.dumps(frame))

    def close_for_good(self) -> None: ...

    def drop(self, *, reset: bool) -> None: ...


@contextmanager
def nothing_by_chance() -> Iterator[None]:
    """Ids come in one order."""
    chance = random.Random(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4))
        patch.setattr(secrets, "choice", chance.choice)
        patch.setattr(secrets, "token_hex", lambda size: chance.randbytes(size).hex())
        yield


def record(scene: Scene, knobs: str = "") -> list[Recording]:
    """All exchanges of a scene; `knobs` (`name=value ...`) are added to its own."""
    with nothing_by_chance():
        return asyncio.run(_record(scene, _backend(scene, knobs)))


def conversations(scene: Scene, knobs: str = "") -> list[JsonObject]:
    """What the backend has stored after a scene, as GET conversation shows it."""
    with nothing_by_chance():
        backend = _backend(scene, knobs)
        asyncio.run(_record(scene, backend))
        return [conversation.as_json() for conversation in backend.state.conversations]


def _backend(scene: Scene, more: str) -> Backend:
    settings = dict(word.split("=") for word in f"ping=0 padding=0 step=8 {scene.knobs} {more}".split())
    return Backend(Knobs(cap=0).set(settings), lambda: NOW, DEAD_KEYS, MAX_CONVERSATIONS)


async def _record(scene: Scene, backend: Backend) -> list[Recording]:
    recordings = [await _exchange(backend, _question(backend, scene))]
    if scene.then:
        conversation = next(iter(backend.state.conversations))
        recordings.append(await _exchange(backend, _follow_up(scene, conversation)))
    return recordings


async def _exchange(backend: Backend, body: JsonObject) -> Recording:
    request = parse_request(body)
    turn = backend.new_turn(KEY, request)
    tape, frames = Tape(), FrameTape()
    wire: Wire = tape
    if turn.knobs.transport == "ws":
        backend.websockets.connect(KEY).socket = frames
        wire = WebSocketWire(
            backend.websockets,
            KEY,
            turn_identifiers(turn.conversation.id, None),
            size=turn.knobs.chunk,
            max_unacknowledged=1_000_000,
            last_frame=True,
        )
    stream = ObservedStream(KEY, request.model, turn.conversation.id)
    await TurnSender(turn, wire, stream).send(plan_turn(turn))
    assert stream.outcome == "complete"
    sent = tuple(SentMessage(message.id, message.role, message.text) for message in request.messages)
    return Recording(sent, bytes(tape.data), tuple(frames.frames))


def _question(backend: Backend, scene: Scene) -> JsonObject:
    attachments, parts = [], list[object]()
    for upload in scene.uploads:
        size = len(upload.content)
        file = backend.state.files.create_upload(KEY, upload.name, size, upload.use_case, backend.knobs)
        file.content, file.is_registered = upload.content, True
        attachments.append({"id": file.id, "name": upload.name, "size": size})
        if upload.use_case == "multimodal":
            picture = {"content_type": "image_asset_pointer", "asset_pointer": file.pointer}
            parts.append({**picture, "size_bytes": size, "width": 2, "height": 2})
    content = {"content_type": "multimodal_text" if parts else "text", "parts": [*parts, scene.question]}
    message = {"id": str(uuid.uuid4()), "author": {"role": "user"}, "content": content}
    return {
        "action": "next",
        "messages": [{**message, "metadata": {"attachments": attachments}}],
        "parent_message_id": str(uuid.uuid4()),
        "model": ALL_KINDS,
    }


def _follow_up(scene: Scene, conversation: Conversation) -> JsonObject:
    frame = {"model": ALL_KINDS, "conversation_id": conversation.id}
    if scene.then == "continue":
        return {"action": "continue", "parent_message_id": next(iter(conversation.unsent_text)), **frame}
    asking, pending = next(iter(conversation.pending_actions.items()))
    word = {"data": {"type": scene.then}, "target_message_id": pending.target_message_id}
    consent = {"jit_plugin_data": {"from_client": {"user_action": word}}}
    message = {
        "id": str(uuid.uuid4()),
        "author": {"role": "tool", "name": "api_example_com__jit_plugin.getItem"},
        "content": {"content_type": "text", "parts": [""]},
        "metadata": consent,
    }
    return {"action": "next", "parent_message_id": asking, "messages": [message], **frame}
