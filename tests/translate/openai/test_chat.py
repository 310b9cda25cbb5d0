"""What clients receive: chunks, completions, keep-alives and failures, against the official schemas."""

import json
from collections.abc import Iterator

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import CREATED, ID, MODEL, Json, chat_stream, content_of, data_lines, read
from tests.translate.schemas import check
from translate.openai.chat import ChatStream, WholeChat
from translate.text import AnswerBuilder, escaped
from translate.values import (
    AnswerEnd,
    Finished,
    ReasoningDelta,
    ShownCitation,
    TextDelta,
    UpstreamFailed,
    Usage,
)

HEAD = {"id": ID, "created": CREATED, "model": MODEL}
USAGE = Usage(prompt_tokens=11, completion_tokens=3)


def written(text: str) -> TextDelta:
    builder = AnswerBuilder()
    builder.add_text(text)
    builder.flush()
    event = builder.events.pop(0)
    assert isinstance(event, TextDelta)
    return event


def end_of(*texts: str, reason: str = "stop", cited: tuple[ShownCitation, ...] = ()) -> AnswerEnd:
    builder = AnswerBuilder()
    for text in texts:
        builder.add_text(text)
    return AnswerEnd(reason, USAGE, builder.answer, cited)


def streamed(format: ChatStream, *texts: str, reason: str = "stop") -> bytes:
    out = format.open() + b"".join(format.encode(written(text)) for text in texts)
    return out + format.finish(end_of(*texts, reason=reason))


def chunks(out: bytes) -> Iterator[Json]:
    for payload in data_lines(out):
        if payload != b"[DONE]":
            yield json.loads(payload)


def completion(*texts: str, reason: str = "stop", cited: tuple[ShownCitation, ...] = ()) -> Json:
    data = json.loads(WholeChat(**HEAD).finish(end_of(*texts, reason=reason, cited=cited)))  # type: ignore[arg-type]
    assert isinstance(data, dict)
    return data


def test_stream_is_byte_for_byte_as_the_contract_has_it() -> None:
    out = streamed(chat_stream(include_usage=True), "Hel", "lo.")
    head = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795333147,"model":"gpt-4-s"'
    choice = head + ',"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}],"usage":null}'
    expected = [
        choice % ('{"role":"assistant","content":""}', "null"),
        choice % ('{"content":"Hel"}', "null"),
        choice % ('{"content":"lo."}', "null"),
        choice % ("{}", '"stop"'),
        head + ',"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}}',
        "[DONE]",
    ]
    assert out.decode() == "".join(f"data: {line}\n\n" for line in expected)


def test_without_usage_there_is_no_usage_key_at_all() -> None:
    out = streamed(chat_stream(), "Hi")
    assert b"usage" not in out
    assert read(out).text == "Hi"


