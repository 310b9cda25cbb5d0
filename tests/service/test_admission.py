"""How many answers are made at once, and what happens to them when the service stops."""

import asyncio

import pytest

from tests.eventually import eventually
from tests.raw_client import Connection
from tests.service.deployment import KEY, Deployment, deployed

SLOW = "Repeat after me: one two three four five six seven eight nine ten [[sim pace=2.5]]"
ENDLESS = "Tell me about rain [[sim tokens=20000 pace=20]]"


async def test_answers_beyond_the_limit_are_refused_until_one_has_ended() -> None:
    async with (
        deployed({"MAX_CONCURRENT": "2"}) as service,
        service.connect() as first,
        service.connect() as second,
    ):
        for client in (first, second):
            await service.begin(client, SLOW)
            await client.read_head()
        for stream in (False, True):
            refused = await service.chat("Hello", stream=stream)
            assert refused.status == 503
            assert refused.error["code"] == "server_is_overloaded"
            assert refused.headers["retry-after"] == "2"
            assert "x-should-retry" not in refused.headers
        assert service.upstream.attempts == 2
        assert service.requests("rejected") == 2
        assert (await service.ask("GET", "/v1/models")).status == 200
        await first.read_rest()
        assert (await service.chat("Hello")).status == 200


async def test_refused_and_failed_requests_take_no_place() -> None:
    async with deployed({"MAX_CONCURRENT": "1"}) as service:
        for _ in range(3):
            assert (await service.post([])).status == 400
            assert (await service.chat("Hello [[sim fault=status_500]]")).status == 502
            assert (await service.chat("Hello [[sim fault=reset_mid]]", stream=True)).status == 200
        assert (await service.chat("Hello")).status == 200


async def kept_alive(service: Deployment, client: Connection, path: str) -> int:
    await client.send("GET", path, {"Authorization": f"Bearer {KEY}"})
    answer = await client.answer()
    return answer.status


async def test_stopping_service_answers_what_was_asked_and_takes_no_new_connections() -> None:
    """Each open connection may ask once more."""
    async with (
        deployed({"DRAIN_TIMEOUT": "30"}) as service,
        service.connect() as reader,
        service.connect() as prober,
        service.connect() as chatter,
    ):
        await service.begin(reader, SLOW)
        await reader.read_head()
        assert await kept_alive(service, prober, "/readyz") == 200
        assert await kept_alive(service, chatter, "/healthz") == 200
        stopping = asyncio.create_task(service.server.stop())
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await service.chat("Hello")
        await service.begin(chatter, "Hello")
        last = await chatter.answer()
        assert last.status == 200
        assert last.stream.done
        assert last.headers["connection"] == "close"
        await prober.send("GET", "/readyz", {})
        answer = await prober.answer()
        assert (answer.status, answer.json) == (503, {"status": "draining", "in_flight": 1})
        rest = (await reader.read_rest()).decode()
        assert "ten" in rest
        assert rest.endswith("data: [DONE]\n\n")
        await stopping
        assert service.upstream.attempts == 2


async def test_after_the_grace_period_streams_end_with_an_error_event_and_others_with_a_503() -> None:
    async with (
        deployed({"DRAIN_TIMEOUT": "0.2"}) as service,
        service.connect() as flowing,
        service.connect() as waiting,
        service.connect() as whole,
    ):
        await service.begin(flowing, ENDLESS)
        await flowing.read_until_content()
        await service.begin(waiting, "Hello [[sim header_delay=60]]")
        await service.begin(whole, ENDLESS, stream=False)
        await eventually(lambda: len(service.upstream.open_streams) == 3)
        stopping = asyncio.create_task(service.server.stop())
        cut = (await flowing.read_rest()).decode()
        answers = [await waiting.answer(), await whole.answer()]
        await stopping
        assert service.upstream.open_streams == []
    assert '"code":"server_is_overloaded"' in cut.split("\n\n")[-2]
    assert "[stopped: The service is restarting.]" in cut
    assert "[DONE]" not in cut
    for answer in answers:
        assert answer.status == 503
        assert answer.error["code"] == "server_is_overloaded"
        assert answer.headers["x-should-retry"] == "false"


async def test_stalled_reader_does_not_keep_the_service_from_stopping() -> None:
    async with deployed({"DRAIN_TIMEOUT": "0"}) as service, service.connect(receive_buffer=4096) as client:
        await service.begin(client, "Tell me about rain [[sim tokens=20000]]")
        await service.upstream_stalls()
        async with asyncio.timeout(20):
            await service.server.stop()
        await eventually(lambda: not service.upstream.open_streams)
        await eventually(lambda: service.in_flight == 0)
