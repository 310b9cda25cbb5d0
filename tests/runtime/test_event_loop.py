"""The event loop; with uvloop installed see tests/service/test_uvloop.py."""

import asyncio
import sys

import pytest

from runtime import event_loop_name, new_event_loop


def test_loop_is_asyncios_where_there_is_no_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    async def name() -> str:
        return event_loop_name()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(name()) == "asyncio"
