"""What `explain` tells of a recorded turn."""

import json
import re
from pathlib import Path

import pytest

from recordings import RecordedTurn, explain
from recordings.turn import Continued, Piece, RecordedStream
from tests.recordings.streams import stream_files, stream_of
from tests.translate.reading import answer
from translate.backend import MAX_RECORD_BYTES
from translate.values import Asset


def recorded(*streams: bytes, size: int = 10**9) -> RecordedTurn:
    exchanges = [
        RecordedStream(
            float(number),
            [("u1", "user")],
            [Piece(at / 1000, stream[at : at + size]) for at in range(0, len(stream), size)],
        )
        for number, stream in enumerate(streams)
    ]
    return RecordedTurn(0.0, "failed", {"record": 1}, (502, "upstream_error"), exchanges)


def record(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def snapshot(text: str, role: str = "assistant", **fields: object) -> bytes:
    content = {"content_type": "text", "parts": [text]}
    message = {"id": f"{role}-1", "author": {"role": role}, "content": content, **fields}
    return record(message=message, conversation_id="c1")


def picture(asset: Asset) -> str:
    return "picture"


def told(*streams: bytes, size: int = 10**9) -> str:
    return "\n".join(explain(recorded(*streams, size=size)))


def test_each_record_is_told_with_what_it_makes() -> None:
    text = told(
        snapshot("Question", "user")
        + snapshot("Some te")
        + snapshot("Some text", end_turn=True, status="finished_successfully")
        + record(type="title_generation", title="x")
        + record(type="news_of_tomorrow")
        + b"data: [DONE]\n\n"
    )
    assert text.splitlines() == [
        "failed, 502 upstream_error, 1 x unknown record; 1 exchange(s)",
        "",
        "exchange 1, 0.000 s",
        "    0.000  snapshot of message user-1: user, text",
        "    0.000  snapshot of message assistant-1: assistant, text",
        "           -> begins: prose",
        '           -> text "Some te"',
        "    0.000  snapshot of message assistant-1: assistant, text, finished_successfully",
        '           -> text "xt"',
        "    0.000  record of type title_generation",
        "    0.000  record of type news_of_tomorrow",
        "           NOT UNDERSTOOD (record)",
        "    0.000  end",
        "           -> exchange ended",
        "    0.000  end of the stream",
        "",
        "text:",
        "    Some text",
    ]


def test_failure_and_damage_are_told() -> None:
    text = told(b"event: ping\ndata: 2026-01-01\n\n" + snapshot("Some text") + b"data: {broken\n\n")
    assert "ping" in text
    assert "no JSON object, 7 bytes: {broken" in text
    assert "NOT UNDERSTOOD (json)" in text
    assert "-> FAILED: 502" in text


def test_deltas_are_told_with_their_places() -> None:
    text = told(
        b'event: delta_encoding\ndata: "v1"\n\n'
        + record(p="", o="add", v={"message": {"id": "a1", "author": {"role": "assistant"}, "content": {
            "content_type": "text", "parts": [""]}}, "conversation_id": "c1"})
        + record(p="/message/content/parts/0", o="append", v="Hello")
        + record(v=" there")
        + record(p="", o="patch", v=[{"p": "/message/status", "o": "replace", "v": "finished_successfully"}])
    )  # fmt: skip
    assert "delta add at : message a1: assistant, text" in text
    assert "delta append at /message/content/parts/0: Hello" in text
    assert "delta (the same) at (the same place):  there" in text
    assert "replace /message/status" in text


def test_further_exchange_goes_on_with_the_text() -> None:
    first = (
        snapshot("Some", end_turn=True, metadata={"finish_details": {"type": "max_tokens"}})
        + b"data: [DONE]\n\n"
    )
    second = (
        snapshot(" text", "assistant", end_turn=True).replace(b"assistant-1", b"assistant-2")
        + b"data: [DONE]\n\n"
    )
    text = told(first, second)
    assert "exchange ended, cut by length" in text
    assert "exchange 2, 1.000 s" in text
    assert text.endswith("text:\n    Some text")


def asks_permission() -> bytes:
    """A GPT asks whether it may call a host."""
    actions = [{"name": "allow", "type": "allow", "allow": {"target_message_id": "call-1"}}]
    body = {"domain": "api.example.com", "operation": "getItem", "actions": actions}
    asked = {"jit_plugin_data": {"from_server": {"type": "confirm_action", "body": body}}}
    return snapshot("", "tool", metadata=asked)


def test_exchange_behind_a_confirmation_has_a_text_of_its_own() -> None:
    first = snapshot("Some") + asks_permission() + b"data: [DONE]\n\n"
    second = snapshot("text", end_turn=True).replace(b"assistant-1", b"assistant-2") + b"data: [DONE]\n\n"
    assert told(first, second).endswith("text:\n    Some\n    \n    text")


HANDOFF = record(type="stream_handoff", conversation_id="c1", turn_exchange_id="te1")


def goes_on(*streams: tuple[Continued, bytes], error: tuple[int, str] = (0, "")) -> list[str]:
    recorded = [
        RecordedStream(float(number), (), [Piece(float(number), stream)], way)
        for number, (way, stream) in enumerate(streams)
    ]
    return list(explain(RecordedTurn(0.0, "whole", {}, error, recorded)))


def test_answer_that_goes_on_elsewhere_is_told_to_its_end() -> None:
    first = snapshot("Some te") + HANDOFF + b"data: [DONE]\n\n"
    lines = goes_on(("", first), ("fresh", snapshot("Some text", end_turn=True) + b"data: [DONE]\n\n"))
    assert lines[0] == "whole; 1 exchange(s)"
    assert "           -> goes on elsewhere (handoff)" in lines
    assert "exchange 1 goes on, from the start of its answer, 1.000 s" in lines
    rest = lines[lines.index("exchange 1 goes on, from the start of its answer, 1.000 s") :]
    assert rest[1:4] == [
        "    1.000  snapshot of message assistant-1: assistant, text",
        '           -> text "xt"',
        "    1.000  end",
    ]
    assert rest[-2:] == ["text:", "    Some text"]


def test_stream_that_goes_on_behind_another_has_its_dialect() -> None:
    message = {
        "id": "a1",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [""]},
    }
    token = record(type="resume_conversation_token", token="t1", conversation_id="c1")
    first = b'event: delta_encoding\ndata: "v1"\n\n' + token
    first += record(p="", o="add", v={"message": message, "conversation_id": "c1"})
    first += record(p="/message/content/parts/0", o="append", v="Hello")
    rest = record(v=" there") + record(type="message_stream_complete") + b"data: [DONE]\n\n"
    lines = goes_on(("", first), ("behind", rest))
    assert "           -> goes on elsewhere (broken)" in lines
    assert "exchange 1 goes on, behind what has come, 1.000 s" in lines
    assert lines[-1] == "    Hello there"


