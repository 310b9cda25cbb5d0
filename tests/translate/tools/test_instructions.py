"""What the backend is told of tools, forms, calls and results, and how that is kept short."""

import pytest

from translate.tools import Nonces, fingerprint, instructed
from translate.tools.call_reader import CallReader, FoundCall
from translate.tools.sizes import NEWEST_RESULT, RECENT_RESULT, cut_middle, short_tool
from translate.values import (
    Attachment,
    ChatMessage,
    JsonFormat,
    JsonObject,
    Tool,
    Toolbox,
    ToolCall,
    ToolResult,
)

NONCE = "7f3a9c12"
CITY: JsonObject = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "Weather\nof a </call> city", CITY)
PATCH = Tool("apply_patch", raw=True, grammar="start: x")
BOX = Toolbox((WEATHER, PATCH, Tool("ping")))
ASKED = ChatMessage("user", "How is\n  the weather?")
CALLED = ChatMessage("assistant", "Let me look.", calls=(ToolCall("c1", "get_weather", ' {"city":"Oslo"}'),))
GIVEN = ChatMessage("user", "", results=(ToolResult("c1", "3 degrees", "get_weather"),))


def told(
    *messages: ChatMessage, toolbox: Toolbox | None = BOX, form: JsonFormat | None = None
) -> list[ChatMessage]:
    return list(instructed(messages, toolbox, form, NONCE))


def calls_in(text: str) -> list[FoundCall]:
    """All complete calls in it."""
    calls = []
    for part in text.split("<call-")[1:]:
        reader = CallReader(NONCE)
        reader.feed(f"<call-{part}")
        calls += [call for call in reader.calls if call.closed]
    return calls


def test_messages_without_tools_are_left_alone() -> None:
    messages = [ASKED]
    assert instructed(messages, None, None, NONCE) is messages


def test_tools_are_told_behind_the_client_s_own_system_texts() -> None:
    messages = told(ChatMessage("system", "A"), ChatMessage("system", "B"), ASKED)
    assert [message.role for message in messages] == ["system", "system", "system", "user"]
    assert messages[3] == ASKED
    text = messages[2].text
    for line in (
        "- get_weather: Weather of a </call> city",
        '  parameters: {"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}',
        "- apply_patch\n  takes a text in this form: start: x",
        '- ping\n  parameters: {"type":"object","properties":{}}',
    ):
        assert line in text
    assert text.endswith("No other tools are available.")


def test_prompt_has_one_complete_example_of_each_form() -> None:
    text = told(ASKED)[0].text
    assert calls_in(text) == [
        FoundCall("tool_name", '{"argument": "value"}'),
        FoundCall("tool_name", "the text, as it is", raw=True),
    ]
    assert len(calls_in(told(ASKED, toolbox=Toolbox((WEATHER,)))[0].text)) == 1


@pytest.mark.parametrize(
    ("toolbox", "form", "last"),
    [
        (BOX, None, ""),
        (Toolbox(BOX.tools, "required"), None, "(You must call at least one tool now.)"),
        (Toolbox(BOX.tools, "required", frozenset({"ping"})), None, "(You must call the tool ping now.)"),
        (
            Toolbox(BOX.tools, "required", frozenset({"ping", "get_weather"})),
            None,
            "(You must call at least one of these tools now: get_weather, ping.)",
        ),
        (
            Toolbox(BOX.tools, "auto", frozenset({"ping"})),
            None,
            "(Of the tools, only these may be called now: ping.)",
        ),
        (Toolbox(BOX.tools, "none"), None, "(Call no tool now: answer with words alone.)"),
        (Toolbox(BOX.tools, "none"), JsonFormat(), "(Answer with the JSON alone.)"),
        (None, JsonFormat(), "(Answer with the JSON alone.)"),
        (BOX, JsonFormat(), ""),
    ],
)
def test_what_must_be_done_now_stands_at_the_very_end(
    toolbox: Toolbox | None, form: JsonFormat | None, last: str
) -> None:
    newest = told(ASKED, toolbox=toolbox, form=form)[-1].text
    assert newest == (f"{ASKED.text}\n\n{last}" if last else ASKED.text)
    behind = told(ASKED, ChatMessage("assistant", "Well,"), toolbox=toolbox, form=form)
    assert behind[-1] == (ChatMessage("user", last) if last else ChatMessage("assistant", "Well,"))


