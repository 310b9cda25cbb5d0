"""The official Python SDK of Anthropic, as it is, against the running service."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, beta_tool
from anthropic.types import Message, MessageParam, TextBlock, ToolParam, ToolUseBlock

from tests.processes import Pair, new_key

WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The weather in a city now.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
IN_OSLO = "What is the weather in Oslo?"


def asked(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


def minimal(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    """What a request must have."""
    return {"model": "gpt-4-s", "max_tokens": 1000, "messages": asked(text)} | fields


def text_of(message: Message) -> str:
    """The only block, which must be text."""
    (block,) = message.content
    assert isinstance(block, TextBlock)
    return block.text


@pytest.fixture
def client(pair: Pair) -> Iterator[Anthropic]:
    """With the SDK's own defaults, two retries included."""
    with Anthropic(base_url=f"http://127.0.0.1:{pair.port}", api_key=new_key()) as made:
        yield made


def test_message(client: Anthropic) -> None:
    message = client.messages.create(**minimal("Say exactly: fine"))
    assert [block.type for block in message.content] == ["text"]
    assert text_of(message) == "fine"
    assert (message.role, message.model, message.stop_reason) == ("assistant", "gpt-4-s", "end_turn")
    assert message.usage.input_tokens > 1


def test_answer_has_the_header_that_names_the_request(client: Anthropic) -> None:
    answer = client.messages.with_raw_response.create(**minimal("Say exactly: fine"))
    assert answer.headers["request-id"] == answer.headers["x-request-id"]


def test_key_may_be_a_bearer_token(pair: Pair) -> None:
    with Anthropic(base_url=f"http://127.0.0.1:{pair.port}", auth_token=new_key()) as client:
        assert text_of(client.messages.create(**minimal("Say exactly: fine"))) == "fine"


def test_names_of_anthropics_models_mean_models_of_this_service(client: Anthropic) -> None:
    for name in ("claude-opus-4-6", "claude-haiku-4-5-20251001"):
        message = client.messages.create(**minimal("Say exactly: fine", model=name))
        assert (message.model, text_of(message)) == (name, "fine")


def test_stream_helper_puts_the_message_together(client: Anthropic) -> None:
    with client.messages.stream(**minimal("Say exactly: all fine", system="Be brief.")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == text_of(message) == "all fine"
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 1


def test_stop_sequence_that_was_met_is_told(client: Anthropic) -> None:
    for stream in (False, True):
        given = minimal("Say exactly: one STOP two", stop_sequences=["END", "STOP"])
        if stream:
            with client.messages.stream(**given) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**given)
        assert text_of(message) == "one "
        assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "STOP")


@pytest.mark.parametrize("stream", [False, True])
def test_tool_is_called_and_its_result_used(client: Anthropic, stream: bool) -> None:
    def answer(messages: list[MessageParam]) -> Message:
        given = minimal(messages=messages, tools=[WEATHER])
        if not stream:
            whole: Message = client.messages.create(**given)
            return whole
        with client.messages.stream(**given) as events:
            return events.get_final_message()

    messages = asked(IN_OSLO)
    called = answer(messages)
    assert called.stop_reason == "tool_use"
    call = called.content[-1]
    assert isinstance(call, ToolUseBlock)
    assert call.id.startswith("toolu_")
    assert (call.name, call.input) == ("get_weather", {"city": "Oslo"})
    messages += [
        {"role": "assistant", "content": called.content},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "3 degrees and rain"}],
        },
    ]
    answered = answer(messages)
    assert answered.stop_reason == "end_turn"
    assert "3 degrees and rain" in text_of(answered)


def test_tool_that_must_be_called_is_called(client: Anthropic) -> None:
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        message = client.messages.create(**minimal("Hello", tools=[WEATHER], tool_choice=choice))
        assert [block.type for block in message.content] == ["tool_use"]


def test_tool_that_must_be_called_and_never_is_fails_once(client: Anthropic, pair: Pair) -> None:
    before = pair.upstream["attempts"]
    given = minimal("Hello [[sim habit=prose amends=false]]", tools=[WEATHER], tool_choice={"type": "any"})
    with pytest.raises(anthropic.InternalServerError) as raised:
        client.messages.create(**given)
    assert raised.value.status_code == 502
    assert pair.upstream["attempts"] == before + 2, "asked once more, and not by the SDK"


