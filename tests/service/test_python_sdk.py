"""The official Python SDK, as it is, against the running service."""

import asyncio
from collections.abc import Iterator
from typing import cast

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.processes import Pair, new_key

DRAMA = "Repeat after me: one two three four five six seven eight"


def asked(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


@pytest.fixture
def client(pair: Pair) -> Iterator[OpenAI]:
    """With the SDK's own defaults, two retries included."""
    with OpenAI(base_url=pair.url, api_key=new_key()) as made:
        yield made


def test_completion(client: OpenAI) -> None:
    completion = client.chat.completions.create(model="gpt-4-s", messages=asked("Say exactly: fine"))
    assert completion.choices[0].message.content == "fine"
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "gpt-4-s"
    assert completion.usage is not None
    assert completion.usage.total_tokens > 1
    assert completion._request_id is not None
    assert completion._request_id.startswith("req_")


def test_plain_list_of_messages_goes_on_in_its_conversation(client: OpenAI) -> None:
    """The loop of every tutorial: the answer is put behind the question as the SDK gives it."""
    messages: list[ChatCompletionMessageParam] = []
    told, answers = [], []
    for question in ("Draw a fox", "Make it blue"):
        messages.append({"role": "user", "content": question})
        raw = client.chat.completions.with_raw_response.create(model="gpt-4-s", messages=messages)
        told.append(raw.headers["x-conversation"])
        message = raw.parse().choices[0].message
        messages.append(cast(ChatCompletionMessageParam, message.to_dict()))
        answers.append(message.content or "")
    assert told == ["new", "continued"]
    assert answers[1].startswith("![a fox, blue](")


def test_stream(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="gpt-4-s", messages=asked("Hello"), stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len("".join(chunk.choices[0].delta.content or "" for chunk in chunks)) > 10
    assert all(chunk.usage is None for chunk in chunks)


def test_stream_with_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="gpt-4-s", messages=asked("Hello"), stream=True, stream_options={"include_usage": True}
    )
    *_, last = stream
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 1


def test_stream_helper_gives_events_and_the_final_completion(client: OpenAI) -> None:
    with client.chat.completions.stream(model="gpt-4-s", messages=asked("Say exactly: all fine")) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert completion.choices[0].message.content == "all fine"


def test_stream_that_is_left_in_the_middle_closes_the_upstream(client: OpenAI, pair: Pair) -> None:
    before = pair.upstream["closed_early"]
    text = "Tell me about rain [[sim tokens=2000 pace=50]]"
    with client.chat.completions.create(model="gpt-4-s", messages=asked(text), stream=True) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    assert pair.upstream_reaches("closed_early", before + 1)


def test_models(client: OpenAI) -> None:
    listed = client.models.list()
    assert "gpt-4-s" in [model.id for model in listed]
    assert client.models.retrieve("gpt-4-s").owned_by == "pandora-next"
    assert client.models.retrieve("gpt-3.5-turbo-16k").id == "gpt-3.5-turbo-16k"


ERRORS = [
    ("content_policy", openai.BadRequestError, 400, "content_policy_violation"),
    ("message_length_exceeds_limit", openai.BadRequestError, 400, "context_length_exceeded"),
    ("token_expired", openai.AuthenticationError, 401, "invalid_api_key"),
    ("account_deactivated", openai.PermissionDeniedError, 403, "account_deactivated"),
    ("model_not_found", openai.NotFoundError, 404, "model_not_found"),
    ("model_cap_exceeded", openai.RateLimitError, 429, "rate_limit_exceeded"),
    ("echo_only", openai.InternalServerError, 502, "upstream_error"),
    ("cloudflare", openai.InternalServerError, 503, "upstream_challenge"),
    ("stall_after_headers", openai.InternalServerError, 504, "upstream_timeout"),
    ("reset_before_headers", openai.InternalServerError, 502, "upstream_error"),
    ("end_after_headers", openai.InternalServerError, 502, "upstream_error"),
    ("status_504", openai.InternalServerError, 502, "upstream_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "kind", "status", "code"), ERRORS, ids=[row[0] for row in ERRORS])
def test_failure_is_the_right_exception_and_is_not_tried_again(
    client: OpenAI,
    pair: Pair,
    fault: str,
    kind: type[openai.APIStatusError],
    status: int,
    code: str,
    stream: bool,
) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(kind) as raised:
        client.chat.completions.create(
            model="gpt-4-s", messages=asked(f"Hello [[sim fault={fault}]]"), stream=stream
        )
    assert raised.value.status_code == status
    assert raised.value.code == code
    assert raised.value.request_id is not None
    assert raised.value.message
    assert pair.upstream["attempts"] == before + 1, "quota was spent on retries"


def test_failure_that_a_retry_may_cure_is_tried_again(client: OpenAI, pair: Pair) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=1).chat.completions.create(
            model="gpt-4-s", messages=asked("Hello [[sim fault=status_503]]")
        )
    assert pair.upstream["attempts"] == before + 2


def test_bad_requests_are_the_right_exceptions_and_cost_nothing(client: OpenAI, pair: Pair) -> None:
    before = pair.upstream["attempts"]
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="gpt-4-s", messages=asked("Hello"), n=2)
    assert bad.value.param == "n"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-9-x", messages=asked("Hello"))
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as path:
        client.embeddings.create(model="gpt-4-s", input="Hello")
    assert path.value.code == "unknown_url"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none")
    with pytest.raises(openai.APIStatusError) as large:
        client.chat.completions.create(model="gpt-4-s", messages=asked("x" * 1_100_000))
    assert large.value.status_code == 413
    assert pair.upstream["attempts"] == before


def test_key_that_the_backend_refuses_is_an_authentication_error(pair: Pair) -> None:
    with (
        OpenAI(base_url=pair.url, api_key="sk-none-of-the-backend") as client,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        client.chat.completions.create(model="gpt-4-s", messages=asked("Hello"))
    assert raised.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("reset_mid", "upstream_error"), ("end_mid", "upstream_error"), ("stall_mid", "upstream_timeout")],
)
def test_failure_in_mid_stream_is_raised_after_the_text(
    client: OpenAI, pair: Pair, fault: str, code: str
) -> None:
    before = pair.upstream["attempts"]
    stream = client.chat.completions.create(
        model="gpt-4-s", messages=asked(f"{DRAMA} [[sim pace=200 fault={fault}]]"), stream=True
    )
    pieces: list[str] = []
    with pytest.raises(openai.APIError) as raised:
        pieces.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    text = "".join(pieces)
    assert not isinstance(raised.value, openai.APIConnectionError | openai.APIStatusError)
    assert raised.value.code == code
    assert text.startswith("one two three")
    assert raised.value.message in text
    assert pair.upstream["attempts"] == before + 1


