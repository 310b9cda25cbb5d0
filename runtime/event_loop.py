"""Which event loop the process runs on: uvloop's where it is installed, else asyncio's own."""

import asyncio
from collections.abc import Callable

_Make = Callable[[], asyncio.AbstractEventLoop]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of the best kind there is, for `asyncio.Runner`."""
    return _best_kind()()


def event_loop_name() -> str:
    """Whose the running loop is: `uvloop` or `asyncio`."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def _best_kind() -> _Make:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    make: _Make = uvloop.new_event_loop
    return make
