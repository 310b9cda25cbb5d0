"""Requests: what is read, what is refused and under which name, and what must never be refused."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.openai.checks import MAX_NAME
from translate.openai.content import MAX_ATTACHMENTS, MAX_PARTS
from translate.openai.errors import envelope
from translate.openai.messages import MAX_ALL_ATTACHMENTS, MAX_MESSAGES, MAX_TEXT
from translate.openai.request import MAX_STOP, MAX_STOPS, ChatRequest, read_chat
from translate.values.errors import BadRequest
from translate.values.prompt import Attachment, ChatMessage

USER = {"role": "user", "content": "Hello"}


def read(**fields: object) -> ChatRequest:
    """A minimal request with `fields` on top."""
    return read_chat(json.dumps({"model": "gpt-4-s", "messages": [USER]} | fields).encode())


def refused(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read_chat(body)
    error = caught.value
    assert (error.status, error.type) == (400, "invalid_request_error")
    assert error.message
    return error


def refusal(**fields: object) -> BadRequest:
    return refused(json.dumps({"model": "gpt-4-s", "messages": [USER]} | fields).encode())


def texts(*messages: object) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in read(messages=messages).messages]


def test_minimal_request_is_not_streamed_and_has_no_extras() -> None:
    assert read() == ChatRequest(
        model="gpt-4-s",
        messages=(ChatMessage("user", "Hello"),),
        stream=False,
        include_usage=False,
        stop=(),
    )


NO_JSON = {
    "nothing": b"",
    "cut": b'{"model": "gpt-4-s"',
    "no JSON": b"model=gpt-4-s",
    "not UTF-8": b'{"model": "\xff"}',
    "NaN": b'{"model": "gpt-4-s", "temperature": NaN}',
    "Infinity": b'{"model": "gpt-4-s", "temperature": -Infinity}',
    "too deep": b"[" * 100_000,
    "endless number": b'{"n": ' + b"1" * 10_000 + b"}",
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_body_that_is_no_json_is_refused_without_a_field(body: bytes) -> None:
    error = refused(body)
    assert (error.param, error.code) == (None, None)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert "object" in refused(body).message


def test_byte_order_mark_before_the_body_is_forgiven() -> None:
    body = json.dumps({"model": "gpt-4-s", "messages": [USER]}).encode()
    assert read_chat(b"\xef\xbb\xbf" + body) == read()


WRONG: dict[str, list[object]] = {
    "model": [1, [], "", {}, True],
    "messages": ["Hello", {}, [], 1, True],
    "stream": ["true", 1, [], {}],
    "stream_options": [True, "x", []],
    "n": [0, 2, 128, -1, 1.5, "1", True, []],
    "max_tokens": ["100", 1.5, True, []],
    "max_completion_tokens": ["100", 0.5, []],
    "temperature": ["1", True, [], {}],
    "top_p": ["1", True],
    "presence_penalty": ["0", {}],
    "frequency_penalty": ["0", False],
    "response_format": ["json", [], {}, {"type": "xml"}],
    "tools": [{}, "x", True],
    "functions": [{}, 1],
    "modalities": ["text", ["audio"], ["text", "audio"]],
    "audio": [{"voice": "alloy", "format": "wav"}, "x"],
    "tool_choice": ["required", {"type": "function", "function": {"name": "f"}}, 1, []],
    "function_call": [{"name": "f"}, 5],
    "stop": [1, {}, ["a", 1], ["a", None], ["a"] * 257],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values], ids=repr
)
def test_wrong_field_is_named(field: str, value: object) -> None:
    assert refusal(**{field: value}).param == field


def test_several_choices_are_refused_in_words() -> None:
    assert "one choice" in refusal(n=2).message


@pytest.mark.parametrize("field", ["model", "messages"])
def test_required_field_that_is_missing_or_null_is_named(field: str) -> None:
    body = {"model": "gpt-4-s", "messages": [USER]}
    assert refused(json.dumps({**body, field: None}).encode()).param == field
    del body[field]
    assert refused(json.dumps(body).encode()).param == field


ACCEPTED: dict[str, list[object]] = {
    "n": [1, 1.0],
    "max_tokens": [0, 1, 4096.0],
    "temperature": [0, 1.5, 99],
    "top_p": [0.1, 1],
    "presence_penalty": [-2, 2.0],
    "response_format": [{"type": "json_object"}, {"type": "text"}],
    "modalities": [["text"], []],
    "tools": [[], [{"type": "function", "function": {"name": "f", "parameters": {}}}]],
    "functions": [[], [{"name": "f"}]],
    "tool_choice": ["auto", "none"],
    "function_call": ["auto", "none"],
    "stop": ["", [], [str(number) for number in range(256)]],
    "stream_options": [{}, {"include_usage": True, "include_obfuscation": True}],
}
IGNORED = [
    "seed", "logit_bias", "logprobs", "top_logprobs", "service_tier", "store", "metadata", "user",
    "safety_identifier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "reasoning_effort", "verbosity", "prediction", "moderation", "parallel_tool_calls",
    "min_p", "anything",
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in ACCEPTED.items() for value in values], ids=repr
)
def test_what_is_offered_or_does_no_harm_is_accepted(field: str, value: object) -> None:
    assert read(**{field: value}).messages == read().messages


@pytest.mark.parametrize("field", IGNORED)
@pytest.mark.parametrize("value", [None, True, 1, "x", [1], {"id": "x"}], ids=repr)
def test_ignored_and_unknown_fields_may_hold_anything(field: str, value: object) -> None:
    assert read(**{field: value}) == read()


@pytest.mark.parametrize("word", ["none", "minimal", "low", "medium", "high", "xhigh"])
def test_effort_is_read_in_openais_words(word: str) -> None:
    assert read(reasoning_effort=word).reasoning_effort == word


@pytest.mark.parametrize(
    ("value", "searches"), [({}, True), ({"search_context_size": "low"}, True), (None, False), ("x", False)]
)
def test_options_for_a_search_ask_for_one(value: object, searches: bool) -> None:
    assert read(web_search_options=value).web_search is searches


@pytest.mark.parametrize("field", [field for field in WRONG if field not in ("model", "messages")])
def test_null_means_left_out(field: str) -> None:
    assert read(**{field: None}) == read()


def test_usage_in_a_stream_only_when_both_are_asked_for() -> None:
    options = {"include_usage": True}
    assert read(stream=True, stream_options=options).include_usage
    assert not read(stream_options=options).include_usage
    assert not read(stream=True).include_usage
    assert not read(stream=True, stream_options={"include_usage": None}).include_usage


def test_stop_is_a_string_or_a_list_and_empty_ones_stop_nothing() -> None:
    assert read(stop="END").stop == ("END",)
    assert read(stop=["a", "", "b"]).stop == ("a", "b")
    assert read(stop="").stop == ()
    assert read(stop=["a", "b", "a"]).stop == ("a", "b")


def test_roles_are_put_into_the_three_that_the_backend_knows() -> None:
    said = ["system", "developer", "user", "assistant", "tool", "function"]
    messages = [{"role": role, "content": role} for role in said]
    assert texts(*messages) == [
        ("system", "system"),
        ("system", "developer"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("user", ""),  # results
    ]


def test_system_messages_anywhere_and_repeated_turns_keep_their_order() -> None:
    said = [("system", "a"), ("user", "b"), ("system", "c"), ("user", "d"), ("user", "e"), ("system", "f")]
    assert texts(*({"role": role, "content": text} for role, text in said)) == said


def test_messages_without_words_are_passed_over() -> None:
    silent = [
        {"role": "user", "content": ""},
        {"role": "user", "content": []},
        {"role": "assistant", "content": None},
        {"role": "assistant"},
        {"role": "assistant", "content": [], "tool_calls": []},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
    ]
    assert texts(*silent, USER) == [("user", "Hello")]
    assert refusal(messages=silent).param == "messages"


def test_text_parts_under_all_their_names_are_joined() -> None:
    parts = [
        {"type": "text", "text": "one"},
        {"type": "input_text", "text": "two"},
        {"type": "output_text", "text": "three"},
        {"type": "text", "text": ""},
        "four",
    ]
    assert texts({"role": "user", "content": parts}) == [("user", "one\ntwo\nthree\nfour")]
    assert texts({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}) == [
        ("assistant", "No.")
    ]


URL = "data:image/png;base64,AAAA"
AT = "messages.[0].content.[0]"


@pytest.mark.parametrize(
    ("part", "attachment"),
    [
        (
            {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
            Attachment("image", URL, "", f"{AT}.image_url", "low"),
        ),
        ({"type": "image_url", "image_url": URL}, Attachment("image", URL, "", f"{AT}.image_url")),
        (
            {"type": "input_image", "image_url": URL, "detail": "high"},
            Attachment("image", URL, "", f"{AT}.image_url", "high"),
        ),
        (
            {"type": "image_url", "image_url": {"url": URL, "detail": 7}},
            Attachment("image", URL, "", f"{AT}.image_url"),
        ),
        (
            {"type": "file", "file": {"filename": "a.csv", "file_data": "AAAA"}},
            Attachment("file", "AAAA", "a.csv", AT),
        ),
        ({"type": "input_file", "file_url": "https://x/a"}, Attachment("file", "https://x/a", "", AT)),
        ({"type": "input_file", "file_data": "AAAA", "filename": 7}, Attachment("file", "AAAA", "", AT)),
    ],
)
def test_pictures_and_files_are_attachments(part: object, attachment: Attachment) -> None:
    content = [part, {"type": "text", "text": "Look."}]
    (message,) = read(messages=[{"role": "user", "content": content}]).messages
    assert message == ChatMessage("user", "Look.", (attachment,))


def test_message_of_pictures_alone_is_a_message() -> None:
    (message,) = read(
        messages=[{"role": "user", "content": [{"type": "image_url", "image_url": URL}]}]
    ).messages
    assert (message.text, len(message.attachments)) == ("", 1)


def test_only_users_attach_and_not_without_end() -> None:
    part = {"type": "image_url", "image_url": URL}
    error = refusal(messages=[{"role": "system", "content": ["a", part]}])
    assert error.param == "messages.[0].content.[1].image_url"
    assert read(messages=[{"role": "user", "content": [part] * MAX_ATTACHMENTS}]).messages[0].attachments
    error = refusal(messages=[{"role": "user", "content": [part] * (MAX_ATTACHMENTS + 1)}])
    assert error.param == "messages.[0].content"


PART = "messages.[1].content.[0]"
BAD_MESSAGES: dict[str, tuple[object, str]] = {
    "no object": ("Hello", "messages.[1]"),
    "null": (None, "messages.[1]"),
    "no role": ({"content": "x"}, "messages.[1].role"),
    "unknown role": ({"role": "bot", "content": "x"}, "messages.[1].role"),
    "role of another type": ({"role": ["user"], "content": "x"}, "messages.[1].role"),
    "no content": ({"role": "user"}, "messages.[1].content"),
    "null content": ({"role": "tool", "content": None}, "messages.[1].content"),
    "number": ({"role": "user", "content": 1}, "messages.[1].content"),
    "object": ({"role": "user", "content": {"text": "x"}}, "messages.[1].content"),
    "part of another type": ({"role": "user", "content": [1]}, PART),
    "part without type": ({"role": "user", "content": [{"text": "x"}]}, PART),
    "part with a type of another type": ({"role": "user", "content": [{"type": 1}]}, PART),
    "unknown part": ({"role": "user", "content": [{"type": "hologram"}]}, PART),
    "audio": ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, PART),
    "text without text": ({"role": "user", "content": [{"type": "text"}]}, PART + ".text"),
    "text of another type": ({"role": "user", "content": [{"type": "text", "text": 1}]}, PART + ".text"),
    "picture without address": ({"role": "user", "content": [{"type": "image_url"}]}, PART + ".image_url"),
    "picture with an empty address": (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": ""}}]},
        PART + ".image_url",
    ),
    "file without a file": ({"role": "user", "content": [{"type": "file"}]}, PART + ".file"),
    "stored file": (
        {"role": "user", "content": [{"type": "file", "file": {"file_id": 1}}]},
        PART + ".file_id",
    ),
    "stored picture": (
        {"role": "user", "content": [{"type": "input_image", "file_id": ""}]},
        PART + ".file_id",
    ),
    "nothing in a file": ({"role": "user", "content": [{"type": "file", "file": {}}]}, PART),
}


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "file", "file": {"file_id": "file-1", "filename": "a.txt"}}, "file"),
        ({"type": "input_file", "file_id": "file-1", "filename": "a.txt"}, "file"),
        ({"type": "file", "file_id": "file-1", "filename": "a.txt"}, "file"),
        ({"type": "input_image", "file_id": "file-1"}, "image"),
        ({"type": "image_url", "image_url": {"file_id": "file-1"}}, "image"),
        ({"type": "image_file", "image_file": {"file_id": "file-1"}}, "image"),
    ],
)
def test_stored_file_is_named_by_its_id(part: dict[str, object], kind: str) -> None:
    (asked,) = read(messages=[{"role": "user", "content": [part]}]).messages
    (attached,) = asked.attachments
    assert (attached.kind, attached.file_id, attached.source) == (kind, "file-1", "")
    assert attached.name == ("a.txt" if kind == "file" else "")


@pytest.mark.parametrize(("message", "param"), BAD_MESSAGES.values(), ids=BAD_MESSAGES)
def test_wrong_message_or_part_is_named_by_its_place(message: object, param: str) -> None:
    assert refusal(messages=[USER, message]).param == param


def test_refusals_do_not_repeat_what_was_said() -> None:
    secret = "my secret words"
    for message in (
        {"role": secret, "content": secret},
        {"role": "user", "content": {"text": secret}},
        {"role": "user", "content": [{"type": "text", "text": [secret]}]},
    ):
        assert secret not in refusal(messages=[USER, message]).message


KEYS = [
    "type", "text", "role", "content", "name", "file", "image_url", "url", "function", "tool_calls",
    "function_call", "arguments", "file_data", "filename", "include_usage",
]  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["user", "assistant", "tool", "text", "image_url", "file", "auto", "required"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=6,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool", "bot"]) | VALUES},
        optional={"content": VALUES, "tool_calls": VALUES, "function_call": VALUES},
    ),
    max_size=4,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={"model": st.just("gpt-4-s") | VALUES, "messages": MESSAGES | VALUES}
    | {field: VALUES for field in WRONG if field not in ("model", "messages")},
)


def outcome(body: bytes) -> ChatRequest | BadRequest:
    try:
        return read_chat(body)
    except BadRequest as error:
        return error


@given(body=BODIES)
def test_any_object_is_read_or_refused_with_a_place_and_nothing_else_happens(body: dict[str, object]) -> None:
    read = outcome(json.dumps(body).encode())
    if isinstance(read, BadRequest):
        assert read.param is not None
        assert re.split(r"[.\[]", read.param)[0] in WRONG
        assert json.loads(envelope(read))["error"]["param"] == read.param
    else:
        assert read.model
        assert read.messages
        assert all(
            message.text or message.attachments or message.calls or message.results
            for message in read.messages
        )
        assert all(read.stop)


@given(body=st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert isinstance(outcome(body), BadRequest)


LIMITS = {
    "messages": ("messages", {"messages": [USER] * (MAX_MESSAGES + 1)}),
    "parts": ("messages.[0].content", {"messages": [{"role": "user", "content": ["x"] * (MAX_PARTS + 1)}]}),
    "text": ("messages", {"messages": [{"role": "user", "content": "x" * (MAX_TEXT // 2 + 1)}] * 2}),
    "attachments": (
        "messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": "https://a.example/b.png"}] * 20,
                }
            ]
            * (MAX_ALL_ATTACHMENTS // 20 + 1)
        },
    ),
    "model": ("model", {"model": "x" * (MAX_NAME + 1)}),
    "stop": ("stop", {"stop": ["x" * (MAX_STOP + 1)]}),
    "stops": ("stop", {"stop": ["x"] * (MAX_STOPS + 1)}),
    "name of a file": (
        "messages.[0].content.[0].filename",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "file", "file": {"filename": "x" * (MAX_NAME + 1), "file_data": "eA=="}}
                    ],
                }
            ]
        },
    ),
}


@pytest.mark.parametrize(("param", "fields"), LIMITS.values(), ids=LIMITS)
def test_what_is_above_a_limit_is_refused_by_name(param: str, fields: dict[str, object]) -> None:
    error = refusal(**fields)
    assert error.param == param
    assert re.search(r"at most \d+", error.message, re.IGNORECASE)


def test_as_many_messages_as_the_official_service_takes_are_read() -> None:
    parts = [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]
    assert len(read(messages=[{"role": "user", "content": parts}] * MAX_MESSAGES).messages) == MAX_MESSAGES


def test_half_a_character_in_the_name_of_a_file_is_replaced() -> None:
    file = {"filename": "a\ud800.txt", "file_data": "eA=="}
    (attachment,) = (
        read(messages=[{"role": "user", "content": [{"type": "file", "file": file}]}]).messages[0].attachments
    )
    assert attachment.name == "a\ufffd.txt"
