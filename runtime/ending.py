"""A context that only has an end."""

from collections.abc import Callable


class Ending:
    """Calls `end` when the `with` is left, however that is.

    A context for each of many streams: one made of a generator takes ten times as much memory.
    """

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *exception: object) -> None:
        """Call `end`."""
        self._end()
