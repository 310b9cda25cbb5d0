"""The load generator must see every kind of wrong answer."""

import json

import pytest

from benchmarks.backend_stream import (
    ReplySpec,
    chat_request,
    echo_records,
    reply_records,
    reply_text,
    reply_tokens,
)
from benchmarks.expected_replies import ExpectedReply, OpenAIAnswer, OpenAIStream, RelayedBytes
from benchmarks.load_generator import Endpoint, ReplyFormat
from benchmarks.response_reader import ProtocolError, ResponseReader

ASK = ReplySpec(40)
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


def stream(deltas: list[str]) -> bytes:
    opening = chunk({"role": "assistant", "content": ""})
    return opening + b"".join(chunk({"content": delta}) for delta in deltas) + chunk({}, "stop") + DONE


def told(reply: ExpectedReply, body: bytes) -> str | None:
    reply.feed(memoryview(body))
    return reply.problem()


def test_a_right_stream_is_accepted_and_its_deltas_counted() -> None:
    reply = OpenAIStream(ASK)
    assert told(reply, stream(list(reply_tokens(40)))) is None
    assert reply.deltas == 40


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (stream([reply_text(39)]), "differs"),
        (stream([*reply_tokens(40), "!"]), "differs"),
        (stream([reply_text(40)[1:]]), "from character 0"),
        (stream([reply_text(40)]).removesuffix(DONE), "DONE"),
        (chunk({"content": reply_text(40)}) + DONE, "finish_reason"),
        (stream([reply_text(40)]).replace(b"\\u", b"\\x", 1), "decoded"),
    ],
)
def test_a_wrong_stream_is_complained_about(body: bytes, complaint: str) -> None:
    assert complaint in (told(OpenAIStream(ASK), body) or "")


def test_a_token_is_complete_where_the_delta_that_ends_it_ends() -> None:
    one, two, three = reply_tokens(3)
    spec = ReplySpec(3)
    body = stream([one + two[:1], two[1:] + three])
    reply = OpenAIStream(spec)
    assert told(reply, body) is None
    first = body.index(b"\n\n", body.index(chunk({"content": one + two[:1]}))) + 2
    second = first + len(chunk({"content": two[1:] + three}))
    split_inside = len(two) > 1
    assert reply.token_ends() == [first, second if split_inside else first, second]


def test_an_answer_in_one_piece_is_checked() -> None:
    def answer(text: str) -> bytes:
        return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()

    assert told(OpenAIAnswer(ASK), answer(reply_text(40))) is None
    assert "differs" in (told(OpenAIAnswer(ASK), answer("sorry")) or "")


def test_relayed_bytes_are_compared_in_any_pieces() -> None:
    echo = echo_records(chat_request(ASK, stream=True)["messages"], ASK.style)
    body = b"".join([*echo, *reply_records(40, ASK.style)])
    for size in (1, 7, 1000, len(body)):
        reply = RelayedBytes(ASK)
        for start in range(0, len(body), size):
            reply.feed(memoryview(body)[start : start + size])
        assert reply.problem() is None
    assert len(reply.token_ends()) == 40
    assert "came" in (told(RelayedBytes(ASK), body[:-1]) or "")
    assert "not the backend's" in (told(RelayedBytes(ASK), body.replace(b"assistant", b"assistent", 1)) or "")
    assert "not the backend's" in (told(RelayedBytes(ASK), body + b"x") or "")


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def received(wire: bytes, step: int) -> OpenAIStream:
    """What a reply holds after the wire was read in pieces of `step` bytes; it must end with the wire."""
    reply = OpenAIStream(ASK)
    response = ResponseReader(reply)
    complete = False
    for start in range(0, len(wire), step):
        assert not complete
        data = bytearray(response.unread + wire[start : start + step])
        complete = response.feed(data, memoryview(data), len(data))
    assert complete
    return reply


@pytest.mark.parametrize("step", [1, 2, 3, 5, 100, 1000])
def test_a_response_may_be_cut_anywhere(step: int) -> None:
    assert (
        received(HEAD + b"5\r\nhello\r\n1\r\n,\r\na\r\n you there\r\n0\r\n\r\n", step).body
        == b"hello, you there"
    )
    assert received(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", step).body == b"hello"


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "503"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "neither a length"),
        (HEAD + b"0\r\nX: y\r\n\r\n", "does not end properly"),
        (HEAD + b"0\r\n\r\nmore", "after the end"),
    ],
)
def test_a_bad_response_is_refused(wire: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        received(wire, len(wire))


def test_a_request_announces_its_length_and_carries_the_ask() -> None:
    head, _, body = Endpoint(80, ReplyFormat.OPENAI).request(ASK, stream=True).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert ReplySpec.parse(body) == ASK
