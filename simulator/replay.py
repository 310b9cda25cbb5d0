"""A backend that plays a recording of the service's flight recorder: `python -m simulator --replay FILE`.

Each message that is posted gets the next recorded exchange, in its own time, and after the last one the first
again. The ids of the messages in the post take the places of those that the recording repeats.

Where the answer of an exchange goes on elsewhere, the resume endpoint has its rest, whichever way it came:
from an offset what came behind the records before it, without one what began anew. All else that is asked is
not found; so the rest of a picture or a research is left out, which the stored conversation would have.
"""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from simulator.refusals import NOT_FOUND
from simulator.wire import HttpWire

REST_NOTE: Final = (
    "the rest of the answer is at the resume endpoint; that of a picture or a research is left out"
)


@dataclass(slots=True)
class RecordedStream:
    """One stream: ids of what was posted, and its pieces with their times in seconds since its beginning.

    `rest` has the streams that bring the rest of its answer, in order; of those, `goes_on` is `"fresh"` where
    it repeats what has come, else `"behind"`.
    """

    sent: list[str]
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    goes_on: str = ""
    rest: list["RecordedStream"] = field(default_factory=list)


def read_recording(content: bytes) -> list[RecordedStream]:
    """The first stream of each exchange in a file of the recorder, with its `rest`.

    Bytes that were not kept are left out.

    Raises:
        ValueError: it is no recording, or one without a stream.
    """
    streams: list[RecordedStream] = []
    current, began = RecordedStream([]), 0.0
    try:
        head, *lines = map(json.loads, content.splitlines())
        for line in lines if head["recording"] == 1 else ():
            if "sent" in line:
                began = float(line["at"])
                current = RecordedStream([str(message_id) for message_id, _ in line["sent"]])
                streams.append(current)
            elif "goes_on" in line:
                began = float(line["at"])
                current = RecordedStream([], goes_on=line["goes_on"])
                streams[-1].rest.append(current)
            elif "gap" not in line:
                data = line["data"].encode() if "data" in line else base64.b64decode(line["base64"])
                current.pieces.append((float(line["at"]) - began, data))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise ValueError("this is no recording") from None
    if not streams:
        raise ValueError("this is no recording of a stream")
    return streams


class ReplayServer:
    """Plays `streams` under `prefix`. `start` and `stop` are those of `Simulator`."""

    def __init__(self, streams: list[RecordedStream], prefix: str = "") -> None:
        root = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
        arguments = {"player": _Player(streams)}
        self._application = Application(
            [
                URLSpec(f"{root}/backend-api/(?:f/)?conversation", _ReplayHandler, arguments),
                URLSpec(f"{root}/backend-api/f/conversation/resume", _ResumeHandler, arguments),
            ],
            default_handler_class=_NotFound,
            log_function=lambda handler: None,
        )
        self.note = REST_NOTE if any(stream.rest for stream in streams) else ""
        """What is to be known of how they are played."""
        self._server: HTTPServer | None = None
        self.port = 0
        self.url = ""

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen. Port 0 takes a free one; `port` and `url` tell which. Raises OSError."""
        sockets = bind_sockets(port, host)
        self.port = sockets[0].getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._server = HTTPServer(self._application)
        self._server.add_sockets(sockets)

    async def stop(self) -> None:
        """Close the port and all connections; does nothing if not started."""
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
            self._server = None


def replay_server(path: Path, prefix: str) -> ReplayServer:
    """A server that plays the recording in a file. Raises ValueError, and OSError if it cannot be read."""
    return ReplayServer(read_recording(path.read_bytes()), prefix)


class _Player:
    """Gives the streams in their order, for one turn at a time: a post ends what was begun."""

    def __init__(self, streams: list[RecordedStream]) -> None:
        self._exchanges = cycle(streams)
        self._rest: list[RecordedStream] = []
        self._renamed: Mapping[str, str] = {}

    def posted(self, ids: list[str]) -> tuple[RecordedStream, Mapping[str, str]]:
        """The stream that answers these messages, and what is to be replaced in it."""
        stream = next(self._exchanges)
        self._rest = list(stream.rest)
        self._renamed = dict(zip(reversed(stream.sent), reversed(ids), strict=False))
        return stream, self._renamed

    def resumed(self, offset: int) -> tuple[RecordedStream, Mapping[str, str]] | None:
        """The stream that the answer goes on with, if it was gone on with in this way."""
        wanted = "behind" if offset else "fresh"
        if not self._rest or self._rest[0].goes_on != wanted:
            return None
        return self._rest.pop(0), self._renamed


class _NotFound(RequestHandler):
    def prepare(self) -> None:
        _refuse(self)


def _refuse(handler: RequestHandler) -> None:
    handler.set_status(NOT_FOUND.status)
    handler.set_header("Content-Type", NOT_FOUND.content_type)
    handler.finish(NOT_FOUND.body)


class _ReplayHandler(RequestHandler):
    def initialize(self, player: _Player) -> None:
        self._player = player

    async def post(self) -> None:
        await _play(self, *self._player.posted(_posted_ids(self.request.body)))


class _ResumeHandler(RequestHandler):
    def initialize(self, player: _Player) -> None:
        self._player = player

    async def post(self) -> None:
        if (resumed := self._player.resumed(_offset(self.request.body))) is None:
            _refuse(self)
        else:
            await _play(self, *resumed)


async def _play(handler: RequestHandler, stream: RecordedStream, renamed: Mapping[str, str]) -> None:
    wire = HttpWire(handler, 0)
    began = time.monotonic()
    try:
        await wire.open("text/event-stream; charset=utf-8")
        for at, data in stream.pieces:
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            await wire.send(_with_ids(data, renamed))
    except ConnectionError:
        return


def _offset(body: bytes) -> int:
    try:
        return int(json.loads(body)["offset"])
    except (ValueError, KeyError, TypeError):
        return 0


def _posted_ids(body: bytes) -> list[str]:
    try:
        posted: Any = json.loads(body)
        return [str(message["id"]) for message in posted["messages"]]
    except (ValueError, KeyError, TypeError):
        return []


def _with_ids(data: bytes, renamed: Mapping[str, str]) -> bytes:
    """A piece that holds an id as a whole has another one in its place."""
    for old, new in renamed.items():
        data = data.replace(old.encode(), new.encode())
    return data
