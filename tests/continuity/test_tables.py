"""What is known of conversations in a file and in a real Redis: the same to whoever asks."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from continuity import (
    Bounds,
    ConversationTable,
    Fingerprint,
    Node,
    RedisConversations,
    SqliteConversations,
    TableFailed,
)
from tests.eventually import eventually
from tests.redis_cluster import RedisCluster, needs_cluster
from tests.redis_server import RedisServer, needs_redis
from translate.values import Place

NOW = 1_800_000_000.0
DAY = 86400.0


def told(strict: str = "s-1", tolerant: str = "t-1") -> Fingerprint:
    return Fingerprint(strict, tolerant)


def node(
    fingerprint: Fingerprint | None = None, place: str = "c-1", message: str = "m-1", **fields: Any
) -> Node:
    values: dict[str, Any] = {
        "owner": "alice",
        "fingerprint": fingerprint or told(),
        "home": "team-1",
        "place": Place(place, message),
        "told": "f00",
        "nonce": "7f3a9c12",
        "tokens": 14,
        "at": NOW,
    }
    return Node(**values | fields)


TABLES = [
    "sqlite",
    pytest.param("redis", marks=needs_redis),
    pytest.param("cluster", marks=needs_cluster),
]


@pytest.fixture(params=TABLES)
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Opens a table; each one knows what the others do."""
    if request.param == "sqlite":
        path = tmp_path / "conversations.sqlite3"
        yield lambda bounds=None: SqliteConversations(path, bounds, lambda: NOW)
        return
    if request.param == "cluster":
        cluster: RedisCluster = request.getfixturevalue("redis_cluster")
        yield lambda bounds=None: RedisConversations(cluster.url, bounds)
        return
    with RedisServer() as redis:
        yield lambda bounds=None: RedisConversations(redis.url, bounds)


@asynccontextmanager
async def closing(table: ConversationTable) -> AsyncIterator[ConversationTable]:
    try:
        yield table
    finally:
        await table.close()


