"""Health, readiness and metrics: for machines, without a key."""

import asyncio
import json
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from metrics import names
from tests.eventually import eventually
from tests.raw_client import connect
from tests.service.deployment import CHAT, JSON_TYPE, KEY, Deployment, deployed, question


async def test_health_says_ok_and_what_kind_of_backend_there_is() -> None:
    async with deployed() as service:
        answer = await service.ask("GET", "/healthz", key="")
        assert len(service.upstream.requests) == 0
    assert answer.status == 200
    assert answer.json == {"status": "ok", "upstream": "configured", "event_loop": "asyncio"}


async def test_service_is_ready_even_if_the_backend_is_down() -> None:
    async with deployed({"BASE_URL": "http://127.0.0.1:1"}) as service:
        answer = await service.ask("GET", "/readyz", key="")
    assert answer.status == 200
    assert answer.json == {"status": "ready", "in_flight": 0}


async def test_readiness_tells_how_many_answers_are_being_made() -> None:
    async with deployed() as service, service.connect() as client:
        await service.begin(client, "Tell me about rain [[sim tokens=2000 pace=5]]")
        await client.read_head()
        assert (await service.ask("GET", "/readyz")).json["in_flight"] == 1


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"])
async def test_metrics_come_in_the_plain_format_for_whoever_asks_for_nothing_else(accept: str) -> None:
    async with deployed() as service:
        await service.chat("Hello")
        answer = await service.ask("GET", "/metrics", {"Accept": accept} if accept else {}, key="")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = {family.name for family in read_text(answer.body.decode())}
    assert "pandora_requests" in names


async def test_metrics_come_as_openmetrics_for_a_scraper_that_wants_them() -> None:
    async with deployed() as service:
        await service.chat("Hello")
        answer = await service.ask(
            "GET", "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"}
        )
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in read_openmetrics(answer.body.decode())}  # type: ignore[no-untyped-call]
    assert "pandora_requests" in names


async def test_each_request_is_counted_once_under_its_outcome() -> None:
    async with deployed({"MAX_BODY_BYTES": "2048"}) as service:
        await service.chat("Hello")
        await service.chat("Hello", stream=True)
        await service.chat("Hello", model="no such model")
        await service.post([])
        await service.ask("POST", CHAT, JSON_TYPE, b"x" * 3000)
        await service.chat("Hello [[sim fault=token_expired]]")
        await service.chat("Hello [[sim fault=status_500]]", stream=True)
        await service.chat("Hello [[sim fault=reset_mid]]", stream=True)
        counted = {
            outcome: service.requests(outcome)
            for outcome in ("ok", "invalid", "rejected", "upstream_refused", "upstream_error", "client_gone")
        }
    assert counted == {
        "ok": 2, "invalid": 3, "rejected": 0, "upstream_refused": 1, "upstream_error": 2, "client_gone": 0
    }  # fmt: skip


async def test_what_strangers_send_does_not_become_a_label() -> None:
    async with deployed() as service:
        before = await service.ask("GET", "/metrics")
        for number in range(5):
            await service.post(question("Hello", model=f"gpt-3.5-turbo-{number}"))
            await service.post(question("Hello", model=f"stranger-{number}"))
            await service.ask("GET", f"/stranger-{number}")
            await service.ask(f"STRANGER{number}", "/v1/models")
        after = await service.ask("GET", "/metrics")
    assert b"stranger" not in after.body.lower()
    assert len(series(before.body)) == len(series(after.body))


def series(body: bytes) -> set[str]:
    return {line.rsplit(b" ", 1)[0].decode() for line in body.splitlines() if line.startswith(b"pandora_")}


async def test_time_to_first_token_is_measured_for_streams_only() -> None:
    def observed(body: bytes) -> float:
        samples = (sample for family in read_text(body.decode()) for sample in family.samples)
        name, labels = "pandora_time_to_first_token_seconds_count", {"model": "gpt-4-s"}
        return next(sample.value for sample in samples if sample.name == name and sample.labels == labels)

    async with deployed() as service:
        await service.chat("Hello")
        assert observed((await service.ask("GET", "/metrics")).body) == 0
        await service.chat("Hello", stream=True)
        assert observed((await service.ask("GET", "/metrics")).body) == 1


async def counted(service: Deployment, name: str, **labels: str) -> float:
    """A value as a scraper gets it."""
    text = (await service.ask("GET", "/metrics")).body.decode()
    samples = (sample for family in read_text(text) for sample in family.samples)
    return next(sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))


