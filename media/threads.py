"""A few threads for work that would block the event loop.

They are not the loop's default executor: that one resolves host names, and a slow disk must not keep
anybody from connecting.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_POOL: Final = ThreadPoolExecutor(4, thread_name_prefix="media")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` in one of the threads and return its result.

    If the awaiting task is cancelled, `function` goes on all the same. Raises what `function` raises.
    """
    return await asyncio.get_running_loop().run_in_executor(_POOL, partial(function, *args, **kwargs))
