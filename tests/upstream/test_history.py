"""Whether a message was received, as the account's own list of conversations tells."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.scripted_server import JSON, ScriptedServer, Verb, rst, send, status
from tests.upstream.rig import KEY, ME, PATIENT, PREFIX, nothing_left
from upstream import Found, History, HttpClient

pytestmark = pytest.mark.timeout(seconds=60)

NOW = 1_702_623_600.0
API = f"/{PREFIX}/backend-api"
NOTHING = Found({}, {})


def reply(content: object, code: int = 200) -> Sequence[Verb]:
    body = json.dumps(content).encode()
    return [status(code, {**JSON, "Content-Length": str(len(body))}), send(body)]


def listed(*items: tuple[str, object], total: int = 0, updated: object = None) -> Sequence[Verb]:
    """A page of the list: ids and times of creation."""
    entries = [{"id": id, "create_time": created, "update_time": updated} for id, created in items]
    return reply({"items": entries, "total": total or len(entries), "has_missing_conversations": False})


def stored(*messages: str, role: str = "user") -> Sequence[Verb]:
    """A conversation with these messages."""
    nodes = {message: {"id": message, "message": {"author": {"role": role}}} for message in messages}
    return reply({"mapping": {"root": {"id": "root", "children": []}, **nodes}})


@asynccontextmanager
async def history(*scripts: Sequence[Verb]) -> AsyncIterator[tuple[History, ScriptedServer]]:
    async with nothing_left(), ScriptedServer(*scripts) as server:
        http = HttpClient(server.url, PREFIX, PATIENT)
        yield History(http), server
        http.close()


async def asked(*scripts: Sequence[Verb], messages: Sequence[str] = ("m1",)) -> Found | None:
    async with history(*scripts) as (it, _):
        return await it.received(ME, messages, NOW - 10, NOW + 10)


async def test_conversations_of_that_time_are_read_until_all_messages_are_found() -> None:
    page = listed(("c0", NOW - 60), ("c1", NOW), ("c2", NOW + 1), ("c3", NOW + 2))
    async with history(page, stored("x"), stored("m1", "m2"), stored("m1")) as (it, server):
        found = await it.received(ME, ["m1", "m2"], NOW - 10, NOW + 10)
        assert found == Found({"m1": "c2", "m2": "c2"}, {})
        requests = [connection.request for connection in server.connections if connection.request]
    assert [request.path for request in requests] == [
        f"{API}/conversations?offset=0&limit=100&order=updated",
        f"{API}/conversation/c1",
        f"{API}/conversation/c2",
    ]
    assert {request.headers["authorization"] for request in requests} == {f"Bearer {KEY}"}


async def test_message_in_none_of_them_was_certainly_not_received() -> None:
    assert await asked(listed(("c1", NOW)), stored("other")) == NOTHING
    assert await asked(listed(("c1", NOW - 60))) == NOTHING
    assert await asked(listed()) == NOTHING


async def test_empty_conversation_that_was_begun_then_may_be_where_the_message_belongs() -> None:
    assert await asked(listed(("c1", NOW)), stored()) == Found({}, {"c1": NOW})
    assert await asked(listed(("c1", NOW)), stored("s1", role="system")) == Found({}, {"c1": NOW})
    earlier = listed(("c1", NOW - 60), updated=NOW)
    assert await asked(earlier, stored()) == NOTHING


async def test_conversation_that_went_on_then_is_read_too() -> None:
    earlier = listed(("c1", NOW - 3600), updated=NOW + 3600)
    assert await asked(earlier, stored("m0", "m1")) == Found({"m1": "c1"}, {})


async def test_list_that_changes_while_it_is_read_tells_nothing() -> None:
    first = [(f"c{number}", NOW + 60) for number in range(100)]
    assert await asked(listed(*first, total=102), listed(("c99", NOW + 60), ("c100", NOW), total=102)) is None
    assert await asked(listed(*first, total=102), listed(("c101", NOW), total=101)) is None


async def test_times_may_be_text() -> None:
    moment = datetime.fromtimestamp(NOW, UTC).isoformat()
    assert await asked(listed(("c1", moment)), stored("m1")) == Found({"m1": "c1"}, {})


async def test_further_pages_are_read_while_they_may_hold_what_is_looked_for() -> None:
    first = [(f"c{number}", NOW + 60) for number in range(100)]
    pages = [listed(*first, total=102), listed(("c100", NOW), ("c101", NOW - 60), total=102)]
    assert await asked(*pages, stored("m1")) == Found({"m1": "c100"}, {})


async def test_list_that_was_not_changed_since_ends_the_search() -> None:
    page = [(f"c{number}", NOW - 60) for number in range(100)]
    assert await asked(listed(*page, total=1000)) == NOTHING


async def test_list_that_is_too_long_tells_nothing() -> None:
    page = [(f"c{number}", NOW + 60) for number in range(100)]
    assert await asked(listed(*page, total=1000)) is None


async def test_page_that_is_cut_short_tells_nothing() -> None:
    assert await asked(listed(("c1", NOW + 60), total=1000)) is None


@pytest.mark.parametrize(
    "answer",
    [
        reply({"detail": "No."}, 401),
        reply([]),
        reply({"items": {}}),
        reply({"items": [], "has_missing_conversations": True}),
        reply({"items": [{"id": "c1"}], "total": 1}),
        reply({"items": ["c1"], "total": 1}),
        reply({"items": [{"id": "c1", "create_time": "lately"}], "total": 1}),
        reply({"items": [{"id": "c1", "create_time": NOW}], "total": "many"}),
        [rst()],
    ],
)
async def test_refusals_and_odd_answers_tell_nothing(answer: Any) -> None:
    assert await asked(answer) is None


@pytest.mark.parametrize("answer", [reply({"detail": "No."}, 404), reply({"mapping": None}), [rst()]])
async def test_conversation_that_cannot_be_read_tells_nothing(answer: Any) -> None:
    assert await asked(listed(("c1", NOW)), answer) is None


async def test_id_that_is_none_tells_nothing() -> None:
    assert await asked(listed(("../conversations", NOW))) is None
