"""Kept conversations in a file and in a real Redis: the same to whoever asks."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from kept import (
    ConversationFull,
    ConversationStore,
    KeepingFailed,
    KeptBounds,
    KeptConversation,
    KeptResponse,
    RedisResponses,
    SqliteResponses,
    Standing,
)
from tests.kept.rig import BOUNDS, DAY, NOW, closing
from tests.redis_server import RedisServer, needs_redis
from translate.values import JsonObject, Place

NEW = KeptConversation("conv_1", "alice", NOW, {"topic": "tea \u8336"})
STANDING = Standing(
    gizmo="",
    account="digest",
    conversation_id="c-1",
    message_id="m-1",
    instructions="Be brief.",
    told="f00",
    nonce="7f3a9c12",
    calls={"call_1": "get_weather"},
    tokens=14,
)


def item(number: int, text: str = "Hello \u00e9\u4e16 \U0001f600") -> JsonObject:
    return {"id": f"msg_{number}", "type": "message", "role": "user", "content": [{"text": text}]}


def items(*numbers: int) -> list[JsonObject]:
    return [item(number) for number in numbers]


async def found(store: ConversationStore, owner: str = "alice", id: str = "conv_1") -> KeptConversation:
    kept = await store.get(owner, id)
    assert kept is not None
    return kept


async def ids(store: ConversationStore, **page: Any) -> tuple[list[object], bool]:
    got = await store.items("alice", "conv_1", **{"limit": 100, **page})
    assert got is not None
    return [each["id"] for each in got.items], got.more


def named(*numbers: int) -> list[object]:
    return [f"msg_{number}" for number in numbers]


async def test_conversation_comes_back_as_it_was_also_after_a_restart(reopened: Any) -> None:
    async with closing(reopened()) as store:
        await store.conversations.create(NEW, items(1, 2))
    async with closing(reopened()) as store:
        kept = await found(store.conversations)
        assert (kept.id, kept.owner, kept.created, kept.metadata) == ("conv_1", "alice", NOW, NEW.metadata)
        assert kept.standing is None
        assert await store.conversations.all_items("alice", "conv_1") == items(1, 2)
        assert await store.conversations.item("alice", "conv_1", "msg_2") == item(2)


async def test_nobody_else_has_it(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        assert await store.get("bob", "conv_1") is None
        assert await store.all_items("bob", "conv_1") == ()
        assert await store.items("bob", "conv_1", limit=9) is None
        assert await store.item("bob", "conv_1", "msg_1") is None
        assert not await store.append("bob", "conv_1", items(2))
        assert not await store.remove("bob", "conv_1", "msg_1")
        assert not await store.describe("bob", "conv_1", {})
        assert not await store.delete("bob", "conv_1")
        assert await ids(store) == (named(1), False)
        assert (await found(store)).metadata == NEW.metadata


async def test_there_is_nothing_of_one_that_is_not_there(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        assert await store.get("alice", "conv_1") is None
        assert not await store.append("alice", "conv_1", items(1))
        assert not await store.remove("alice", "conv_1", "msg_1")
        assert not await store.describe("alice", "conv_1", {})
        assert await store.get("alice", "conv_1") is None


async def test_items_are_behind_those_that_were_there(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1, 2))
        assert await store.append("alice", "conv_1", items(9, 3))
        assert await store.append("alice", "conv_1", [])
        assert await ids(store) == (named(1, 2, 9, 3), False)
        assert await ids(store, newest_first=True) == (named(3, 9, 2, 1), False)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"limit": 2}, (named(1, 2), True)),
        ({"limit": 2, "after": "msg_2"}, (named(3, 4), True)),
        ({"limit": 3, "after": "msg_2"}, (named(3, 4, 5), False)),
        ({"after": "msg_5"}, ([], False)),
        ({"limit": 2, "newest_first": True}, (named(5, 4), True)),
        ({"limit": 2, "after": "msg_4", "newest_first": True}, (named(3, 2), True)),
        ({"limit": 3, "after": "msg_4", "newest_first": True}, (named(3, 2, 1), False)),
        ({"after": "msg_2", "newest_first": True}, (named(1), False)),
        ({"after": "msg_1", "newest_first": True}, ([], False)),
    ],
)
async def test_items_come_in_pages(reopened: Any, page: dict[str, Any], expected: object) -> None:
    async with closing(reopened()) as kept:
        await kept.conversations.create(NEW, items(1, 2, 3, 4, 5))
        assert await ids(kept.conversations, **page) == expected


async def test_there_is_no_page_behind_an_item_that_is_not_there(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        await kept.conversations.create(NEW, items(1))
        assert await kept.conversations.items("alice", "conv_1", limit=9, after="msg_2") is None


async def test_page_ends_early_if_its_items_are_large(reopened: Any) -> None:
    async with closing(reopened(replace(BOUNDS, largest=1000))) as kept:
        store = kept.conversations
        await store.create(NEW, [item(number, "x" * 400) for number in (1, 2, 3)])
        await store.append("alice", "conv_1", [item(4, "x" * 2000)])
        assert await ids(store) == (named(1, 2), True)
        assert await ids(store, after="msg_3") == (named(4), False)
        assert len(await store.all_items("alice", "conv_1")) == 4


async def test_item_that_was_removed_is_gone_and_the_others_are_not(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1, 2, 3))
        room = (await found(store)).room
        assert await store.remove("alice", "conv_1", "msg_2")
        assert not await store.remove("alice", "conv_1", "msg_2")
        assert await store.item("alice", "conv_1", "msg_2") is None
        assert await ids(store) == (named(1, 3), False)
        assert (await found(store)).room > room


async def test_deleted_conversation_is_gone_with_its_items(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        assert await store.delete("alice", "conv_1")
        assert not await store.delete("alice", "conv_1")
        assert await store.all_items("alice", "conv_1") == ()
        await store.create(NEW, items(2))
        assert await ids(store) == (named(2), False)


async def test_metadata_is_replaced(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        assert await store.describe("alice", "conv_1", {"a": "b"})
        assert (await found(store)).metadata == {"a": "b"}
        assert await ids(store) == (named(1), False)


# How it goes on.


async def test_standing_is_that_of_the_last_answer(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, [])
        seen = (await found(store)).version
        assert await store.append("alice", "conv_1", items(1, 2), STANDING, seen)
        now = await found(store)
        assert now.standing == STANDING
        assert now.standing is not None
        assert now.standing.place == Place("c-1", "m-1")
        later = replace(STANDING, message_id="m-2")
        assert await store.append("alice", "conv_1", items(3), later, now.version)
        await store.describe("alice", "conv_1", {"a": "b"})
        assert (await found(store)).standing == later


@pytest.mark.parametrize("change", ["added", "removed"])
async def test_what_comes_or_goes_by_hand_ends_the_standing(reopened: Any, change: str) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        await store.append("alice", "conv_1", items(2), STANDING, (await found(store)).version)
        if change == "added":
            await store.append("alice", "conv_1", items(3))
        else:
            await store.remove("alice", "conv_1", "msg_1")
        assert (await found(store)).standing is None


@pytest.mark.parametrize("change", ["added", "removed", "answered"])
async def test_answer_to_what_has_changed_since_loses_no_item_and_does_not_stand(
    reopened: Any, change: str
) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        seen = (await found(store)).version
        if change == "added":
            await store.append("alice", "conv_1", items(2))
        elif change == "answered":
            await store.append("alice", "conv_1", items(2), STANDING, seen)
        else:
            await store.append("alice", "conv_1", items(2, 7))
            await store.remove("alice", "conv_1", "msg_7")
        assert await store.append("alice", "conv_1", items(3, 4), STANDING, seen)
        assert await ids(store) == (named(1, 2, 3, 4), False)
        assert (await found(store)).standing is None


async def test_many_at_once_lose_nothing_and_keep_together(reopened: Any) -> None:
    async with closing(reopened()) as kept:
        store = kept.conversations
        await store.create(NEW, [])
        pairs = [items(number, number + 100) for number in range(30)]
        await asyncio.gather(*(store.append("alice", "conv_1", pair) for pair in pairs))
        got = await store.all_items("alice", "conv_1")
        assert sorted(str(each["id"]) for each in got) == sorted(
            str(each["id"]) for pair in pairs for each in pair
        )
        assert all([*got[at : at + 2]] in pairs for at in range(0, 60, 2))


# Bounds.


async def test_full_conversation_takes_nothing_more_and_has_not_changed(reopened: Any) -> None:
    async with closing(reopened(replace(BOUNDS, conversation=3000, items=4))) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        await store.append("alice", "conv_1", items(2), STANDING, (await found(store)).version)
        before = await found(store)
        assert 0 < before.room < 3000
        assert before.free == 2
        for more in (items(3, 4, 5), [item(3, "x" * 3000)]):
            with pytest.raises(ConversationFull):
                await store.append("alice", "conv_1", more)
        assert await found(store) == before
        assert await ids(store) == (named(1, 2), False)
        assert await store.append("alice", "conv_1", items(3, 4))


async def test_what_is_too_much_for_a_conversation_makes_none(reopened: Any) -> None:
    async with closing(reopened(replace(BOUNDS, items=1))) as kept:
        with pytest.raises(ConversationFull):
            await kept.conversations.create(NEW, items(1, 2))
        assert await kept.conversations.get("alice", "conv_1") is None


def response(number: int) -> KeptResponse:
    return KeptResponse(
        **{name: getattr(STANDING, name) for name in Standing.__dataclass_fields__},
        id=f"resp_{number}",
        owner="alice",
        at=NOW + number,
        previous_id="",
        model="gpt-4-s",
        response={"id": f"resp_{number}", "output": []},
        input=(),
    )


async def test_of_too_many_responses_and_conversations_together_the_oldest_go(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, responses=2))) as kept:
        await kept.conversations.create(NEW, items(1))
        await kept.put(response(1))
        assert await kept.get("alice", "resp_1") is not None
        await kept.put(response(2))
        assert await kept.conversations.get("alice", "conv_1") is None
        assert await kept.conversations.all_items("alice", "conv_1") == ()
        assert await kept.get("alice", "resp_1") is not None


async def test_of_too_many_conversations_of_one_caller_its_oldest_go(reopened: Any) -> None:
    async with closing(reopened(replace(BOUNDS, conversations=2))) as kept:
        store = kept.conversations
        await store.create(replace(NEW, id="conv_of_bob", owner="bob"), items(1))
        for number in (1, 2, 3):
            await store.create(replace(NEW, id=f"conv_{number}"), items(1))
        there = [await store.get("alice", f"conv_{number}") is not None for number in (1, 2, 3)]
        assert there == [False, True, True]
        await store.delete("alice", "conv_3")
        await store.create(replace(NEW, id="conv_4"), items(1))
        assert await store.get("alice", "conv_2") is not None
        assert await store.get("bob", "conv_of_bob") is not None


async def test_size_of_conversations_counts(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, size=5000))) as kept:
        await kept.conversations.create(NEW, [item(1, "x" * 3000)])
        await kept.conversations.create(replace(NEW, id="conv_2"), [])
        await kept.conversations.append("alice", "conv_2", [item(1, "x" * 3000)])
        there = [await kept.conversations.get("alice", id) is not None for id in ("conv_1", "conv_2")]
        assert there == [False, True]


async def test_room_is_given_back_with_what_goes(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, size=5000))) as kept:
        for number in range(5):
            await kept.conversations.create(replace(NEW, id=f"conv_{number}"), [item(1, "x" * 2000)])
            await kept.conversations.append("alice", f"conv_{number}", [item(2, "x" * 2000)])
            await kept.conversations.remove("alice", f"conv_{number}", "msg_2")
            if number < 4:
                await kept.conversations.delete("alice", f"conv_{number}")
        await kept.conversations.create(replace(NEW, id="conv_9"), [item(1, "x" * 1000)])
        assert await kept.conversations.get("alice", "conv_4") is not None


# In a file.


async def test_conversation_is_as_old_as_its_last_change(tmp_path: Path) -> None:
    now = NOW
    async with closing(SqliteResponses(tmp_path / "kept.sqlite3", BOUNDS, lambda: now)) as kept:
        store = kept.conversations
        await store.create(NEW, items(1))
        await store.create(replace(NEW, id="conv_2"), items(1))
        now += 20 * DAY
        await store.append("alice", "conv_1", items(2))
        now += 20 * DAY
        assert await ids(store) == (named(1, 2), False)
        assert await store.get("alice", "conv_2") is None
        assert not await store.append("alice", "conv_2", items(2))


async def test_what_is_too_old_is_deleted(tmp_path: Path) -> None:
    now = NOW
    async with closing(SqliteResponses(tmp_path / "kept.sqlite3", BOUNDS, lambda: now)) as kept:
        for day in range(0, 36, 5):  # a clock with witnesses
            now = NOW + day * DAY
            await kept.conversations.create(replace(NEW, id=f"conv_{day}"), items(1))
    with sqlite3.connect(tmp_path / "kept.sqlite3") as connection:
        oldest = connection.execute("SELECT id FROM conversations ORDER BY at LIMIT 1").fetchone()
        left = connection.execute("SELECT COUNT(*) FROM conversation_items").fetchone()
    assert oldest == ("conv_5",)
    assert left == (7,)


async def test_what_was_deleted_is_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite3"
    async with closing(SqliteResponses(path, BOUNDS, lambda: NOW)) as kept:
        await kept.conversations.create(NEW, [item(1, "a very private sentence"), item(2)])
        await kept.conversations.remove("alice", "conv_1", "msg_1")
    assert b"a very private sentence" not in path.read_bytes()


FIRST_VERSION = """
    CREATE TABLE responses (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
        record BLOB NOT NULL
    );
    CREATE INDEX responses_at ON responses (at, size);
    CREATE TABLE items (
        id TEXT NOT NULL, owner TEXT NOT NULL,
        response TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
        PRIMARY KEY (id, owner)
    ) WITHOUT ROWID;
    CREATE INDEX items_response ON items (response);
    PRAGMA user_version = 1;
