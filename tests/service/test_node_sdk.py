"""The official Node SDK, as it is, against the running service."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.processes import ROOT, Pair, environment, new_key

NODE = ROOT / "tests" / "service" / "node_sdk"

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (NODE / "node_modules").exists(), reason="the Node SDK is not: see .ci/run"),
]


def scenario(pair: Pair, name: str, **settings: str) -> Any:
    """What a scenario of the script gives."""
    result = subprocess.run(
        ["node", "scenarios.mjs", name],
        cwd=NODE,
        env=environment({"BASE_URL": pair.url, "KEY": new_key()} | settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_completion_is_an_object_with_a_request_id(pair: Pair) -> None:
    completion = scenario(pair, "plain")
    assert completion["choices"][0]["message"]["content"] == "fine"
    assert completion["usage"]["total_tokens"] > 1
    assert completion["requestID"].startswith("req_")


def test_stream(pair: Pair) -> None:
    assert scenario(pair, "streamed") == {"text": "fine, too", "role": "assistant", "finish": "stop"}


def test_stream_with_usage(pair: Pair) -> None:
    last = scenario(pair, "usage")
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 1


def test_stream_helper(pair: Pair) -> None:
    assert scenario(pair, "helper") == {"heard": "helped", "content": "helped", "finish": "stop"}


def test_response_that_calls_a_tool_and_the_one_that_follows(pair: Pair) -> None:
    told = scenario(pair, "response")
    assert json.loads(told["called"]) == {"city": "Oslo"}
    assert "It snows in Oslo." in told["content"]
    assert told["heard"][0] == "response.created"
    assert told["heard"][-1] == "response.completed"


@pytest.mark.parametrize("stream", ["", "1"])
def test_runner_of_tools_runs_what_is_called_and_gives_the_answer(pair: Pair, stream: str) -> None:
    ran = scenario(pair, "tools", STREAM=stream)
    assert ran["called"] == ["Oslo"]
    assert "It snows in Oslo." in ran["content"]


def test_models(pair: Pair) -> None:
    models = scenario(pair, "models")
    assert "gpt-4-s" in models["ids"]
    assert models["one"]["id"] == "gpt-3.5-turbo-16k"


@pytest.mark.parametrize("stream", ["", "1"])
def test_failures_are_the_right_classes_and_are_not_tried_again(pair: Pair, stream: str) -> None:
    before = pair.upstream["attempts"]
    errors = scenario(pair, "errors", STREAM=stream)
    found = {name: (error["kind"], error["status"], error["code"]) for name, error in errors.items()}
    assert found == {
        "content_policy": ("BadRequestError", 400, "content_policy_violation"),
        "token_expired": ("AuthenticationError", 401, "invalid_api_key"),
        "account_deactivated": ("PermissionDeniedError", 403, "account_deactivated"),
        "model_not_found": ("NotFoundError", 404, "model_not_found"),
        "model_cap_exceeded": ("RateLimitError", 429, "rate_limit_exceeded"),
        "cloudflare": ("InternalServerError", 503, "upstream_challenge"),
        "echo_only": ("InternalServerError", 502, "upstream_error"),
        "reset_before_headers": ("InternalServerError", 502, "upstream_error"),
        "status_504": ("InternalServerError", 502, "upstream_error"),
        "n": ("BadRequestError", 400, None),
        "model": ("NotFoundError", 404, "model_not_found"),
        "path": ("NotFoundError", 404, "unknown_url"),
        "large": ("APIError", 413, "request_too_large"),
    }
    assert all(error["requestID"].startswith("req_") for error in errors.values())
    assert errors["n"]["param"] == "n"
    assert pair.upstream["attempts"] == before + 9


def test_failure_in_mid_stream_throws_after_the_text(pair: Pair) -> None:
    before = pair.upstream["attempts"]
    found = scenario(pair, "midStream")
    assert found["error"]["kind"] == "APIError"
    assert found["error"]["code"] == "upstream_error"
    assert found["error"]["status"] is None
    assert found["text"].startswith("one two")
    assert found["error"]["message"] in found["text"]
    assert pair.upstream["attempts"] == before + 1


def test_stream_that_is_left_in_the_middle_closes_the_upstream(pair: Pair) -> None:
    before = pair.upstream["closed_early"]
    scenario(pair, "leave")
    assert pair.upstream_reaches("closed_early", before + 1)
