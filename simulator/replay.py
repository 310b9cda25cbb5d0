"""A backend that plays a recording of the service's flight recorder: `python -m simulator --replay FILE`.

Each message that is posted gets the next recorded stream, in its own time, and after the last one the first
again. The ids of the messages in the post take the places of those that the recording repeats. All else that
is asked is not found.
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from simulator.refusals import NOT_FOUND
from simulator.wire import HttpWire


@dataclass(slots=True)
class RecordedStream:
    """One stream: ids of what was posted, and its pieces with their times in seconds since its beginning."""

    sent: list[str]
    pieces: list[tuple[float, bytes]] = field(default_factory=list)


def read_recording(content: bytes) -> list[RecordedStream]:
    """The streams in a file of the recorder; bytes that were not kept are left out.

    Raises:
        ValueError: it is no recording, or one without a stream.
    """
    streams: list[RecordedStream] = []
    began = 0.0
    try:
        head, *lines = map(json.loads, content.splitlines())
        for line in lines if head["recording"] == 1 else ():
            if "sent" in line:
                began = float(line["at"])
                streams.append(RecordedStream([str(message_id) for message_id, _ in line["sent"]]))
            elif "gap" not in line:
                data = line["data"].encode() if "data" in line else base64.b64decode(line["base64"])
                streams[-1].pieces.append((float(line["at"]) - began, data))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise ValueError("this is no recording") from None
    if not streams:
        raise ValueError("this is no recording of a stream")
    return streams


class ReplayServer:
    """Plays `streams` under `prefix`. `start` and `stop` are those of `Simulator`."""

    def __init__(self, streams: list[RecordedStream], prefix: str = "") -> None:
        numbers = count()
        root = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
        arguments = {"streams": iter(lambda: streams[next(numbers) % len(streams)], None)}
        self._application = Application(
            [URLSpec(f"{root}/backend-api/(?:f/)?conversation", _ReplayHandler, arguments)],
            default_handler_class=_NotFound,
            log_function=lambda handler: None,
        )
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


class _NotFound(RequestHandler):
    def prepare(self) -> None:
        self.set_status(NOT_FOUND.status)
        self.set_header("Content-Type", NOT_FOUND.content_type)
        self.finish(NOT_FOUND.body)


class _ReplayHandler(RequestHandler):
    def initialize(self, streams: Iterator[RecordedStream]) -> None:
        self._streams = streams

    async def post(self) -> None:
        stream = next(self._streams)
        renamed = dict(zip(reversed(stream.sent), reversed(_posted_ids(self.request.body)), strict=False))
        wire = HttpWire(self, 0)
        began = time.monotonic()
        try:
            await wire.open("text/event-stream; charset=utf-8")
            for at, data in stream.pieces:
                await asyncio.sleep(max(0.0, began + at - time.monotonic()))
                await wire.send(_with_ids(data, renamed))
        except ConnectionError:
            return


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
