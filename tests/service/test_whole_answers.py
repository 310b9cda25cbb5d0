"""A completion in one piece, and what decides how it ends."""

from typing import Any

import pytest

from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed, question
from tests.translate.schemas import check


def text_of(answer: Answer) -> str:
    """The text, however it came."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        return answer.stream.text
    return str(answer.json["choices"][0]["message"]["content"])


def finish_reason_of(answer: Answer) -> str:
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert answer.stream.done
        return answer.stream.finish_reasons[0]
    return str(answer.json["choices"][0]["finish_reason"])


async def test_completion_is_valid_by_the_official_schema_and_holds_what_clients_index() -> None:
    async with deployed() as service:
        answer = await service.chat("What is 2 + 3?")
    completion = answer.json
    check(completion, "CreateChatCompletionResponse")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert completion["object"] == "chat.completion"
    assert completion["model"] == "gpt-4-s"
    (choice,) = completion["choices"]
    assert choice["index"] == 0
    assert choice["logprobs"] is None
    assert choice["message"]["role"] == "assistant"
    assert "5" in choice["message"]["content"]
    assert choice["message"]["refusal"] is None
    usage = completion["usage"]
    assert min(usage.values()) >= 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


async def test_whole_answer_has_no_header_that_clients_stumble_over() -> None:
    async with deployed() as service:
        headers = (await service.chat()).headers
    assert headers["openai-processing-ms"].isdigit()
    assert not {"set-cookie", "etag", "server", "transfer-encoding", "x-accel-buffering"} & set(headers)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ("finish=stop", "stop"),
        ("finish=interrupted", "stop"),
        ("finish=max_tokens", "length"),
        ("moderation=blocked", "content_filter"),
        ("moderation=blanked", "content_filter"),
        ("finished=0 moderation=none", "stop"),
    ],
)
async def test_end_of_the_upstream_message_becomes_the_finish_reason(
    marker: str, reason: str, stream: bool
) -> None:
    async with deployed({"CONTINUE_LIMIT": "0"}) as service:
        answer = await service.chat(f"Tell me about rain [[sim tokens=40 {marker}]]", stream=stream)
    assert finish_reason_of(answer) == reason
    assert text_of(answer)


@pytest.mark.parametrize("stream", [False, True])
async def test_answer_cut_by_length_is_continued_without_a_seam(stream: bool) -> None:
    async with deployed({"CONTINUE_LIMIT": "1"}) as service:
        cut = await service.chat("Tell me about rain [[sim tokens=60 finish=max_tokens]]", stream=stream)
        whole = await service.chat("Tell me about rain [[sim tokens=60]]", stream=stream)
        actions = [seen.body["action"] for seen in service.posted]
    assert text_of(cut) == text_of(whole)
    assert actions == ["next", "continue", "next"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("stop", ["four", ["seven", "four"], [" five", "four "]])
async def test_stop_sequence_ends_the_answer_and_the_upstream(stop: object, stream: bool) -> None:
    async with deployed() as service:
        rest = " and so on" * 200  # would take half a minute
        asked = f"Repeat after me: one two three four five six seven{rest} [[sim pace=60 unit=char]]"
        answer = await service.chat(asked, stop=stop, stream=stream)
        assert finish_reason_of(answer) == "stop"
        assert text_of(answer) == "one two three "
        await eventually(lambda: service.upstream.open_streams == [])
        assert len(service.upstream.closed_early) == 1


LIKED: list[dict[str, Any]] = [
    {"temperature": 0.2, "top_p": 1, "presence_penalty": 0, "frequency_penalty": -1.5, "seed": 7},
    {"max_tokens": 10, "max_completion_tokens": None, "logit_bias": {"50256": -100}, "logprobs": True},
    {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto"},
    {"functions": [{"name": "f"}], "function_call": "none", "parallel_tool_calls": False},
    {"user": {"id": 1, "name": "x"}, "metadata": {}, "store": False, "service_tier": "auto"},
    {"response_format": {"type": "text"}},
    {"modalities": ["text"], "n": 1, "stop": None, "stream_options": None, "stream": None, "audio": None},
    {"stream_options": {"include_usage": True}},
    {"min_p": 0.1, "chat_id": "x", "reasoning_effort": "high", "verbosity": "low", "web_search_options": {}},
]


@pytest.mark.parametrize("fields", LIKED, ids=lambda fields: "-".join(fields))
async def test_fields_that_clients_like_to_send_never_fail_a_request(fields: dict[str, Any]) -> None:
    async with deployed() as service:
        answer = await service.chat("Say exactly: fine", **fields)
    assert text_of(answer) == "fine"


HISTORIES: list[list[dict[str, Any]]] = [
    [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi", "name": "Ann"}],
    [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    [{"role": "user", "content": ""}, {"role": "user", "content": "Hi"}],
    [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "w"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ],
    [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": []},
        {"role": "user", "content": "Ho"},
    ],
    [{"role": "user", "content": "Long talk. Summarise:"}, {"role": "system", "content": "In one line."}],
]


@pytest.mark.parametrize("messages", HISTORIES)
async def test_histories_that_clients_send_are_answered(messages: list[dict[str, Any]]) -> None:
    async with deployed() as service:
        answer = await service.post({"model": "gpt-3.5-turbo", "messages": messages})
    assert answer.status == 200
    assert text_of(answer)


async def test_key_and_messages_go_upstream_as_they_came() -> None:
    async with deployed() as service:
        await service.post(
            {
                "model": "gpt-3.5-turbo",
                "messages": [
                    {"role": "system", "content": "Be 亲切."},
                    {"role": "user", "content": "One"},
                    {"role": "assistant", "content": "Two"},
                    {"role": "user", "content": "Three"},
                ],
            },
            key="fk-quite-another",
        )
        (seen,) = service.posted
    assert seen.headers["Authorization"] == "Bearer fk-quite-another"
    sent = [(message["author"]["role"], message["content"]["parts"][0]) for message in seen.body["messages"]]
    assert sent == [("system", "Be 亲切."), ("user", "One"), ("assistant", "Two"), ("user", "Three")]


CLIENT_HEADERS = {
    "Cookie": "session=canary",
    "OpenAI-Organization": "org-canary",
    "X-Forwarded-For": "10.1.2.3",
    "x-stainless-lang": "python",
    "User-Agent": "canary/1.0",
}


async def test_headers_of_the_caller_stay_here() -> None:
    async with deployed() as service:
        body = b'{"model":"gpt-4-s","messages":[{"role":"user","content":"Hi"}]}'
        answer = await service.ask("POST", "/v1/chat/completions?api-version=canary", CLIENT_HEADERS, body)
        (seen,) = service.posted
    assert answer.status == 200
    assert "canary" not in str(seen.headers)
    assert set(seen.headers) <= {
        "Authorization", "Accept", "User-Agent", "Content-Type", "Content-Length", "Host", "Connection"
    }  # fmt: skip


async def test_ids_are_new_in_every_request() -> None:
    async def ids(service: Deployment) -> set[str]:
        await service.post(question("Hello"))
        body = service.posted[-1].body
        return {body["parent_message_id"], *(message["id"] for message in body["messages"])}

    async with deployed() as service:
        assert not await ids(service) & await ids(service)