def test_impatient_client_gets_its_timeout_and_the_upstream_is_closed(client: OpenAI, pair: Pair) -> None:
    before = pair.upstream["closed_early"]
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=4, max_retries=0).chat.completions.create(
            model="gpt-4-s", messages=asked("Hello [[sim header_delay=30]]")
        )
    assert pair.upstream_reaches("closed_early", before + 1)


def test_asynchronous_client(pair: Pair) -> None:
    async def talk() -> None:
        async with AsyncOpenAI(base_url=pair.url, api_key=new_key()) as client:
            completion = await client.chat.completions.create(
                model="gpt-4-s", messages=asked("Say exactly: fine")
            )
            assert completion.choices[0].message.content == "fine"
            text = ""
            async for chunk in await client.chat.completions.create(
                model="gpt-4-s", messages=asked("Say exactly: fine too"), stream=True
            ):
                text += chunk.choices[0].delta.content or ""
            assert text == "fine too"
            assert "gpt-4-s" in [model.id async for model in client.models.list()]
            stream = await client.chat.completions.create(
                model="gpt-4-s", messages=asked(f"{DRAMA} [[sim fault=fin_mid]]"), stream=True
            )
            with pytest.raises(openai.APIError, match="connection"):
                [chunk async for chunk in stream]
            with pytest.raises(openai.RateLimitError):
                await client.chat.completions.create(
                    model="gpt-4-s", messages=asked("Hello [[sim fault=model_cap_exceeded]]")
                )

    asyncio.run(talk())


def test_many_at_once_keep_their_answers_apart(pair: Pair) -> None:
    async def ask(client: AsyncOpenAI, number: int) -> str:
        text = ""
        stream = await client.chat.completions.create(
            model="gpt-4-s", messages=asked(f"Say exactly: I am {number}"), stream=True
        )
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
        return text

    async def talk() -> list[str]:
        async with AsyncOpenAI(base_url=pair.url, api_key=new_key(), max_retries=0) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(30)))

    assert asyncio.run(talk()) == [f"I am {number}" for number in range(30)]
