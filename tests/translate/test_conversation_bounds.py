"""What is kept of a turn besides its answer is bounded, whatever a stream makes grow."""

import tracemalloc
from collections.abc import Iterable

import pytest

from tests.translate.deltas import ENCODING, append, begun, delta, v1
from tests.translate.reading import answer
from tests.translate.tool_turns import citation, code, drawn, output
from tests.translate.wire import Json, echo, finished, growing, message, search_call, sse, tool_text
from translate import Conversation, Options
from translate.backend.interpreter import MAX_ID
from translate.values import NEED_DATA, SentMessage, Style

LIMIT = 100_000
LONG = "x" * 2000
EMOJI = "🔥" * 500
HELD_BY: Json = {"p": "/message/metadata/x", "o": "add", "v": []}
CALL: Json = {"p": "", "o": "add", "v": search_call(), "c": 1}


def deltas(*records: Json) -> bytes:
    """These, and an answer behind them."""
    return v1(begun("Hi"), HELD_BY, *records, append("!") | {"c": 0})


def repeat(times: int, record: Json) -> list[Json]:
    return [record] * times


def thoughts(number: int) -> Json:
    content: Json = {"content_type": "thoughts", "thoughts": [{"summary": "", "content": LONG}]}
    return message("", f"t{number}", content=content)


def cited(number: int) -> Json:
    notes = [citation(0, 12, 1, "https://a.example/", f"{number}{LONG}")]
    return message("【1†source】 ", f"m{number}", metadata={"citations": notes})


def referring(number: int) -> Json:
    """One of which the citations are not shown."""
    notes = [citation(900, 912, n, f"https://a.example/{LONG}") for n in range(20)]
    return message("x", f"m{number}", metadata={"citations": notes})


def each(many: int, make: Iterable[Json]) -> bytes:
    return sse(*(record for record, _ in zip(make, range(many), strict=False)), finished("Hi", "last"))


STREAMS: dict[str, tuple[bytes, Style]] = {
    "a list in the metadata": (
        deltas(*repeat(60, {"p": "/message/metadata/x", "o": "append", "v": [LONG]})),
        Style.WEB,
    ),
    "a text in the metadata": (
        deltas(
            {"p": "/message/metadata/y", "o": "add", "v": ""},
            *repeat(60, {"p": "/message/metadata/y", "o": "append", "v": LONG}),
        ),
        Style.WEB,
    ),
    "small values": (
        deltas(*repeat(20, {"p": "/message/metadata/x", "o": "append", "v": [[], {}] * 100})),
        Style.WEB,
    ),
    "keys": (
        deltas(*({"p": f"/message/metadata/{n}{LONG}", "o": "add", "v": 1} for n in range(60))),
        Style.WEB,
    ),
    "channels": (
        deltas(
            *({"p": "", "o": "add", "v": echo(LONG * 2, f"u{n}", "system"), "c": n} for n in range(5, 40))
        ),
        Style.WEB,
    ),
    "the text of a hidden message": (
        deltas(CALL, *repeat(60, {"p": "/message/content/text", "o": "append", "v": LONG, "c": 1})),
        Style.WEB,
    ),
    "code that is not shown": (sse(code(LONG * 60), finished("Hi")), Style.PLAIN),
    "messages of code that are not shown": (each(60, (code(LONG, f"c{n}") for n in range(99))), Style.PLAIN),
    "code of wide characters": (each(60, (code(EMOJI, f"c{n}") for n in range(99))), Style.PLAIN),
    "output that is too long to be shown": (
        each(60, (output(LONG, f"o{n}") for n in range(99))),
        Style.PLAIN,
    ),
    "reasoning that is not shown": (each(60, (thoughts(n) for n in range(99))), Style.WEB),
    "hidden messages": (each(900, (tool_text("x", f"t{n}") for n in range(999))), Style.WEB),
    "parents": (
        each(60, (message("x", f"m{n}", parent=f"{n}{LONG}") for n in range(99))),
        Style.WEB,
    ),
    "citations that are shown": (each(60, (cited(n) for n in range(99))), Style.WEB),
    "citations that are not shown": (each(10, (referring(n) for n in range(99))), Style.WEB),
    "pictures that are not shown": (
        each(300, (drawn(f"file-{n}", id="d", prompt=LONG) for n in range(999))),
        Style.TEXT,
    ),
    "answers that are repeated": (
        each(900, (echo("Before", f"e{n}", "assistant") for n in range(999))),
        Style.WEB,
    ),
}
SENT = [SentMessage("b1", "assistant", "Before"), SentMessage("u1", "user", "Hello")]


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_kept_of_a_stream_is_bounded(name: str) -> None:
    stream, style = STREAMS[name]
    clean = answer(stream, sent=SENT, style=style)
    assert (clean.finish_reason, clean.error) == ("stop", None)
    for fast in (True, False):
        seen = answer(stream, sent=SENT, style=style, sizes=[5000], fast=fast, max_kept_bytes=LIMIT)
        assert seen.finish_reason is None
        assert "too large" in str(seen.error)


def test_what_is_replaced_is_not_kept() -> None:
    roots: list[Json] = [{"p": "", "o": "add", "v": message("Hi", metadata={"x": LONG * 10}), "c": 0}] * 50
    assert answer(v1(*roots), max_kept_bytes=LIMIT).error is None
    snapshots = growing(*("Hi" for _ in range(50)))
    notes = [citation(n, n, n, f"https://a.example/{LONG}") for n in range(30)]
    for number, snapshot in enumerate(snapshots):
        inner = snapshot["message"]
        assert isinstance(inner, dict)
        inner["metadata"] = {"citations": notes[number % 5 :], "x": LONG}
    assert answer(sse(*snapshots), max_kept_bytes=LIMIT).error is None
    back = [code("x" * 10_000, id) for _ in range(20) for id in ("c1", "c2")]
    assert answer(sse(*back, finished("Hi")), max_kept_bytes=LIMIT, style=Style.PLAIN).error is None


def test_a_text_that_grows_is_kept_once() -> None:
    texts: list[Json] = [{"v": LONG[:500]}] * 100
    assert answer(v1(begun(), append("x"), *texts), max_kept_bytes=LIMIT).error is None
    assert answer(v1(begun(), append("x"), *texts, *texts, *texts), max_kept_bytes=LIMIT).error is not None


def test_id_that_is_too_long_is_none() -> None:
    assert answer(sse(message("Hi", "m" * MAX_ID))).error is None
    assert answer(sse(message("Hi", "m" * (MAX_ID + 1)))).failure.status == 502


def test_endless_tree_takes_little_memory() -> None:
    """However many bytes come, by default."""
    record = delta({"p": "/message/metadata/x", "o": "append", "v": ["a" * 100_000] * 10})
    small = delta({"p": "/message/metadata/x", "o": "append", "v": [[]] * 20_000})
    for endless in (record, small):
        conversation = Conversation(SENT, Options())
        conversation.receive_data(ENCODING + delta(begun("Hi")) + delta(HELD_BY) + delta(append("!")))
        tracemalloc.start()
        try:
            for _ in range(200):
                conversation.receive_data(endless)
                while conversation.next_event() is not NEED_DATA and not conversation.exchange_over:
                    pass
                if conversation.exchange_over:
                    break
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert conversation.exchange_over
        assert peak < 160_000_000
