"""The splitter: whatever the line ends and the cuts, the same records."""

import re
import sys
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.translate.reading import answer, cut
from tests.translate.wire import turn_of
from translate.backend.sse import Record, RecordTooLarge, SseSplitter, unglued


def records(stream: bytes, sizes: Sequence[int] = ()) -> list[tuple[bytes, bytes]]:
    """Every record of `stream` as (event, data), flushed at its end."""
    splitter, found = SseSplitter(), []
    for chunk in cut(stream, sizes):
        splitter.push(chunk)
        while (record := splitter.next()) is not None:
            found.append(record)
    if (record := splitter.flush()) is not None:
        found.append(record)
    return [(record.event, record.data) for record in found]


def reference(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The same by the book, from the whole stream at once; the end of input ends the last record.

    By the book a line with an unknown field is ignored, and so is an event without data. Here it is damaged
    data, marked with a byte that makes it unreadable, if it may have been that of an answer, and so is a
    comment with a quote or what is no text.
    """

    def clean(line: bytes) -> bool:
        text = line.decode(errors="replace")
        return "\ufffd" not in text and all(
            c != '"' and (c >= " " or c == "\t") and c != "\x7f" for c in text
        )

    found: list[tuple[bytes, bytes]] = []
    event = b""
    data: list[bytes] = []
    for line in [*re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        name, _, value = line.partition(b":")
        if not line:
            if event in (b"message", b"delta", b"delta_encoding") and not data:
                data.append(b"\xff")
            if data:
                found.append((event, b"\n".join(data)))
            event, data = b"", []
        elif line.startswith(b"{"):
            data.append(line)
        elif name == b"data" and b":" in line:
            data.append(value.removeprefix(b" "))
        elif name == b"event" and b":" in line and clean(line):
            event = value.strip()
        elif name not in (b"", b"id", b"retry") or b":" not in line or not clean(line):
            data.append(b"\xff" + line)
    return found


ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_lines_may_end_in_lf_crlf_or_cr(end: bytes) -> None:
    stream = end.join([b"data: one", b"", b"data: two", b"data: more", b"", b""])
    assert records(stream) == [(b"", b"one"), (b"", b"two\nmore")]


def test_crlf_pings_among_lf_records_glue_nothing() -> None:
    ping = b"event: ping\r\ndata: 2023-12-15 07:00:15.123456\r\n\r\n"
    stream = b'data: {"a": 1}\n\n' + ping + b'data: {"a": 2}\n\n' + ping + b"data: [DONE]\n\n"
    when = (b"ping", b"2023-12-15 07:00:15.123456")
    expected = [(b"", b'{"a": 1}'), when, (b"", b'{"a": 2}'), when, (b"", b"[DONE]")]
    assert records(stream) == expected
    for size in range(1, len(stream)):
        assert records(stream, [size]) == expected


def test_every_single_cut_gives_the_same_records() -> None:
    stream = (
        b'\xef\xbb\xbf: hello\r\n\r\ndata: {"t": "\xe4\xbd\xa0\xf0\x9f\x94\xa5"}  \n\n'
        b"id: 7\nretry: 10\ndata:x\rdata: y\r\revent: e\ndata: \n\ndata: [DONE]"
    )
    expected = reference(stream)
    assert len(expected) == 4
    for at in range(1, len(stream)):
        assert records(stream, [at, len(stream)]) == expected


def test_comments_ids_and_retries_carry_nothing() -> None:
    assert records(b": ping\n\nid: 1\nretry: 3000\n\n:\n\n") == []


@pytest.mark.parametrize(
    "line", [b"dat: {}", b"data", b"\xffata: {}", b"whatever: x", b" data: {}", b"<html>"]
)
def test_line_that_is_no_field_makes_its_record_unreadable(line: bytes) -> None:
    for stream in (line + b"\n\n", b"data: {}\n" + line + b"\n\n", line + b"\ndata: {}\n\n"):
        ((_, data),) = records(stream)
        with pytest.raises(UnicodeDecodeError):
            data.decode()


def test_byte_order_mark_is_dropped_only_at_the_start() -> None:
    mark = b"\xef\xbb\xbf"
    assert records(mark + b"data: a\n\n" + mark + b"data: b\n\ndata: " + mark + b"\n\n") == [
        (b"", b"a"),
        (b"", b"\xff" + mark + b"data: b"),
        (b"", mark),
    ]
    assert records(mark + b"data: a\n\n", [1]) == [(b"", b"a")]


def test_one_space_behind_the_colon_is_framing_and_more_is_data() -> None:
    assert records(b"data:a\n\ndata: b\n\ndata:  c \n\n") == [(b"", b"a"), (b"", b"b"), (b"", b" c ")]


def test_empty_data_is_a_record_of_nothing() -> None:
    assert records(b"data: \n\ndata:\n\n") == [(b"", b""), (b"", b"")]


def test_event_name_belongs_to_one_record_only() -> None:
    assert records(b"event: ping\n\ndata: a\n\nevent: x\ndata: b\n\ndata: c\n\n") == [
        (b"", b"a"),
        (b"x", b"b"),
        (b"", b"c"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b'event: delta"""{"v": "x"}',
        b"event: de\xff\xfflta\ndata: {}",
        b": \x01\x01",
        b': x"}',
        b'retry: "',
    ],
)
def test_line_that_has_run_into_a_record_is_data_that_nobody_can_read(line: bytes) -> None:
    assert records(line + b"\n\ndata: a\n\n") == [
        (b"", b"\xff" + line.replace(b"\ndata: ", b"\n")),
        (b"", b"a"),
    ]


