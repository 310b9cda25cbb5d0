"""One way to connect to a Redis: short limits, no retries, and a bounded number of connections.

The library is imported when it is used: it takes 7 MiB, and most services have no Redis.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

ANSWER_SECONDS: Final = 2.0
"""How long Redis may take for an answer, and to be connected to; then it counts as out of reach."""
CONNECTIONS: Final = 20
"""How many connections one client has; further commands wait for one of them."""
CLUSTER: Final = "+cluster"
"""Behind the scheme of an address: it is that of one node of a cluster, which names the others."""
NEVER_THERE: Final = ":never-there"
"""The end of the name of a key that nobody writes."""


def redis_failures() -> tuple[type[Exception], ...]:
    """What a command raises when Redis is out of reach, or refuses; for `except` and `suppress`."""
    from redis.exceptions import RedisClusterException, RedisError

    return RedisError, RedisClusterException, OSError, TimeoutError


def script_keys(key: str) -> tuple[int, str, str]:
    """What a script is told of its keys: how many, `key`, and one with the same tag that is never there.

    It may use other keys with the tag of `key`, the text in braces, since a cluster has all of them on one
    node. Only while the slot of the tag moves to another node, some keys are here and some there; then a
    cluster refuses a script of several keys of which one is not there, so that none works on a part of them.
    """
    return 2, key, key[: key.index("}") + 1] + NEVER_THERE


def connect_redis(
    url: str, *, decode_responses: bool = False, answer_seconds: float = ANSWER_SECONDS
) -> "Redis | RedisCluster":
    """A client of the Redis at `url`, such as `redis://host:6379/0`, or of the cluster to which the node at
    `url` belongs, such as `redis+cluster://host:6379`. It connects with its first command.

    With `decode_responses` answers are text, else bytes. Commands raise one of `redis_failures`.
    """
    scheme, rest = url.split(":", 1)
    if scheme.endswith(CLUSTER):
        from runtime.redis_cluster import ClusterClient

        return ClusterClient.from_url(
            f"{scheme.removesuffix(CLUSTER)}:{rest}",
            decode_responses=decode_responses,
            connections=CONNECTIONS,
            answer_seconds=answer_seconds,
        )
    from redis.asyncio import Redis

    from runtime.redis_connections import ConnectionPool

    return Redis.from_pool(
        ConnectionPool.from_url(
            url,
            decode_responses=decode_responses,
            max_connections=CONNECTIONS,
            answer_seconds=answer_seconds,
        )
    )
