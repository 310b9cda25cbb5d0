"""A server on raw sockets that does what a script says, faults included.

A script is a sequence of verbs, run for each connection once its request has been read:

    server = ScriptedServer([status(200, EVENT_STREAM), chunk(b"data: hi"), rst()])
    async with server:
        ...  # server.url, server.connections[0].request, await server.connections[0].gone_within(1)

The verbs: `status`, `send`, `chunk`, `last_chunk`, `trickle`, `flood`, `wait`, `until`, `stall`,
`next_request`, `fin`, `rst`; any `async def verb(connection)` does as well. Several scripts serve connection
after connection, the last one also all that follow. A script that ends closes its connection with FIN. With
`aside` some requests get scripts of their own, by what they ask. With `early` the first connection of all is
treated so before its request is read.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from runtime import BackgroundTasks
from tests.eventually import holds_within

EVENT_STREAM: Final = {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"}
JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names in lower case, as (name, value) pairs in order."""

    method: str
    path: str
    header_lines: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.header_lines)


class Connection:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.requests: list[Request] = []
        self.bytes_sent = 0
        """What the kernel has taken, which for a slow reader is less than what the script has."""
        self.left = asyncio.Event()
        """The peer has closed or reset the connection."""
        self._loop = asyncio.get_running_loop()
        self._watcher = asyncio.create_task(self._watch())
        self._unread = bytearray()
        self._stirred = asyncio.Event()

    @property
    def request(self) -> Request | None:
        """The last one that came."""
        return self.requests[-1] if self.requests else None

    @property
    def gone(self) -> bool:
        """Whether the peer has left."""
        return self.left.is_set()

    @property
    def closed(self) -> bool:
        """Whether the script has closed it."""
        return self.socket.fileno() < 0

    async def gone_within(self, seconds: float) -> bool:
        """Wait until the peer is gone; false if it is still there after `seconds` in which we could run."""
        return await holds_within(self.left.is_set, seconds)

    async def write(self, data: bytes) -> None:
        """Send everything, however long the peer takes; nothing more once it is gone."""
        view = memoryview(data)
        while view and not self.gone:
            try:
                sent = self.socket.send(view)
            except BlockingIOError:
                await self._writable()
                continue
            except OSError:
                self.left.set()
                return
            self.bytes_sent += sent
            view = view[sent:]

    async def _writable(self) -> None:
        ready = self._loop.create_future()
        self._loop.add_writer(self.socket, _resolve, ready)
        try:
            await ready
        finally:
            self._loop.remove_writer(self.socket)

    async def read_request(self) -> None:
        """Read one request with its Content-Length body; nothing is stored if the peer goes before."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += await self._some()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        header_lines = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        while len(body) < int(dict(header_lines).get("content-length", "0")):
            body += await self._some()
        method, path, _ = first.split(" ")
        self.requests.append(Request(method, path, header_lines, body))

    async def _some(self) -> bytes:
        while not self._unread:
            if self.gone or self.closed:
                raise ConnectionResetError
            self._stirred.clear()
            await self._stirred.wait()
        data = bytes(self._unread)
        self._unread.clear()
        return data

    async def _watch(self) -> None:
        """Take what comes, and notice when the peer goes."""
        with suppress(OSError):
            while data := await self._loop.sock_recv(self.socket, 65536):
                self._unread += data
                self._stirred.set()
        self.left.set()
        self._stirred.set()

    async def close(self, *, reset: bool = False) -> None:
        """Close with FIN, or with RST."""
        if self.closed:
            return
        self._watcher.cancel()
        with suppress(asyncio.CancelledError):
            await self._watcher
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        self._stirred.set()


Verb = Callable[[Connection], Awaitable[None]]


class ScriptedServer:
    """Listens on 127.0.0.1 at a port of its own while used with `async with`.

    `aside` gives the script for a request that is none of those which `scripts` serve, or None; such
    connections are not among `connections`.
    """

    def __init__(
        self,
        *scripts: Sequence[Verb],
        reads_request: bool = True,
        aside: Callable[[Request], Sequence[Verb] | None] = lambda _: None,
        early: Sequence[Verb] = (),
    ) -> None:
        self.connections: list[Connection] = []
        self.port = 0
        self._scripts = scripts or ((),)
        self._reads_request = reads_request
        self._aside = aside
        self._early = early
        self._accepted: list[Connection] = []
        self._tasks = BackgroundTasks()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._arrivals = asyncio.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._accept)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        await self._tasks.cancel()
        for connection in self._accepted:
            await connection.close()

    async def connected(self, count: int = 1) -> Connection:
        """Wait for the `count`th connection (and its request, if requests are read) and return it."""
        async with self._arrivals:
            await self._arrivals.wait_for(lambda: len(self.connections) >= count)
        return self.connections[count - 1]

    async def hang_up(self) -> None:
        """Close the connections on which no request has come."""
        for connection in self._accepted:
            if not connection.requests:
                await connection.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock)
        self._accepted.append(connection)
        self._tasks.start(self._serve(connection))

    async def _serve(self, connection: Connection) -> None:
        try:
            early, self._early = self._early, ()
            for verb in early:
                await verb(connection)
            if self._reads_request:
                await connection.read_request()
            script = None if connection.request is None else self._aside(connection.request)
            if script is None:
                script = self._scripts[min(len(self.connections), len(self._scripts) - 1)]
                async with self._arrivals:
                    self.connections.append(connection)
                    self._arrivals.notify_all()
            for verb in script:
                await verb(connection)
        except OSError:
            connection.left.set()
        finally:
            await connection.close()


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def send(data: bytes) -> Verb:
    """Send bytes as they are."""
    return lambda connection: connection.write(data)


def status(code: int, headers: Mapping[str, str] | None = None) -> Verb:
    """Send a status line and headers, and the empty line after them."""
    lines = [f"HTTP/1.1 {code} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return send("\r\n".join([*lines, "", ""]).encode())


def chunk(content: bytes) -> Verb:
    """Send one chunk of a chunked body."""
    return send(b"%x\r\n%s\r\n" % (len(content), content))


def last_chunk() -> Verb:
    """End a chunked body properly."""
    return send(b"0\r\n\r\n")


def trickle(data: bytes, *, size: int = 1, pause: float = 0.0) -> Verb:
    """Send bytes in small pieces, with a turn of the loop or a pause after each."""

    async def verb(connection: Connection) -> None:
        for piece in _pieces(data, size):
            await connection.write(piece)
            await asyncio.sleep(pause)

    return verb


def flood(data: bytes) -> Verb:
    """Send the same bytes again and again until the peer is gone."""

    async def verb(connection: Connection) -> None:
        while not connection.gone:
            await connection.write(data)
            await asyncio.sleep(0)

    return verb


def wait(seconds: float) -> Verb:
    """Do nothing for a while."""

    async def verb(_: Connection) -> None:
        await asyncio.sleep(seconds)

    return verb


def until(event: asyncio.Event) -> Verb:
    """Do nothing until the test sets the event."""

    async def verb(_: Connection) -> None:
        await event.wait()

    return verb


def stall() -> Verb:
    """Do nothing until the peer goes away; not on a connection that is closed."""

    async def verb(connection: Connection) -> None:
        if not connection.closed:
            await connection.left.wait()

    return verb


def next_request() -> Verb:
    """Read a further request, which came on the same connection."""
    return lambda connection: connection.read_request()


def fin() -> Verb:
    """Close properly."""
    return lambda connection: connection.close()


def rst() -> Verb:
    """Reset the connection."""
    return lambda connection: connection.close(reset=True)


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def without_accounts(request: Request) -> Sequence[Verb] | None:
    """The script of a backend that says nothing of accounts, such as their models; for `aside`."""
    if "/models?" in request.path or request.path.endswith("/conversation/init"):
        return [status(404, {**JSON, "Content-Length": "2"}), send(b"{}"), fin()]
    return None
