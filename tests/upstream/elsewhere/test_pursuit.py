"""A turn that is followed gives its reader what comes, and waits only for one that is not ready for more."""

import asyncio
from collections.abc import Awaitable

import pytest

from tests.upstream.elsewhere.rig import BROKEN, KeepingReader, rig
from tests.upstream.rig import ME
from upstream.elsewhere.pursuit import Pursuit
from upstream.http import Aborted, Exchange, HttpClient


class SlowReader(KeepingReader):
    """Is ready for more only once `ready` is set."""

    ready: asyncio.Event

    def receive(self, data: bytes) -> Awaitable[None]:
        super().receive(data)
        self.ready = asyncio.Event()
        return self._wait()

    async def _wait(self) -> None:
        await self.ready.wait()


def followed(http: HttpClient, reader: KeepingReader) -> Pursuit:
    return Pursuit(http, ME, reader, Exchange().begin())


async def test_reader_that_is_ready_at_once_is_not_waited_for() -> None:
    async with rig() as world:
        reader = KeepingReader(BROKEN)
        pursuit = followed(world.http, reader)
        assert pursuit.receive(b"one", fresh=False) is None
        assert pursuit.receive(b" two", fresh=False) is None
        assert reader.streams == [(False, b"one two")]


async def test_reader_that_is_not_ready_is_waited_for() -> None:
    async with rig() as world:
        reader = SlowReader(BROKEN)
        giving = asyncio.create_task(followed(world.http, reader).give(b"one"))
        await asyncio.sleep(0.01)
        assert not giving.done()
        reader.ready.set()
        await giving
        assert reader.streams == [(True, b"one")]


async def test_pursuit_that_was_stopped_gives_nothing_more() -> None:
    async with rig() as world:
        reader = KeepingReader(BROKEN)
        pursuit = followed(world.http, reader)
        pursuit.stop(Aborted())
        with pytest.raises(Aborted):
            pursuit.receive(b"one")
        assert reader.streams == []
