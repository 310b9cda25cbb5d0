"""One way to connect to a Redis: short limits, no retries, and a bounded number of connections.

The library is imported when it is used: it takes 7 MiB, and most services have no Redis.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANSWER_SECONDS: Final = 2.0
"""How long Redis may take for an answer, and to be connected to; then it counts as out of reach."""
CONNECTIONS: Final = 20
"""How many connections one client has; further commands wait for one of them."""


def redis_failures() -> tuple[type[Exception], ...]:
    """What a command raises when Redis is out of reach, or refuses; for `except` and `suppress`."""
    from redis.exceptions import RedisError

    return RedisError, OSError, TimeoutError


def connect_redis(
    url: str, *, decode_responses: bool = False, answer_seconds: float = ANSWER_SECONDS
) -> "Redis":
    """A client of the Redis at `url`, such as `redis://host:6379/0`. It connects with its first command.

    With `decode_responses` answers are text, else bytes. Commands raise one of `redis_failures`.
    """
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=decode_responses,
        max_connections=CONNECTIONS,
        timeout=answer_seconds,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
