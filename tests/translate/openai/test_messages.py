"""Messages with calls of tools and their results, as clients send them: pruned, and in any order."""

import json
from typing import Any

import pytest

from translate.openai.content import MAX_ATTACHMENTS, MAX_PARTS
from translate.openai.messages import MAX_TEXT, read_messages
from translate.values import Attachment, BadRequest, ChatMessage, ToolCall, ToolResult

USER = {"role": "user", "content": "Hello"}
URL = "data:image/png;base64,AAAA"


def call(id: str, name: str = "weather", arguments: object = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asking(*calls: object, content: object = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def result(id: str, content: object = "4 °C", **more: object) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content, **more}


def refusal(*messages: object) -> BadRequest:
    with pytest.raises(BadRequest) as raised:
        read_messages(list(messages))
    return raised.value


def test_calls_follow_the_text_of_their_message() -> None:
    said = asking(call("c1", "weather", '{"at": "Oslo"}'), call("c2"), content="Let me see.")
    assert read_messages([USER, said])[1] == ChatMessage(
        "assistant",
        "Let me see.",
        calls=(ToolCall("c1", "weather", '{"at": "Oslo"}'), ToolCall("c2", "weather", "{}")),
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", ""),
        (None, ""),
        ("{broken", "{broken"),
        ({"at": "Zürich/Höngg"}, '{"at":"Zürich/Höngg"}'),
        (7, "7"),
    ],
)
def test_arguments_may_be_anything(arguments: object, text: str) -> None:
    (message,) = read_messages([asking(call("c1", "weather", arguments))])
    assert message.calls == (ToolCall("c1", "weather", text),)


def test_custom_calls_bring_a_text() -> None:
    made = {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "+1"}}
    (message,) = read_messages([asking(made)])
    assert message.calls == (ToolCall("c1", "patch", "+1", raw=True),)


def test_calls_that_say_nothing_are_passed_over() -> None:
    silent = asking(None, {}, {"function": None}, {"function": {"name": 1}}, content="Hm.")
    assert read_messages([silent]) == (ChatMessage("assistant", "Hm."),)
    assert read_messages([USER, asking(), {"role": "assistant"}]) == (ChatMessage("user", "Hello"),)


def test_results_in_a_row_are_one_message_in_the_order_of_their_calls() -> None:
    history = [USER, asking(call("c1"), call("c2", "time")), result("c2", "noon"), result("c1", "cold"), USER]
    assert read_messages(history)[2:] == (
        ChatMessage(
            "user", "", results=(ToolResult("c1", "cold", "weather"), ToolResult("c2", "noon", "time"))
        ),
        ChatMessage("user", "Hello"),
    )


def test_result_whose_call_was_pruned_keeps_the_name_that_it_brings() -> None:
    (message,) = read_messages([result("gone"), result("gone too", name="clock")])
    assert message.results == (ToolResult("gone", "4 °C"), ToolResult("gone too", "4 °C", "clock"))


def test_orphans_stand_behind_the_results_of_the_calls() -> None:
    message = read_messages([asking(call("c1")), result("gone"), result("c1")])[1]
    assert [found.call_id for found in message.results] == ["c1", "gone"]


def test_calls_without_ids_do_not_name_each_others_results() -> None:
    message = read_messages([asking(call(""), call("", "time")), result("")])[1]
    assert message.results == (ToolResult("", "4 °C"),)


def test_call_that_was_never_answered_is_legal() -> None:
    assert len(read_messages([asking(call("c1")), USER])) == 2


def test_old_calls_and_results_find_each_other_by_name() -> None:
    old = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}}
    history = [USER, old, {"role": "function", "name": "weather", "content": "cold"}]
    asked, answered = read_messages(history)[1:]
    (made,) = asked.calls
    assert made == ToolCall(made.id, "weather", "{}")
    assert answered.results == (ToolResult(made.id, "cold", "weather"),)
    (orphan,) = read_messages([{"role": "function", "name": "clock", "content": "noon"}])
    assert orphan.results == (ToolResult("", "noon", "clock"),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ({"temp": 3}, '{"temp":3}'),
        ([{"type": "json", "json": {"temp": 3}}, 7, None], '{"type":"json","json":{"temp":3}}\n7\nnull'),
        (3.5, "3.5"),
        (False, "false"),
        ([], ""),
        ([{"type": "image_url", "image_url": {}}], '{"type":"image_url","image_url":{}}'),
    ],
    ids=repr,
)
def test_whatever_a_result_holds_becomes_text(content: object, text: str) -> None:
    (message,) = read_messages([result("c1", content)])
    assert message.results == (ToolResult("c1", text),)


def test_pictures_of_results_are_attached_and_named() -> None:
    shot = {"type": "image_url", "image_url": {"url": URL}}
    file = {"type": "file", "file": {"filename": "a.csv", "file_data": "AAAA"}}
    (message,) = read_messages(
        [result("c1", [shot, {"type": "text", "text": "Done."}]), result("c2", [file])]
    )
    assert message.results == (
        ToolResult("c1", "[attached: image]\nDone."),
        ToolResult("c2", "[attached: a.csv]"),
    )
    assert message.attachments == (
        Attachment("image", URL, "", "messages.[0].content.[0].image_url"),
        Attachment("file", "AAAA", "a.csv", "messages.[1].content.[0]"),
    )


