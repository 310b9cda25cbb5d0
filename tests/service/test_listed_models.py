"""Models that the backend lists for a key: shown, passed through, counted, and never waited for for long."""

import asyncio

import pytest

from tests.service.backend_of_today import THINKER, BackendOfToday, over
from tests.service.deployment import KEY, Deployment
from tests.translate.schemas import check

BUILT_IN = ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo"]


async def names(service: Deployment, key: str = KEY) -> list[str]:
    return [model["id"] for model in (await service.ask("GET", "/v1/models", key=key)).json["data"]]


async def test_list_shows_named_models_and_then_those_of_the_backend() -> None:
    backend = BackendOfToday(models=[THINKER, {"slug": "gpt-6-sol-wm", "is_work_mode_model": True}])
    async with over(backend) as service:
        answer = await service.ask("GET", "/v1/models")
        one = await service.ask("GET", "/v1/models/gpt-5-6-thinking")
        dotted = await service.ask("GET", "/v1/models/gpt-5.6-thinking")
        missing = await service.ask("GET", "/v1/models/gpt-6-sol-wm")
    check(answer.json, "ListModelsResponse")
    assert [model["id"] for model in answer.json["data"]] == [*BUILT_IN, "gpt-5-6-thinking"]
    listed = answer.json["data"][-1]
    assert (listed["name"], listed["reasoning_efforts"]) == ("GPT-5.6 Thinking", ["low", "medium"])
    assert listed["context_window"] == listed["max_context_length"] == 262144
    assert one.json == listed
    assert dotted.json == {**listed, "id": "gpt-5.6-thinking"}
    assert missing.status == 404
    assert backend.count("/models") == 1


async def test_listed_name_is_passed_through_and_costs_14_units() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6")
    async with over(backend) as service:
        answer = await service.chat(model="gpt-6")
        usage = (await service.ask("GET", "/v1/usage")).json
    assert answer.json["model"] == "gpt-6"
    assert answer.json["choices"][0]["message"]["content"] == "Some words"
    assert [body["model"] for body in backend.posted] == ["gpt-6"]
    assert [(row["model"], row["units"]) for row in usage["data"]] == [("gpt-6", 14)]


async def test_units_of_a_listed_model_are_those_of_the_settings() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6-pro")
    async with over(backend, {"MODEL_UNITS": "gpt-6-pro=100"}) as service:
        await service.chat(model="gpt-6-pro")
        usage = (await service.ask("GET", "/v1/usage")).json
    assert usage["today"]["units"] == 100


async def test_name_that_is_not_listed_is_a_404_and_nothing_is_spent() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6")
    async with over(backend) as service:
        answer = await service.chat(model="gpt-7", stream=True)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert backend.posted == []


async def test_named_models_have_a_slug_of_today_where_theirs_is_gone() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-5-6", "gpt-5-6-instant")
    async with over(backend) as service:
        for model in BUILT_IN:
            assert (await service.chat(model=model)).json["model"] == model
    assert [body["model"] for body in backend.posted] == ["gpt-5-6", "gpt-5-6", "gpt-5-6-instant"]


async def test_operator_says_what_a_named_model_is_called() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-4", "gpt-6")
    async with over(backend, {"MODEL_SLUGS": "gpt-4-s=gpt-6"}) as service:
        await service.chat()
    assert [body["model"] for body in backend.posted] == ["gpt-6"]


async def test_backend_without_a_list_is_used_as_before_and_is_asked_once() -> None:
    backend = BackendOfToday()
    async with over(backend) as service:
        for key in ("fk-one-key-of-many", "fk-another-of-them"):
            assert (await service.chat(key=key)).status == 200
        assert (await service.chat(model="gpt-6")).status == 404
        assert await names(service) == BUILT_IN
    assert [body["model"] for body in backend.posted] == ["gpt-4", "gpt-4"]
    assert backend.count("/models") == 1


async def test_list_that_does_not_come_holds_up_only_the_first_request_for_a_moment() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6")
    backend.lists.clear()
    async with over(backend) as service:
        async with asyncio.timeout(30):
            assert (await service.chat()).status == 200
        assert (await service.chat()).status == 200
        assert (await service.chat(model="gpt-6")).status == 404
        backend.lists.set()
        for _ in range(100):
            if (await service.chat(model="gpt-6")).status == 200:
                break
            await asyncio.sleep(0.05)
    assert [body["model"] for body in backend.posted] == ["gpt-4", "gpt-4", "gpt-6"]
    assert backend.count("/models") == 1


async def test_only_named_models_are_offered_where_the_settings_say_so() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6", "gpt-5-6")
    async with over(backend, {"MODELS": "named"}) as service:
        assert (await service.chat(model="gpt-6")).status == 404
        assert (await service.chat()).status == 200
        assert await names(service) == BUILT_IN
    assert [body["model"] for body in backend.posted] == ["gpt-5-6"]