def test_event_of_an_answer_without_data_is_unreadable_and_any_other_is_nothing() -> None:
    assert records(b"event: delta\n\nevent: ping\n\n") == [(b"delta", b"\xff")]
    assert records(b"event: deltadata: [DONE]\n\n") == [(b"deltadata: [DONE]", b"\xff")]
    assert records("event: heartbeat\n\n: 保持连接\n\ndata: a\n\n".encode()) == [(b"", b"a")]


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r", b"\r\n", b"\n\n"])
def test_last_record_counts_without_its_line_ends(tail: bytes) -> None:
    stream = b"data: a\n\ndata: [DONE]" + tail
    assert records(stream) == records(stream, [1]) == [(b"", b"a"), (b"", b"[DONE]")]


def test_json_in_place_of_a_stream_is_a_record() -> None:
    body = b'{"detail": "Too many requests in 1 hour. Try again later."}'
    assert records(body) == records(body, [7]) == [(b"", body)]


def test_nothing_is_dispatched_before_its_blank_line() -> None:
    splitter = SseSplitter()
    splitter.push(b"data: a\n")
    assert splitter.next() is None
    splitter.push(b"\n")
    assert splitter.next() == Record(b"", b"a")
    assert splitter.next() is None
    assert splitter.flush() is None


def test_line_end_cut_between_cr_and_lf_is_one_even_at_the_end() -> None:
    splitter = SseSplitter()
    splitter.push(b"data: a\r")
    assert splitter.next() is None
    splitter.push(b"\n")
    assert splitter.flush() == Record(b"", b"a")


def test_boundary_is_where_a_record_begins() -> None:
    splitter = SseSplitter()
    assert splitter.at_boundary
    for chunk, boundary in [
        (b"data: a\n", False),
        (b"\n", True),
        (b"event: x\n", False),
        (b"data: b\n", False),
    ]:
        splitter.push(chunk)
        while splitter.next() is not None:
            pass
        assert splitter.at_boundary is boundary
    splitter.push(b"\r")
    assert splitter.next() == Record(b"x", b"b")
    assert not splitter.at_boundary, "the line feed may still come"
    splitter.push(b"\n")
    assert splitter.next() is None
    assert splitter.at_boundary


LINES = st.one_of(
    st.sampled_from([b"", b"", b"", b"data: x", b": c", b"event: ping", b"data:", b"data", b"{}", b"id: 1"]),
    st.sampled_from([b"event: x", b'event: "', b': "', b'id: "', b": \xe4"]),
    st.binary(max_size=6).map(lambda raw: b"data: " + re.sub(rb"[\r\n]", b".", raw)),
    st.sampled_from(["data: 你好", "data: \u2028 \u0085", "event: 🔥", "data: \ufeff"]).map(str.encode),
)


@given(
    lines=st.lists(st.tuples(LINES, st.sampled_from(list(ENDS.values()))), max_size=20),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    tail=st.sampled_from([b"", b"data: [DONE]", b"{", b"\xef", b"event: ping"]),
    sizes=st.lists(st.integers(1, 9), max_size=5),
)
@example(lines=[(b"data: a", b"\r"), (b"", b"\n"), (b"data: b", b"\r")], mark=b"", tail=b"", sizes=[1])
def test_any_records_line_ends_and_cuts_read_as_by_the_book(
    lines: list[tuple[bytes, bytes]], mark: bytes, tail: bytes, sizes: list[int]
) -> None:
    stream = mark + b"".join(line + end for line, end in lines) + tail
    assert records(stream, sizes) == reference(stream)


LIMIT = 100_000


