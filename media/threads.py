"""A few threads for files, pictures and decoding."""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from runtime import Threads

P = ParamSpec("P")
T = TypeVar("T")

DECODER: Final = Threads(1, "decoder")
"""For what holds the interpreter lock most of its time: each further thread that competes for the lock makes
the event loop wait longer for it."""
_FILES: Final = Threads(4, "media")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` in one of the threads and return its result.

    If the awaiting task is cancelled, `function` goes on all the same. Raises what `function` raises.
    """
    return await _FILES.run(function, *args, **kwargs)
