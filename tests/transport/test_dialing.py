"""Connecting to a host with several addresses."""

import asyncio
import socket

import pytest

from tests.eventually import eventually
from tests.upstream.rig import nothing_left, refusing_address, unanswering_address
from transport.dialing import dial
from transport.resolver import Address

pytestmark = pytest.mark.timeout(seconds=60)


def at(url: str) -> Address:
    return socket.AF_INET, ("127.0.0.1", int(url.rpartition(":")[2]))


def listening(where: socket.socket) -> Address:
    return socket.AF_INET, where.getsockname()


async def test_address_that_refuses_leads_to_the_next_one_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected = await dial([at(refusing_address()), listening(server)], attempt_seconds=60)
        assert connected.getpeername() == server.getsockname()
        connected.close()


async def test_address_that_does_not_answer_leads_to_the_next_one_after_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, unanswering_address() as silent:
        async with nothing_left():
            connected = await dial([at(silent), listening(server)], attempt_seconds=0.05)
            assert connected.getpeername() == server.getsockname()
            connected.close()


async def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[object, ...]] = []
    loop = asyncio.get_running_loop()

    async def refuse(_: socket.socket, where: tuple[object, ...]) -> None:
        tried.append(where)
        raise ConnectionRefusedError

    four: list[Address] = [(socket.AF_INET, (f"127.0.0.{last}", 1)) for last in (1, 2, 3)]
    six: list[Address] = [(socket.AF_INET6, ("::1", 1, 0, 0))]
    monkeypatch.setattr(loop, "sock_connect", refuse)
    with pytest.raises(ConnectionRefusedError):
        await dial([*six, *four])
    assert tried == [six[0][1], four[0][1], four[1][1], four[2][1]]


async def test_first_failure_is_told_if_all_fail() -> None:
    with pytest.raises(ConnectionRefusedError):
        await dial([at(refusing_address()), at(refusing_address())])
    with pytest.raises(OSError, match="no address"):
        await dial([])


@pytest.mark.parametrize("turns", range(0, 12, 2))
async def test_cancelling_leaves_nothing_open(turns: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, unanswering_address() as silent:
        async with nothing_left():
            dialing = asyncio.create_task(dial([at(silent), listening(server)], attempt_seconds=0))
            for _ in range(turns):
                await asyncio.sleep(0)
            dialing.cancel()
            await asyncio.wait([dialing])
            if not dialing.cancelled():
                dialing.result().close()


async def test_attempt_that_wins_late_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        first.setblocking(False)
        async with nothing_left():
            connected = await dial([listening(first), listening(second)], attempt_seconds=0)
            connected.close()
    await eventually(lambda: len(asyncio.all_tasks()) == 1)
