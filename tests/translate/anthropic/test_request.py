"""Requests: what is read, what is refused and in which words, and what must never be refused."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.anthropic import MessagesRequest, messages_request
from translate.anthropic.request import MAX_ATTACHMENTS, MAX_MESSAGES, MAX_TEXT
from translate.values import (
    Attachment,
    BadRequest,
    ChatMessage,
    JsonFormat,
    Native,
    NotFound,
    Tool,
    ToolCall,
    ToolResult,
)

USER = {"role": "user", "content": "Hello"}
WEATHER = {
    "name": "get_weather",
    "description": "The weather now.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
OFFERED = Tool("get_weather", "The weather now.", WEATHER["input_schema"])  # type: ignore[arg-type]
Json = dict[str, Any]


def fields(**given: object) -> Json:
    """A minimal request with `given` on top; None leaves a field out."""
    whole = {"model": "gpt-4-s", "max_tokens": 100, "messages": [USER]} | given
    return {name: value for name, value in whole.items() if value is not None}


def read(**given: object) -> MessagesRequest:
    return messages_request(fields(**given))


def refusal(**given: object) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(**given)
    assert caught.value.param
    return caught.value


def said(*blocks: object, role: str = "user") -> ChatMessage:
    """The last message of a request whose last message has these blocks."""
    return read(messages=[USER, {"role": role, "content": list(blocks)}]).messages[-1]


def test_minimal_request_is_not_streamed_and_has_no_extras() -> None:
    assert read() == MessagesRequest("gpt-4-s", (ChatMessage("user", "Hello"),))


def test_fields_that_nobody_here_can_honour_are_accepted() -> None:
    extras: Json = {
        "temperature": 0.3,
        "top_p": 1,
        "top_k": 5,
        "metadata": {"user_id": "{}"},
        "service_tier": "auto",
        "context_management": {"edits": []},
        "container": "c",
        "mcp_servers": [],
        "cache_control": {"type": "ephemeral"},
        "of_tomorrow": {},
    }
    assert read(**extras) == read()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": "x" * 300}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"messages": None}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "Be brief."}]}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": ["Hello"]}, "messages.0"),
        ({"messages": [USER, {"content": "x"}]}, "messages.1.role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "text", "text": 5}]}, "system.0.text"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"stop_sequences": [5]}, "stop_sequences"),
        ({"stop_sequences": ["x"] * 17}, "stop_sequences"),
        ({"stop_sequences": ["x" * 1001]}, "stop_sequences"),
    ],
)
def test_mistake_is_refused_by_the_name_of_the_field(given: Json, field: str) -> None:
    error = refusal(**given)
    assert error.param == field
    assert error.message.startswith(f"{field}: ")


def test_tokens_can_be_counted_of_a_request_without_a_limit() -> None:
    assert messages_request(fields(max_tokens=None), counted_only=True) == read()


def test_conversation_that_is_kept_elsewhere_is_not_found() -> None:
    assert read(thread={"type": "create"}) == read()
    with pytest.raises(NotFound) as caught:
        read(thread={"type": "continue", "previous_message_id": "msg_1"})
    assert caught.value.code == "thread_not_found"


def test_system_prompt_comes_first_without_what_is_meant_for_accounting() -> None:
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332; cch=1"},
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Be kind."},
    ]
    assert read(system=system).messages[0] == ChatMessage("system", "Be brief.\n\nBe kind.")
    assert read(system="Be brief.").messages[0] == ChatMessage("system", "Be brief.")
    assert read(system=system[:1]) == read(system="") == read()


def test_system_messages_may_stand_among_the_others() -> None:
    for content in ("Be brief.", [{"type": "text", "text": "Be brief."}]):
        messages = read(messages=[USER, {"role": "system", "content": content}]).messages
        assert messages == (ChatMessage("user", "Hello"), ChatMessage("system", "Be brief."))


def test_messages_with_nothing_in_them_are_left_out() -> None:
    empty = [{"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "y"}]}]
    assert read(messages=[USER, *empty]) == read()


def test_texts_of_a_message_stand_on_lines_of_their_own() -> None:
    assert said({"type": "text", "text": "One."}, "Two.", {"type": "text", "text": ""}).text == "One.\nTwo."


def test_pictures_are_read_where_they_are() -> None:
    inline = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    linked = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    stored = {"type": "image", "source": {"type": "file", "file_id": "file-1"}}
    assert said(inline, linked, stored).attachments == (
        Attachment("image", "aGk=", "", "messages.1.content.0.source"),
        Attachment("image", "https://example.com/a.png", "", "messages.1.content.1.source"),
        Attachment("image", "", "", "messages.1.content.2.source", file_id="file-1"),
    )


def test_documents_are_files_or_text() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    message = said(
        {"type": "document", "title": "a.pdf", "source": pdf},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/b.pdf"}},
        {"type": "document", "title": "Notes", "source": {"type": "text", "data": "Some text."}},
        {"type": "document", "source": {"type": "content", "content": "More text."}},
    )
    assert message.text == "Notes\nSome text.\nMore text."
    assert [(part.kind, part.source, part.name) for part in message.attachments] == [
        ("file", "JVBERi0=", "a.pdf"),
        ("file", "https://example.com/b.pdf", ""),
    ]


def test_pictures_in_a_document_belong_to_the_message() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    message = said({"type": "document", "source": {"type": "content", "content": [picture]}})
    assert [part.source for part in message.attachments] == ["https://example.com/a.png"]


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ({"type": "image"}, "source.type"),
        ({"type": "image", "source": {"type": "magic"}}, "source.type"),
        ({"type": "image", "source": {"type": "base64"}}, "source.data"),
        ({"type": "image", "source": {"type": "url", "url": 5}}, "source.url"),
        ({"type": "image", "source": {"type": "file"}}, "source.file_id"),
        ({"type": "document", "title": "x" * 300, "source": {"type": "text", "data": "x"}}, "title"),
        ({"type": "document", "source": {"type": "text"}}, "source.data"),
        ({"type": "tool_use", "id": 5, "name": "f", "input": {}}, "id"),
        ({"type": "tool_use", "id": "t", "input": {}}, "name"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}, "input"),
        ({"type": "tool_result", "content": "x"}, "tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "t", "content": 5}, "content"),
    ],
)
def test_block_that_cannot_be_read_is_refused_by_its_place(block: Json, field: str) -> None:
    role = "assistant" if block["type"] == "tool_use" else "user"
    error = refusal(messages=[{"role": role, "content": [block]}])
    assert error.param == f"messages.0.content.0.{field}"


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "thinking", "thinking": "Hmm.", "signature": "x"}, ""),
        ({"type": "redacted_thinking", "data": "x"}, ""),
        ({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}, ""),
        (
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [
                    {
                        "type": "web_search_result",
                        "title": "A",
                        "url": "https://a.example",
                        "encrypted_content": "x",
                    }
                ],
            },
            "A\nhttps://a.example",
        ),
        ({"type": "web_search_tool_result", "content": {"error_code": "unavailable"}}, ""),
        (
            {
                "type": "search_result",
                "title": "A",
                "source": "https://a.example",
                "content": [{"type": "text", "text": "It is so."}],
            },
            "A\nhttps://a.example\nIt is so.",
        ),
        ({"type": "of_tomorrow", "text": "Some text."}, "Some text."),
        ({"type": "of_tomorrow", "content": [{"type": "text", "text": "Inside."}]}, "Inside."),
        ({"type": "of_tomorrow", "content": 5}, ""),
    ],
)
def test_blocks_of_other_models_and_newer_clients_are_never_refused(block: Json, text: str) -> None:
    assert said({"type": "text", "text": "So:"}, block, role="assistant").text == f"So:\n{text}".strip()


def test_calls_and_results_are_told_apart_from_the_text() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Østby"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "3 degrees"}
    _, called, answered = read(
        messages=[
            USER,
            {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, call]},
            {"role": "user", "content": [{"type": "text", "text": "And?"}, result]},
        ]
    ).messages
    expected = ToolCall("toolu_1", "get_weather", '{"city":"Østby"}')
    assert called == ChatMessage("assistant", "Let me look.", calls=(expected,))
    assert answered == ChatMessage(
        "user", "And?", results=(ToolResult("toolu_1", "3 degrees", "get_weather"),)
    )


def test_results_may_fail_hold_pictures_or_nothing_and_belong_to_no_call() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    message = said(
        {"type": "tool_result", "tool_use_id": "t1", "content": "No such file.", "is_error": True},
        {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "Here:"}, picture]},
        {"type": "tool_result", "tool_use_id": "t3"},
    )
    assert message.results == (
        ToolResult("t1", "No such file.", failed=True),
        ToolResult("t2", "Here:"),
        ToolResult("t3", ""),
    )
    assert [part.source for part in message.attachments] == ["https://example.com/a.png"]


def test_calls_are_the_assistants_and_results_the_users() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": None}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
    assert said(call, result).calls == ()
    assert said(call, result, role="assistant") == ChatMessage(
        "assistant", "", calls=(ToolCall("t1", "f", "{}"),)
    )


def test_tools_are_those_of_the_client() -> None:
    box = read(tools=[WEATHER, {**WEATHER, "name": "strict", "type": "custom", "strict": True}]).toolbox
    assert box is not None
    assert (box.choice, box.allowed, box.parallel) == ("auto", frozenset(), True)
    assert [(tool.name, tool.strict) for tool in box.tools] == [("get_weather", False), ("strict", True)]
    assert box.tools[0] == OFFERED


def test_deferred_tools_are_told_of_once_the_client_has_found_them() -> None:
    tools = [WEATHER, {**WEATHER, "name": "later", "defer_loading": True}]
    found = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "tool_reference", "tool_name": "later"}],
    }
    before = read(tools=tools).toolbox
    request = read(tools=tools, messages=[USER, {"role": "user", "content": [found]}])
    assert before is not None
    assert request.toolbox is not None
    assert [tool.name for tool in before.tools] == ["get_weather"]
    assert [tool.name for tool in request.toolbox.tools] == ["get_weather", "later"]
    assert request.messages[-1].results[0].text == "The tool later can be called now."


def test_deferred_tools_are_told_of_at_once_where_anthropic_would_search_for_them() -> None:
    tools = [
        {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        {**WEATHER, "defer_loading": True},
    ]
    box = read(tools=tools).toolbox
    assert box is not None
    assert [tool.name for tool in box.tools] == ["get_weather"]


def test_tools_that_the_backend_has_of_its_own_are_not_the_clients() -> None:
    searching = read(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert (searching.toolbox, searching.web_search) == (None, True)
    running = read(tools=[{"type": "code_execution_20250825", "name": "code_execution"}])
    assert (running.toolbox, running.web_search) == (None, False)


WEB = {"type": "web_search_20250305", "name": "web_search"}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}


@pytest.mark.parametrize(
    ("tools", "choice", "searches"),
    [
        ([WEB], None, True),
        ([WEB], {"type": "any"}, True),
        ([WEB], {"type": "tool", "name": "web_search"}, True),
        ([WEB], {"type": "none"}, False),
        ([WEB, CODE], None, False),
        ([WEB, CODE], {"type": "any"}, False),
        ([WEB, CODE], {"type": "tool", "name": "web_search"}, True),
        ([WEB, CODE], {"type": "tool", "name": "code_execution"}, False),
        ([WEB, WEATHER], None, False),
        ([WEB, WEATHER], {"type": "tool", "name": "web_search"}, True),
        ([WEB, WEATHER], {"type": "tool", "name": "get_weather"}, False),
    ],
)
def test_web_is_searched_where_nothing_else_is_offered_or_it_must_be(
    tools: list[Json], choice: object, searches: bool
) -> None:
    assert read(tools=tools, tool_choice=choice).web_search is searches


def test_what_the_model_has_of_its_own_may_be_used_beside_the_clients_tools() -> None:
    box = read(tools=[WEB, WEATHER, CODE], tool_choice={"type": "tool", "name": "code_execution"}).toolbox
    assert box is not None
    assert box.native == {Native.WEB_SEARCH, Native.CODE_INTERPRETER}
    assert (box.choice, box.allowed) == ("auto", frozenset())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ("auto", frozenset(), True)),
        ({"type": "auto"}, ("auto", frozenset(), True)),
        ({"type": "none"}, ("none", frozenset(), True)),
        ({"type": "any"}, ("required", frozenset(), True)),
        ({"type": "any", "disable_parallel_tool_use": True}, ("required", frozenset(), False)),
        ({"type": "tool", "name": "get_weather"}, ("required", frozenset({"get_weather"}), True)),
    ],
)
def test_choice_among_the_tools(choice: object, expected: object) -> None:
    box = read(tools=[WEATHER], tool_choice=choice).toolbox
    assert box is not None
    assert (box.choice, box.allowed, box.parallel) == expected


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools.0"),
        ({"tools": [{**WEATHER, "name": "no spaces"}]}, "tools.0.name"),
        ({"tools": [{**WEATHER, "input_schema": "x"}]}, "tools.0.input_schema"),
        ({"tools": [{**WEATHER, "strict": True, "input_schema": {"type": 5}}]}, "tools.0.input_schema"),
        ({"tools": [WEATHER, {"type": "bash_20250124", "name": "bash"}]}, "tools.1.type"),
        ({"tools": [{"type": "computer_20250124", "name": "computer"}]}, "tools.0.type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice"),
        ({"output_config": {"format": "json"}}, "output_config.format"),
        ({"output_config": {"format": {"type": "text"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ],
)
def test_tools_and_formats_that_cannot_be_used_are_refused(given: Json, field: str) -> None:
    assert refusal(**given).param == field


def test_answer_may_have_to_fit_a_schema() -> None:
    schema: Json = {"type": "object", "properties": {"city": {"type": "string"}}}
    form = JsonFormat("answer", "", schema, strict=True)
    given = {"type": "json_schema", "schema": schema}
    assert read(output_config={"format": given}).format == form
    assert read(output_format=given).format == form


def test_where_nobody_asks_for_tools_in_words_there_are_none_and_none_can_be_forced() -> None:
    form = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    request = messages_request(fields(tools=[WEATHER], output_config=form), emulate=False)
    assert request == read()
    with pytest.raises(BadRequest) as caught:
        messages_request(fields(tools=[WEATHER], tool_choice={"type": "any"}), emulate=False)
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("given", "effort"),
    [
        ({"output_config": {"effort": "high"}}, "high"),
        ({"output_config": {"effort": "max"}, "thinking": {"type": "disabled"}}, "max"),
        ({"output_config": {"effort": "boundless"}}, ""),
        ({"thinking": {"type": "adaptive"}}, ""),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 30000}}, "high"),
        ({"thinking": {"type": "enabled"}}, ""),
    ],
)
def test_effort(given: Json, effort: str) -> None:
    assert read(**given).effort == effort


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, True),
        ({"type": "enabled", "budget_tokens": 2000, "display": "omitted"}, False),
        ({"type": "adaptive"}, False),
        ({"type": "adaptive", "display": "omitted"}, False),
        ({"type": "adaptive", "display": "summarized"}, True),
        ({"type": "disabled"}, False),
        (None, False),
    ],
)
def test_reasoning_is_shown_to_whoever_asks_for_it(thinking: object, shown: bool) -> None:
    assert read(thinking=thinking).reasoning is shown


def test_stop_sequences_are_kept_without_empty_ones() -> None:
    assert read(stop_sequences=["END", "", "\n\n"]).stop == ("END", "\n\n")


def test_requests_are_bounded() -> None:
    assert refusal(messages=[USER] * (MAX_MESSAGES + 1)).param == "messages"
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    many = [{"role": "user", "content": [picture] * (MAX_ATTACHMENTS + 1)}]
    assert refusal(messages=many).param == "messages"


@pytest.mark.parametrize("where", ["text", "call", "result"])
def test_too_much_text_is_an_overflow_of_which_clients_know_what_to_do(where: str) -> None:
    long = "x" * (MAX_TEXT + 1)
    blocks: dict[str, Json] = {
        "text": {"type": "text", "text": long},
        "call": {"type": "tool_use", "id": "t", "name": "f", "input": {"text": long}},
        "result": {"type": "tool_result", "tool_use_id": "t", "content": long},
    }
    role = "assistant" if where == "call" else "user"
    error = refusal(messages=[USER, {"role": role, "content": [blocks[where]]}])
    assert error.code == "context_length_exceeded"
    assert re.fullmatch(r"5242\d\d tokens > 524288 maximum", error.message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    ["text", "image", "document", "tool_use", "tool_result", "tool_reference", "search_result", "thinking",
     "web_search_tool_result", "unheard_of"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["text", "source", "content", "input", "id", "name", "tool_use_id", "data", "title", "type"]
)
BLOCKS = st.builds(lambda kind, rest: rest | {"type": kind}, KINDS, st.dictionaries(NAMES, JSON, max_size=4))


@given(
    role=st.sampled_from(["user", "assistant", "system"]),
    content=st.lists(BLOCKS | JSON, max_size=4),
    extras=st.dictionaries(
        st.sampled_from(
            [
                "system",
                "tools",
                "tool_choice",
                "thinking",
                "output_config",
                "stop_sequences",
                "stream",
                "model",
            ]
        ),
        JSON,
        max_size=3,
    ),
)
def test_whatever_comes_is_read_or_refused(role: str, content: list[object], extras: Json) -> None:
    with suppress(BadRequest):
        assert messages_request(fields(messages=[USER, {"role": role, "content": content}]) | extras).messages