async def test_backend_is_not_asked_for_a_list_on_which_nothing_depends() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6")
    slugs = "gpt-4-s=gpt-5-6,gpt-4-mobile=gpt-5-6,gpt-3.5-turbo=gpt-5-6-instant"
    async with over(backend, {"MODELS": "named", "MODEL_SLUGS": slugs}) as service:
        assert (await service.chat()).status == 200
        assert await names(service) == BUILT_IN
    assert backend.count("/models") == 0


async def test_keys_have_lists_of_their_own() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6")
    async with over(backend) as service:
        assert await names(service) == [*BUILT_IN, "gpt-6"]
        backend.list_of("gpt-5")
        assert await names(service, "fk-another-key") == [*BUILT_IN, "gpt-5"]
        assert (await service.chat(model="gpt-6", key="fk-another-key")).status == 404


async def test_strangers_cannot_have_the_backend_asked_for_lists_without_end() -> None:
    backend = BackendOfToday(good_key=KEY)
    backend.list_of("gpt-6")
    limits = {"REFUSALS_PER_MINUTE": "3"}
    async with over(backend, limits) as service:
        for number in range(20):
            answer = await service.chat(model="gpt-7", key=f"sk-made-up-{number}")
            assert answer.status in (404, 429)
            assert await names(service, f"sk-made-up-too-{number}") == BUILT_IN
        assert backend.count("/models") <= 4
        assert (await service.chat(model="gpt-6")).status == 429, "it is as unknown as they are"
    assert backend.posted == []


async def test_known_key_is_asked_for_whatever_others_at_its_address_did() -> None:
    backend = BackendOfToday(good_key=KEY)
    backend.list_of("gpt-6")
    async with over(backend, {"REFUSALS_PER_MINUTE": "3", "KEY_ALIASES": f"me={KEY}"}) as service:
        for number in range(5):
            await service.chat(model="gpt-7", key=f"sk-made-up-{number}")
        assert (await service.chat(model="gpt-6")).status == 200


async def test_admin_token_sees_the_named_models_and_is_not_told_to_the_backend() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-6")
    async with over(backend, {"ADMIN_TOKEN": "the-admin-token"}) as service:
        assert await names(service, "the-admin-token") == BUILT_IN
    assert backend.asked == []


async def test_label_of_a_listed_model_is_its_slug_whatever_it_was_asked_as() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-5-2")
    async with over(backend) as service:
        await service.chat(model="gpt-5.2-2025-12-11")
        await service.chat(model="gpt-9.9")
        metrics = (await service.ask("GET", "/metrics")).body.decode()
    assert 'pandora_requests_total{model="gpt-5-2",outcome="ok",route="chat"} 1.0' in metrics
    assert "gpt-5.2" not in metrics
    assert "gpt-9" not in metrics


SUBSTITUTED = 'pandora_model_substituted_total{model="gpt-6"}'


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("metadata", "header", "counted"),
    [
        ({"model_slug": "gpt-6", "resolved_model_slug": "gpt-6-mini"}, "gpt-6-mini", 1.0),
        ({"model_slug": "gpt-6-mini"}, "gpt-6-mini", 1.0),
        ({"model_slug": "gpt-6", "resolved_model_slug": "gpt-6-thinking"}, "gpt-6-thinking", 0.0),
        ({"model_slug": "gpt-6", "resolved_model_slug": "gpt-6"}, "gpt-6", 0.0),
        ({"model_slug": "gpt-6"}, None, 0.0),
        ({"resolved_model_slug": "gpt-6\r\nSet-Cookie: a=b"}, None, 0.0),
    ],
)
async def test_model_that_really_answered_is_told_and_counted(
    metadata: dict[str, object],
    header: str | None,
    counted: float,
    stream: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = BackendOfToday(metadata=metadata)
    backend.list_of("gpt-6")
    async with over(backend) as service:
        answer = await service.chat(model="gpt-6", stream=stream)
        metrics = (await service.ask("GET", "/metrics")).body.decode()
    assert answer.status == 200
    assert answer.headers.get("x-model-resolved") == header
    assert "set-cookie" not in answer.headers
    assert f"{SUBSTITUTED} {counted}" in metrics
    lines = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "request"]
    assert [line["answered_by"] for line in lines if line["route"] == "chat"] == [header]


async def test_record_beside_the_messages_tells_it_too() -> None:
    record: dict[str, object] = {
        "type": "server_ste_metadata",
        "metadata": {"resolved_model_slug": "gpt-6-mini"},
    }
    backend = BackendOfToday(metadata={"model_slug": "gpt-6"}, records=[record])
    backend.list_of("gpt-6")
    async with over(backend) as service:
        assert (await service.chat(model="gpt-6")).headers["x-model-resolved"] == "gpt-6-mini"
