"""Completions of before there were chats: what is read, and what clients receive."""

import json
from typing import Any

import pytest
from openai.types import Completion

from tests.translate.reading import data_lines
from translate.openai import CompletionStream, WholeCompletion, completion_request
from translate.openai.messages import MAX_TEXT
from translate.text import AnswerBuilder
from translate.values import (
    AnswerEnd,
    BadRequest,
    ChatMessage,
    ReasoningDelta,
    TextDelta,
    UpstreamFailed,
    Usage,
)

HEAD: dict[str, Any] = {"id": "cmpl-1", "created": 1_700_000_000, "model": "a/b"}
TEXT = 'He said: "fine"\n'


def asked(**fields: object) -> dict[str, Any]:
    return {"model": "gpt-4-s", "prompt": "Hello", **fields}


@pytest.mark.parametrize("prompt", ["Hello", ["Hello"]])
def test_prompt_is_what_the_user_says(prompt: object) -> None:
    request = completion_request(asked(prompt=prompt, stop=["END"], stream=True))
    assert request.messages == (ChatMessage("user", "Hello"),)
    assert (request.model, request.stop, request.stream) == ("gpt-4-s", ("END",), True)


@pytest.mark.parametrize(
    "prompt", [None, "", [], [""], ["a", "b"], [1, 2], [[1, 2]], 5, {}, "x" * (MAX_TEXT + 1)]
)
def test_other_prompts_are_refused_by_name(prompt: object) -> None:
    with pytest.raises(BadRequest) as raised:
        completion_request(asked(prompt=prompt))
    assert raised.value.param == "prompt"


@pytest.mark.parametrize(
    ("field", "value"),
    [("echo", True), ("suffix", "}"), ("n", 2), ("stream", "yes"), ("stop", 5), ("model", None)],
)
def test_what_would_mislead_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadRequest) as raised:
        completion_request(asked(**{field: value}))
    assert raised.value.param == field


def test_what_does_no_harm_is_ignored() -> None:
    plain = completion_request(asked())
    ignored = {
        "best_of": 3,
        "logprobs": 5,
        "echo": False,
        "suffix": "",
        "tools": 5,
        "messages": 5,
        "user": "x",
    }
    assert completion_request(asked(**ignored, temperature=0.5, max_tokens=5, n=1)) == plain


def answered(reason: str = "stop") -> tuple[TextDelta, AnswerEnd]:
    builder = AnswerBuilder()
    builder.add_text(TEXT)
    builder.flush()
    event = builder.events.pop(0)
    assert isinstance(event, TextDelta)
    return event, AnswerEnd(reason, Usage(11, 3), builder.answer)


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_whole_completion_is_the_text(reason: str) -> None:
    body = WholeCompletion(**HEAD).finish(answered(reason)[1])
    completion = Completion.model_validate_json(body, strict=True)
    assert (completion.object, completion.choices[0].text) == ("text_completion", TEXT)
    assert completion.choices[0].finish_reason == reason
    assert completion.usage is not None
    assert completion.usage.total_tokens == 14


@pytest.mark.parametrize("include_usage", [False, True])
def test_stream_is_the_text_in_pieces(include_usage: bool) -> None:
    format = CompletionStream(**HEAD, include_usage=include_usage)
    event, end = answered()
    out = format.open() + format.encode(event) + format.encode(event) + format.finish(end)
    *lines, last = data_lines(out)
    assert last == b"[DONE]"
    pieces = [json.loads(line) for line in lines]
    for piece in pieces:
        assert piece["object"] == "text_completion"
        assert {name: piece[name] for name in HEAD} == HEAD
    choices = [choice for piece in pieces for choice in piece["choices"]]
    assert "".join(choice["text"] for choice in choices) == TEXT * 2
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert choices[-1]["finish_reason"] == "stop"
    assert ("usage" in pieces[0], pieces[-1]["choices"] == []) == (include_usage, include_usage)
    if include_usage:
        assert pieces[-1]["usage"] == {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


def test_reasoning_is_no_text_and_a_silence_is_filled() -> None:
    format = CompletionStream(**HEAD)
    assert format.encode(ReasoningDelta((b"Hm.",))) == b""
    assert format.idle(visible=False).startswith(b":")
    (line,) = data_lines(format.idle(visible=True))
    assert json.loads(line)["choices"][0]["text"] == ""


@pytest.mark.parametrize("note", [False, True])
def test_failure_ends_without_a_finish_reason(note: bool) -> None:
    *said, error = data_lines(CompletionStream(**HEAD, error_note=note).fail(UpstreamFailed("It broke.")))
    assert json.loads(error)["error"]["message"] == "It broke."
    texts = [json.loads(line)["choices"][0] for line in said]
    assert [(choice["text"], choice["finish_reason"]) for choice in texts] == (
        [("\n\n[stopped: It broke.]", None)] if note else []
    )
