"""A client of several turns, one after the other."""

from collections.abc import Awaitable, Callable

from turns.relay import Client


class PatientClient:
    """Passes on what is delivered, and goes on waiting when a turn is over: another one may follow.

    `on_begun` is called once, when an answer has begun well: no other turn follows that one.
    """

    def __init__(self, client: Client, on_begun: Callable[[], None]) -> None:
        self._client = client
        self._on_begun = on_begun
        self._begun = False

    def deliver(self, out: bytes, *, begun: bool) -> Awaitable[None] | None:
        """See `Client`."""
        if begun and not self._begun:
            self._begun = True
            self._on_begun()
        return self._client.deliver(out, begun=begun)

    async def quiet(self) -> None:
        """Do nothing: the client is kept alive."""