def test_completion_is_as_the_contract_has_it() -> None:
    assert list(completion("Hel", "lo.").items()) == [
        ("id", "chatcmpl-1"),
        ("object", "chat.completion"),
        ("created", 1795333147),
        ("model", "gpt-4-s"),
        (
            "choices",
            [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Hello.",
                        "annotations": [],
                        "refusal": None,
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
        ),
        ("usage", {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}),
    ]


ANSWERS = [[], ["Hi"], ["你好", ' "\\\n', "🔥\u2028\x00\x7f\x85"], ["\ud83d"], ["x" * 10_000]]


@pytest.mark.parametrize("texts", ANSWERS, ids=lambda texts: ascii(texts)[:20])
@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
@pytest.mark.parametrize("include_usage", [False, True], ids=["", "usage"])
def test_every_chunk_and_completion_conforms_to_the_official_schema(
    texts: list[str], reason: str, include_usage: bool
) -> None:
    format = chat_stream(include_usage=include_usage)
    out = streamed(format, *texts, reason=reason)
    for chunk in [*chunks(out), *chunks(format.idle(visible=True))]:
        check(chunk, "CreateChatCompletionStreamResponse")
    check(completion(*texts, reason=reason), "CreateChatCompletionResponse")
    seen = read(out)
    assert seen.text == content_of(completion(*texts))
    assert seen.finish_reason == reason
    assert (seen.usage is not None) == include_usage


def test_the_schema_check_itself_finds_faults() -> None:
    broken = completion("Hi")
    broken["choices"][0]["message"].pop("refusal")  # type: ignore[index]
    for value in (broken, completion("Hi") | {"system_fingerprint": None}, {}):
        with pytest.raises(jsonschema.ValidationError):
            check(value, "CreateChatCompletionResponse")


def test_ping_is_a_comment_that_no_client_sees() -> None:
    ping = chat_stream().idle(visible=False)
    assert ping == b": ping\n\n"
    assert list(data_lines(ping)) == []


def test_idle_chunk_has_a_little_reasoning_until_the_text_begins_where_that_is_wanted() -> None:
    format = chat_stream(thinking=True)

    def idle_delta() -> object:
        (chunk,) = chunks(format.idle(visible=True))
        return chunk["choices"][0]["delta"]  # type: ignore[index]

    assert idle_delta() == {"reasoning_content": "Thinking...\n"}
    format.encode(ReasoningDelta([b"Hm"]))
    assert idle_delta() == {"reasoning_content": "Thinking...\n"}
    format.encode(TextDelta([b"Hi"]))
    assert idle_delta() == {}
    assert chat_stream(thinking=True).idle(visible=False) == chat_stream().idle(visible=False)


def test_idle_chunk_has_an_empty_delta_and_the_head_of_its_stream() -> None:
    for include_usage in (False, True):
        format = chat_stream(include_usage=include_usage)
        (idle,) = chunks(format.idle(visible=True))
        (first,) = chunks(format.open())
        assert {key: idle[key] for key in HEAD} == {key: first[key] for key in HEAD} == HEAD
        assert idle["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}]
        assert ("usage" in idle) == include_usage


def test_failure_is_a_visible_note_then_the_error_and_nothing_more() -> None:
    format = chat_stream(error_note=True)
    out = (
        format.open()
        + format.encode(written("Half"))
        + format.fail(UpstreamFailed("The connection was lost."))
    )
    seen = read(out)
    assert seen.deltas == ["Half", "\n\n[stopped: The connection was lost.]"]
    assert seen.error == {
        "message": "The connection was lost.",
        "type": "server_error",
        "param": None,
        "code": "upstream_error",
    }
    assert b"[DONE]" not in out
    assert seen.finish_reason is None


def test_failure_without_a_note_is_the_error_alone() -> None:
    out = chat_stream().fail(UpstreamFailed("Lost."))
    (payload,) = data_lines(out)
    assert list(json.loads(payload)) == ["error"]


def test_whole_answer_is_written_at_its_end_alone() -> None:
    whole = WholeChat(id=ID, created=CREATED, model=MODEL)
    assert (whole.open(), whole.encode(written("one")), whole.idle(visible=True)) == (b"", b"", b"")
    assert json.loads(whole.fail(UpstreamFailed("Lost.")))["error"]["message"] == "Lost."


PIECES = st.lists(st.text(min_size=1, max_size=5).map(escaped), min_size=1, max_size=5)


@given(PIECES, st.booleans())
def test_pieces_of_one_event_are_written_as_if_each_came_alone(
    pieces: list[bytes], include_usage: bool
) -> None:
    format = chat_stream(include_usage=include_usage)
    for kind in (TextDelta, ReasoningDelta):
        alone = [format.encode(kind([piece])) for piece in pieces]
        assert format.encode(kind(pieces)) == b"".join(alone)


def test_reasoning_has_chunks_of_its_own_and_stands_beside_the_content_of_a_completion() -> None:
    event = ReasoningDelta([b"Hm", b" \\u4f60"])
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(chat_stream().encode(event))]  # type: ignore[index]
    assert deltas == [{"reasoning_content": "Hm"}, {"reasoning_content": " 你"}]
    whole = WholeChat(id=ID, created=CREATED, model=MODEL)
    assert whole.encode(event) == b""
    message = json.loads(whole.finish(end_of("Hi")))["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm 你", "Hi")


def test_events_without_text_write_nothing() -> None:
    for format in (chat_stream(), WholeChat(id=ID, created=CREATED, model=MODEL)):
        assert format.encode(Finished("stop")) == b""


CITED = (
    ShownCitation("[[1](https://a.example)]", "https://a.example", "A"),
    ShownCitation("(b.pdf)", "", "b.pdf"),
)


def test_citations_are_annotations_with_their_places_in_the_text() -> None:
    text = "Cold [[1](https://a.example)] (b.pdf)."
    data = completion(text, cited=CITED)
    check(data, "CreateChatCompletionResponse")
    message = data["choices"][0]["message"]  # type: ignore[index]
    (annotation,) = message["annotations"]
    place = annotation["url_citation"]
    assert place == {"url": "https://a.example", "title": "A", "start_index": 5, "end_index": 29}
    assert text[5:29] == CITED[0].link


def test_stream_brings_annotations_on_the_finish_chunk_and_only_if_asked() -> None:
    for annotate in (False, True):
        format = chat_stream(annotate=annotate)
        *_, last = chunks(format.open() + format.finish(end_of(CITED[0].link, cited=CITED)))
        delta = last["choices"][0]["delta"]  # type: ignore[index]
        assert list(delta) == (["annotations"] if annotate else [])


@pytest.mark.parametrize("name", ["gpt-4-s", '模型 "x"\\', "a/b c", "\u2028"])
def test_any_name_of_a_model_is_repeated_as_asked(name: str) -> None:
    format = ChatStream(id="i", created=1, model=name, include_usage=True)
    for chunk in chunks(format.open() + format.idle(visible=True) + format.finish(end_of())):
        assert chunk["model"] == name
    assert json.loads(WholeChat(id="i", created=1, model=name).finish(end_of()))["model"] == name
