"""Connections to a Redis, with limits that do not blame it for an event loop that is held up; imported only
where there is one.

The library's own limits are those of `asyncio.timeout`: an answer that has come while the loop was held up
for longer is thrown away.
"""

import math
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer

from runtime.patience import patience


class PatientConnection(Connection):
    """Connecting is not tried again, and may take `answer_seconds`, and so may each command and each answer.

    The others are what the library takes; the query of an address may have them.
    """

    def __init__(
        self,
        *,
        answer_seconds: float,
        socket_timeout: float | None = None,
        socket_connect_timeout: float | None = None,
        **given: Any,
    ) -> None:
        self._answer = socket_timeout or answer_seconds
        self._connecting = socket_connect_timeout or answer_seconds
        super().__init__(
            socket_timeout=self._answer,  # for writing
            socket_connect_timeout=self._connecting,
            **{"retry": Retry(NoBackoff(), 0), **given},
        )

    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        """Connect, if it is not connected. Raises what commands raise."""
        if self.is_connected:
            return
        self.socket_connect_timeout = None  # the library's own limit is for closing alone
        try:
            async with patience(self._connecting):
                await super().connect_check_health(check_health, retry_socket_connect)
        except TimeoutError:
            raise NoAnswer("Redis cannot be connected to in time") from None
        finally:
            self.socket_connect_timeout = self._connecting

    async def read_response(
        self, disable_decoding: bool = False, timeout: float | None = None, **given: Any
    ) -> Any:
        """See the library."""
        if timeout is not None:
            return await super().read_response(disable_decoding, timeout, **given)
        try:
            async with patience(self._answer):
                return await super().read_response(disable_decoding, math.inf, **given)
        except TimeoutError:
            raise NoAnswer("Redis does not answer in time") from None


class PatientTlsConnection(PatientConnection, SSLConnection):
    """The same over TLS."""


class ConnectionPool(BlockingConnectionPool):
    """At most `max_connections`, for one of which a command waits for `answer_seconds` before that is made.

    The others are what the library takes; an address may have them.
    """

    def __init__(
        self,
        *,
        answer_seconds: float,
        timeout: float | None = None,
        connection_class: type[Connection] = Connection,
        **given: Any,
    ) -> None:
        over_tls = issubclass(connection_class, SSLConnection)
        super().__init__(
            timeout=None,
            connection_class=PatientTlsConnection if over_tls else PatientConnection,
            answer_seconds=answer_seconds,
            **given,
        )
        self._seconds = (timeout or answer_seconds) + answer_seconds  # to wait for one, and to make it

    async def get_connection(self, *args: Any, **given: Any) -> Any:
        """See the library."""
        try:
            async with patience(self._seconds):
                return await super().get_connection(*args, **given)  # type: ignore[no-untyped-call]
        except TimeoutError:
            raise NoConnection("No connection available.") from None
