"""Which event loop the process runs on: uvloop's where it is installed, else one of asyncio's."""

import asyncio
from collections.abc import Callable

_Make = Callable[[], asyncio.AbstractEventLoop]


def new_event_loop(otherwise: _Make = asyncio.new_event_loop) -> asyncio.AbstractEventLoop:
    """A loop of uvloop, or what `otherwise` makes, for `asyncio.Runner`."""
    return (_uvloops() or otherwise)()


def event_loop_name() -> str:
    """Whose the running loop is: `uvloop` or `asyncio`."""
    of_uvloop = type(asyncio.get_running_loop()).__module__.partition(".")[0] == "uvloop"
    return "uvloop" if of_uvloop else "asyncio"


def _uvloops() -> _Make | None:
    try:
        import uvloop
    except ImportError:
        return None
    make: _Make = uvloop.new_event_loop
    return make
