"""A client of a Redis cluster, with the limits of `runtime.redis`; imported only where there is one.

The library sends each command to the node that has its key, and follows keys that move. What it does not do
is done here: to let commands wait for a connection instead of failing, to limit the time of a command with
all that goes before it, and to ask again which node has what after the commands of a pipeline have failed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio.cluster import ClusterPipeline, RedisCluster
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisClusterException
from redis.exceptions import TimeoutError as NoAnswer

from runtime.patience import patience
from runtime.redis_connections import PatientConnection, PatientTlsConnection


class ClusterClient(RedisCluster):
    """A client of the cluster to which a node belongs; it connects with its first command. All commands but
    scripts have one key, as their first argument.

    At most `connections` commands are under way at once, and as many pipelines. Each may take
    `answer_seconds` to connect and as long for its answer. `given` is what `RedisCluster` takes, such as the
    `host` of the node.
    """

    def __init__(self, *, connections: int, answer_seconds: float, **given: Any) -> None:
        super().__init__(
            max_connections=2 * connections + 1,  # commands, pipelines, and what asks for the nodes
            socket_timeout=answer_seconds,
            socket_connect_timeout=answer_seconds,
            retry=Retry(NoBackoff(), 0),
            reinitialize_steps=0,  # else every fifth key that has moved closes connections that are in use
            **given,
        )
        self._have_patience(answer_seconds)
        self.commands_parser = _FirstKeys()  # type: ignore[assignment]  # all that is used of it
        self._commands = asyncio.Semaphore(connections)
        self._pipelines = asyncio.Semaphore(connections)
        self._seconds = 2 * answer_seconds
        self._stale = False

    def _have_patience(self, answer_seconds: float) -> None:
        """Have all connections be of our own kind; none is open yet."""
        given = self.nodes_manager.connection_kwargs
        over_tls = given["connection_class"] is SSLConnection
        given["connection_class"] = PatientTlsConnection if over_tls else PatientConnection
        given["answer_seconds"] = answer_seconds
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = given["connection_class"]
            node.connection_kwargs["answer_seconds"] = answer_seconds

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run one command on the node that has its key."""
        async with patience(self._seconds), self._commands:
            return await super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """Commands for one round trip, which are no transaction."""
        return _Pipeline(self)  # type: ignore[abstract]  # an attribute that the library's own one lacks too

    @asynccontextmanager
    async def pipelining(self) -> AsyncIterator[None]:
        """While the commands of a pipeline run."""
        async with patience(self._seconds), self._pipelines:
            if self._stale:
                await self.nodes_manager.initialize()
                self._stale = False
            try:
                yield
            except (NoConnection, NoAnswer, RedisClusterException):
                self._stale = True  # another node may have the keys by now
                raise


class _FirstKeys:
    """Says what the key of a command is without asking a node, whose answer on all commands that there are
    holds up the event loop for 20 ms each time.
    """

    async def initialize(self, node: object) -> None:
        pass

    async def get_keys(self, command: object, key: object, *_: object) -> tuple[object]:
        return (key,)


class _Pipeline(ClusterPipeline):
    def __init__(self, client: ClusterClient) -> None:
        super().__init__(client)
        self._client = client

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        async with self._client.pipelining():
            return await super().execute(raise_on_error, allow_redirections)
