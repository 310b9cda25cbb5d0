"""Looks at a stored conversation: a large one keeps nobody else waiting."""

import threading

import pytest

from tests.upstream.socket.scripted import kept
from translate.backend import StoredTurn
from upstream.socket import feed_stored


class WatchedTurn(StoredTurn):
    """Notes the threads in which it is fed."""

    def __init__(self) -> None:
        super().__init__("")
        self.threads: list[int] = []

    def feed(self, body: bytes) -> bytes:
        self.threads.append(threading.get_ident())
        return super().feed(body)


@pytest.mark.parametrize("large", [True, False])
async def test_large_conversation_is_read_beside_the_event_loop(large: bool) -> None:
    turn, body = WatchedTurn(), kept() + b" " * (300_000 if large else 0)
    assert b"data: " in await feed_stored(turn, body)
    assert await feed_stored(turn, body) == b""
    assert (threading.get_ident() not in turn.threads) is large


@pytest.mark.parametrize("body", [b"[]", b"[" + b" " * 300_000 + b"]"])
async def test_what_is_no_conversation_is_refused_wherever_it_is_read(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a conversation"):
        await feed_stored(StoredTurn(""), body)
