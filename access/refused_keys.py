"""Keys that the backend has just refused, and keys that it has accepted: by digest, never by themselves."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_KEYS: Final = 10_000
"""How many keys of each kind are remembered; some 200 bytes each."""


class RefusedKeys:
    """Remembers each refusal for `seconds`, and the `max_keys` latest ones. `clock` gives seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float], *, max_keys: int = MAX_KEYS) -> None:
        self._seconds = seconds
        self._clock = clock
        self._max_keys = max_keys
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered, some perhaps beyond their time."""
        return len(self._until)

    def add(self, digest: str) -> None:
        """The backend has refused this key now."""
        now = self._clock()
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
        self._until[digest] = now + self._seconds
        self._until.move_to_end(digest)
        if len(self._until) > self._max_keys:
            self._until.popitem(last=False)

    def seconds_left(self, digest: str) -> float:
        """For how long the key still counts as refused; 0 if it does not."""
        return max(0.0, self._until.get(digest, 0.0) - self._clock())


class AcceptedKeys:
    """Remembers the `max_keys` accepted keys used last.

    One that is refused later stays: a backend that refuses everybody for a while makes strangers of nobody.
    """

    def __init__(self, *, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._digests: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._digests)

    def __contains__(self, digest: str) -> bool:
        return digest in self._digests

    def add(self, digest: str) -> None:
        """The backend has answered this key now."""
        self._digests[digest] = None
        self._digests.move_to_end(digest)
        if len(self._digests) > self._max_keys:
            self._digests.popitem(last=False)
