"""What stands at the backend's address: a scripted backend, or something that is none."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.answers import PICTURE
from tests.faults.cells import Cell
from tests.faults.play import Play, answer, handover
from tests.media.pictures import png
from tests.scripted_server import Connection, Request, ScriptedServer, Verb, fin, rst, send, stall
from tests.upstream.rig import refusing_address, unanswering_address


@dataclass(slots=True)
class Backend:
    """Where it is, the connections on which it got messages, and the paths of all other requests."""

    url: str
    play: Play
    posts: list[Connection] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    server: ScriptedServer | None = None

    async def hang_up(self) -> None:
        """Close what was opened for messages that never came; the service keeps that for some seconds."""
        if self.server is not None:
            await self.server.hang_up()

    @property
    def carried(self) -> list[int]:
        """How many messages came on each connection."""
        return [len(connection.requests) for connection in self.posts]

    def left(self) -> bool:
        """Whether it has learnt that nobody wants the answer any more."""
        if self.play.over_socket:
            return any(path.endswith("/stop_conversation") for path in self.asked)
        return all(connection.gone for connection in self.posts)


Behind = Callable[[Play], AbstractAsyncContextManager[Backend]]


@asynccontextmanager
async def scripted(cell: Cell) -> AsyncIterator[Backend]:
    """A backend that does with a posted message what the fault says, and answers everything else."""
    play = Play(cell.shape)
    fault = cell.fault
    good = [*play.whole(), fin()]
    script = list(fault.script(play)) if fault.script is not None else good
    sockets = iter([script])
    asked: list[str] = []

    def aside(request: Request) -> Sequence[Verb] | None:
        if request.method == "POST" and request.path.endswith("/backend-api/conversation"):
            return None
        asked.append(request.path)
        if request.path == "/socket":
            return next(sockets, [*answer(404), fin()])
        return [*_file(server.url, request.path), fin()]

    async def hand_over(connection: Connection) -> None:
        for verb in handover(f"{server.url.replace('http', 'ws')}/socket"):
            await verb(connection)

    posted = [hand_over, fin()] if play.over_socket else script
    then = [good] if cell.healed or fault.carried else []
    early = fault.early(play) if fault.early is not None else ()
    async with ScriptedServer(posted, *then, aside=aside, early=early) as server:
        yield Backend(server.url, play, server.connections, asked, server)


def _file(url: str, path: str) -> Sequence[Verb]:
    """The answer to a request for the picture; anything else is not there."""
    if path.endswith(f"/files/{PICTURE}/download"):
        found = {"status": "success", "download_url": f"{url}/picture.png"}
        return answer(200, json.dumps(found).encode())
    if path == "/picture.png":
        return answer(200, png(), "image/png")
    return answer(404, b'{"detail": "Not Found"}')


@asynccontextmanager
async def nobody(play: Play) -> AsyncIterator[Backend]:
    """Nobody listens there."""
    yield Backend(refusing_address(), play)


@asynccontextmanager
async def deaf(play: Play) -> AsyncIterator[Backend]:
    """Nobody accepts there."""
    with unanswering_address() as url:
        yield Backend(url, play)


@asynccontextmanager
async def nameless(play: Play) -> AsyncIterator[Backend]:
    """The name has no address."""
    yield Backend("http://backend.invalid", play)


def no_tls(*verbs: Verb) -> Behind:
    """Whoever greets with TLS gets this instead of a handshake."""

    @asynccontextmanager
    async def behind(play: Play) -> AsyncIterator[Backend]:
        async with ScriptedServer(list(verbs), reads_request=False) as server:
            yield Backend(server.url.replace("http", "https"), play)

    return behind


TLS_GARBAGE = no_tls(send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), fin())
TLS_FIN = no_tls(fin())
TLS_RST = no_tls(rst())
TLS_STALL = no_tls(stall())