async def test_time_of_the_backend_is_told_from_that_of_this_service() -> None:
    async with deployed() as service:
        for stream in (True, False):
            await service.chat("Hello [[sim first_delay=0.5]]", stream=stream)
        await service.post([])
        assert await counted(service, "pandora_overhead_seconds_count", route="chat") == 2
        assert await counted(service, "pandora_backend_seconds_sum", route="chat") >= 1
        whole = sum(
            [
                await counted(service, f"pandora_{part}_seconds_sum", route="chat")
                for part in ("overhead", "backend")
            ]
        )
        longest = await counted(
            service, "pandora_request_duration_seconds_sum", route="chat", model="gpt-4-s"
        )
        assert whole <= longest


async def test_statuses_of_responses_are_counted_by_route() -> None:
    async with deployed() as service:
        await service.chat("Hello")
        await service.chat("Hello", model="no such model")
        await service.ask("GET", "/nowhere")
        async with service.connect() as client:
            await service.begin(client, "Tell me about rain [[sim tokens=2000 pace=5]]")
            await client.read_head()
            client.close()
            await eventually(lambda: service.requests("client_gone") == 1)
        counts = [
            await counted(service, "pandora_responses_total", route=route, status=status)
            for route, status in (("chat", "200"), ("chat", "404"), ("chat", "gone"), ("unknown", "404"))
        ]
    assert counts == [1, 1, 1, 1]


async def test_each_status_that_is_documented_has_a_series_of_its_own() -> None:
    async with deployed() as service:
        described = (await service.ask("GET", "/openapi.json")).json
    statuses = {
        status
        for path in described["paths"].values()
        for operation in path.values()
        if "responses" in operation
        for status in operation["responses"]
    }
    assert {"200", "429", "502"} <= statuses
    assert statuses <= set(names.STATUSES)


async def test_whole_answers_are_counted_with_their_end_and_their_length() -> None:
    async with deployed() as service:
        await service.chat("Hello")
        await service.chat("Hello", stream=True)
        await service.chat("Hello [[sim fault=reset_mid]]", stream=True)
        assert await counted(service, "pandora_answers_total", model="gpt-4-s", reason="stop") == 2
        lengths = await counted(service, "pandora_turn_tokens_count", model="gpt-4-s", direction="completion")
        assert lengths == 3, "what came before the connection broke was paid for too"


@pytest.mark.usefixtures("loud_log")
async def test_flood_of_scrapes_keeps_no_chat_from_the_backend(tmp_path: Path) -> None:
    """The name of the backend is resolved while all of them wait; each exposition has some 30,000 lines."""
    listed = tmp_path / "gpts.json"
    listed.write_text(json.dumps({f"helper-{number}": {"id": f"g-{number:09}"} for number in range(400)}))
    env = {"GPTS_FILE": str(listed), "KEY_FOR_GPTS_INFO": KEY, "CONNECT_TIMEOUT": "4"}
    async with deployed(env, named_backend=True, exposition_max_age=1) as service:
        scrapes = [asyncio.ensure_future(service.ask("GET", "/metrics")) for _ in range(200)]
        await asyncio.sleep(0.3)
        assert (await service.chat("Hello")).status == 200
        assert {answer.status for answer in await asyncio.gather(*scrapes)} == {200}


async def test_metrics_can_have_a_port_of_their_own() -> None:
    async with deployed({"METRICS_PORT": "0"}) as service:
        assert (await service.ask("GET", "/metrics")).status == 404
        apart = service.server.metrics
        assert apart is not None
        async with connect(apart.port) as scraper:
            await scraper.send("GET", "/metrics", {})
            answer = await scraper.answer()
            assert (answer.status, b"pandora_build_info" in answer.body) == (200, True)
            for path in ("/v1/models", "/healthz", "/"):
                await scraper.send("GET", path, {})
                assert (await scraper.answer()).status == 404


@pytest.mark.parametrize("port", [{}, {"METRICS_PORT": "0"}])
async def test_metrics_with_a_token_are_for_whoever_sends_it(port: dict[str, str]) -> None:
    async with deployed({"METRICS_TOKEN": "scraper-token", **port}) as service:
        apart = service.server.metrics
        async with connect(apart.port if apart else service.port) as scraper:
            for headers, status in (
                ({}, 401),
                ({"Authorization": "Bearer other"}, 401),
                ({"Authorization": "Bearer scraper-token"}, 200),
            ):
                await scraper.send("GET", "/metrics", headers)
                assert (await scraper.answer()).status == status
