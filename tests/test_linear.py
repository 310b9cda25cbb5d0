"""Every scanner of what comes from outside is linear: four times the input costs about four times the work.

A family is hostile input of any size for one scanner; a new one is a function with a row in `FAMILIES`. Work
is counted in two ways. Lines of Python that are run are exact, so they have a ceiling per byte. Searches and
copies inside of one line are seen by the processor's time only. What is quadratic takes 16 times as much.
"""

import base64
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.translate.deltas import ENCODING, append, begun, delta
from tests.translate.tool_turns import citation
from tests.translate.wire import DONE, PING, Json, message, sse
from translate import Conversation, Options
from translate.backend import EndFinder, StartFinder, read_frame
from translate.values import NEED_DATA, PAUSED, SentMessage
from transport.chunked import ChunkedDecoder
from transport.frames import BrokenFrames, FrameReader
from transport.response import HeadReader

HOUSE = tuple(str(Path(__file__).parent.parent / room) for room in ("translate", "transport", "upstream"))
LARGE: dict[str, int] = {
    "glued records": 400_000,
    "a line without end": 400_000,
    "plain deltas, CR": 100_000,
    "long snapshots": 400_000,
    "empty lines, CR": 100_000,
    "pings, CR": 400_000,
    "comments, CR": 200_000,
    "plain deltas, CR behind LF": 400_000,
    "what stands behind the text in the text": 40_000,
}
"""How many bytes it takes until these show whether they are linear."""
MAX_RATIO = 8.0
"""For four times the input. It may exceed 4, where the first part of a text waits for citations."""
MAX_LINES_PER_BYTE = 60
MEASURABLE = 0.001
"""Seconds; what takes less counts as that."""
TRIES = 5

COUNTED = {"whole": (1 << 30, 10_000), "pieces of 3": (3, 3_000)}
TIMED = {"whole": (1 << 30, 20_000), "pieces of 1000": (1000, 20_000), "pieces of 3": (3, 8_000)}
"""How inputs are cut, and how long the smaller one is then, in bytes."""

Feed = Callable[[Sequence[bytes]], object]


def converse(stop: Sequence[str] = ()) -> Feed:
    """Feeds a conversation, of which every event is taken."""

    def feed(pieces: Sequence[bytes]) -> None:
        conversation = Conversation(
            (SentMessage("u1", "user", "Hello"),), Options(stop, reasoning=True), Files()
        )
        for piece in pieces:
            conversation.receive_data(piece)
            while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
                pass
        conversation.receive_eof()
        while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
            pass

    return feed


class Files:
    """Addresses for files of the sandbox."""

    has_room = True

    def sandbox(self, message_id: str, path: str) -> str | None:
        """Any path has one."""
        return "https://files.example/x"


def read_heads(pieces: Sequence[bytes]) -> None:
    """Feeds the reader of status lines and headers, up to the first whole one."""
    reader = HeadReader(1 << 30)
    for piece in pieces:
        if reader.feed(piece) is not None:
            return


def read_messages(pieces: Sequence[bytes]) -> None:
    """Feeds the reader of frames of a WebSocket, up to what is none."""
    reader = FrameReader(1 << 30)
    with suppress(BrokenFrames):
        for piece in pieces:
            reader.feed(piece)
            while reader.next() is not None:
                pass


def decode_chunks(pieces: Sequence[bytes]) -> None:
    """Feeds a decoder of the chunked transfer coding."""
    decoder = ChunkedDecoder()
    try:
        for piece in pieces:
            decoder.feed(piece)
    except ValueError:
        pass


def look_for_borders(pieces: Sequence[bytes]) -> None:
    """Feeds what looks for the ends of a stream over a WebSocket."""
    end, start = EndFinder(), StartFinder()
    judged = None
    for piece in pieces:
        end.found(piece)
        judged = start.judge(piece) if judged is None else judged


def read_frames(pieces: Sequence[bytes]) -> None:
    """Reads each piece as the body of a frame."""
    for piece in pieces:
        inner = {
            "type": "http.response.body",
            "body": base64.b64encode(piece).decode(),
            "conversation_id": "c",
        }
        read_frame(json.dumps({"sequenceId": 1, "type": "message", "data": inner}))


# Streams: each function makes one of about so many bytes.


def bare(texts: Sequence[str], end: bytes = b"\n") -> bytes:
    """Deltas that append these texts."""
    records = ENCODING + delta(begun()) + delta(append("Hi")) + b"".join(delta({"v": text}) for text in texts)
    return records.replace(b"\n", end) + DONE


