"""Whole-body errors: every known row, with every kind of body."""

import pytest

from simulator.refusals import REFUSALS
from tests.simulator.client import ask, running

ROWS = [
    ("token_expired", 401, "token_expired"),
    ("invalid_jwt", 401, "invalid_jwt"),
    ("expired_session_key", 401, "expired_session_key"),
    ("invalid_api_key", 401, "invalid_api_key"),
    ("account_deactivated", 401, "account_deactivated"),
    ("deactivated_workspace", 403, "deactivated_workspace"),
    ("challenge_required", 403, "challenge_required"),
    ("conversation_not_found", 404, "conversation_not_found"),
    ("history_disabled_conversation_not_found", 404, "history_disabled_conversation_not_found"),
    ("model_not_found", 404, "model_not_found"),
    ("message_length_exceeds_limit", 413, "message_length_exceeds_limit"),
    ("content_policy", 400, "content_policy"),
    ("model_cap_exceeded", 429, "model_cap_exceeded"),
    ("interruption_server_error", 500, "interruption_server_error"),
    ("token_invalidated", 401, "token_invalidated"),
    ("token_revoked", 401, "token_revoked"),
    ("conversation_inaccessible", 404, "conversation_inaccessible"),
    ("conversation_deleted", 404, "conversation_deleted"),
    ("history_disabled_conversation_expired", 404, "history_disabled_conversation_expired"),
    ("tokenless_resume_unavailable", 404, "tokenless_resume_unavailable"),
    ("conduit_miss", 404, "conduit_miss"),
    ("persisted_final_available", 410, "persisted_final_available"),
    ("message_too_long", 400, "message_length_exceeds_limit"),
    ("work_usage_limit_exceeded", 429, "work_usage_limit_exceeded"),
]
TEXTS = [
    ("unauthorized", 401, "Unauthorized"),
    ("unusual_activity", 403, "unusual activity"),
    ("cannot_load", 404, "Can't load conversation"),
    ("not_found", 404, "Not Found"),
    ("one_message", 429, "Only one message at a time."),
    ("too_many_requests", 429, "Too many requests in 1 hour."),
    ("something_went_wrong", 429, "Something went wrong, please try reloading"),
    ("plan_limit", 429, "hit the Plus plan limit"),
    ("temporarily_limited", 429, "temporarily limited access"),
    ("hourly_limit", 429, "limit of messages per hour"),
    ("concurrent", 429, "Too many concurrent requests"),
    ("status_500", 500, "Internal Server Error"),
    ("status_524", 524, "524"),
]


@pytest.mark.parametrize(("name", "status", "code"), ROWS)
async def test_error_with_a_code(name: str, status: int, code: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Hello [[sim fault={name}]]")
    assert (answer.status, answer.json["detail"]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("name", "status", "text"), TEXTS)
async def test_error_with_a_string_as_detail(name: str, status: int, text: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Hello [[sim fault={name}]]")
    assert answer.status == status
    assert text in answer.json["detail"]


async def test_cloudflare_answers_403_with_its_page() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim fault=cloudflare]]")
    assert answer.status == 403
    assert answer.headers["content-type"].startswith("text/html")
    for mark in (b"<!DOCTYPE html>", b"cf_chl_opt", b"Just a moment", b"cf-please-wait"):
        assert mark in answer.body


@pytest.mark.parametrize("name", ["validation", "invalid_body"])
async def test_validation_error_has_a_list(name: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Hello [[sim fault={name}]]")
    assert answer.status == 422
    assert isinstance(answer.json["detail"], list)


async def test_body_of_an_error_can_be_html_empty_cut_or_under_another_key() -> None:
    async with running() as simulator:
        html = await ask(simulator, "Hello [[sim fault=status_502 body=html]]")
        empty = await ask(simulator, "Hello [[sim fault=status_503 body=empty]]")
        cut = await ask(simulator, "Hello [[sim fault=model_cap_exceeded body=cut]]")
        other = await ask(simulator, "Hello [[sim fault=status_500 body=error]]")
    assert (html.status, html.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert (empty.status, empty.body) == (503, b"")
    assert cut.status == 429
    with pytest.raises(ValueError, match=r".+"):
        _ = cut.json
    assert "message" in other.json["error"]


async def test_two_hundred_with_json_or_html_instead_of_a_stream() -> None:
    async with running() as simulator:
        as_json = await ask(simulator, "Hello [[sim fault=json_200]]")
        as_html = await ask(simulator, "Hello [[sim fault=html_200]]")
    assert (as_json.status, as_json.headers["content-type"]) == (200, "application/json")
    assert "unusual activity" in as_json.json["detail"]
    assert (as_html.status, as_html.headers["content-type"]) == (200, "text/html; charset=UTF-8")


def test_every_refusal_is_tested_here() -> None:
    tested = {name for name, *_ in ROWS + TEXTS} | {"cloudflare", "validation", "invalid_body"}
    assert tested >= set(REFUSALS)
