"""What clients receive: chunks, completions, keep-alives and failures, against the official schemas."""

import json
from collections.abc import Iterator

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import Json, content_of, data_lines, read
from tests.translate.schemas import check
from translate.openai.chat import DONE, PING, StreamWriter, WholeWriter
from translate.text.citations import Shown
from translate.values.errors import UpstreamFailed
from translate.values.usage import Usage

HEAD = {"id": "chatcmpl-1", "created": 1795333147, "model": "gpt-4-s"}
USAGE = Usage(prompt_tokens=11, completion_tokens=3)


def stream_writer(*, include_usage: bool = False, annotate: bool = False) -> StreamWriter:
    return StreamWriter(
        id="chatcmpl-1",
        created=1795333147,
        model="gpt-4-s",
        include_usage=include_usage,
        annotate=annotate,
    )


def whole_writer() -> WholeWriter:
    return WholeWriter(id="chatcmpl-1", created=1795333147, model="gpt-4-s")


def streamed(writer: StreamWriter, *texts: str, reason: str = "stop") -> bytes:
    out = writer.open()
    for text in texts:
        writer.text(text)
        out += writer.take()
    return out + writer.finish(reason, USAGE)


def chunks(out: bytes) -> Iterator[Json]:
    for payload in data_lines(out):
        if payload != b"[DONE]":
            yield json.loads(payload)


def completion(*texts: str, reason: str = "stop", cited: tuple[Shown, ...] = ()) -> Json:
    writer = whole_writer()
    for text in texts:
        writer.text(text)
    data = json.loads(writer.finish(reason, USAGE, cited))
    assert isinstance(data, dict)
    return data


def test_stream_is_byte_for_byte_as_the_contract_has_it() -> None:
    out = streamed(stream_writer(include_usage=True), "Hel", "lo.")
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
    out = streamed(stream_writer(), "Hi")
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
                    "message": {"role": "assistant", "content": "Hello.", "refusal": None},
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
    writer = stream_writer(include_usage=include_usage)
    out = streamed(writer, *texts, reason=reason)
    for chunk in [*chunks(out), *chunks(writer.idle())]:
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
    assert PING == b": ping\n\n"
    assert list(data_lines(PING)) == []


def test_idle_chunk_has_an_empty_delta_and_the_head_of_its_stream() -> None:
    for include_usage in (False, True):
        writer = stream_writer(include_usage=include_usage)
        (idle,) = chunks(writer.idle())
        (first,) = chunks(writer.open())
        assert {key: idle[key] for key in HEAD} == {key: first[key] for key in HEAD} == HEAD
        assert idle["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}]
        assert ("usage" in idle) == include_usage


def test_failure_is_a_visible_note_then_the_error_and_nothing_more() -> None:
    writer = stream_writer()
    writer.text("Half")
    out = writer.open() + writer.fail(UpstreamFailed("The connection was lost."), note=True)
    seen = read(out)
    assert seen.deltas == ["Half", "\n\n[stopped: The connection was lost.]"]
    assert seen.error == {
        "message": "The connection was lost.",
        "type": "server_error",
        "param": None,
        "code": "upstream_error",
    }
    assert DONE not in out
    assert seen.finish_reason is None


def test_failure_without_a_note_is_the_error_alone() -> None:
    out = stream_writer().fail(UpstreamFailed("Lost."), note=False)
    (payload,) = data_lines(out)
    assert list(json.loads(payload)) == ["error"]


def test_what_was_taken_is_not_given_again() -> None:
    writer = stream_writer()
    writer.text("one")
    assert b"one" in writer.take()
    assert writer.take() == b""
    assert b"one" not in writer.finish("stop", USAGE)
    assert writer.answer == "one"


def test_whole_writer_gives_nothing_before_its_end() -> None:
    writer = whole_writer()
    writer.text("one")
    writer.passed(b"\\n")
    assert writer.take() == b""
    assert writer.answer == "one\n"


@given(st.lists(st.text(st.characters() | st.sampled_from("\ud83d\udd25\n\\")), max_size=6))
def test_writer_knows_its_answer_and_the_breaks_at_its_end(texts: list[str]) -> None:
    writer = stream_writer()
    out = writer.open()
    for text in texts:
        writer.text(text)
    said = read(out + writer.finish("stop", USAGE)).text
    assert writer.answer == said
    assert writer.line_breaks == min(2, len(said) - len(said.rstrip("\n")))
    assert (writer.size == 0) == (said == "")


CITED = (Shown("[[1](https://a.example)]", "https://a.example", "A"), Shown("(b.pdf)", "", "b.pdf"))


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
        writer = stream_writer(annotate=annotate)
        writer.text(CITED[0].link)
        *_, last = chunks(writer.open() + writer.finish("stop", USAGE, CITED))
        delta = last["choices"][0]["delta"]  # type: ignore[index]
        assert list(delta) == (["annotations"] if annotate else [])


@pytest.mark.parametrize("name", ["gpt-4-s", '模型 "x"\\', "a/b c", "\u2028"])
def test_any_name_of_a_model_is_repeated_as_asked(name: str) -> None:
    writer = StreamWriter(id="i", created=1, model=name, include_usage=True)
    for chunk in chunks(writer.open() + writer.idle() + writer.finish("stop", USAGE)):
        assert chunk["model"] == name
    assert json.loads(WholeWriter(id="i", created=1, model=name).finish("stop", USAGE))["model"] == name