def test_answer_fits_the_schema_that_it_must_fit(client: Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    form = {"format": {"type": "json_schema", "schema": schema}}
    message = client.messages.create(**minimal(IN_OSLO, output_config=form))
    answer = json.loads(text_of(message))
    assert set(answer) == {"city", "degrees"}


def test_tokens_are_counted_as_an_answer_counts_them(client: Anthropic) -> None:
    given = minimal("Say exactly: fine", system="Be brief.", tools=[WEATHER])
    used = client.messages.create(**given).usage.input_tokens
    del given["max_tokens"]
    assert client.messages.count_tokens(**given).input_tokens == used


def test_models(client: Anthropic) -> None:
    listed = client.models.list()
    assert "gpt-4-s" in [model.id for model in listed]
    model = client.models.retrieve("gpt-4-s")
    assert (model.id, model.type, model.created_at.year) == ("gpt-4-s", "model", 2023)


ERRORS = [
    ("content_policy", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("message_length_exceeds_limit", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("token_expired", anthropic.AuthenticationError, 401, "authentication_error"),
    ("account_deactivated", anthropic.PermissionDeniedError, 403, "permission_error"),
    ("model_not_found", anthropic.NotFoundError, 404, "not_found_error"),
    ("model_cap_exceeded", anthropic.RateLimitError, 429, "rate_limit_error"),
    ("echo_only", anthropic.InternalServerError, 502, "api_error"),
    ("cloudflare", anthropic.InternalServerError, 503, "api_error"),
    ("stall_after_headers", anthropic.InternalServerError, 504, "timeout_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "kind", "status", "word"), ERRORS, ids=[row[0] for row in ERRORS])
def test_failure_is_the_right_exception_and_is_not_tried_again(
    client: Anthropic,
    pair: Pair,
    fault: str,
    kind: type[anthropic.APIStatusError],
    status: int,
    word: str,
    stream: bool,
) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(kind) as raised:
        client.messages.create(**minimal(f"Hello [[sim fault={fault}]]"), stream=stream)
    assert raised.value.status_code == status
    assert raised.value.request_id is not None
    body = raised.value.body
    assert isinstance(body, dict)
    assert (body["type"], body["error"]["type"]) == ("error", word)
    assert body["request_id"] == raised.value.request_id
    assert pair.upstream["attempts"] == before + 1, "quota was spent on retries"


def test_failure_in_mid_stream_is_an_exception(client: Anthropic) -> None:
    text = "Repeat after me: one two three four [[sim pace=200 fault=reset_mid]]"
    with client.messages.stream(**minimal(text)) as stream, pytest.raises(anthropic.APIStatusError) as raised:
        for _ in stream:
            pass
    assert raised.value.body["error"]["type"] == "api_error"  # type: ignore[index]


def test_bad_requests_are_the_right_exceptions_and_cost_nothing(client: Anthropic, pair: Pair) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(anthropic.BadRequestError, match="messages: "):
        client.messages.create(**minimal(messages=[]))
    with pytest.raises(anthropic.BadRequestError, match=r"tools\.0\.type"):
        client.messages.create(**minimal(tools=[{"type": "bash_20250124", "name": "bash"}]))
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(**minimal(model="gpt-9-x"))
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.list()
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("none")
    with pytest.raises(anthropic.RequestTooLargeError):
        client.messages.create(**minimal("x" * 1_100_000))
    assert pair.upstream["attempts"] == before


def test_stream_that_is_left_in_the_middle_closes_the_upstream(client: Anthropic, pair: Pair) -> None:
    before = pair.upstream["closed_early"]
    with client.messages.stream(**minimal("Tell me about rain [[sim tokens=2000 pace=50]]")) as stream:
        next(stream.text_stream)
    assert pair.upstream_reaches("closed_early", before + 1)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_runner_runs_the_tool_and_gets_an_answer(client: Anthropic, stream: bool) -> None:
    """The SDK tries to go on with a conversation of which only Anthropic would keep the beginning."""

    @beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city now.

        Args:
            city: Where.
        """
        return f"rain in {city}"

    runner: Any = client.beta.messages.tool_runner(**minimal(IN_OSLO, tools=[get_weather]), stream=stream)
    *_, last = runner
    message = last.get_final_message() if stream else last
    assert message.content[0].text == "The tool `get_weather` gave: rain in Oslo"
