"""Limits as callers meet them: true waits, nothing sent upstream, and what the backend says is obeyed."""

from pathlib import Path

import pytest

from tests.service.deployment import Deployment, deployed

RESETS = {"x-ratelimit-reset-units", "x-ratelimit-reset-requests"}


async def fourth(service: Deployment, model: str = "gpt-4-s") -> tuple[int, int]:
    """Three messages that are answered and one more; its status, and how many reached the backend."""
    for _ in range(3):
        assert (await service.chat(model=model)).status == 200
    return (await service.chat(model=model)).status, service.upstream.attempts


async def test_quota_of_a_key_that_is_used_up_is_a_429_and_nothing_is_sent() -> None:
    async with deployed({"QUOTA_PER_KEY_PER_DAY": "28"}) as service:
        for _ in range(2):
            assert (await service.chat()).status == 200
        refused = await service.chat(stream=True)
        other_key = await service.chat(key="fk-another-key")
        assert service.upstream.attempts == 3
    assert refused.status == 429
    assert refused.error["type"] == refused.error["code"] == "insufficient_quota"
    assert refused.headers["x-should-retry"] == "false"
    assert 0 < int(refused.headers["retry-after"]) <= 86400
    assert refused.headers["x-ratelimit-limit-units"] == "28"
    assert refused.headers["x-ratelimit-remaining-units"] == "0"
    assert other_key.status == 200


async def test_quota_of_all_keys_counts_all_keys() -> None:
    async with deployed({"QUOTA_PER_DAY": "30"}) as service:
        answers = [await service.chat(key=f"fk-key-{number}") for number in range(3)]
        cheap = await service.chat(model="gpt-3.5-turbo")
        assert service.upstream.attempts == 2
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[1].headers["x-ratelimit-remaining-units"] == "2"
    assert cheap.status == 429


async def test_units_are_those_of_the_settings() -> None:
    async with deployed({"QUOTA_PER_DAY": "30", "MODEL_UNITS": "gpt-4-s=15,gpt-3.5-turbo=0"}) as service:
        answers = [await service.chat() for _ in range(3)]
        free = await service.chat(model="gpt-3.5-turbo")
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert free.status == 200


async def test_gpt4_window_is_obeyed_with_the_time_at_which_the_oldest_message_leaves() -> None:
    async with deployed({"GPT4_LIMIT": "3", "GPT4_WINDOW": "600"}) as service:
        assert await fourth(service) == (429, 3)
        refused = await service.chat()
        assert service.upstream.attempts == 3
    assert refused.error["code"] == "rate_limit_exceeded"
    assert 590 <= int(refused.headers["retry-after"]) <= 600
    assert refused.headers["x-ratelimit-limit-requests"] == "3"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.headers["x-ratelimit-reset-requests"].startswith(("9m", "10m"))


@pytest.mark.parametrize("model", ["gpt-4-mobile", "gpt-3.5-turbo"])
async def test_gpt4_window_does_not_concern_other_models(model: str) -> None:
    async with deployed({"GPT4_LIMIT": "3"}) as service:
        assert await fourth(service, model) == (200, 4)


async def test_limits_hold_after_a_restart(tmp_path: Path) -> None:
    settings = {"STATE_DIR": str(tmp_path), "QUOTA_PER_KEY_PER_DAY": "28", "GPT4_LIMIT": "2"}
    async with deployed(settings) as service:
        for _ in range(2):
            assert (await service.chat()).status == 200
    async with deployed(settings) as service:
        assert (await service.chat()).status == 429
        assert (await service.chat(model="gpt-4-mobile")).status == 429
        assert service.upstream.attempts == 0


async def test_without_limits_nothing_is_said_of_them() -> None:
    async with deployed() as service:
        answer = await service.chat()
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_what_is_refused_or_never_arrives_costs_nothing() -> None:
    async with deployed({"QUOTA_PER_KEY_PER_DAY": "14"}) as service:
        for fault in ("token_expired", "status_503", "cloudflare", "validation"):
            assert (await service.chat(f"Hello [[sim fault={fault}]]")).status >= 400
        assert (await service.chat()).status == 200
        assert (await service.chat()).status == 429


async def test_cap_that_the_backend_reports_is_obeyed_for_that_key_and_model(tmp_path: Path) -> None:
    settings = {"STATE_DIR": str(tmp_path)}
    async with deployed(settings) as service:
        first = await service.chat("Hello [[sim fault=model_cap_exceeded]]")
        again = await service.chat()
        assert service.upstream.attempts == 1
        assert (await service.chat(model="gpt-4-mobile")).status == 200
        assert (await service.chat(key="fk-another-key")).status == 200
        metrics = (await service.ask("GET", "/metrics")).body.decode()
    async with deployed(settings) as service:
        later = await service.chat()
        assert service.upstream.attempts == 0
    assert [first.status, again.status, later.status] == [429, 429, 429]
    assert first.headers["retry-after"] == "5400"
    assert 5300 < int(again.headers["retry-after"]) <= 5400
    assert again.error["code"] == "rate_limit_exceeded"
    assert 'pandora_model_capped{model="gpt-4-s"} 1.0' in metrics
    assert 'pandora_model_capped{model="gpt-4-mobile"} 0.0' in metrics


async def test_reply_is_not_continued_beyond_the_limit() -> None:
    async with deployed({"QUOTA_PER_KEY_PER_DAY": "14"}) as service:
        answer = await service.chat("Hello [[sim finish=max_tokens]]")
        assert service.upstream.attempts == 1
    assert answer.json["choices"][0]["finish_reason"] == "length"


async def test_continued_reply_is_another_conversation() -> None:
    async with deployed() as service:
        await service.chat("Hello [[sim finish=max_tokens]]")
        usage = (await service.ask("GET", "/v1/usage")).json
    assert usage["data"][0]["conversations"] == 2
    assert usage["data"][0]["units"] == 28
