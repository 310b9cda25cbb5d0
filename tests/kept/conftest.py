"""Stores in a file, which lies in memory, and in a real Redis."""

from pathlib import Path
from typing import Any

import pytest

from kept import RedisResponses, SqliteResponses
from tests.kept.rig import BOUNDS, NOW
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer, needs_redis
from tests.scratch import scratch_path

__all__ = ["scratch_path"]

STORES = [
    "sqlite",
    pytest.param("redis", marks=needs_redis),
    pytest.param("cluster", marks=needs_cluster),
]


@pytest.fixture(params=STORES)
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Opens a store; each one has what the others have kept."""
    if request.param == "sqlite":
        yield lambda bounds=BOUNDS: SqliteResponses(tmp_path / "responses.sqlite3", bounds, lambda: NOW)
        return
    if request.param == "cluster":
        cluster: RedisCluster = request.getfixturevalue("redis_cluster")
        yield lambda bounds=BOUNDS: RedisResponses(cluster.url, bounds)
        return
    with RedisServer() as redis:
        yield lambda bounds=BOUNDS: RedisResponses(redis.url, bounds)
