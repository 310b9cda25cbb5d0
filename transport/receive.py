"""The head of an answer, from a channel."""

from collections.abc import Callable

from tornado.simple_httpclient import HTTPStreamClosedError

from transport.channel import Channel
from transport.response import Head, HeadReader


async def receive_head(
    channel: Channel, reader: HeadReader, tell: Callable[[Head], None] | None = None
) -> Head:
    """The head of the final answer; `tell` is called with it and with those of informational ones before.

    Raises:
        HTTPStreamClosedError: the connection was closed before.
        OSError: it broke.
        HTTPInputError, UnsatisfiableReadError: see `HeadReader.feed`.
    """
    while True:
        if (head := reader.feed(b"")) is None:
            if not (data := await channel.receive()):
                raise HTTPStreamClosedError("Connection closed")
            head = reader.feed(data)
        if head is not None and tell is not None:
            tell(head)
        if head is not None and not head.informational:
            return head
