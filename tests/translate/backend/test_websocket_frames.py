"""The WebSocket dialect without a socket: what frames say, which come next, where streams begin and end."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.deltas import ENCODING, as_deltas
from tests.translate.reading import cut
from tests.translate.wire import (
    DONE,
    PING,
    Json,
    echo,
    growing,
    hidden_system,
    message,
    sse,
    turn_of,
)
from translate.backend import MAX_RECORD_BYTES
from translate.backend.websocket_frames import (
    ACK_EVERY,
    Connected,
    EndFinder,
    Frame,
    FrameSequence,
    Handover,
    MissingFrames,
    StartFinder,
    read_address,
    read_frame,
    read_handover,
)

HANDOVER: Json = {
    "wss_url": "wss://host.example/client/hubs/conversations?access_token=jwt",
    "expires_at": "2024-03-01T12:00:00.000001+00:00",
    "conversation_id": "c1",
    "response_id": "85aa00bb11cc22dd-AMS",
    "websocket_request_id": "w1",
}


def frame(body: object = b"data: x\n\n", number: object = 7, **inner: object) -> str:
    encoded = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    data: Json = {
        "type": "http.response.body",
        "body": encoded,
        "more_body": True,
        "response_id": "r1",
        "conversation_id": "c1",
        "websocket_request_id": "w1",
    }
    shell: Json = {
        "sequenceId": number,
        "type": "message",
        "from": "group",
        "group": "g1",
        "dataType": "json",
    }
    return json.dumps(shell | {"fromUserId": "s", "data": data | inner})


def test_json_answer_hands_over() -> None:
    expected = Handover(str(HANDOVER["wss_url"]), "c1", "85aa00bb11cc22dd-AMS", "w1")
    assert read_handover(json.dumps(HANDOVER).encode()) == expected
    assert read_address(json.dumps(HANDOVER).encode()) == HANDOVER["wss_url"]


@pytest.mark.parametrize("missing", ["wss_url", "conversation_id", "websocket_request_id"])
def test_answer_without_one_of_its_marks_does_not_hand_over(missing: str) -> None:
    rest = {name: value for name, value in HANDOVER.items() if name != missing}
    assert read_handover(json.dumps(rest).encode()) is None
    assert read_handover(json.dumps(rest | {missing: 7}).encode()) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"detail": "x"}', b"<html>", b"\xff"])
def test_other_answers_do_not_hand_over(body: bytes) -> None:
    assert read_handover(body) is None
    assert read_address(body) == ""


def test_greeting_has_what_a_resumption_needs() -> None:
    said = {"type": "system", "event": "connected", "connectionId": "x&y", "reconnectionToken": "r"}
    greeting = read_frame(json.dumps(said))
    assert greeting == Connected("x&y", "r")
    resumed = greeting.resumed_url("wss://h/c?access_token=t")
    assert resumed == "wss://h/c?access_token=t&awps_connection_id=x%26y&awps_reconnection_token=r"
    assert greeting.resumed_url("wss://h/c") == (
        "wss://h/c?awps_connection_id=x%26y&awps_reconnection_token=r"
    )


def test_frame_is_decoded_to_bytes() -> None:
    assert read_frame(frame("你".encode()[:2])) == Frame(7, "w1", "c1", "r1", "你".encode()[:2], more=True)
    assert read_frame(frame(b"", more_body=False)) == Frame(7, "w1", "c1", "r1", b"", more=False)


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        (frame(type="http.response.start"), 7),
        ('{"sequenceId": 3, "type": "ack"}', 3),
        (frame("", number=None), 0),
        (frame("", number=True), 0),
        (frame("", number=-4), 0),
    ],
)
def test_odd_frame_carries_nothing_but_counts(text: str, sequence: int) -> None:
    found = read_frame(text)
    assert isinstance(found, Frame)
    assert (found.body, found.sequence, found.damaged) == (b"", sequence, False)


@pytest.mark.parametrize("body", ["not base64!", "YQ", "YQ==\ud83d", 5, None, ["YQ=="]])
def test_frame_whose_body_cannot_be_read_has_lost_a_piece_of_its_stream(body: object) -> None:
    found = read_frame(frame(body=body))
    assert found == Frame(7, "w1", "c1", "r1", b"", more=True, damaged=True)


def test_last_frame_needs_no_body() -> None:
    assert read_frame(frame(body=None, more_body=False)) == Frame(7, "w1", "c1", "r1", b"", more=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        b"\xff\xfe",
        '{"sequenceId": 3, "type": "message"}',
        '{"sequenceId": 3, "data": [1]}',
        frame(type=5),
        frame(b"data: x\n\n", websocket_request_id=None, conversation_id=None),
    ],
)
def test_frame_that_cannot_be_read_has_lost_a_piece_of_any_stream(text: str | bytes) -> None:
    found = read_frame(text)
    assert isinstance(found, Frame)
    assert (found.request_id, found.conversation_id, found.body, found.damaged) == ("", "", b"", True)


def test_what_is_no_frame_is_ignored() -> None:
    assert read_frame('{"type": "system", "event": "disconnected"}') is None


def test_each_number_is_taken_once_and_in_order() -> None:
    sequence = FrameSequence()
    assert [sequence.accept(number) for number in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    with pytest.raises(MissingFrames):
        sequence.accept(5)
    assert sequence.accept(4)
    sequence.skip_to(9)
    assert sequence.accept(9)


def test_first_number_may_be_any() -> None:
    assert FrameSequence().accept(40)


def test_frames_without_a_number_are_all_new() -> None:
    sequence = FrameSequence()
    assert [sequence.accept(0), sequence.accept(0)] == [True, True]
    assert sequence.acknowledgement(at_once=True) is None


def test_every_few_frames_are_acknowledged_with_the_last_number() -> None:
    sequence, acks = FrameSequence(), []
    for number in range(1, 3 * ACK_EVERY + 3):
        sequence.accept(number)
        acks.append(sequence.acknowledgement())
    sent = [json.loads(ack) for ack in acks if ack]
    assert sent == [{"type": "sequenceAck", "sequenceId": n * ACK_EVERY} for n in (1, 2, 3)]
    assert json.loads(sequence.acknowledgement(at_once=True) or "")["sequenceId"] == 3 * ACK_EVERY + 2
    assert sequence.acknowledgement(at_once=True) is None


@given(st.lists(st.integers(1, 12), max_size=60))
def test_whatever_comes_again_or_late_nothing_is_taken_twice_or_out_of_order(numbers: list[int]) -> None:
    sequence, taken = FrameSequence(), []
    for number in numbers:
        try:
            if sequence.accept(number):
                taken.append(number)
        except MissingFrames:
            assert number > taken[-1] + 1
    assert taken == list(range(taken[0], taken[0] + len(taken))) if taken else not numbers


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b"data:[DONE]", b"data: [DONE]   \r\n\r\n"])
@given(size=st.integers(1, 40))
def test_end_is_found_wherever_it_is_cut(end: bytes, size: int) -> None:
    stream = sse(*growing("", "The end is data: [DONE]", "or\ndata: [DONE]"), done=False)
    finder = EndFinder()
    assert not any(finder.found(piece) for piece in cut(stream, [size]))
    assert any(finder.found(piece) for piece in cut(end, [size]))


def test_end_at_the_very_beginning_is_found() -> None:
    assert EndFinder().found(b"data: [DONE]")


STARTS: dict[str, bytes] = {
    "the system's echo": turn_of("Hi"),
    "our message": sse(echo("Hello", "u1"), *growing("", "Hi")),
    "an encoding": as_deltas([hidden_system(), *growing("", "Hi")]),
    "a ping": PING + turn_of("Hi"),
    "an error": sse({"message": None, "conversation_id": "c1", "error": "Oops"}),
    "a refusal": b'{"detail": "Oops"}\n\n',
}
MIDDLES: dict[str, bytes] = {
    "a snapshot": sse(*growing("Hi", "Hi there")),
    "a tool": sse(message("", "t1", role="tool"), *growing("Hi")),
    "a delta": as_deltas(growing("", "Hi")).removeprefix(ENCODING),
    "half a record": sse(*growing("Hi", "Hi there"))[40:],
    "half an encoding": as_deltas(growing("", "Hi"))[10:],
    "a title": sse({"type": "title_generation", "title": "T"}, *growing("Hi")),
    "the end": DONE,
}


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(("stream", "whole"), [
    *(pytest.param(stream, True, id=f"from {name}") for name, stream in STARTS.items()),
    *(pytest.param(stream, False, id=f"from {name}") for name, stream in MIDDLES.items()),
])  # fmt: skip
def test_start_of_a_stream_is_told_from_its_middle(stream: bytes, whole: bool, size: int) -> None:
    finder = StartFinder()
    judged = [finder.judge(piece) for piece in cut(stream, [size])]
    assert next(found for found in judged if found is not None) is whole


def test_record_beyond_all_limits_is_no_start() -> None:
    assert StartFinder().judge(b"data: " + b"x" * (MAX_RECORD_BYTES + 1)) is False