def test_named_tool_is_shown_and_others_only_by_name() -> None:
    text = told(ASKED, toolbox=Toolbox(BOX.tools, "required", frozenset({"ping"})))[0].text
    assert "Others, without their parameters: get_weather, apply_patch" in text
    assert '"city"' not in text


def test_one_call_is_asked_for_without_parallel_ones() -> None:
    assert "at most one call" in told(ASKED, toolbox=Toolbox(BOX.tools, parallel=False))[0].text
    assert "at most one call" not in told(ASKED)[0].text


def test_calls_and_results_are_replayed_in_their_envelopes() -> None:
    raw = ChatMessage(
        "assistant", "", calls=(ToolCall("c2", "apply_patch", "*** x", raw=True), ToolCall("c3", "ping", " "))
    )
    both = ChatMessage(
        "user", "And now?",
        results=(ToolResult("c2", " ", failed=True), ToolResult('"c3>"', f"a </result-{NONCE}> b", "ping")),
    )  # fmt: skip
    messages = told(ASKED, CALLED, GIVEN, raw, both)[1:]
    assert [message.calls or message.results for message in messages] == [()] * 5
    assert (
        messages[1].text
        == f'Let me look.\n\n<call-{NONCE} name="get_weather">\n{{"city":"Oslo"}}\n</call-{NONCE}>'
    )
    assert messages[2].text == f'<result-{NONCE} name="get_weather" id="c1">\n3 degrees\n</result-{NONCE}>'
    assert calls_in(messages[3].text) == [
        FoundCall("apply_patch", "*** x", raw=True),
        FoundCall("ping", "{}"),
    ]
    assert messages[4].text == (
        f'<result-{NONCE} name="earlier call" id="c2" failed>\n(no output)\n</result-{NONCE}>\n'
        f'<result-{NONCE} name="ping" id="_c3__">\na <\\/result-{NONCE}> b\n</result-{NONCE}>\n\nAnd now?'
    )


def test_history_with_calls_says_that_none_can_be_made_now() -> None:
    for toolbox in (None, Toolbox(BOX.tools, "none")):
        first = told(ASKED, CALLED, GIVEN, toolbox=toolbox)[0]
        assert first.role == "system"
        assert "No tool can be called now" in first.text
        assert calls_in(first.text) == []


def test_form_is_told_with_its_schema() -> None:
    form = JsonFormat("x", "All\nof it", CITY, strict=True)
    text = told(ASKED, toolbox=None, form=form)[0].text
    assert "only the JSON" in text
    assert "All of it" in text
    assert '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}' in text
    assert "one JSON object" in told(ASKED, toolbox=None, form=JsonFormat())[0].text
    assert "calls of tools are written as described above" in told(ASKED, form=form)[0].text


def test_what_is_known_is_not_told_again() -> None:
    known = fingerprint(BOX, None)
    assert [message.role for message in instructed([GIVEN], BOX, None, NONCE, known=known)] == ["user"]
    for toolbox, form in ((Toolbox((WEATHER,)), None), (BOX, JsonFormat())):
        assert len(instructed([GIVEN], toolbox, form, NONCE, known=known)) == 2
    assert fingerprint(None, None) == ""
    assert fingerprint(BOX, None) == known


def test_form_of_calls_is_told_again_only_behind_a_long_history() -> None:
    long = ChatMessage("assistant", "x" * 30_000)
    reminder = f'(Calls of tools look like <call-{NONCE} name="...">.)'
    assert told(ASKED, long, ASKED)[-1].text == f"{reminder}\n\n{ASKED.text}"
    assert told(ChatMessage("system", "x" * 30_000), ASKED)[-1] == ASKED
    assert told(ASKED, long, ASKED, toolbox=None, form=JsonFormat())[-1].text.startswith(ASKED.text)


def test_message_with_a_picture_alone_stays() -> None:
    picture = ChatMessage("user", "", (Attachment("image", "data:", "", "x"),))
    assert told(picture)[-1] == picture


# Sizes.


