"""The events of a response, in their order, and the whole object."""

import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from translate.openai import ResponseDraft, ResponseFacts, ResponseStream, WholeResponse, responses_request
from translate.text import escaped
from translate.values import (
    AnswerEnd,
    ApiError,
    BadRequest,
    Event,
    ItemEnded,
    ItemKind,
    Overloaded,
    PlanLimitReached,
    RateLimited,
    ReasoningDelta,
    Refused,
    TextDelta,
    ToolCall,
    ToolCalled,
    UpstreamFailed,
    UpstreamTimeout,
    Usage,
)

KEYS = {
    "id", "object", "created_at", "status", "completed_at", "background", "error", "incomplete_details",
    "instructions", "max_output_tokens", "max_tool_calls", "model", "output", "parallel_tool_calls",
    "previous_response_id", "reasoning", "service_tier", "store", "temperature", "text", "tool_choice",
    "tools", "top_logprobs", "top_p", "truncation", "presence_penalty", "frequency_penalty", "metadata",
    "safety_identifier", "prompt_cache_key", "usage", "user",
}  # fmt: skip
"""Those that Open Responses demands, and `user`."""


class Text:
    """The text of an answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.escaped = escaped(text)


def numbered() -> Any:
    """Makes ids that count."""
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}_{next(numbers)}"


def draft(
    *, clock: Callable[[], float] = lambda: 1_796_000_004.9, part_of: str = "", **fields: Any
) -> ResponseDraft:
    request = responses_request({"model": "gpt-4-s", "input": "Hi", **fields}, numbered())
    facts = ResponseFacts(
        "resp_1",
        1_796_000_000,
        "gpt-4-s",
        True,
        request.echo,
        conversation=part_of,
        earlier_tokens=100,
        spaces=request.tools.spaces,
    )
    return ResponseDraft(facts, numbered(), clock)


def end(text: str = "", reason: str = "stop") -> AnswerEnd:
    return AnswerEnd(reason, Usage(12, 2), Text(text))


def pieces(*texts: str) -> TextDelta:
    return TextDelta([escaped(text) for text in texts])


def events_of(data: bytes) -> list[dict[str, Any]]:
    """The events; each has its two lines, and both say the same type."""
    *frames, rest = data.split(b"\n\n")
    assert rest == b""
    found = []
    for frame in frames:
        if frame == b"data: [DONE]":
            found.append({"type": "[DONE]"})
            continue
        name, line = frame.split(b"\n")
        assert name.startswith(b"event: ")
        assert line.startswith(b"data: ")
        event = json.loads(line[6:])
        assert event["type"] == name[7:].decode()
        found.append(event)
    return found


def streamed(events: Iterable[Event], last: AnswerEnd, **fields: Any) -> list[dict[str, Any]]:
    stream = ResponseStream(draft(**fields))
    said = [
        stream.encode(event) for event in events
    ]  # encoded before the stream is opened, as the service does
    found = events_of(stream.open() + b"".join(said) + stream.finish(last))
    numbers = [event["sequence_number"] for event in found[:-1]]
    assert numbers == list(range(len(numbers)))
    assert found[-1] == {"type": "[DONE]"}
    return found


def types(events: Iterable[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


MESSAGE = [
    "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
    "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed", "[DONE]",
]  # fmt: skip


def test_events_of_a_message_in_their_order() -> None:
    found = streamed([pieces("Hel"), ItemEnded(ItemKind.PROSE, "m"), pieces("lo.")], end("Hello."))
    assert types(found) == MESSAGE
    assert [event["delta"] for event in found if "delta" in event] == ["Hel", "lo."]
    item = found[-3]["item"]
    assert item == {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}],
    }
    assert found[-2]["response"]["output"] == [item]
    assert {event.get("item_id", "msg_1") for event in found} == {"msg_1"}
    assert {event.get("output_index", 0) for event in found} == {0}


def test_many_pieces_of_one_read_are_an_event_each() -> None:
    found = streamed([pieces("a", "b", '"%d%', "\u4e16")], end('ab"%d%\u4e16'))
    assert [event["delta"] for event in found if "delta" in event] == ["a", "b", '"%d%', "\u4e16"]


def test_every_response_object_has_all_keys() -> None:
    found = streamed([pieces("Hello.")], end("Hello."))
    objects = [event["response"] for event in found if "response" in event]
    assert len(objects) == 3
    assert all(response.keys() == KEYS for response in objects)
    begun, _, whole = objects
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert (whole["status"], whole["completed_at"]) == ("completed", 1_796_000_004)


def test_usage_counts_all_that_was_said_before() -> None:
    usage = streamed([], end("Hello."))[-2]["response"]["usage"]
    assert usage == {
        "input_tokens": 112,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 114,
    }


def test_empty_answer_has_one_empty_message() -> None:
    found = streamed([], end(""))
    assert types(found) == [kind for kind in MESSAGE if kind != "output_text.delta"]
    assert found[-2]["response"]["output"][0]["content"][0]["text"] == ""


WEATHER = ToolCall("call_1", "get_weather", '{"city": "Oslo"}')
CALL = [
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
]


def test_answer_that_only_calls_has_no_message() -> None:
    found = streamed([ToolCalled(WEATHER)], end("", "tool_calls"))
    assert types(found) == ["created", "in_progress", *CALL, "completed", "[DONE]"]
    added, delta, done, last = found[2:6]
    assert added["item"] == {
        "id": "fc_3",
        "type": "function_call",
        "status": "in_progress",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": "",
    }
    assert delta["delta"] == done["arguments"] == '{"city": "Oslo"}'
    assert done["name"] == "get_weather"
    assert last["item"] == added["item"] | {"status": "completed", "arguments": '{"city": "Oslo"}'}
    assert found[-2]["response"]["output"] == [last["item"]]
    assert found[-2]["response"]["status"] == "completed"


def test_calls_follow_the_text_one_after_the_other() -> None:
    second = ToolCall("call_2", "get_time", "{}")
    found = streamed([pieces("Let me look."), ToolCalled(WEATHER), ToolCalled(second)], end("Let me look."))
    assert types(found)[6:] == [
        "content_part.done", "output_item.done", *CALL, *CALL, "completed", "[DONE]"
    ]  # fmt: skip
    places = [event["output_index"] for event in found if event["type"] == "response.output_item.done"]
    assert places == [0, 1, 2]
    output = found[-2]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "function_call"]


def test_custom_tool_is_called_with_its_raw_text() -> None:
    patch = ToolCall("call_1", "apply_patch", '*** Begin Patch\n"quoted"', raw=True)
    found = streamed([ToolCalled(patch)], end())
    assert types(found)[2:6] == [
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done",
        "output_item.done",
    ]  # fmt: skip
    item = found[-2]["response"]["output"][0]
    assert item["type"] == "custom_tool_call"
    assert item["input"] == found[3]["delta"] == found[4]["input"] == '*** Begin Patch\n"quoted"'
    assert item["id"].startswith("ctc_")


def test_tool_of_a_namespace_is_given_back_in_two_fields() -> None:
    spawn = {"type": "function", "name": "spawn", "parameters": {"type": "object"}}
    tools = [{"type": "namespace", "name": "agents", "tools": [spawn]}]
    found = streamed([ToolCalled(ToolCall("call_1", "agents__spawn", "{}"))], end(), tools=tools)
    item = found[-2]["response"]["output"][0]
    assert (item["namespace"], item["name"]) == ("agents", "spawn")


def test_refusal_is_a_part_of_its_own() -> None:
    found = streamed([Refused('I "cannot".')], end())
    assert types(found)[2:-2] == [
        "output_item.added", "content_part.added", "refusal.delta", "refusal.done", "content_part.done",
        "output_item.done",
    ]  # fmt: skip
    assert found[3]["part"] == {"type": "refusal", "refusal": ""}
    content = found[-2]["response"]["output"][0]["content"]
    assert content == [{"type": "refusal", "refusal": 'I "cannot".'}]


def thought(*texts: str) -> ReasoningDelta:
    return ReasoningDelta([escaped(text) for text in texts])


def test_thoughts_are_an_item_before_the_message_and_none_after_it() -> None:
    found = streamed([thought("Hm", "m."), thought(" So."), pieces("Hi"), thought("late")], end("Hi"))
    assert types(found)[2:10] == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.delta", "reasoning_summary_text.delta", "reasoning_summary_text.done",
        "reasoning_summary_part.done", "output_item.done",
    ]  # fmt: skip
    thoughts, message = found[-2]["response"]["output"]
    assert thoughts["summary"] == [{"type": "summary_text", "text": "Hmm. So."}]
    assert message["content"][0]["text"] == "Hi"
    assert [e["output_index"] for e in found if e["type"] == "response.output_item.added"] == [0, 1]


def test_thoughts_before_a_call() -> None:
    found = streamed([thought("Hm"), ToolCalled(WEATHER)], end())
    assert [item["type"] for item in found[-2]["response"]["output"]] == ["reasoning", "function_call"]
    assert [e["output_index"] for e in found if e["type"] == "response.output_item.done"] == [0, 1]


@pytest.mark.parametrize(
    ("reason", "told"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_answer_that_was_cut_is_incomplete(reason: str, told: str) -> None:
    last = streamed([pieces("Hel")], end("Hel", reason))[-2]
    assert last["type"] == "response.incomplete"
    assert last["response"]["status"] == "incomplete"
    assert last["response"]["incomplete_details"] == {"reason": told}
    assert last["response"]["completed_at"] is None
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_keep_alive_is_a_comment_and_sometimes_an_event() -> None:
    stream = ResponseStream(draft())
    assert stream.idle(visible=True) == b": ping\n\n"  # nothing may come before the first event
    stream.open()
    assert stream.idle(visible=False) == b": ping\n\n"
    (event,) = events_of(stream.idle(visible=True))
    assert (event["type"], event["sequence_number"]) == ("response.in_progress", 2)
    (delta, *_) = events_of(stream.encode(pieces("x")))
    assert delta["sequence_number"] == 3


def test_failure_is_told_in_both_forms() -> None:
    stream = ResponseStream(draft())
    opened = stream.open() + stream.encode(pieces("Hel"))
    *_, error, failed = events_of(opened + stream.fail(UpstreamFailed("It broke.")))
    assert error["type"] == "error"
    assert (error["code"], error["message"], error["param"]) == ("server_error", "It broke.", None)
    assert error["error"] == {
        "type": "server_error",
        "code": "server_error",
        "message": "It broke.",
        "param": None,
    }
    assert failed["type"] == "response.failed"
    assert failed["sequence_number"] == error["sequence_number"] + 1
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "It broke."}
    assert failed["response"].keys() == KEYS


def test_failure_before_anything_was_sent_follows_the_opening() -> None:
    stream = ResponseStream(draft())
    stream.encode(pieces("Hel", "lo"))
    failed = stream.fail(UpstreamFailed("It broke."))
    numbers = [event["sequence_number"] for event in events_of(stream.open() + failed)]
    assert numbers == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamFailed("x"), "server_error"),
        (UpstreamTimeout("x"), "server_error"),
        (Overloaded("x", code="upstream_unreachable"), "server_error"),
        (UpstreamFailed("x", should_retry=False), "invalid_prompt"),
        (UpstreamFailed("x", code="tool_call_failed"), "invalid_prompt"),
        (UpstreamFailed("x", code="schema_not_met"), "invalid_prompt"),
        (ApiError("x"), "invalid_prompt"),
        (BadRequest("x"), "invalid_prompt"),
        (BadRequest("x", code="context_length_exceeded"), "context_length_exceeded"),
        (RateLimited("x", retry_after=5), "rate_limit_exceeded"),
        (RateLimited("x"), "rate_limit_exceeded"),
        (RateLimited("x", retry_after=3600), "insufficient_quota"),
        (PlanLimitReached("x"), "insufficient_quota"),
    ],
)
def test_code_of_a_failure_stops_what_would_be_in_vain(error: ApiError, code: str) -> None:
    *_, failed = events_of(ResponseStream(draft()).fail(error))
    assert failed["response"]["error"]["code"] == code


def test_whole_response_is_what_the_stream_ends_with() -> None:
    events: list[Event] = [pieces("Let me look."), ToolCalled(WEATHER)]
    last = end("Let me look.", "tool_calls")
    whole = WholeResponse(draft())
    assert whole.open() == b""
    assert [whole.encode(event) for event in events] == [b"", b""]
    assert json.loads(whole.finish(last)) == streamed(events, last)[-2]["response"]


def test_whole_failure_is_the_envelope() -> None:
    assert json.loads(WholeResponse(draft()).fail(BadRequest("No.", param="input"))) == {
        "error": {"message": "No.", "type": "invalid_request_error", "param": "input", "code": None}
    }


def test_response_that_is_written_again_later_is_the_same() -> None:
    seconds = itertools.count(1_796_000_004)
    made = draft(clock=lambda: next(seconds))
    assert made.finished(end("Hi")) == made.finished(end("Hi"))


def test_what_could_not_be_kept_is_told() -> None:
    made = draft()
    made.store = False
    assert json.loads(made.finished(end("Hi")))["store"] is False


def test_response_tells_its_conversation_from_the_beginning() -> None:
    made = draft(part_of="conv_1")
    assert json.loads(made.begun())["conversation"] == {"id": "conv_1"}
    assert json.loads(made.finished(end("Hi")))["conversation"] == {"id": "conv_1"}
    assert "conversation" not in json.loads(draft().begun())


def test_response_says_that_it_was_not_added_to_its_conversation() -> None:
    made = draft(part_of="conv_1")
    made.added = False
    assert json.loads(made.finished(end("Hi")))["conversation"] is None


def test_tokens_of_what_is_said_again_count_once() -> None:
    made = draft()
    before = json.loads(made.finished(end("Hi")))["usage"]
    made.earlier_tokens = 0
    after = json.loads(made.finished(end("Hi")))["usage"]
    assert before["input_tokens"] - after["input_tokens"] == 100
    assert before["total_tokens"] - after["total_tokens"] == 100
