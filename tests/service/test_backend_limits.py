"""The backend's own limits: shown, and obeyed before anything is sent."""

import time
from datetime import UTC, datetime

import pytest

from tests.eventually import eventually
from tests.service.backend_of_today import BackendOfToday, over
from tests.service.deployment import Deployment

MODEL = "gpt-5-6"
IMAGES = "/v1/images/generations"
ADMIN = "the-admin-token"


def later(seconds: float = 3600) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def limits(*, model: str = "", pictures: int = 5, blocked: bool = False) -> dict[str, object]:
    """A record that says so; the model is one that is used up."""
    return {
        "type": "conversation_detail_metadata",
        "banner_info": None,
        "blocked_features": [{"name": "image_gen", "resets_after": later()}] if blocked else [],
        "model_limits": [
            {"model_slug": model, "using_default_model_slug": "gpt-5-6-mini", "resets_after": later()}
        ]
        if model
        else [],
        "limits_progress": [{"feature_name": "image_gen", "remaining": pictures, "reset_after": later()}],
    }


def backend_with(record: dict[str, object] | None = None) -> BackendOfToday:
    """A backend whose streams have this record."""
    backend = BackendOfToday(records=[] if record is None else [record])
    backend.list_of(MODEL, "gpt-5-6-mini", "gpt-4")
    return backend


async def metrics(service: Deployment) -> str:
    return (await service.ask("GET", "/metrics")).body.decode()


@pytest.mark.parametrize("stream", [False, True])
async def test_model_that_is_used_up_is_refused_with_its_time_and_nothing_is_sent(stream: bool) -> None:
    backend = backend_with(limits(model=MODEL))
    async with over(backend) as service:
        assert (await service.chat(model=MODEL)).status == 200
        refused = await service.chat(model=MODEL, stream=stream)
        assert len(backend.posted) == 1
        lesser = await service.chat(model="gpt-5-6-mini")
        other_key = await service.chat(model=MODEL, key="fk-another-key")
        exposed = await metrics(service)
    assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["x-should-retry"] == "false"
    assert "gpt-5-6-mini would answer" in refused.error["message"]
    assert (lesser.status, other_key.status) == (200, 200)
    assert f'pandora_model_capped{{model="{MODEL}"}} 1.0' in exposed
    assert 'pandora_model_capped{model="gpt-4-s"} 1.0' in exposed, "it may be called so upstream"
    assert 'pandora_rejected_total{reason="model_cap"} 1.0' in exposed


async def test_named_model_is_refused_by_the_slug_that_it_has_for_the_key() -> None:
    backend = backend_with(limits(model="gpt-4"))
    async with over(backend) as service:
        assert (await service.chat()).status == 200
        assert (await service.chat()).status == 429
    assert len(backend.posted) == 1


@pytest.mark.parametrize("blocked", [False, True])
async def test_picture_is_refused_where_none_is_left_and_words_are_not(blocked: bool) -> None:
    backend = backend_with(limits(pictures=3 if blocked else 0, blocked=blocked))
    async with over(backend) as service:
        assert (await service.chat(model=MODEL)).status == 200
        refused = await service.post({"prompt": "a cat", "model": MODEL}, path=IMAGES)
        assert len(backend.posted) == 1
        words = await service.chat(model=MODEL)
        exposed = await metrics(service)
    assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
    assert "image_gen" in refused.error["message"]
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert words.status == 200
    assert 'pandora_backend_limit_remaining{feature="image_gen"} 0.0' in exposed
    assert 'pandora_rejected_total{reason="feature_limit"} 1.0' in exposed


async def test_limit_that_was_lifted_is_obeyed_no_longer() -> None:
    backend = backend_with(limits(model=MODEL))
    async with over(backend) as service:
        await service.chat(model=MODEL)
        backend.records = [limits()]
        assert (await service.chat(model="gpt-5-6-mini")).status == 200
        assert (await service.chat(model=MODEL)).status == 200


async def test_limits_are_asked_for_after_a_turn_that_told_none() -> None:
    backend = backend_with()
    backend.limits = limits(model=MODEL)
    async with over(backend) as service:
        assert (await service.chat(model=MODEL)).status == 200
        assert backend.count("/conversation/init") == 0, "the answer does not wait for them"
        await eventually(lambda: backend.count("/conversation/init") == 1)
        await eventually(lambda: len(service.server.service.charges.backend_limits(None)) == 1)
        assert (await service.chat(model=MODEL)).status == 429
    assert backend.count("/conversation/init") == 1


async def test_usage_shows_the_backends_own_count_beside_ours_to_whom_it_concerns() -> None:
    backend = backend_with(limits(model=MODEL, pictures=7))
    settings = {"ADMIN_TOKEN": ADMIN, "KEY_ALIASES": "ann=fk-ann,bob=fk-bob"}
    async with over(backend, settings) as service:
        nothing = (await service.ask("GET", "/v1/usage", key="fk-ann")).json
        for key in ("fk-ann", "fk-bob"):
            await service.chat(model=MODEL, key=key)
        own = (await service.ask("GET", "/v1/usage", key="fk-ann")).json
        everybody = (await service.ask("GET", "/v1/usage", key=ADMIN)).json
        state = (await service.ask("GET", "/console/state", key=ADMIN)).json
        exposed = await metrics(service)
    assert nothing["backend"] == []
    (told,) = own["backend"]
    assert told["key"] == "ann"
    assert abs(told["known_at"] - time.time()) < 60
    (model,), (feature,) = told["models"], told["features"]
    assert (model["model"], model["replaced_by"]) == (MODEL, "gpt-5-6-mini")
    assert (feature["feature"], feature["remaining"], feature["blocked"]) == ("image_gen", 7, False)
    assert abs(feature["resets_at"] - time.time() - 3600) < 60
    assert [entry["key"] for entry in everybody["backend"]] == ["bob", "ann"]
    assert state["details"]["backend"] == everybody["backend"]
    assert 'pandora_backend_limit_remaining{feature="image_gen"} 7.0' in exposed
    assert "fk-ann" not in exposed
