"""Whatever is sent to the chat route, the answer is a completion or an error that clients understand."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import Knobs
from tests.raw_client import Answer
from tests.service.deployment import CHAT, KEY, Deployment, deployed
from tests.translate.schemas import check


@contextmanager
def deployed_in_thread() -> Iterator[Deployment]:
    """A service on a loop of its own, for tests that block."""
    ready, over = threading.Event(), asyncio.Event()
    found: list[tuple[Deployment, asyncio.AbstractEventLoop]] = []

    async def run() -> None:
        knobs = Knobs(busy=False, cap=0, tokens=6)
        async with deployed({"MAX_BODY_BYTES": "65536"}, knobs) as service:
            found.append((service, asyncio.get_running_loop()))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(60)
    service, loop = found[0]
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(60)


@pytest.fixture(scope="module")
def service() -> Iterator[Deployment]:
    with deployed_in_thread() as running:
        yield running


def post(service: Deployment, body: bytes) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    try:
        connection.request("POST", CHAT, body, headers)
        response = connection.getresponse()
        lines = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, lines, response.read())
    finally:
        connection.close()


def check_answer(answer: Answer) -> None:
    assert answer.status in (200, 400, 404, 413)
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["access-control-allow-origin"] == "*"
    if answer.status != 200:
        assert answer.headers["content-type"] == "application/json"
        error = answer.error
        assert error["message"]
        assert error["type"] == "invalid_request_error"
        assert error["code"] is None or isinstance(error["code"], str)
        assert error["param"] is None or isinstance(error["param"], str)
    elif answer.headers["content-type"] == "application/json":
        check(answer.json, "CreateChatCompletionResponse")
    else:
        assert answer.stream.done
        assert answer.stream.errors == ()
        for chunk in answer.stream.chunks:
            check(chunk, "CreateChatCompletionStreamResponse")


texts = st.text(max_size=30) | st.sampled_from(["", "Hi", "[[sim]]", "\ud800", "\x00", "\u2028", "x" * 3000])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "file", "refusal", "input_audio"]) | values},
    optional={"text": texts | values, "image_url": values, "file": values, "refusal": texts},
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"]) | values,
        "content": texts | st.lists(parts, max_size=3) | values,
        "name": texts | values,
        "tool_calls": st.lists(st.fixed_dictionaries({"function": values}), max_size=2) | values,
        "function_call": values,
        "tool_call_id": values,
    },
)
plain = st.fixed_dictionaries({"role": st.just("user"), "content": texts.filter(bool)})
NAMES: tuple[str, ...] = (
    "stream_options",
    "n",
    "stop",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "tools",
)
NAMES += (
    "tool_choice",
    "function_call",
    "functions",
    "modalities",
    "audio",
    "response_format",
    "user",
    "seed",
)
fields = st.dictionaries(st.sampled_from(NAMES), values, max_size=3) | st.dictionaries(
    texts, values, max_size=2
)
models = st.sampled_from(
    ["gpt-4-s", "gpt-3.5-turbo", "gpt-4-mobile", "gpt-3.5-turbo-\ud800", "gpt-3.5-turbo-é"]
)
frames = st.fixed_dictionaries(
    {
        "model": models | models | models | values,
        "messages": st.lists(plain, min_size=1, max_size=2) | st.lists(messages, max_size=4),
    },
    optional={"stream": st.booleans() | values},
)

SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SETTINGS
@given(frame=frames, others=fields)
def test_any_object_is_answered_by_a_completion_or_an_error(
    service: Deployment, frame: dict[str, Any], others: dict[str, Any]
) -> None:
    body = others | frame
    check_answer(post(service, json.dumps(body).encode()))


@SETTINGS
@given(body=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_answered_by_an_error(service: Deployment, body: bytes) -> None:
    before = service.upstream.attempts
    answer = post(service, body)
    check_answer(answer)
    assert answer.status == 400
    assert service.upstream.attempts == before