async def test_answer_is_found_as_it_was_also_after_a_restart(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        assert await table.take("alice", told()) == node()
    async with closing(reopened()) as table:
        assert await table.take("alice", told()) == node()


async def test_nobody_else_finds_it(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        assert await table.take("bob", told()) is None
        assert await table.take("alice", told("s-2", "t-2")) is None


async def test_similar_history_is_found_if_none_is_the_same(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        assert await table.take("alice", told("other", "t-1")) == node()
        strict = node(told("s-2", "t-1"), "c-2")
        await table.add(strict)
        assert await table.take("alice", told("s-2", "t-1")) == strict


async def test_several_similar_histories_are_none(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        await table.add(node(told("s-2", "t-1"), message="m-2"))
        assert await table.take("alice", told("other", "t-1")) is None


async def test_answer_that_was_given_again_in_its_conversation_is_the_newer_one(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        assert await table.take("alice", told()) is not None
        await table.add(node(message="m-2"))
        assert await table.take("alice", told()) == node(message="m-2")
        assert await table.take("alice", told()) == node(message="m-2")


async def test_of_the_same_words_in_two_conversations_the_one_goes_on_that_has_not_yet(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        assert await table.take("alice", told()) is not None
        await table.add(node(place="c-2", at=NOW + 1))
        found = await table.take("alice", told())
        assert found is not None
        assert found.place.conversation_id == "c-2"
        assert await table.take("alice", told()) is None, "both have gone on: it may be either"


async def test_same_words_in_two_conversations_that_have_not_gone_on_are_doubtful(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        await table.add(node(place="c-2"))
        assert await table.take("alice", told()) is None


async def test_words_that_were_said_in_very_many_conversations_are_doubtful(reopened: Any) -> None:
    async with closing(reopened()) as table:
        for number in range(40):
            await table.add(node(place=f"c-{number}"))
            await table.take("alice", told())
        await table.add(node(place="c-last", at=NOW + 1))
        assert await table.take("alice", told()) is None


async def test_forgotten_answer_is_not_found_again(reopened: Any) -> None:
    async with closing(reopened()) as table:
        await table.add(node())
        await table.add(node(told("s-2", "t-2"), message="m-2"))
        await table.forget(node())
        assert await table.take("alice", told()) is None
        assert await table.take("alice", told("s-2", "t-2")) is not None
        await table.forget(node())


async def test_of_too_many_of_a_caller_the_oldest_go(reopened: Any) -> None:
    async with closing(reopened(Bounds(per_owner=3))) as table:
        await table.add(node(told("b", "b"), owner="bob"))
        for number in range(9):
            await table.add(node(told(f"s-{number}", f"t-{number}"), f"c-{number}"))
        found = [n for n in range(9) if await table.take("alice", told(f"s-{n}", f"t-{n}")) is not None]
        assert found[-3:] == [6, 7, 8]
        assert len(found) <= 5, "some more, for a moment"
        assert await table.take("bob", told("b", "b")) is not None


async def test_of_too_many_in_all_the_oldest_go(reopened: Any) -> None:
    async with closing(reopened(Bounds(per_owner=2, answers=4))) as table:
        for owner in "abcdefgh":
            for number in range(2):
                await table.add(node(told(f"{owner}{number}", "t"), owner=owner))
        assert await table.take("a", told("a0")) is None
        assert await table.take("h", told("h1")) is not None


async def test_many_at_once_are_all_kept(reopened: Any) -> None:
    async with closing(reopened()) as table:
        nodes = [node(told(f"s-{number}", f"t-{number}"), f"c-{number}") for number in range(50)]
        await asyncio.gather(*map(table.add, nodes))
        found = [await table.take("alice", one.fingerprint) for one in nodes]
        assert found == nodes


async def test_old_answers_are_not_gone_on_with(tmp_path: Path) -> None:
    now = NOW
    table = SqliteConversations(tmp_path / "c.sqlite3", None, lambda: now)
    async with closing(table):
        await table.add(node())
        now = NOW + 31 * DAY
        assert await table.take("alice", told()) is None


@needs_redis
async def test_keys_in_redis_expire() -> None:
    with RedisServer() as redis:
        async with closing(RedisConversations(redis.url, Bounds(seconds=1))) as table:
            await table.add(node())
            for _ in range(100):
                if await table.take("alice", told()) is None:
                    return
                await asyncio.sleep(0.05)
            pytest.fail("it is still there")


async def test_file_is_its_owners_alone_and_holds_no_caller_but_by_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "state" / "conversations.sqlite3"
    async with closing(SqliteConversations(path)) as table:
        await table.add(node())
        assert await table.take("alice", told()) is not None
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_damaged_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    path.write_bytes(b"no database" * 1000)
    async with closing(SqliteConversations(path, None, lambda: NOW)) as table:
        await table.add(node())
        assert await table.take("alice", told()) == node()
    assert path.with_name("conversations.sqlite3.damaged").exists()


async def test_file_of_a_newer_version_is_kept_and_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "conversations.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    async with closing(SqliteConversations(path, None, lambda: NOW)) as table:
        await table.add(node())
        assert await table.take("alice", told()) == node()
    (kept,) = tmp_path.glob("conversations.sqlite3.schema-99-*")  # noqa: ASYNC240
    assert kept.read_bytes() == before
    assert "newer version" in caplog.text


async def test_answers_are_written_by_themselves_or_the_log_says_why_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "conversations.sqlite3"
    async with closing(SqliteConversations(path, None, lambda: NOW)) as table:
        await table.add(node())
        await eventually(lambda: path.exists() and rows_in(path) == 1)
    (tmp_path / "a file").touch()
    async with closing(SqliteConversations(tmp_path / "a file" / "conversations.sqlite3")) as table:
        await table.add(node())
        await eventually(lambda: "conversations could not be kept" in caplog.text)


def rows_in(path: Path) -> int:
    """How many answers the file holds."""
    connection = sqlite3.connect(path)
    try:
        found: tuple[int] = connection.execute("SELECT COUNT(*) FROM answers").fetchone()
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        connection.close()
    return found[0]


async def test_table_out_of_reach_says_so_without_its_address() -> None:
    table = RedisConversations("redis://user:secret@127.0.0.1:1/0")
    async with closing(table):
        for work in (table.add(node()), table.take("alice", told()), table.forget(node())):
            with pytest.raises(TableFailed) as failure:
                await work
            assert "secret" not in str(failure.value)
