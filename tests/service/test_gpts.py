"""GPTs as clients and operators meet them, over the whole service."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import EventStream
from tests.service.deployment import Deployment, deployed
from tests.upstream.gpts.rig import (
    CALLER,
    ID,
    KEY,
    OTHER_CALLER,
    SLUG,
    UNKNOWN,
    Backend,
    describes,
    serving,
    waits_for,
)

HELPER = {"id": "g-YyyyMT9XH-chatgpt-classic"}
ACTOR = {"id": "g-SimActor1"}
MISSING = {"id": "g-Missing01"}
HEALTHY = Knobs(busy=False, cap=0)


@pytest.fixture(autouse=True)
def _discreet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    for secret in (KEY, CALLER, OTHER_CALLER):
        assert secret not in caplog.text


@asynccontextmanager
async def offering(
    directory: Path,
    gpts: Mapping[str, object],
    env: Mapping[str, str] | None = None,
    *,
    knobs: Knobs = HEALTHY,
) -> AsyncIterator[Deployment]:
    """A service that offers these GPTs, described with a key of its own unless `env` says otherwise."""
    path = list_in(directory)
    path.write_text(json.dumps(gpts))
    settings = {"GPTS_FILE": str(path), "STATE_DIR": str(directory), "KEY_FOR_GPTS_INFO": KEY}
    async with deployed(settings | dict(env or {}), knobs) as service:
        yield service


def list_in(directory: Path) -> Path:
    return directory / "gpts.json"


async def readiness(service: Deployment) -> dict[str, Any]:
    answer = await service.ask("GET", "/readyz")
    assert answer.status == 200
    return dict(answer.json.get("gpts", {}))


async def names(service: Deployment) -> list[str]:
    answer = await service.ask("GET", "/v1/models", key=CALLER)
    return [model["id"] for model in answer.json["data"]]


def asked_upstream(service: Deployment) -> list[dict[str, Any]]:
    """The bodies of all conversations."""
    requests = service.upstream.requests
    return [seen.body for seen in requests if seen.path.endswith("/backend-api/conversation")]


async def test_gpts_are_models_with_free_names(tmp_path: Path) -> None:
    offered = {"team/helper 团队": HELPER, "other": HELPER}
    async with offering(tmp_path, offered) as service:
        shown = await names(service)
        assert shown[: 3 + len(offered)] == ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", *offered]
        for name in offered:
            answer = await service.ask("GET", "/v1/models/" + quote(name, safe=""), key=CALLER)
            assert answer.status == 200
            assert answer.json == {
                "id": name,
                "object": "model",
                "created": answer.json["created"],
                "owned_by": "pandora-next",
            }


async def test_gpt_may_have_the_name_of_a_default_alias(tmp_path: Path) -> None:
    async with offering(tmp_path, {"gpt-4o": HELPER}) as service:
        assert (await service.chat(key=CALLER, model="gpt-4o")).status == 200
        assert (await service.chat(key=CALLER, model="gpt-4-turbo")).status == 200
        to_the_gpt, to_the_model = asked_upstream(service)
    assert to_the_gpt["model"] == "gpt-4-gizmo"
    assert to_the_model["model"] == "gpt-4"


async def test_gpt_is_asked_with_its_description_and_answers_under_its_own_name(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}) as service:
        answer = await service.chat("Which tea?", key=CALLER, model="helper", stream=True)
        assert answer.status == 200
        assert {chunk["model"] for chunk in answer.stream.chunks} == {"helper"}
        assert answer.stream.finish_reasons == ["stop"]
        (body,) = asked_upstream(service)
        assert body["model"] == "gpt-4-gizmo"
        mode = body["conversation_mode"]
        assert (mode["kind"], mode["gizmo_id"]) == ("gizmo_interaction", "g-YyyyMT9XH")
        assert mode["gizmo"]["gizmo"]["short_url"] == HELPER["id"]
        assert mode["gizmo"]["product_features"]
        assert "suggestions" not in body
        assert [message["content"]["parts"] for message in body["messages"]] == [["Which tea?"]]
        assert service.upstream.quota_units == 14
        keys = [seen.headers["Authorization"] for seen in service.upstream.requests]
        assert keys == [f"Bearer {KEY}", f"Bearer {CALLER}"]


async def test_whole_answer_has_the_requested_name_too(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}, {"MODEL_ALIASES": "tea=helper"}) as service:
        for name in ("helper", "tea"):
            answer = await service.chat(key=CALLER, model=name)
            assert (answer.status, answer.json["model"]) == (200, name)
            assert answer.json["choices"][0]["message"]["content"]


async def test_cut_answer_is_continued_with_the_same_gpt(tmp_path: Path) -> None:
    knobs = Knobs(busy=False, cap=0, finish="max_tokens", tokens=40)
    async with offering(tmp_path, {"helper": HELPER}, {"CONTINUE_LIMIT": "1"}, knobs=knobs) as service:
        answer = await service.chat(key=CALLER, model="helper")
        assert answer.status == 200
        first, second = asked_upstream(service)
        assert (first["action"], second["action"]) == ("next", "continue")
        assert second["conversation_mode"] == first["conversation_mode"]


async def test_action_is_allowed_to_the_same_gpt(tmp_path: Path) -> None:
    async with offering(tmp_path, {"actor": ACTOR}, {"GPT_ACTIONS": "allow"}) as service:
        answer = await service.chat(key=CALLER, model="actor")
        assert answer.status == 200
        first, *later = asked_upstream(service)
        assert later
        assert all(body["conversation_mode"] == first["conversation_mode"] for body in later)


async def test_style_of_an_entry_is_how_its_answers_look(tmp_path: Path) -> None:
    plain = {"id": "g-HMNcP6w7d", "style": "plain"}
    async with offering(tmp_path, {"web": {"id": "g-HMNcP6w7d"}, "bot": plain}) as service:
        question = "Run python: print(6*7)"
        web, bot = [
            (await service.chat(question, key=CALLER, model=name)).json["choices"][0]["message"]["content"]
            for name in ("web", "bot")
        ]
        assert "```" in web
        assert "```" not in bot


@pytest.mark.usefixtures("loud_log")
async def test_gpt_that_cannot_be_had_is_listed_told_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    async with offering(tmp_path, {"missing": MISSING, "helper": HELPER}) as service:
        refused = await service.chat(key=CALLER, model="missing", stream=True)
        assert refused.status == 503
        assert refused.error["code"] == "gpt_unavailable"
        reason = "the backend does not know it (404): check its id"
        assert refused.error["message"] == f"The GPT is not available: {reason}."
        assert refused.headers["x-should-retry"] == "false"
        assert "missing" in await names(service)
        assert asked_upstream(service) == []
        assert (await service.chat(key=CALLER, model="helper")).status == 200
        assert await readiness(service) == {
            "missing": {"available": False, "reason": reason},
            "helper": {"available": True},
        }
        metrics = (await service.ask("GET", "/metrics")).body.decode()
        assert 'pandora_requests_total{model="missing",outcome="upstream_error",route="chat"} 1.0' in metrics


@pytest.mark.usefixtures("loud_log")
async def test_outage_may_be_retried_and_ends(tmp_path: Path) -> None:
    broken = Knobs(busy=False, cap=0, other_fault="status_500")
    async with offering(tmp_path, {"helper": HELPER}, knobs=broken) as service:
        answer = await service.chat(key=CALLER, model="helper")
        assert (answer.status, answer.error["code"]) == (503, "gpt_unavailable")
        assert "x-should-retry" not in answer.headers
        assert answer.headers["retry-after"] == "5"
        assert await readiness(service) == {
            "helper": {"available": False, "reason": "the backend failed (status 500)"}
        }
        service.simulator.knobs = HEALTHY
        service.server.service.gpts.reload()
        await eventually(lambda: service.server.service.gpts.availability()["helper"]["available"] is True)
        assert (await service.chat(key=CALLER, model="helper")).status == 200


async def test_models_without_gpts_leave_readiness_as_it_was(tmp_path: Path) -> None:
    async with offering(tmp_path, {}) as service:
        assert (await service.ask("GET", "/readyz")).json == {"status": "ready", "in_flight": 0}


@pytest.mark.usefixtures("loud_log")
async def test_expired_key_of_the_service_is_named_and_not_the_callers_fault(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}, {"KEY_FOR_GPTS_INFO": "fk-dead-canary"}) as service:
        answer = await service.chat(key=CALLER, model="helper")
        assert (answer.status, answer.error["code"]) == (503, "gpt_unavailable")
        assert answer.headers["x-should-retry"] == "false"
        assert "KEY_FOR_GPTS_INFO" in answer.error["message"]
        assert "fk-dead-canary" not in answer.body.decode()


@pytest.mark.usefixtures("loud_log")
async def test_without_a_key_the_first_caller_fetches_for_all(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}, {"KEY_FOR_GPTS_INFO": ""}) as service:
        helper = (await readiness(service))["helper"]
        assert helper["available"] is None, "it may work: nobody has asked"
        assert "set KEY_FOR_GPTS_INFO" in helper["reason"]
        assert len(service.upstream.requests) == 0
        for key in (CALLER, OTHER_CALLER):
            assert (await service.chat(key=key, model="helper")).status == 200
        paths = [seen.path.rpartition("/")[2] for seen in service.upstream.requests]
        assert paths == [HELPER["id"], "conversation", "conversation"]
        assert await readiness(service) == {"helper": {"available": True}}


@pytest.mark.usefixtures("loud_log")
async def test_without_a_key_a_gpt_that_failed_at_its_first_use_is_not_available(tmp_path: Path) -> None:
    async with offering(tmp_path, {"missing": MISSING}, {"KEY_FOR_GPTS_INFO": ""}) as service:
        await service.chat(key=CALLER, model="missing")
        missing = (await readiness(service))["missing"]
    assert missing["available"] is False
    assert "check its id" in missing["reason"]


@pytest.mark.usefixtures("loud_log")
async def test_without_a_key_a_caller_with_a_dead_one_gets_a_401(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}, {"KEY_FOR_GPTS_INFO": ""}) as service:
        answer = await service.chat(key="fk-dead-canary", model="helper")
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
        assert asked_upstream(service) == []
        assert (await service.chat(key=CALLER, model="helper")).status == 200


async def test_any_gpt_by_its_id_where_that_is_allowed(tmp_path: Path) -> None:
    async with offering(tmp_path, {}, {"ALLOW_ANY_GPT": "true"}) as service:
        name = "gpt-4-gizmo-" + HELPER["id"]
        answer = await service.chat(key=CALLER, model=name, stream=True)
        assert {chunk["model"] for chunk in answer.stream.chunks} == {name}
        assert asked_upstream(service)[0]["conversation_mode"]["gizmo_id"] == "g-YyyyMT9XH"
        assert {seen.headers["Authorization"] for seen in service.upstream.requests} == {f"Bearer {CALLER}"}
        missing = await service.chat(key=CALLER, model="gpt-4-gizmo-g-Missing01")
        assert (missing.status, missing.error["code"]) == (503, "gpt_unavailable")
        malformed = await service.chat(key=CALLER, model="gpt-4-gizmo-g-/../conversations")
        assert (malformed.status, malformed.error["code"]) == (404, "model_not_found")
        metrics = (await service.ask("GET", "/metrics")).body.decode()
        assert 'pandora_requests_total{model="gpt-4-gizmo",outcome="ok",route="chat"} 1.0' in metrics
        assert "g-Missing01" not in metrics
        assert (await service.ask("GET", "/v1/models/" + name, key=CALLER)).status == 200
        assert name not in await names(service)


async def test_no_gpt_by_its_id_by_default(tmp_path: Path) -> None:
    async with offering(tmp_path, {}) as service:
        answer = await service.chat(key=CALLER, model="gpt-4-gizmo-g-YyyyMT9XH")
        assert (answer.status, answer.error["code"]) == (404, "model_not_found")
        assert service.upstream.attempts == 0


@pytest.mark.usefixtures("loud_log")
async def test_slow_backend_delays_only_who_needs_the_gpt(tmp_path: Path) -> None:
    answer = asyncio.Event()
    async with (
        serving(Backend(waits_for(answer, UNKNOWN))) as backend,
        offering(tmp_path, {"helper": {"id": ID}}, {"BASE_URL": backend.url}) as service,
        service.connect() as connection,
    ):
        await service.begin(connection, "Hello", model="helper")
        assert await readiness(service) == {
            "helper": {"available": False, "reason": "its description has not come yet"}
        }
        assert "helper" in await names(service)
        answer.set()
        assert (await connection.answer()).error["code"] == "gpt_unavailable"


async def test_client_that_leaves_while_it_waits_for_a_gpt_is_noticed(tmp_path: Path) -> None:
    async with (
        serving(Backend(waits_for(asyncio.Event()))) as backend,
        offering(tmp_path, {"helper": {"id": SLUG}}, {"BASE_URL": backend.url}) as service,
    ):
        running = service.server.service.running
        async with service.connect() as connection:
            await service.begin(connection, "Hello", model="helper")
            await eventually(lambda: len(running) == 1)
        await eventually(lambda: not running)


async def test_service_that_stops_does_not_wait_for_descriptions(tmp_path: Path) -> None:
    async with (
        serving(Backend(waits_for(asyncio.Event(), describes))) as backend,
        offering(tmp_path, {"helper": {"id": ID}}, {"BASE_URL": backend.url}) as service,
        service.connect() as connection,
    ):
        await service.begin(connection, "Hello", model="helper")
        await eventually(lambda: len(service.server.service.running) == 1)
        await service.server.stop()
        assert (await connection.answer()).status == 503


async def test_reload_while_an_answer_runs_lets_it_end(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}) as service, service.connect() as connection:
        await service.begin(connection, "Hello [[sim pace=15 tokens=60]]", model="helper")
        await connection.read_head()
        list_in(tmp_path).write_text(json.dumps({"newcomer": ACTOR}))
        service.server.service.gpts.reload()
        catalogue = service.server.service.app.answers.models.catalogue
        await eventually(lambda: "newcomer" in catalogue.models)
        assert len(service.server.service.running) == 1
        assert "helper" not in await names(service)
        gone = await service.chat(key=CALLER, model="helper")
        assert (gone.status, gone.error["code"]) == (404, "model_not_found")
        assert (await service.chat(key=CALLER, model="newcomer")).status == 200
        stream = EventStream.of(await connection.read_rest())
        assert stream.finish_reasons == ["stop"]
        assert stream.done


async def test_metrics_of_removed_gpts_are_dropped_and_new_ones_begin_at_zero(tmp_path: Path) -> None:
    async with offering(tmp_path, {"helper": HELPER}) as service:
        assert (await service.chat(key=CALLER, model="helper")).status == 200
        assert b'model="helper"' in (await service.ask("GET", "/metrics")).body
        list_in(tmp_path).write_text(json.dumps({"newcomer": ACTOR}))
        service.server.service.gpts.reload()
        await eventually(lambda: "newcomer" in service.server.service.app.answers.models.catalogue.models)
        metrics = (await service.ask("GET", "/metrics")).body.decode()
        assert 'model="helper"' not in metrics
        assert 'pandora_requests_total{model="newcomer",outcome="ok",route="chat"} 0.0' in metrics
        assert 'model="gpt-4-s"' in metrics
        assert (await service.chat(key=CALLER, model="helper")).status == 404
        assert b'model="helper"' not in (await service.ask("GET", "/metrics")).body


@pytest.mark.parametrize("content", ["{", '{"helper": {}}', '{"gpt-4-s": {"id": "g-1"}}', "[]"])
async def test_malformed_list_at_reload_leaves_the_old_one_in_service(
    tmp_path: Path, content: str, loud_log: pytest.LogCaptureFixture
) -> None:
    async with offering(tmp_path, {"helper": HELPER}) as service:
        list_in(tmp_path).write_text(content)
        service.server.service.gpts.reload()
        await eventually(lambda: "the GPTs stay as they were" in loud_log.text)
        assert (await service.chat(key=CALLER, model="helper")).status == 200
        list_in(tmp_path).write_text("{}")
        service.server.service.gpts.reload()
        await eventually(lambda: "helper" not in service.server.service.app.answers.models.catalogue.models)
