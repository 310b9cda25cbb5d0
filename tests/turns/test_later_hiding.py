"""Conversations that are hidden once they have been quiet for a while."""

import asyncio

import pytest

from accounts import Credential
from tests.eventually import eventually
from turns import LaterHiding

ME = Credential("fk-me")


class Backend:
    """Hides, when it may."""

    def __init__(self) -> None:
        self.hidden: list[str] = []
        self.may = asyncio.Event()
        self.may.set()

    async def hide(self, credential: Credential, conversation_id: str) -> bool:
        assert credential == ME
        await self.may.wait()
        self.hidden.append(conversation_id)
        return True


@pytest.fixture
def backend() -> Backend:
    return Backend()


async def test_quiet_conversations_are_hidden_in_order(backend: Backend) -> None:
    hiding = LaterHiding(backend.hide, 0.02)
    for name in ("c-1", "c-2", "c-3"):
        hiding.hide_later(ME, name)
    assert backend.hidden == []
    await eventually(lambda: backend.hidden == ["c-1", "c-2", "c-3"])
    hiding.hide_later(ME, "c-1")
    await eventually(lambda: backend.hidden == ["c-1", "c-2", "c-3", "c-1"])
    await hiding.close()
    assert len(backend.hidden) == 4


async def test_conversation_that_goes_on_is_hidden_after_the_others(backend: Backend) -> None:
    hiding = LaterHiding(backend.hide, 0.05)
    hiding.hide_later(ME, "c-1")
    hiding.hide_later(ME, "c-2")
    hiding.postpone("c-1")
    hiding.postpone("c-unknown")
    await eventually(lambda: backend.hidden == ["c-2", "c-1"])
    await hiding.close()


async def test_what_waits_at_the_end_is_hidden_then(backend: Backend) -> None:
    hiding = LaterHiding(backend.hide, 1000)
    for number in range(40):
        hiding.hide_later(ME, f"c-{number}")
    assert len(hiding) == 40
    await hiding.close()
    assert len(backend.hidden) == 40
    assert len(hiding) == 0


async def test_end_does_not_wait_long_for_a_backend_that_does_not_answer(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.may.clear()
    hiding = LaterHiding(backend.hide, 1000, last=0.02)
    for number in range(3):
        hiding.hide_later(ME, f"c-{number}")
    await hiding.close()
    assert backend.hidden == []
    assert "3 conversations could not be hidden" in caplog.text


async def test_so_many_wait_at_most_and_the_quietest_goes(backend: Backend) -> None:
    hiding = LaterHiding(backend.hide, 1000, most=2)
    for name in ("c-1", "c-2", "c-1", "c-3"):
        hiding.hide_later(ME, name)
    await eventually(lambda: backend.hidden == ["c-2"])
    assert len(hiding) == 2
    await hiding.close()
