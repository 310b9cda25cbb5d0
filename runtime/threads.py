"""Threads for work that would block the event loop, in groups that do not wait for each other.

The loop's default executor is not used for any of it: that one resolves the names of hosts, and neither a
slow disk nor a long answer may keep anybody from connecting.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A group of at most `count` threads, which are made when they are needed; further work waits."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in one of the threads and return its result.

        If the awaiting task is cancelled, `function` goes on all the same. Raises what `function` raises.
        """
        work = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Take no more work, and end the threads once they have done theirs; returns at once."""
        self._pool.shutdown(wait=False)


COMPUTING: Final = Threads(4, "computing")
"""For what takes time without waiting for anything: counting tokens, hashing, encoding."""
SMALL_FILES: Final = Threads(4, "files")
"""For reading and writing files of some kilobytes."""