def repeated(text: str, *, whole: bool = False, end: bytes = b"\n") -> Callable[[int], bytes]:
    """`text` over and over, in one delta or one delta each."""

    def make(size: int) -> bytes:
        if whole:
            return bare([text * (size // len(text.encode()))], end)
        return bare([text] * (size // len(delta({"v": text}))), end)

    return make


def many(record: bytes, head: bytes = b"", tail: bytes = b"\n\n") -> Callable[[int], bytes]:
    """`record` over and over."""
    return lambda size: head + record * (size // len(record)) + tail + DONE


def explicit(*changes: Json) -> Callable[[int], bytes]:
    """Deltas that leave nothing out."""
    records = b"".join(delta(change) for change in changes)
    return many(records, ENCODING + delta(begun()) + delta(append("Hi")), b"")


def one_text(
    content_type: str, text: str, role: str = "assistant", recipient: str = "all"
) -> Callable[[int], bytes]:
    """One message whose text grows by `text`."""

    def make(size: int) -> bytes:
        content: Json = {"content_type": content_type, "text": "x", "language": "python"}
        first = message("", role=role, name="python", recipient=recipient, content=content)
        path: Json = {"p": "/message/content/text", "o": "append", "v": "y"}
        grows = [delta({"p": "", "o": "add", "v": first, "c": 0}), delta(path)]
        grows += [delta({"v": text})] * (size // len(delta({"v": text})))
        return ENCODING + b"".join(grows) + DONE

    return make


def grown_at(place: str, content: Json) -> Callable[[int], bytes]:
    """A message with this content, of which the text at this place grows."""
    first: Json = {"p": "", "o": "add", "v": message("", content=content), "c": 0}
    path: Json = {"p": f"/message/content/{place}", "o": "append", "v": "y"}
    return many(delta({"v": " word"}), ENCODING + delta(first) + delta(path), b"")


def messages(size: int) -> bytes:
    """Message after message, each on a channel of its own and empty at first; a list of changes ends it."""
    words: list[Json] = [append("x"), {"p": "/message/status", "o": "replace", "v": "finished_successfully"}]
    records, number = [ENCODING], 0
    while size > 0:
        root: Json = {"v": message("", f"m{number}"), "c": number}
        records += [delta(root), delta({"v": "H"}), delta({"o": "add", "v": words})]
        size -= sum(map(len, records[-3:]))
        number += 1
    return b"".join(records) + DONE


def large_records(size: int) -> bytes:
    """Two snapshots of a long text."""
    return sse(message("x" * (size // 2)), message("x" * (size // 2) + "y"))


def late_difference(size: int) -> bytes:
    """A snapshot that differs from the one before at its end."""
    text = "x" * (size // 2)
    return sse(message(text)).replace(DONE, b"") + sse(message(text[:-1] + "y" + "z" * 99))


def repeating_tail(size: int) -> bytes:
    """What stands behind the text is in the text too, over and over."""
    quotes = '"]}' * (size // 12)
    first = message("x", metadata={"x": quotes})
    return sse(first, message("x" + quotes, metadata={"x": quotes + "!"}), message("x" + quotes))


def cited(size: int) -> bytes:
    """Many marks of one number, and as many citations as are read."""
    number = 500
    notes = [citation(n, n + 10, 3, f"https://a.example/{n}") for n in range(number)]
    return sse(message("【3†source】 " * (size // 16), metadata={"citations": notes}))


def after(head: str, text: str) -> Callable[[int], bytes]:
    """`head` once, then `text` over and over, in one delta each."""
    record = delta({"v": text})
    return lambda size: bare([head])[: -len(DONE)] + record * (size // len(record)) + DONE


def referred(size: int) -> bytes:
    """Many equal marks, and as many references to them as are read."""
    mark = "\ue200cite\ue202turn0search1\ue201"
    known = [{"matched_text": mark, "start_idx": n, "end_idx": n, "alt": "(a)"} for n in range(500)]
    return sse(message(mark * (size // 20), metadata={"content_references": known}))


def plain_deltas_then(end: bytes) -> Callable[[int], bytes]:
    """Deltas whose lines end in LF, then such with another line end."""

    def make(size: int) -> bytes:
        record = delta({"v": " word"}).replace(b"\n", end)
        return bare([" word"])[: -len(DONE)] + record * (size // len(record)) + DONE

    return make


def cited_in_pieces(size: int) -> bytes:
    """The same, piece by piece."""
    notes = [citation(n, n + 10, 3, f"https://a.example/{n}") for n in range(500)]
    start: Json = {"p": "", "o": "add", "v": message("", metadata={"citations": notes}), "c": 0}
    piece = "【3†source】 "
    return (
        ENCODING
        + delta(start)
        + delta(append("x"))
        + delta({"v": piece}) * (size // len(delta({"v": piece})))
        + DONE
    )


def long_stop(size: int) -> bytes:
    """Nearly what the stop sequence is."""
    return bare(["a" * 50] * (size // 80))


FAMILIES: dict[str, tuple[Callable[[int], bytes], Feed]] = {
    "plain deltas": (repeated(" word"), converse()),
    "plain deltas, CRLF": (repeated(" word", end=b"\r\n"), converse()),
    "plain deltas, CR": (repeated(" word", end=b"\r"), converse()),
    "plain deltas, CR behind LF": (plain_deltas_then(b"\r"), converse()),
    "deltas with their path": (explicit(append(" word")), converse()),
    "deltas and changes of metadata": (
        explicit(append(" word"), {"p": "/message/metadata/x", "o": "add", "v": 1}),
        converse(),
    ),
    "deltas of a thought": (
        grown_at(
            "thoughts/0/content",
            {"content_type": "thoughts", "thoughts": [{"summary": "S", "content": "x"}]},
        ),
        converse(),
    ),
    "deltas of a later part": (
        grown_at("parts/1", {"content_type": "text", "parts": ["x", "x"]}),
        converse(),
    ),
    "messages": (messages, converse()),
    "typed records": (many(delta({"type": "message_marker"}), ENCODING + delta(begun()), b""), converse()),
    "comments": (many(b": x\n"), converse()),
    "pings": (many(PING), converse()),
    "empty lines": (many(b"\n"), converse()),
    "empty lines, CR": (many(b"\r"), converse()),
    "pings, CR": (many(PING.replace(b"\r\n", b"\r")), converse()),
    "comments, CR": (many(b": x\r"), converse()),
    "tiny data lines": (many(b"data:\n"), converse()),
    "tiny records": (many(b"data: {}\n\n"), converse()),
    "names of events": (many(b"event: x\n"), converse()),
    "lines that are no fields": (many(b"x\n"), converse()),
    "a line without end": (many(b"data: xxxxxxxx", tail=b""), converse()),
    "glued records": (many(b'{"type": "x"}data: ', b"data: "), converse()),
    "glued records and something else": (many(b'{"type": "x"}data: ', b"data: ", b"x\n\n"), converse()),
    "nested JSON": (many(b'{"a":', b"data: "), converse()),
    "brackets": (many(b"[", b"data: "), converse()),
    "escapes": (repeated('\\"', whole=True), converse()),
    "a long path": (
        lambda size: bare([])[: -len(DONE)] + delta({"p": "/a" * (size // 2), "v": "x"}),
        converse(),
    ),
    "long snapshots": (large_records, converse()),
    "snapshots that differ late": (late_difference, converse()),
    "what stands behind the text in the text": (repeating_tail, converse()),
    "sandbox links that do not end": (repeated("](sandbox:", whole=True), converse()),
    "sandbox links that do not end, in pieces": (repeated("](sandbox:"), converse()),
    "a path that does not end": (repeated("](sandbox:" + "(x" * 400, whole=True), converse()),
    "parentheses in a link": (repeated("(", whole=False), converse()),
    "links": (repeated("[x](sandbox:/mnt/data/x)", whole=True), converse()),
    "numbered links": (repeated("](1)", whole=True), converse()),
    "marks": (repeated("【1†source】", whole=True), converse()),
    "marks in pieces": (repeated("【1†source】"), converse()),
    "marks that do not end": (repeated("【1†", whole=True), converse()),
    "marks of later dialects": (repeated("\ue200cite\ue201", whole=True), converse()),
    "marks of later dialects that do not end": (repeated("\ue200", whole=True), converse()),
    "marks of later dialects that do not end, in pieces": (repeated("\ue200"), converse()),
    "marks with arguments": (repeated("\ue200cite\ue202turn0search1\ue201 ", whole=True), converse()),
    "marks with arguments, in pieces": (repeated("\ue200cite\ue202turn0search1\ue201 "), converse()),
    "marks that only begin": (repeated("\ue200cite\ue202", whole=True), converse()),
    "a mark without end": (after("\ue200cite\ue202", "turn0search1\n "), converse()),
    "a mark of JSON without end": (after("\ue200genui\ue202{", '"a": [1], '), converse()),
    "a mark of nested JSON": (after("\ue200genui\ue202", "["), converse()),
    "separators": (repeated("\ue202", whole=True), converse()),
    "references without a mark": (repeated("\ue202turn0search1", whole=True), converse()),
    "marks and references of one text": (referred, converse()),
    "loose marks": (repeated("citeturn0search1", whole=True), converse()),
    "loose marks, in pieces": (repeated(" citeturn0search1"), converse()),
    "loose marks that do not end": (after("citeturn0", "a"), converse()),
    "loose entities that do not end": (repeated('entity["a', whole=True), converse()),
    "escapes of loose marks": (repeated("\\ue20"), converse()),
    "colons": (repeated(":"), converse()),
    "lines of colons": (repeated("\n::", whole=True), converse()),
    "writing blocks": (repeated("\n:::writing{", whole=True), converse()),
    "a writing block": (after(":::writing{}\n", ":: "), converse()),
    "a canvas": (one_text("code", "x\\n", recipient="canmore.create_textdoc"), converse()),
    "a canvas of strings": (one_text("code", '"', recipient="canmore.create_textdoc"), converse()),
    "marks and citations of one number": (cited, converse()),
    "marks and citations of one number, in pieces": (cited_in_pieces, converse()),
    "backticks": (repeated("`"), converse()),
    "many backticks": (repeated("`" * 100), converse()),
    "backticks here and there": (repeated("`x", whole=True), converse()),
    "a code span with blanks": (lambda size: bare(["`x\n", *[" "] * (size // 32)]), converse()),
    "brackets in pieces": (repeated("]"), converse()),
    "half characters": (repeated("\ufffd"), converse()),
    "halves of surrogate pairs": (repeated("\ud83d"), converse()),
    "code of backticks": (one_text("code", "`", recipient="python"), converse()),
    "code of many backticks": (one_text("code", "`" * 100, recipient="python"), converse()),
    "output of line breaks": (one_text("execution_output", "\n", role="tool"), converse()),
    "output of figures": (one_text("execution_output", "<<Image", role="tool"), converse()),
    "output of control sequences": (one_text("execution_output", "\x1b[1;1", role="tool"), converse()),
    "reasoning": (one_text("code", "`"), converse()),
    "a stop sequence that nearly comes": (long_stop, converse(["a" * 30_000 + "b", "a" * 200 + "c"])),
    "chunks of one byte": (many(b"1\r\nx\r\n", tail=b"0\r\n\r\n"), decode_chunks),
    "chunk extensions": (many(b"1;" + b"x" * 900 + b"\r\ny\r\n", tail=b""), decode_chunks),
    "trailers": (many(b"x: y\r\n", b"0\r\n", b"\r\n"), decode_chunks),
    "headers": (many(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n", b"\r\n"), read_heads),
    "a header without end": (many(b"x", b"HTTP/1.1 200 OK\r\nX:"), read_heads),
    "fragments of a message": (many(b"\x00\x01x", b"\x01\x01x"), read_messages),
    "messages of a WebSocket": (many(b"\x81\x01x"), read_messages),
    "a stream over a WebSocket": (repeated(" word"), look_for_borders),
    "pings over a WebSocket": (many(PING), look_for_borders),
    "frames": (many(b"data: {}\n\n"), read_frames),
}


def cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of the house are run by `call`."""
    lines = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    def choose(frame: FrameType, event: str, argument: Any) -> Any:
        return count if frame.f_code.co_filename.startswith(HOUSE) else None

    before = sys.gettrace()
    sys.settrace(choose)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines


def seconds(call: Callable[[], object]) -> float:
    """Of the processor."""
    began = time.process_time()
    call()
    return time.process_time() - began


def feeds(family: str, piece: int, size: int) -> tuple[Callable[[], object], Callable[[], object], int]:
    """Feeds the small input, the large one, and how long that is."""
    make, feed = FAMILIES[family]
    small, large = make(size), make(4 * size)
    few, many = cut(small, piece), cut(large, piece)
    return partial(feed, few), partial(feed, many), len(large)


@pytest.mark.parametrize("family", FAMILIES)
def test_lines_that_are_run_grow_with_the_input(family: str) -> None:
    for name, (piece, size) in COUNTED.items():
        small, large, length = feeds(family, piece, size)
        few, many = lines_run(small), lines_run(large)
        assert many <= MAX_RATIO * few, f"{name}: {few} lines, and {many} for four times as much"
        assert many <= MAX_LINES_PER_BYTE * length, f"{name}: too many lines"


@pytest.mark.parametrize("family", FAMILIES)
def test_time_grows_with_the_input(family: str) -> None:
    for name, (piece, size) in TIMED.items():
        small, large, _ = feeds(family, piece, LARGE.get(family, size) if piece > 3 else size)
        ratios: list[float] = []
        while not ratios or min(ratios) > MAX_RATIO:
            assert len(ratios) < TRIES, f"{name}: {ratios}"
            short = min(seconds(small), seconds(small))
            ratios.append(seconds(large) / max(short, MEASURABLE))
