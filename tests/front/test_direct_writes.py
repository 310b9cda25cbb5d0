"""What a client gets, and what a writer is told, whatever the kernel takes of each write."""

import asyncio
import errno
import socket
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.iostream import StreamClosedError

from front import ConnectionTimes
from front.client_stream import MAX_UNSENT_BYTES, ClientStream, Phase
from metrics import ClosedConnection, ProtocolFault
from tests.front.scripted_socket import ScriptedSocket

BIG = b"x" * 3_000_000
"""More than the kernel holds for a client that does not read."""
AGAIN = BlockingIOError(errno.EAGAIN, "again")
STEPS = st.lists(st.one_of(st.integers(1, 5000), st.just(AGAIN)), max_size=20)
PIECES = st.lists(st.integers(0, 5000), max_size=12)


class Nobody:
    """An owner that takes no notice."""

    ending = False

    def __init__(self) -> None:
        self.all_sent = asyncio.get_running_loop().create_future()
        self.all_sent.set_result(None)

    def waits(self, stream: ClientStream) -> None: ...

    def complete(self, stream: ClientStream) -> None: ...

    def closed(self, stream: ClientStream) -> None: ...

    def useless(self, reason: ClosedConnection) -> None: ...

    def fault(self, fault: ProtocolFault, *, answered: bool) -> bytes:
        raise AssertionError("nothing is read here")


def answering(script: Sequence[int | OSError] = ()) -> tuple[ClientStream, ScriptedSocket, socket.socket]:
    """A connection on which a request is being answered, its socket, and the client's end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    scripted = ScriptedSocket(ours, script)
    stream = ClientStream(scripted, ConnectionTimes(), Nobody())
    stream.phase = Phase.ANSWER
    return stream, scripted, theirs


async def received(theirs: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    loop, data = asyncio.get_running_loop(), b""
    with theirs:
        while more := await loop.sock_recv(theirs, 1 << 20):
            data += more
    return data


@given(lengths=PIECES, script=STEPS, awaited=st.booleans())
def test_all_bytes_come_in_order_however_the_kernel_takes_them(
    lengths: list[int], script: list[int | OSError], *, awaited: bool
) -> None:
    pieces = [bytes([65 + place]) * length for place, length in enumerate(lengths)]

    async def run() -> bytes:
        stream, _, theirs = answering(script)
        reading = asyncio.create_task(received(theirs))
        written = []
        for piece in pieces:
            written.append(stream.write(piece))
            if awaited:
                await written[-1]
        await asyncio.gather(*written)
        assert not stream.writing()
        stream.close()
        return await reading

    assert asyncio.run(run()) == b"".join(pieces)


async def test_write_that_the_kernel_takes_is_one_send_and_done_at_once() -> None:
    stream, scripted, theirs = answering()
    writes = [stream.write(b"one"), stream.write(b"two"), stream.write(b"")]
    assert all(write.done() for write in writes)
    assert scripted.sends == 2
    stream.close()
    assert await received(theirs) == b"onetwo"


async def test_write_behind_one_that_is_not_all_sent_waits_for_its_turn() -> None:
    stream, _, theirs = answering([2, AGAIN, AGAIN])
    first, second = stream.write(b"one"), stream.write(b"two")
    assert not first.done()
    assert not second.done()
    assert stream.writing()
    await asyncio.gather(first, second)
    third = stream.write(b"three")
    assert third.done(), "nothing goes before it any more"
    stream.close()
    assert await received(theirs) == b"onetwothree"


@pytest.mark.parametrize("number", [errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT])
async def test_write_on_a_connection_that_is_lost_closes_it_and_says_so(number: int) -> None:
    error = OSError(number, "lost")
    stream, _, theirs = answering([error, error])
    gone = asyncio.Event()
    stream.set_close_callback(gone.set)
    with pytest.raises(StreamClosedError):
        await stream.write(b"one")
    assert stream.closed()
    assert stream.error is not None
    await asyncio.wait_for(gone.wait(), 10)
    with pytest.raises(StreamClosedError):
        await stream.write(b"two")
    assert await received(theirs) == b""


async def test_connection_that_is_lost_fails_what_is_not_all_sent() -> None:
    stream, _, theirs = answering([2, AGAIN, OSError(errno.ECONNRESET, "lost")])
    write = stream.write(b"one")
    with pytest.raises(StreamClosedError):
        await asyncio.wait_for(write, 10)
    assert await received(theirs) == b"on"


async def test_client_that_stalls_and_reads_again_gets_everything() -> None:
    stream, _, theirs = answering()
    write = stream.write(BIG)
    await asyncio.sleep(0.05)
    assert not write.done()
    reading = asyncio.create_task(received(theirs))
    await asyncio.wait_for(write, 20)
    await stream.write(b"end")
    stream.close()
    assert await reading == BIG + b"end"


async def test_views_are_written_like_bytes() -> None:
    stream, _, theirs = answering([1])
    await stream.write(memoryview(b"one"))
    stream.close()
    assert await received(theirs) == b"one"


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="this system cannot be told so")
async def test_kernel_takes_little_of_what_a_client_does_not_read() -> None:
    """What it takes beyond this would have been fetched from the backend for nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        theirs.connect(listener.getsockname())
        ours, _ = listener.accept()
        ours.setblocking(False)
        stream = ClientStream(ours, ConnectionTimes(), Nobody())
        stream.phase = Phase.ANSWER
        taken, write = 0, stream.write(b"x" * 16_384)
        while write.done():
            taken += 16_384
            write = stream.write(b"x" * 16_384)
            await asyncio.sleep(0.01)
        assert taken <= 3 * MAX_UNSENT_BYTES
        stream.close()
        with pytest.raises(StreamClosedError):
            await write