def test_rest_that_nobody_waited_for_is_told() -> None:
    first = snapshot("Some te") + HANDOFF + b"data: [DONE]\n\n"
    assert "the rest was not waited for" in goes_on(("", first))
    assert "the rest was not waited for" not in goes_on(("", first), error=(502, "upstream_error"))


def test_what_comes_behind_a_handoff_is_not_read() -> None:
    lines = goes_on(("", snapshot("a") + HANDOFF + b"data: [DONE]\n\n" + snapshot("ab")))
    assert (
        "    0.000  snapshot of message assistant-1: assistant, text: not read, the stream is over" in lines
    )


@pytest.mark.parametrize("way", ["fresh", "behind"])
def test_rest_of_a_stream_that_has_failed_is_told_by_itself(way: Continued) -> None:
    """So it is where a gap hides that the answer goes on elsewhere."""
    failed = snapshot("a") + b'data: {"message": null, "error": "Something"}\n\n'
    lines = goes_on(("", failed), (way, snapshot("ab", end_turn=True) + b"data: [DONE]\n\n"))
    assert lines[-1] == "    ab"


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_record_that_is_too_large_is_told(end: bytes) -> None:
    lines = goes_on(("", snapshot("a") + b"data: " + b"x" * (MAX_RECORD_BYTES + 1) + end))
    assert any("-> FAILED: 502 The backend sent a record that is too large." in line for line in lines)


def test_gap_is_told() -> None:
    pieces = [Piece(0.1, snapshot("a")), Piece(0.2, b"", 321), Piece(0.3, snapshot("ab"))]
    turn = RecordedTurn(0.0, "whole", {}, (0, ""), [RecordedStream(0.0, [], pieces)])
    assert "    0.200  321 bytes were not kept" in list(explain(turn))


@pytest.mark.parametrize("size", [1, 50, 10**9])
@pytest.mark.parametrize("path", stream_files()[::6], ids=lambda path: path.stem)
def test_text_is_that_of_the_translator(path: Path, size: int) -> None:
    stream = stream_of(path)
    lines = list(explain(recorded(stream, size=size)))
    shown = answer(stream, sent=(), reasoning=True, fetch=picture).conversation.answer.text
    shown = re.sub(r"https://files\.example/[\w-]+", "sandbox:", shown)
    assert lines[lines.index("text:") + 1 :] == [f"    {line}" for line in shown.splitlines()]