"""
OLD_RECORD = """
    {"id": "resp_1", "owner": "alice", "at": 1800000000.0, "previous_id": "resp_0", "model": "gpt-4-s",
     "gizmo": "", "response": {"id": "resp_1", "output": [{"id": "msg_1", "type": "message"}]},
     "input": [{"id": "msg_0", "type": "message"}], "account": "digest", "conversation_id": "c-1",
     "message_id": "m-1", "instructions": "", "told": "", "nonce": "", "calls": {}, "tokens": 7}
"""


async def test_file_of_the_first_version_keeps_its_responses_and_takes_conversations(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST_VERSION)
        connection.execute(
            "INSERT INTO responses VALUES ('resp_1', 'alice', ?, ?, ?)",
            (NOW, len(OLD_RECORD), OLD_RECORD.encode()),
        )
        connection.execute("INSERT INTO items VALUES ('msg_1', 'alice', 'resp_1')")
    connection.close()
    for _ in range(2):
        async with closing(SqliteResponses(path, BOUNDS, lambda: NOW)) as kept:
            old = await kept.get("alice", "resp_1")
            assert old is not None
            assert (old.previous_id, old.place, old.tokens) == ("resp_0", Place("c-1", "m-1"), 7)
            assert old.conversation == ""
            assert await kept.output_items("alice", ["msg_1"]) == {
                "msg_1": {"id": "msg_1", "type": "message"}
            }
            if await kept.conversations.get("alice", "conv_1") is None:
                await kept.conversations.create(NEW, items(1))
            assert await ids(kept.conversations) == (named(1), False)


# In a Redis.


def works(store: ConversationStore) -> Sequence[Any]:
    return (
        lambda: store.create(NEW, items(1)),
        lambda: store.get("alice", "conv_1"),
        lambda: store.describe("alice", "conv_1", {}),
        lambda: store.append("alice", "conv_1", items(1)),
        lambda: store.remove("alice", "conv_1", "msg_1"),
        lambda: store.item("alice", "conv_1", "msg_1"),
        lambda: store.items("alice", "conv_1", limit=9),
        lambda: store.all_items("alice", "conv_1"),
        lambda: store.delete("alice", "conv_1"),
    )


@needs_redis
async def test_redis_out_of_reach_is_told_without_its_address() -> None:
    with RedisServer() as server:
        url = server.url
    async with closing(RedisResponses(url, BOUNDS)) as kept:
        for work in works(kept.conversations):
            with pytest.raises(KeepingFailed) as failure:
                await work()
            assert "127.0.0.1" not in str(failure.value)


@needs_redis
async def test_all_keys_of_a_conversation_expire_in_redis() -> None:
    with RedisServer() as server:
        async with closing(RedisResponses(server.url, BOUNDS)) as kept:
            await kept.conversations.create(NEW, [])
            await kept.conversations.append("alice", "conv_1", items(1))
        with redis.Redis.from_url(server.url) as database:
            keys = list(database.scan_iter("{pandora}:conversation*"))
            assert len(keys) == 4
            assert all(0 < int(database.ttl(key)) <= 30 * DAY for key in keys)


@needs_redis
async def test_conversation_that_redis_has_forgotten_is_in_nobodys_way() -> None:
    with RedisServer() as server:
        async with closing(RedisResponses(server.url, replace(BOUNDS, conversations=1))) as kept:
            await kept.conversations.create(NEW, items(1))
            with redis.Redis.from_url(server.url) as database:
                database.delete("{pandora}:conversation:conv_1")
            await kept.conversations.create(replace(NEW, id="conv_2"), items(2))
            assert await kept.conversations.get("alice", "conv_1") is None
            assert await kept.conversations.all_items("alice", "conv_2") == items(2)
