"""A plain HTTP client that shows how an answer really arrived: chunks, ends, resets."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from simulator import Knobs, Simulator

PREFIX = "prefix01"
API = f"/{PREFIX}/backend-api"
KEY = "fk-tester"


@asynccontextmanager
async def running(knobs: Knobs | None = None, **options: Any) -> AsyncIterator[Simulator]:
    """A simulator that listens."""
    simulator = Simulator(PREFIX, knobs, **options)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def message(text: str | None = "Hello", role: str = "user", **fields: Any) -> dict[str, Any]:
    """One element of `messages`."""
    content = {"content_type": "text", "parts": [text]}
    return {"id": str(uuid.uuid4()), "author": {"role": role}, "content": content, "metadata": {}, **fields}


def payload(*messages: dict[str, Any] | str, **fields: Any) -> dict[str, Any]:
    """A request as the service would send it."""
    return {
        "action": "next",
        "messages": [message(each) if isinstance(each, str) else each for each in messages],
        "parent_message_id": str(uuid.uuid4()),
        "model": "text-davinci-002-render-sha",
        "history_and_training_disabled": False,
        "conversation_mode": {"kind": "primary_assistant"},
        **fields,
    }


@dataclass(slots=True)
class Answer:
    """One HTTP answer. `ending`: end (the body's own end), fin or reset (the connection dropped before)."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    ending: str = "fin"

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str, str]]:
        """(name, data) of each event, read as the event stream format has it."""
        return parse_events(self.body)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON objects among the events without a name."""
        found = [data for name, data in self.events if name == "message" and data.lstrip().startswith("{")]
        return [json.loads(data) for data in found]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The message of each snapshot, in order."""
        return [record["message"] for record in self.records if record.get("message")]

    @property
    def shown(self) -> dict[str, dict[str, Any]]:
        """The last state of each message, in the order of their first, whatever the dialect."""
        if any(name == "delta_encoding" for name, _ in self.events):
            return read_deltas(self.events)
        return self.final()

    @property
    def done(self) -> bool:
        return any(data.strip() == "[DONE]" for _, data in self.events)

    def final(self) -> dict[str, dict[str, Any]]:
        """The last snapshot of each message id, in the order of their first."""
        return {shown["id"]: shown for shown in self.messages}

    @property
    def text(self) -> str:
        """What the last assistant message said."""
        said = [shown for shown in self.messages if shown["author"]["role"] == "assistant"]
        return str(said[-1]["content"]["parts"][0])


def read_deltas(events: list[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Messages as delta v1 builds them: a tree per channel; what is missing is as in the last delta."""
    trees: dict[int, dict[str, Any]] = {}
    shown: dict[str, dict[str, Any]] = {}
    path, operation, channel = "", "add", 0
    for record in (json.loads(data) for name, data in events if name == "delta"):
        channel = record.get("c", channel)
        value = record.get("v")
        if isinstance(value, dict) and "message" in value:
            path, operation = "", "add"
            trees[channel] = value
            if value["message"]:
                shown[value["message"]["id"]] = value["message"]
            continue
        path, operation = record.get("p", path), record.get("o", operation)
        if isinstance(value, str) and (path, operation) == ("", "add"):
            path, operation = "/message/content/parts/0", "append"
        apply_delta(trees[channel], path, operation, value)
    return shown


def apply_delta(tree: dict[str, Any], path: str, operation: str, value: Any) -> None:
    """One change to a tree; a list of changes is a patch whatever its operation, with relative paths."""
    if isinstance(value, list) and value and all(isinstance(each, dict) and "o" in each for each in value):
        for change in value:
            apply_delta(tree, path + change["p"], change["o"], change["v"])
        return
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")[1:]]
    place: Any = tree
    for step in way:
        place = place[step]
    if operation == "append" and isinstance(place, dict) and last not in place:
        place[last] = value
    elif operation == "append" and isinstance(place[last], dict):
        place[last].update(value)
    elif operation == "append":
        place[last] += value
    elif operation == "remove":
        del place[last]
    elif operation == "truncate":
        place[last] = place[last][:value]
    else:
        assert operation == "replace"
        place[last] = value


def parse_events(body: bytes) -> list[tuple[str, str]]:
    """A plain reading of an event stream; the last event counts even without its empty line."""
    text = body.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    events = []
    for block in text.split("\n\n"):
        name, data = "message", []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
        if data:
            events.append((name, "\n".join(data)))
    return events


class Connection:
    """One request on a connection of its own, read at the caller's pace."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def close(self) -> None:
        """Leave."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def answer(self) -> Answer:
        """Read to whatever end."""
        answer = Answer()
        try:
            await self._read(answer)
        except asyncio.IncompleteReadError as cut:
            if cut.partial:
                answer.chunks.append(cut.partial)
        except ConnectionResetError:
            answer.ending = "reset"
        await self.close()
        return answer

    async def _read(self, answer: Answer) -> None:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        answer.status = int(first.split()[1])
        answer.headers = {line.split(": ")[0].lower(): line.split(": ")[1] for line in lines if line}
        if "content-length" in answer.headers:
            answer.chunks.append(await self.reader.readexactly(int(answer.headers["content-length"])))
            answer.ending = "end"
            return
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            answer.chunks.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        answer.ending = "end"


async def connect(
    simulator: Simulator, method: str, path: str, content: Any = None, key: str | None = KEY, **headers: str
) -> Connection:
    """Send a request; nothing is read yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{simulator.port}",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return Connection(reader, writer)


async def call(simulator: Simulator, method: str, path: str, content: Any = None, **options: Any) -> Answer:
    """One request and its answer."""
    return await (await connect(simulator, method, path, content, **options)).answer()


async def ask(simulator: Simulator, *messages: dict[str, Any] | str, key: str = KEY, **fields: Any) -> Answer:
    """POST conversation and its answer."""
    return await call(simulator, "POST", f"{API}/conversation", payload(*messages, **fields), key=key)


NEW_CHAT = "client-created-root"
IN_2026 = Knobs(age="2026", task_time=0.02, cap=0)


async def ask_2026(
    simulator: Simulator, *messages: dict[str, Any] | str, key: str = KEY, **fields: Any
) -> Answer:
    """POST f/conversation as the page of 2026 does, and its answer."""
    fields = {"model": "gpt-5-6", "supported_encodings": ["v1"], "parent_message_id": NEW_CHAT, **fields}
    return await call(simulator, "POST", f"{API}/f/conversation", payload(*messages, **fields), key=key)


async def fetch(simulator: Simulator, url: str) -> Answer:
    """GET of a signed address, without a key."""
    parts = urlsplit(url)
    return await call(simulator, "GET", f"{parts.path}?{parts.query}", key=None)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_702_623_600.0

    def __call__(self) -> float:
        return self.now


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true. Raises TimeoutError after some seconds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.002)
