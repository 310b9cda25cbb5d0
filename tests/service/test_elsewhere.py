"""Turns that go on elsewhere, through the whole service: one message, one charge, and the whole answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from simulator import Knobs
from tests.cases.backend import CaseBackend, playing
from tests.cases.case import Case, names, plain
from tests.eventually import eventually
from tests.service.deployment import PREFIX, Deployment, deployed
from tests.translate.wire import Json, sse

pytestmark = pytest.mark.timeout(seconds=120)

PICTURES = ("image-async-card", "image-async-task-id")
"""Their addresses are those of the service."""
FOLLOWED = [(name, way) for name in names() for way in Case.read(name).needs if name not in PICTURES]
TEXT = Case.read("handoff-after-text")
TODAY = Knobs(age="2026", busy=False, cap=0)


@asynccontextmanager
async def over(backend: CaseBackend, **env: str) -> AsyncIterator[Deployment]:
    """A service over this backend."""
    async with deployed({"BASE_URL": backend.url, "PROXY_API_PREFIX": PREFIX, **env}) as service:
        yield service


def spent(service: Deployment) -> dict[str, float]:
    """Attempts by outcome, as they were counted."""
    families = service.server.service.metrics.registry.collect()
    samples = [sample for family in families for sample in family.samples]
    return {
        sample.labels["outcome"]: sample.value
        for sample in samples
        if sample.name == "pandora_upstream_attempts_total" and sample.value
    }


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("name", "way"), FOLLOWED)
async def test_case_comes_out_right_by_each_way_with_one_message_and_one_charge(
    name: str, way: str, stream: bool
) -> None:
    case = Case.read(name)
    async with playing(case, way) as backend, over(backend) as service:
        answer = await service.chat(stream=stream)
        assert answer.status == 200
        text = answer.stream.text if stream else answer.json["choices"][0]["message"]["content"]
        assert case.accepts(text), text
        assert backend.count("POST", "/conversation") == 1
        assert spent(service) == {"ok": 1.0}
        await eventually(lambda: backend.sockets == 0)
        if way == "resume":
            assert case.resume is not None
            asked = [body for path, body, _ in backend.bodies if path.endswith("/resume")]
            assert asked[0] == case.resume["body"]


async def test_turn_that_no_way_leads_to_was_spent_and_is_not_sent_again() -> None:
    async with playing(TEXT) as backend, over(backend, UPSTREAM_RETRIES="3", RETRY_UNCLEAR="true") as service:
        answer = await service.chat()
        assert answer.status == 502
        message = answer.json["error"]["message"]
        assert "could not be followed" in message
        assert "spent" in message
        assert answer.headers["x-should-retry"] == "false"
        assert backend.count("POST", "/conversation") == 1
        assert backend.count("POST", "/stop_conversation") == 1
        assert spent(service) == {"failed": 1.0}


def handed_off_again() -> bytes:
    """A stream that only leads elsewhere."""
    handoff: Json = {"type": "stream_handoff", "conversation_id": "c1", "turn_exchange_id": "te1"}
    return sse(handoff)


async def test_handoffs_that_lead_to_handoffs_end() -> None:
    def circle(backend: CaseBackend) -> None:
        backend.resumes = [handed_off_again()]
        backend.frames = [[item(handed_off_again().decode(), 1)]]

    async with playing(TEXT, "resume", "ws", adapt=circle) as backend, over(backend) as service:
        answer = await service.chat()
        assert answer.status == 502
        assert len(backend.asked) < 30
        assert backend.count("POST", "/conversation") == 1


def item(record: str, number: int, topic: str = "conversation-turn-te1") -> dict[str, Any]:
    """A message of the socket with one record."""
    inner = {"type": "stream-item", "encoded_item": record, "stream_item_id": f"s{number}"}
    inner["parent_stream_item_id"] = f"s{number - 1}" if number > 1 else ""
    payload = {"type": "conversation-turn-stream", "payload": inner}
    return {"type": "message", "topic_id": topic, "offset": f"{number}-0", "payload": payload}


@pytest.mark.parametrize("drops", range(1, 9))
async def test_socket_that_drops_at_any_message_loses_and_repeats_nothing(drops: int) -> None:
    def dropping(backend: CaseBackend) -> None:
        backend.drops = drops

    async with playing(TEXT, "ws", "poll", adapt=dropping) as backend, over(backend) as service:
        answer = await service.chat(stream=True)
        assert TEXT.accepts(answer.stream.text), answer.stream.text
        assert answer.stream.done
        assert backend.count("GET", "/celsius/ws/user") <= 3


@pytest.mark.parametrize(
    "damage", ["{", "[1]", '{"type": "message"}', '{"type": "reply", "reply": []}', '"x"', "[]"]
)
async def test_damaged_messages_of_the_socket_cost_nothing_of_the_answer(damage: str) -> None:
    def damaged(backend: CaseBackend) -> None:
        said = backend.said_on_socket()
        backend.frames = [*said[:3], damage, *said[3:]]

    async with playing(TEXT, "ws", "poll", adapt=damaged) as backend, over(backend) as service:
        answer = await service.chat(stream=True)
        assert TEXT.accepts(answer.stream.text), answer.stream.text


@pytest.mark.parametrize("missing", [2, 3, 4, 5, 6])
async def test_items_that_are_missing_or_come_twice_change_nothing(missing: int) -> None:
    said = Case.read("handoff-ws")
    async with playing(said, "ws", "poll") as whole:
        frames = whole.said_on_socket()
    changed = [frame for number, frame in enumerate(frames) if number != missing]
    doubled = [frame for frame in frames for _ in range(2)]
    for told in (changed, doubled):

        def adapt(backend: CaseBackend, told: list[Any] = told) -> None:
            backend.frames = told

        async with playing(said, "ws", "poll", adapt=adapt) as backend, over(backend) as service:
            answer = await service.chat(stream=True)
            assert said.accepts(answer.stream.text), answer.stream.text


async def test_stream_that_breaks_again_and_again_is_resumed_each_time_behind_what_came() -> None:
    case = Case.read("broken-then-resume")
    first, second = case.resumed.split(b"\n\n", 1)

    def breaking(backend: CaseBackend) -> None:
        backend.resumes = [first[:10], first + b"\n\n", second]

    async with playing(case, "resume", adapt=breaking) as backend, over(backend) as service:
        answer = await service.chat(stream=True)
        assert case.accepts(answer.stream.text), answer.stream.text
        asked = [(body["offset"], token) for path, body, token in backend.bodies if path.endswith("/resume")]
        assert asked == [(6, "opaque-token-1"), (6, "opaque-token-1"), (7, "opaque-token-1")]


async def test_broken_stream_is_resumed_by_the_token_of_its_header_if_it_holds_none() -> None:
    case = Case.read("broken-then-resume")
    records = case.stream.split(b"\n\n")
    without = [record for record in records if b"resume_conversation_token" not in record]
    assert len(without) == len(records) - 1

    def adapt(backend: CaseBackend) -> None:
        backend.stream, backend.conduit = b"\n\n".join(without), "token-beside"

    async with playing(case, "resume", adapt=adapt) as backend, over(backend) as service:
        answer = await service.chat(stream=True)
        assert case.accepts(answer.stream.text), answer.stream.text
        asked = [(body["offset"], token) for path, body, token in backend.bodies if path.endswith("/resume")]
        assert asked == [(5, "token-beside")]


async def test_client_that_leaves_has_the_turn_stopped_wherever_it_is() -> None:
    async with deployed(knobs=TODAY) as service:
        async with service.connect() as connection:
            await service.begin(connection, "Tea [[sim handoff=mid endless=1]]")
            await eventually(lambda: any(r.path.endswith("/resume") for r in service.upstream.requests))
        await eventually(lambda: any("/stop_conversation" in r.path for r in service.upstream.requests))
        await service.settled()
        await eventually(lambda: service.in_flight == 0)
        assert posts(service) == 1


async def test_account_stays_taken_until_the_turn_has_ended_elsewhere() -> None:
    async with (
        deployed({"KEY_CONCURRENCY": "1"}, knobs=TODAY) as service,
        service.connect() as second,
    ):
        async with service.connect() as first:
            await service.begin(first, "Tea [[sim handoff=start endless=1]]")
            await eventually(lambda: any(r.path.endswith("/resume") for r in service.upstream.requests))
            await service.begin(second, "say exactly: two")
            await asyncio.sleep(0.1)
            assert posts(service) == 1
        await eventually(lambda: posts(service) == 2)
        assert "two" in (await second.answer()).stream.text


def posts(service: Deployment) -> int:
    """How many messages the simulated backend got."""
    return sum(request.path.endswith("/backend-api/conversation") for request in service.upstream.requests)


@pytest.mark.parametrize(
    "knobs",
    ["handoff=mid", "handoff=start", "handoff=silent", "kind=pro task_time=0.2", "handoff=mid items=pairs"],
)
async def test_backend_of_today_is_followed_by_what_it_offers(knobs: str) -> None:
    async with deployed(knobs=TODAY) as service:
        expected = await service.chat("Tea [[sim handoff=none]]")
        answer = await service.chat(f"Tea [[sim {knobs}]]", stream=True)
        assert plain(answer.stream.text) == plain(expected.json["choices"][0]["message"]["content"])


@pytest.mark.parametrize("resume", ["conduit_miss", "tokenless", "stored", "none", "broken", "again"])
@pytest.mark.parametrize("celsius", ["own", "none"])
async def test_backend_that_does_not_resume_is_followed_by_other_ways(resume: str, celsius: str) -> None:
    knobs = Knobs(age="2026", busy=False, cap=0, resume=resume, celsius=celsius, handoff="mid")
    async with deployed(knobs=knobs) as service:
        expected = await service.chat("Tea [[sim handoff=none]]")
        answer = await service.chat("Tea", stream=True)
        assert plain(answer.stream.text) == plain(expected.json["choices"][0]["message"]["content"])


async def test_research_is_waited_for_or_told_of_as_the_setting_says() -> None:
    async with deployed(knobs=TODAY) as service:
        answer = await service.chat("Tides [[sim kind=research task_time=0.2]]", stream=True)
        assert "sources agree" in answer.stream.text
        assert spent(service) == {"ok": 1.0}
    async with deployed({"RESEARCH_TIMEOUT": "0"}, knobs=TODAY) as service:
        answer = await service.chat("Tides [[sim kind=research task_time=0.2]]", stream=True)
        assert "still at work on this, in its conversation" in answer.stream.text
        assert answer.stream.done
    async with deployed({"RESEARCH_TIMEOUT": "0.3"}, knobs=TODAY) as service:
        late = await service.chat("Tides [[sim kind=research task_time=60]]")
        assert late.status == 504
        assert "still runs" in late.json["error"]["message"]
        assert not any("/stop_conversation" in r.path for r in service.upstream.requests)


@pytest.mark.parametrize("route", ["auto", "older"])
@pytest.mark.parametrize(
    ("asked", "model"),
    [({"MODEL_ALIASES": "scholar=gpt-4-s:research"}, "scholar"), ({"SYSTEM_HINTS": "research"}, "gpt-4-s")],
    ids=["alias", "setting"],
)
async def test_research_is_done_and_then_hidden_where_other_chats_are_temporary(
    asked: dict[str, str], model: str, route: str
) -> None:
    env = {"HISTORY": "temporary", "CONVERSATION_ROUTE": route, **asked}
    async with deployed(env, Knobs(age="2026", busy=False, cap=0, task_time=0.1)) as service:
        answer = await service.chat("Tides", model=model)
        assert "sources agree" in answer.json["choices"][0]["message"]["content"]
        (conversation,) = service.upstream.conversations
        assert not conversation.temporary
        await eventually(lambda: not conversation.visible)


async def test_pro_model_that_thinks_too_long_is_stopped() -> None:
    async with deployed({"PRO_TIMEOUT": "0.3"}, knobs=TODAY) as service:
        late = await service.chat("Tea [[sim kind=pro endless=1]]")
        assert late.status == 504
        assert "still thinks" in late.json["error"]["message"]
        assert json.loads(late.body)["error"]["type"]
        assert any("/stop_conversation" in r.path for r in service.upstream.requests)
        assert spent(service) == {"failed": 1.0}