def test_pictures_of_results_are_not_without_end() -> None:
    shot = {"type": "image_url", "image_url": URL}
    half = [shot] * (MAX_ATTACHMENTS // 2)
    assert read_messages([result("c1", half), result("c2", half)])
    assert refusal(result("c1", half), result("c2", [*half, shot])).param == "messages.[1].content"
    assert refusal(result("c1", ["x"] * (MAX_PARTS + 1))).param == "messages.[0].content"
    assert refusal(asking(*[call("c")] * (MAX_PARTS + 1))).param == "messages.[0].tool_calls"


def test_calls_and_results_count_as_text() -> None:
    half = "x" * (MAX_TEXT // 2)
    assert refusal(asking(call("c1", "weather", half)), result("c1", half)).code == "string_above_max_length"


def test_refusal_of_an_earlier_answer_is_its_text() -> None:
    said = {"role": "assistant", "content": None, "refusal": "I cannot."}
    assert read_messages([said]) == (ChatMessage("assistant", "I cannot."),)


def test_whole_history_of_an_agent_survives_json() -> None:
    history = json.loads(json.dumps([USER, asking(call("c1"), content=""), result("c1"), USER]))
    assert [message.role for message in read_messages(history)] == ["user", "assistant", "user", "user"]


PICTURE = {"type": "image_url", "image_url": {"url": URL}}


def shown(*names: str) -> dict[str, Any]:
    """An answer that holds files of these names."""
    files = [{"type": "file", "file": {"filename": name, "file_data": "AAAA"}} for name in names]
    return {"role": "assistant", "content": [{"type": "text", "text": "Here."}, *files]}


def names_of(message: ChatMessage) -> list[str]:
    return [attached.name for attached in message.attachments]


def test_pictures_of_an_answer_go_with_the_message_that_follows_it() -> None:
    drawn = {"role": "assistant", "content": [{"type": "text", "text": "Here."}, PICTURE]}
    answer, asked, more = read_messages([drawn, {"role": "user", "content": "Make it blue."}, USER])
    assert answer == ChatMessage("assistant", "Here.")
    picture = Attachment("image", URL, "", "messages.[0].content.[1].image_url")
    assert asked == ChatMessage("user", "Make it blue.", (picture,))
    assert more == ChatMessage("user", "Hello")


def test_pictures_of_an_answer_stand_before_those_of_the_user_and_of_results() -> None:
    own = {"role": "user", "content": [{"type": "file", "file": {"filename": "own", "file_data": "AAAA"}}]}
    assert names_of(read_messages([shown("a"), shown("b"), own])[-1]) == ["a", "b", "own"]
    calling = shown("a") | {"tool_calls": [call("c1")]}
    history = read_messages([calling, result("c1", own["content"]), USER])
    assert [names_of(message) for message in history] == [[], ["a", "own"], []]


def test_pictures_of_an_answer_never_make_a_message_too_large_and_the_last_ones_stay() -> None:
    many = [f"n{number}" for number in range(MAX_ATTACHMENTS)]
    own = {"type": "file", "file": {"filename": "own", "file_data": "AAAA"}}
    one = {"role": "user", "content": [own]}
    assert names_of(read_messages([shown(*many), one])[-1]) == [*many[1:], "own"]
    full = {"role": "user", "content": [own] * MAX_ATTACHMENTS}
    assert names_of(read_messages([shown("a"), full])[-1]) == ["own"] * MAX_ATTACHMENTS


def test_picture_of_an_answer_that_nothing_follows_is_left_out() -> None:
    assert read_messages([USER, shown("a")])[-1] == ChatMessage("assistant", "Here.")
    only = {"role": "assistant", "content": [PICTURE]}
    assert [message.role for message in read_messages([USER, only])] == ["user"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "reasoning", "text": "Hm."},
        {"type": "text", "text": None},
        {"type": "refusal", "refusal": None},
    ],
)
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_thoughts_and_texts_that_are_null_are_left_out(role: str, part: dict[str, Any]) -> None:
    content = [part, {"type": "text", "text": "Hello"}]
    (message,) = read_messages([{"role": role, "content": content}])
    assert (message.role, message.text) == (role, "Hello")


def test_thoughts_in_a_result_are_left_out() -> None:
    (message,) = read_messages([result("c1", [{"type": "thinking", "thinking": "Hm."}, "4 °C"])])
    assert message.results == (ToolResult("c1", "4 °C"),)


def test_strange_parts_are_left_out_of_answers_and_refused_in_what_the_user_says() -> None:
    strange = {"type": "tool_use", "id": "x"}
    answer = {"role": "assistant", "content": ["Hello", strange]}
    assert read_messages([answer]) == (ChatMessage("assistant", "Hello"),)
    assert refusal({"role": "user", "content": ["Hello", strange]}).param == "messages.[0].content.[1]"
    assert refusal({"role": "assistant", "content": [{"type": 5}]}).param == "messages.[0].content.[0]"
