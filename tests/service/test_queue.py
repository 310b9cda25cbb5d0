"""Bursts of requests with one key against a backend that answers one message at a time per account."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import EventStream
from tests.service.deployment import KEY, Deployment, deployed, question

STRICT = Knobs(busy=True, cap=0)
QUEUED = {"KEY_CONCURRENCY": "1", "MAX_CONCURRENT": "1000"}
HELD = "Repeat after me: please hold on a moment [[sim first_delay=60]]"
BUSY_TOO_LONG = "busy for too long"


def refused_by_backend(service: Deployment) -> int:
    """How often the backend had to say "only one message at a time"."""
    return sum(request.status == 429 for request in service.upstream.requests)


def sample(service: Deployment, name: str, **labels: str) -> float:
    value = service.server.service.metrics.registry.get_sample_value(name, labels)
    assert value is not None
    return value


async def waiting(service: Deployment, count: int) -> None:
    await eventually(lambda: sample(service, "pandora_queue_waiting") == count)


@pytest.mark.timeout(30)
async def test_hundred_parallel_requests_with_one_key_all_succeed_in_order() -> None:
    finished: list[int] = []

    async def ask(service: Deployment, number: int) -> None:
        async with service.connect() as client:
            await service.begin(client, f"Repeat after me: word {number}", stream=number % 2 == 0)
            await started[number].wait()
            answer = await client.answer()
        assert answer.status == 200, answer.body
        text = answer.stream.text if number % 2 == 0 else answer.json["choices"][0]["message"]["content"]
        assert str(number) in text
        finished.append(number)

    started = [asyncio.Event() for _ in range(100)]
    async with deployed(QUEUED, STRICT) as service:
        tasks = []
        for number in range(100):
            started[number].set()
            tasks.append(asyncio.create_task(ask(service, number)))
            arrived = number + 1
            await eventually(lambda n=arrived: service.in_flight + len(finished) >= n)  # type: ignore[misc]
        await asyncio.gather(*tasks)
        asked = [
            request.body["messages"][-1]["content"]["parts"][0].rpartition(" ")[2]
            for request in service.upstream.requests
            if request.path.endswith("/conversation")
        ]
        assert asked == [str(number) for number in range(100)]
        assert refused_by_backend(service) == 0
        assert service.upstream.attempts == 100
        assert service.requests("ok") == 100
        assert sample(service, "pandora_queue_waiting") == 0
        assert len(service.server.service.queue) == 0


@pytest.mark.timeout(30)
async def test_clients_that_leave_the_queue_do_not_hold_up_the_others() -> None:
    async with deployed(QUEUED, STRICT) as service, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(service.connect()) for _ in range(20)]
        await service.begin(clients[0], HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        for number, client in enumerate(clients[1:], 1):
            await service.begin(client, f"Repeat after me: word {number}", stream=number % 3 == 0)
            await waiting(service, number)
        for client in clients[0:20:2]:
            client.close()
        answers = [await client.answer() for client in clients[1:20:2]]
        assert [answer.status for answer in answers] == [200] * 10
        await eventually(lambda: service.in_flight == 0)
        assert len(service.upstream.streams) == 11, "those who left the queue cost nothing"
        assert service.requests("client_gone") == 10
        await eventually(lambda: len(service.server.service.queue) == 0)


async def test_requests_with_different_keys_do_not_wait_for_each_other() -> None:
    async with deployed(QUEUED, STRICT) as service, service.connect() as first:
        await service.begin(first, HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        answers = await asyncio.gather(*(service.chat(key=f"fk-other-{n}") for n in range(5)))
        assert [answer.status for answer in answers] == [200] * 5
        assert sample(service, "pandora_queue_waiting") == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_full_queue_is_a_429_with_the_time_to_come_back(stream: bool) -> None:
    env = QUEUED | {"QUEUE_LENGTH": "1", "QUEUE_WAIT": "6"}
    async with deployed(env, STRICT) as service, service.connect() as first, service.connect() as second:
        await service.begin(first, HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        await service.begin(second, "Hello")
        await waiting(service, 1)
        refused = await service.chat(stream=stream)
        assert refused.status == 429
        assert refused.error["code"] == "rate_limit_exceeded"
        assert refused.headers["retry-after"] == "14", "two turns of some 10 s, less 6 s of waiting"
        assert "x-should-retry" not in refused.headers, "nothing was spent"
        assert KEY not in refused.error["message"]
        assert sample(service, "pandora_rejected_total", reason="queue") == 1
        assert service.requests("rejected") == 1
        assert service.upstream.attempts == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_waiting_for_too_long_is_a_429_while_nothing_was_sent(stream: bool) -> None:
    async with deployed(QUEUED | {"QUEUE_WAIT": "0.1"}, STRICT) as service, service.connect() as first:
        await service.begin(first, HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        refused = await service.chat(stream=stream)
        assert refused.status == 429
        assert BUSY_TOO_LONG in refused.error["message"]
        assert int(refused.headers["retry-after"]) >= 1
        assert service.requests("rejected") == 1


async def test_stream_that_waits_is_kept_alive_and_told_of_its_end_in_an_event() -> None:
    env = QUEUED | {"STREAM_HEADERS_AFTER": "0.05", "KEEPALIVE_INTERVAL": "0.05", "QUEUE_WAIT": "3"}
    async with deployed(env, STRICT) as service, service.connect() as first, service.connect() as second:
        await service.begin(first, HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        await service.begin(second, "Hello")
        await second.read_head()
        assert second.status == 200
        stream = EventStream.of(await second.read_rest())
        assert stream.pings >= 2
        assert [error["code"] for error in stream.errors] == ["rate_limit_exceeded"]
        assert not stream.done


async def test_stream_that_was_kept_alive_in_the_queue_gets_its_answer_in_the_end() -> None:
    env = QUEUED | {"STREAM_HEADERS_AFTER": "0.05", "KEEPALIVE_INTERVAL": "0.05"}
    async with deployed(env, STRICT) as service, service.connect() as first, service.connect() as second:
        await service.begin(first, HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        await service.begin(second, "Repeat after me: at last")
        await second.read_head()
        first.close()
        stream = EventStream.of(await second.read_rest())
        assert "at last" in stream.text
        assert stream.done


async def test_backend_gets_a_moment_to_notice_that_it_was_left_in_mid_answer() -> None:
    async with deployed(QUEUED, STRICT) as service, service.connect() as client:
        await service.begin(client, "Tell me about rain [[sim tokens=2000 pace=10]]")
        await client.read_until_content()
        client.close()
        await service.settled()
        assert len(service.server.service.queue) == 1, "the account is not left alone yet"
        assert (await service.chat()).status == 200
        assert refused_by_backend(service) == 0


async def test_key_stays_taken_while_a_cut_reply_is_continued() -> None:
    async with deployed(QUEUED, STRICT) as service:
        body = question("Repeat after me: first [[sim finish=max_tokens pace=20]]")
        long = asyncio.create_task(service.post(body))
        await eventually(lambda: service.upstream.attempts == 1)
        short = await service.chat("Repeat after me: second")
        assert (await long).status == short.status == 200
        asked = [request.body["action"] for request in service.upstream.requests if request.method == "POST"]
        assert asked == ["next", "continue", "next"]
        assert refused_by_backend(service) == 0


async def test_service_that_stops_lets_nobody_wait() -> None:
    async with deployed(QUEUED, STRICT) as service, service.connect() as first, service.connect() as second:
        await service.begin(first, HELD)
        await eventually(lambda: bool(service.upstream.open_streams))
        await service.begin(second, "Hello", stream=False)
        await waiting(service, 1)
        stopping = asyncio.create_task(service.server.stop())
        assert (await second.answer()).status == 503
        await asyncio.wait_for(stopping, 20)
        assert service.upstream.attempts == 1
