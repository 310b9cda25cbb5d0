"""The parser of answers alone, for every way of cutting its input."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.iostream import UnsatisfiableReadError

from tests.transport.outcome import Outcome, outcome
from transport.response import MAX_INFORMATIONAL, EndlessBody, HeadReader, body_of

METHODS = st.sampled_from(["GET", "HEAD", "POST"])
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer as a server may send it, and perhaps something behind it."""
    content = draw(st.binary(max_size=60))
    framing = draw(st.sampled_from(["length", "chunked", "none"]))
    fields = draw(st.lists(st.sampled_from([b"X-A: 1", b"x-a:2", b"Server: x y", b"Odd:\xe9"]), max_size=3))
    if framing == "length":
        fields.append(b"Content-Length: %d" % len(content))
    elif framing == "chunked":
        fields.append(b"Transfer-Encoding: chunked")
        size = max(1, draw(st.integers(1, 30)))
        chunks = [content[at : at + size] for at in range(0, len(content), size)]
        content = (
            b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nT: 1\r\n\r\n"
        )
    code = draw(st.sampled_from([b"200 OK", b"404 Not Found", b"304 Not Modified", b"200 "]))
    head = b"\r\n".join([b"HTTP/1.1 " + code, *fields, b"", b""])
    return HINTS * draw(st.integers(0, 2)) + head + content + draw(st.sampled_from([b"", b"HTTP/1.1 200"]))


@given(wire=answers(), method=METHODS, data=st.data())
def test_any_cut_gives_the_same(wire: bytes, method: str, data: st.DataObject) -> None:
    whole = outcome([wire], method)
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=20))
    assert (
        outcome([wire[start:end] for start, end in pairwise([0, *sorted(cuts), len(wire)])], method) == whole
    )
    assert outcome([wire[at : at + 1] for at in range(len(wire))], method) == whole
    assert not whole.failure


@given(
    wire=answers(), damage=st.binary(min_size=1, max_size=3), at=st.integers(0, 300), cut=st.integers(0, 300)
)
def test_damaged_answer_is_read_or_refused_alike_whole_and_cut(
    wire: bytes, damage: bytes, at: int, cut: int
) -> None:
    wire = wire[:at] + damage + wire[at + len(damage) :]
    assert outcome([wire]) == outcome([wire[:cut], wire[cut:]])


@given(wire=st.binary(max_size=200), cut=st.integers(0, 200))
def test_any_bytes_are_read_or_refused_alike_whole_and_cut(wire: bytes, cut: int) -> None:
    assert outcome([wire]) == outcome([wire[:cut], wire[cut:]])


def test_head_has_a_limit_however_it_comes() -> None:
    reader = HeadReader(100)
    with pytest.raises(UnsatisfiableReadError):
        reader.feed(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100)
    reader = HeadReader(100)
    with pytest.raises(UnsatisfiableReadError):
        reader.feed(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100 + b"\r\n\r\n")


def test_informational_answers_have_a_limit_and_no_body() -> None:
    assert outcome([HINTS * (MAX_INFORMATIONAL + 1)]).failure == "HTTPInputError"
    assert outcome([b"HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nab"]).failure == "HTTPInputError"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Content-Length: -1",
        b"Content-Length: +1",
        b"Content-Length: 1_0",
        b"Content-Length: \xb2",
        b"Content-Length:",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b" folded: 1",
        b"no colon",
    ],
)
def test_ambiguous_framing_is_refused(fields: bytes) -> None:
    assert outcome([b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\nab"]).failure == "HTTPInputError"


def test_equal_lengths_said_twice_are_one() -> None:
    assert outcome([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nabc"]) == Outcome(
        ((200, "OK", (("Content-Length", "2"), ("Content-Length", "2"))),), b"ab", True, b"c"
    )


@pytest.mark.parametrize("connection", ["close", "Close", "keep-alive, close"])
def test_server_may_refuse_to_keep_the_connection(connection: str) -> None:
    head = HeadReader().feed(f"HTTP/1.1 200 OK\r\nConnection: {connection}\r\n\r\n".encode())
    assert head is not None
    assert not head.keeps_connection


def test_old_servers_keep_no_connection() -> None:
    head = HeadReader().feed(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n")
    assert head is not None
    assert not head.keeps_connection
    assert isinstance(body_of(head, "GET"), EndlessBody)