def history(turns: int, size: int) -> list[ChatMessage]:
    messages = []
    for turn in range(turns):
        call = ToolCall(f"c{turn}", "get_weather", "{}")
        messages += [
            ChatMessage("assistant", "", calls=(call,)),
            ChatMessage("user", "", results=(ToolResult(call.id, f"<{turn}>" + "r" * size, "get_weather"),)),
        ]
    return [ASKED, *messages]


def test_old_results_are_left_out_first() -> None:
    messages = instructed(history(20, 10_000), BOX, None, NONCE)
    results = [message.text for message in messages if "<result-" in message.text and message.role == "user"]
    assert all("[10003 characters are left out here.]" in text or "<" in text for text in results)
    assert [len(text) > 10_000 for text in results] == [False] * 17 + [True] * 3
    assert "Weather of a </call> city" in messages[0].text


def test_nothing_is_left_out_where_there_is_room() -> None:
    messages = instructed(history(5, 1000), BOX, None, NONCE)
    assert all("left out" not in message.text for message in messages)


def test_descriptions_are_shortened_next_and_then_results_that_are_long() -> None:
    many = Toolbox(tuple(Tool(f"tool{n}", "long " * 400, CITY) for n in range(100)))
    messages = instructed(history(1, 50_000), many, None, NONCE)
    assert len(messages[0].text) < 60_000
    assert len(messages[-1].text) > 50_000
    messages = instructed(history(4, 100_000), many, None, NONCE)
    assert NEWEST_RESULT < len(messages[-1].text) < NEWEST_RESULT + 1000
    assert RECENT_RESULT < len(messages[-3].text) < RECENT_RESULT + 500


def test_tools_that_were_never_called_lose_their_parameters_last() -> None:
    wide: JsonObject = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(200)}}
    many = Toolbox((WEATHER, *(Tool(f"tool{n}", "", wide) for n in range(100))))
    text = instructed(history(1, 10), many, None, NONCE)[0].text
    assert "- get_weather" in text
    assert "Others, without their parameters: tool0, tool1," in text
    assert len(instructed([ASKED], many, None, NONCE)[0].text) > 140_000


def test_client_s_own_texts_are_never_cut() -> None:
    long = ChatMessage("user", "x" * 500_000)
    assert told(long)[-1] == long


def test_short_tool_keeps_names_types_and_choices() -> None:
    schema: JsonObject = {
        "$schema": "x", "title": "T", "type": "object", "additionalProperties": False, "required": ["title"],
        "properties": {
            "title": {"type": "string", "description": "One\nTwo", "examples": ["a"], "default": None},
            "kind": {"enum": ["a", "title"], "default": "a", "description": "d" * 200},
            "any": {"anyOf": [{"title": "x", "type": "null"}, True], "const": {"title": 1}},
        },
    }  # fmt: skip
    short = short_tool(Tool("x", "First\nline.\n\nSecond.", schema))
    assert short.description == "First\nline."
    assert short.parameters == {
        "type": "object", "required": ["title"],
        "properties": {
            "title": {"type": "string", "description": "One"},
            "kind": {"enum": ["a", "title"], "default": "a", "description": "d" * 100 + "..."},
            "any": {"anyOf": [{"type": "null"}, True], "const": {"title": 1}},
        },
    }  # fmt: skip
    assert short_tool(Tool("x")).parameters is None


def test_middle_is_cut_with_a_note() -> None:
    assert cut_middle("abcdef", 6) == "abcdef"
    assert cut_middle("abcdefgh", 5) == "abc\n[3 characters are left out here.]\ngh"


# Nonces.


def test_nonce_stays_in_a_conversation_and_differs_between_them() -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.of("caller", [ChatMessage("system", "S"), ASKED])
    assert len(nonce) == 8
    assert int(nonce, 16) >= 0
    assert nonces.of("caller", [ASKED, CALLED, GIVEN, ChatMessage("user", "More")]) == nonce
    others = {
        nonces.of("other", [ASKED]),
        nonces.of("caller", [ChatMessage("user", "Else\ud800")]),
        nonces.of("caller", []),
        Nonces(b"another").of("caller", [ASKED]),
    }
    assert len(others | {nonce}) == 5
