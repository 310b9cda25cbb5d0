"""Names to addresses, without waiting for each other."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from transport.resolver import Resolver

pytestmark = pytest.mark.timeout(seconds=60)


class NameService:
    """A stand-in for the system's: names that begin with `slow` are answered once `released`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.released.wait(10)
        if host.endswith("unknown"):
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameService:
    service = NameService()
    monkeypatch.setattr(socket, "getaddrinfo", service)
    return service


async def test_many_slow_names_hold_up_no_other_one(names: NameService) -> None:
    resolver = Resolver()
    slow = [asyncio.create_task(resolver.resolve(f"slow{number}", 80)) for number in range(50)]
    assert await resolver.resolve("fast", 80) == [(socket.AF_INET, ("192.0.2.1", 80))]
    assert not any(task.done() for task in slow)
    names.released.set()
    await asyncio.gather(*slow)


async def test_name_is_asked_for_once_at_a_time_and_not_remembered(names: NameService) -> None:
    resolver = Resolver()
    asking = [asyncio.create_task(resolver.resolve("slow", 80)) for _ in range(5)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    names.released.set()
    results = await asyncio.gather(*asking[1:])
    assert names.asked == ["slow"]
    assert results == [[(socket.AF_INET, ("192.0.2.1", 80))]] * 4
    await resolver.resolve("slow", 80)
    assert names.asked == ["slow", "slow"]


async def test_failure_is_told_to_all_who_asked(names: NameService) -> None:
    resolver = Resolver()
    asking = [asyncio.create_task(resolver.resolve("slow.unknown", 80)) for _ in range(3)]
    await asyncio.sleep(0.01)
    names.released.set()
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(failure) for failure in failures] == [socket.gaierror] * 3


async def test_failure_that_nobody_waits_for_is_quiet(names: NameService) -> None:
    asking = asyncio.create_task(Resolver().resolve("slow.unknown", 80))
    await asyncio.sleep(0.01)
    asking.cancel()
    names.released.set()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_address_needs_no_name_service(host: str, names: NameService) -> None:
    [(_, where)] = await Resolver().resolve(host, 80)
    assert where[:2] == (host, 80)
    assert names.asked == []
