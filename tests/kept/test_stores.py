"""Kept responses in a file and in a real Redis: the same to whoever asks."""

import asyncio
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kept import KeepingFailed, KeptBounds, KeptResponse, RedisResponses, ResponseStore, SqliteResponses
from tests.kept.rig import BOUNDS, DAY, NOW, closing
from tests.redis_server import RedisServer, needs_redis
from translate.values import Place


def record(id: str = "resp_1", owner: str = "alice", **fields: Any) -> KeptResponse:
    said = {"type": "output_text", "text": fields.pop("text", "Hello \u00e9\u4e16 \U0001f600")}
    values: dict[str, Any] = {
        "id": id,
        "owner": owner,
        "at": NOW,
        "previous_id": "",
        "model": "gpt-4-s",
        "gizmo": "",
        "response": {"id": id, "output": [{"id": f"msg_{id}", "type": "message", "content": [said]}]},
        "input": ({"id": "msg_in", "type": "message", "role": "user", "content": []},),
        "account": "digest",
        "conversation_id": "c-1",
        "message_id": "m-1",
        "instructions": "Be brief.",
        "told": "f00",
        "nonce": "7f3a9c12",
        "calls": {"call_1": "get_weather"},
        "tokens": 14,
    }
    return KeptResponse(**values | fields)


async def ids_in(store: ResponseStore, *ids: str) -> list[str]:
    return [id for id in ids if await store.get("alice", id) is not None]


async def test_response_comes_back_as_it_was_also_after_a_restart(reopened: Any) -> None:
    async with closing(reopened()) as store:
        await store.put(record())
        assert await store.get("alice", "resp_1") == record()
    async with closing(reopened()) as store:
        found = await store.get("alice", "resp_1")
        assert found == record()
        assert found is not None
        assert found.place == Place("c-1", "m-1")


async def test_nobody_else_has_it(reopened: Any) -> None:
    async with closing(reopened()) as store:
        await store.put(record())
        assert await store.get("bob", "resp_1") is None
        assert await store.output_items("bob", ["msg_resp_1"]) == {}
        assert not await store.delete("bob", "resp_1")
        assert await store.get("alice", "resp_1") is not None


async def test_deleted_response_is_gone_with_its_items(reopened: Any) -> None:
    async with closing(reopened()) as store:
        await store.put(record())
        assert await store.delete("alice", "resp_1")
        assert not await store.delete("alice", "resp_1")
        assert await store.get("alice", "resp_1") is None
        assert await store.output_items("alice", ["msg_resp_1"]) == {}


async def test_output_items_are_found_by_their_ids(reopened: Any) -> None:
    async with closing(reopened()) as store:
        await store.put(record())
        await store.put(record("resp_2", text="two"))
        found = await store.output_items("alice", ["msg_resp_2", "msg_resp_1", "msg_resp_2", "msg_none"])
        assert found == {
            "msg_resp_1": record().output[0],
            "msg_resp_2": record("resp_2", text="two").output[0],
        }


async def test_items_are_looked_for_in_so_many_bytes_only(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, at_once=1000))) as store:
        for number in range(8):
            await store.put(record(f"resp_{number}"))
        found = await store.output_items("alice", [f"msg_resp_{number}" for number in range(8)])
        assert 0 < len(found) < 4


async def test_of_too_many_the_oldest_go(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, responses=2))) as store:
        for number in (1, 2, 3):
            await store.put(record(f"resp_{number}", at=NOW + number))
        assert await ids_in(store, "resp_1", "resp_2", "resp_3") == ["resp_2", "resp_3"]


async def test_of_too_large_ones_the_oldest_go(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, size=10_000))) as store:
        for number in range(8):
            await store.put(record(f"resp_{number}", at=NOW + number, text="x" * 1900))
        kept = await ids_in(store, *(f"resp_{number}" for number in range(8)))
        assert kept == ["resp_4", "resp_5", "resp_6", "resp_7"]
        await store.delete("alice", "resp_7")
        await store.put(record("resp_8", at=NOW + 8, text="x" * 1900))
        assert await ids_in(store, "resp_4", "resp_8") == ["resp_4", "resp_8"]