@pytest.mark.parametrize(
    "line",
    [b"data: " + b"x" * 70, b"data: x\n", b"x" * 70, b"{" + b" " * 69],
    ids=["one data line", "many data lines", "no field", "bare JSON"],
)
def test_endless_record_is_refused_before_it_fills_the_memory(line: bytes) -> None:
    splitter, chunk = SseSplitter(LIMIT), line * 100

    def push(times: int) -> None:
        for _ in range(times):
            splitter.push(chunk)
            assert splitter.next() is None
            assert len(splitter.buffer) <= LIMIT + len(chunk)

    with pytest.raises(RecordTooLarge):
        push(times=10 * LIMIT // len(chunk))


def test_record_that_comes_whole_is_held_to_the_limit_too() -> None:
    splitter = SseSplitter(LIMIT)
    splitter.push(b"data: " + b"x" * LIMIT + b"\n\n")
    with pytest.raises(RecordTooLarge):
        splitter.next()


def test_many_records_may_exceed_the_limit_together() -> None:
    splitter = SseSplitter(LIMIT)
    record = b"data: " + b"x" * (LIMIT // 2) + b"\n\n"
    for _ in range(5):
        splitter.push(record)
        assert splitter.next() is not None
        assert splitter.next() is None


def test_consumed_bytes_are_given_back() -> None:
    splitter = SseSplitter()
    for _ in range(100):
        splitter.push(b"data: " + b"x" * 1000 + b"\n\n")
        while splitter.next() is not None:
            pass
        assert len(splitter.buffer) <= 2000


class CountingBuffer(bytearray):
    """Counts the bytes that searches look at."""

    searched = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        stop = len(self) if end is None else end
        found = super().find(sub, start, stop)
        self.searched += (found if found >= 0 else stop) - start
        return found


def test_big_record_in_small_chunks_is_not_searched_again_and_again() -> None:
    splitter = SseSplitter()
    splitter.push(b"data: ")
    splitter.buffer = buffer = CountingBuffer(splitter.buffer)
    record = b"x" * 200_000 + b"\n\n"
    for chunk in cut(record, [100]):
        splitter.push(chunk)
        last = splitter.next()
    assert last == Record(b"", b"x" * 200_000)
    assert len(record) <= buffer.searched <= 4 * len(record)


@pytest.mark.parametrize(
    ("data", "payloads"),
    [
        (b'{"a": 1}data: {"b": 2}', [b'{"a": 1}', b'{"b": 2}']),
        (b'{"a": 1}  data:{"b": 2} data: [DONE]', [b'{"a": 1}', b'{"b": 2}', b"[DONE]"]),
        (b'{"a": "}data: {"}data: {"b": {}}', [b'{"a": "}data: {"}', b'{"b": {}}']),
        ('{"a": "你"}data: {"b": "🔥"}'.encode(), ['{"a": "你"}'.encode(), '{"b": "🔥"}'.encode()]),
        (b'{"a": 1}', [b'{"a": 1}']),
        (b'{"a": 1} and more', [b'{"a": 1} and more']),
        (b'{"a": 1}data: {"b', [b'{"a": 1}data: {"b']),
        (b'{"a": 1}data: ', [b'{"a": 1}', b""]),
        (b"2023-12-15 07:00:15", [b"2023-12-15 07:00:15"]),
        (b"\xff", [b"\xff"]),
        (b"[" * 100_000, [b"[" * 100_000]),
        (b"", [b""]),
    ],
)
def test_records_on_one_line_are_told_apart(data: bytes, payloads: list[bytes]) -> None:
    assert unglued(data) == payloads


def test_snapshots_on_one_line_are_all_read() -> None:
    stream = turn_of("Hi", "Hi there", "Hi there.").replace(b"}\n\ndata: {", b"}data: {")
    for sizes in ([], [1], [7]):
        seen = answer(stream, sizes=sizes)
        assert (seen.text, seen.error, seen.conversation.facts.unknown) == ("Hi there.", None, {})


def test_buffer_is_small_while_it_rests_and_nothing_is_lost() -> None:
    splitter, record = SseSplitter(), b"data: " + b"x" * 1000 + b"\n\n"
    splitter.push(record * 60 + b"data: y")
    while splitter.next() is not None:
        pass
    splitter.rest()
    assert splitter.buffer == b"data: y"
    assert sys.getsizeof(splitter.buffer) < len(record)
    splitter.push(b"\n\n")
    assert splitter.next() == Record(b"", b"y")


def test_line_that_ends_in_cr_inside_a_record_of_the_usual_form_is_a_line_of_its_own() -> None:
    stream = b"event: delta\ndata: a\rdata: b\n\ndata: c\n\n"
    assert records(stream) == reference(stream) == [(b"delta", b"a\nb"), (b"", b"c")]