async def test_what_would_drive_out_all_others_is_not_kept(reopened: Any) -> None:
    async with closing(reopened(KeptBounds(30, largest=4_000))) as store:
        await store.put(record())
        with pytest.raises(KeepingFailed):
            await store.put(record("resp_2", text="x" * 5000))
        assert await ids_in(store, "resp_1", "resp_2") == ["resp_1"]


async def test_many_at_once_are_all_kept(reopened: Any) -> None:
    async with closing(reopened()) as store:
        ids = [f"resp_{number}" for number in range(50)]
        await asyncio.gather(*(store.put(record(id)) for id in ids))
        assert await ids_in(store, *ids) == ids


# In a file.


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def over(folder: Path, now: Callable[[], float] = lambda: NOW) -> SqliteResponses:
    return SqliteResponses(folder / "responses.sqlite3", BOUNDS, now)


async def test_what_is_too_old_is_gone_and_is_deleted(tmp_path: Path) -> None:
    now = NOW
    async with closing(over(tmp_path, lambda: now)) as store:
        for day in range(0, 31, 5):  # a clock with witnesses
            now = NOW + day * DAY
            await store.put(record(f"resp_{day}", at=now))
        now = NOW + 30 * DAY + 1
        assert await store.get("alice", "resp_0") is None
        assert await store.output_items("alice", ["msg_resp_0"]) == {}
        now += 2 * 3600
        await store.put(record("resp_new", at=now))
    rows = (
        sqlite3.connect(tmp_path / "responses.sqlite3")
        .execute("SELECT id FROM responses ORDER BY at")
        .fetchall()
    )
    assert rows[0] == ("resp_5",)


async def test_clock_far_ahead_deletes_nothing(tmp_path: Path) -> None:
    now = NOW
    async with closing(over(tmp_path, lambda: now)) as store:
        await store.put(record())
        now = NOW + 400 * DAY
        await store.put(record("resp_2", at=now))
        now = NOW + DAY
        assert await ids_in(store, "resp_1") == ["resp_1"]


async def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with closing(over(tmp_path)) as store:
        await store.put(record())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files_in(tmp_path)}
    assert set(modes.values()) == {0o600}
    assert "responses.sqlite3" in modes


async def test_what_was_deleted_is_not_in_the_file(tmp_path: Path) -> None:
    async with closing(over(tmp_path)) as store:
        await store.put(record(text="a very private sentence"))
        await store.delete("alice", "resp_1")
    assert b"a very private sentence" not in (tmp_path / "responses.sqlite3").read_bytes()


async def test_removed_file_is_begun_anew(tmp_path: Path) -> None:
    async with closing(over(tmp_path)) as store:
        await store.put(record())
        for path in files_in(tmp_path):
            path.unlink()
        assert await store.get("alice", "resp_1") is None
        await store.put(record("resp_2"))
    async with closing(over(tmp_path)) as store:
        assert await ids_in(store, "resp_1", "resp_2") == ["resp_2"]


async def test_damaged_file_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "responses.sqlite3").write_bytes(b"no database at all" * 1000)
    async with closing(over(tmp_path)) as store:
        await store.put(record())
        assert await ids_in(store, "resp_1") == ["resp_1"]
    assert (tmp_path / "responses.sqlite3.damaged").read_bytes().startswith(b"no database")


async def test_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "responses.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 99")
    async with closing(over(tmp_path)) as store:
        with pytest.raises(KeepingFailed, match="newer version"):
            await store.put(record())


async def test_folder_that_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    async with closing(over(tmp_path / "state")) as store:
        with pytest.raises(KeepingFailed):
            await store.put(record())
        (tmp_path / "state").unlink()
        await store.put(record())
        assert await ids_in(store, "resp_1") == ["resp_1"]


# In a Redis.


@needs_redis
@pytest.mark.parametrize(
    "work",
    [
        lambda store: store.put(record()),
        lambda store: store.get("alice", "resp_1"),
        lambda store: store.delete("alice", "resp_1"),
        lambda store: store.output_items("alice", ["msg_1"]),
    ],
)
async def test_redis_out_of_reach_is_told_without_its_address(
    work: Callable[[ResponseStore], Awaitable[object]],
) -> None:
    with RedisServer() as redis:
        url = redis.url
    async with closing(RedisResponses(url, BOUNDS)) as store:
        with pytest.raises(KeepingFailed) as failure:
            await work(store)
    assert "127.0.0.1" not in str(failure.value)
