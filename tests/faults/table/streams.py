"""Faults of a stream that has begun: wherever it may be cut, damaged or slow."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from gzip import compress
from types import MappingProxyType

from tests.faults.cells import (
    DELTAS,
    EVERY_HTTP,
    EVERYWHERE,
    OVER_SOCKET,
    SNAPSHOTS,
    Ending,
    Fault,
    Phase,
    Shape,
    Verdict,
    Whole,
)
from tests.faults.play import Play, answer
from tests.faults.table.connections import BROKEN, QUICK, SILENT
from tests.scripted_server import Connection, Verb, fin, rst, send, stall, trickle
from tests.translate.deltas import delta
from tests.translate.wire import DONE, PING, TITLE, sse

Script = Callable[[Play], Sequence[Verb]]
TEA = "茶".encode()
CUP = "🍵".encode()
HUGE = 17 << 20
"""Bytes: more than the largest record that is read."""


def _fault(
    name: str,
    phase: Phase,
    ending: Ending,
    script: Script,
    shapes: Sequence[Shape] = EVERYWHERE,
    *,
    progress: float = 600.0,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Fault:
    return Fault(
        name,
        phase,
        ending,
        Verdict.ACCEPTED,
        script=script,
        begun=phase in (Phase.TEXT, Phase.END),
        shapes=shapes,
        env=env,
        progress=progress,
    )


def _cut_at(part: bytes) -> Script:
    """The answer up to the middle of the record in which these bytes are; then FIN."""

    def script(play: Play) -> Sequence[Verb]:
        events = play.answer.events
        number = next(n for n, event in enumerate(events) if part in event and n > len(play.answer.opening))
        whole, at = events[number], events[number].rfind(part)
        return [*play.head(), *play.pieces(*events[:number], whole[: at + len(part) - 1]), fin()]

    return script


def _pings(play: Play) -> Verb:
    """Pings until nobody listens."""

    async def verb(connection: Connection) -> None:
        while not connection.gone:
            await play.piece(PING)(connection)
            await asyncio.sleep(0.05)

    return verb


def _huge(play: Play) -> Sequence[Verb]:
    filler = b"x" * (1 << 20)
    return [*play.begun(), play.piece(b'data: {"'), *play.pieces(*[filler] * (HUGE >> 20)), stall()]


def _error(play: Play) -> Verb:
    record = {"message": None, "conversation_id": "c1", "error": "Something broke."}
    return play.piece(sse(record, done=False))


def _twice(play: Play) -> Sequence[Verb]:
    good = play.answer
    events = [event for event in (*good.opening, good.first, *good.middle) for _ in range(2)]
    return [*play.head(), *play.pieces(*events, good.last, DONE), play.end(), fin()]


def _out_of_order(play: Play) -> Sequence[Verb]:
    good = play.answer
    events = (*good.opening, good.middle[0], good.first, *good.middle[1:], good.last)
    return [*play.head(), *play.pieces(*events, DONE), play.end(), fin()]


def _unknown(play: Play) -> Sequence[Verb]:
    odd = (
        b'event: weather\ndata: {"sun": true}\n\n',
        b": a comment\n\nretry: 100\n\nid: 7\n\n",
        sse(TITLE, {"type": "something_new", "conversation_id": "c1"}, done=False),
    )
    return [*play.begun(), *play.pieces(*odd), *play.rest(), play.piece(DONE), play.end(), fin()]


def _at_once(play: Play) -> Sequence[Verb]:
    return [*play.head(), play.piece(play.answer.complete), play.end(), fin()]


def _as(kind: str, encode: Callable[[bytes], bytes] = bytes, **headers: str) -> Script:
    """The good answer under another type, or in another encoding."""

    def script(play: Play) -> Sequence[Verb]:
        return [*answer(200, encode(play.answer.complete), kind, **headers), fin()]

    return script


def _byte_by_byte(play: Play) -> Sequence[Verb]:
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "", ""]).encode()
    return [trickle(head + play.answer.complete), fin()]


def _bytewise_chunks(play: Play) -> Sequence[Verb]:
    pieces = [play.answer.complete[at : at + 1] for at in range(len(play.answer.complete))]
    return [*play.head(), *play.pieces(*pieces), play.end(), fin()]


OPENING = (
    _fault("FIN after the headers", Phase.OPENING, BROKEN, lambda play: [*play.head(), fin()]),
    _fault("RST after the headers", Phase.OPENING, BROKEN, lambda play: [*play.head(), rst()]),
    _fault("stall after the headers", Phase.OPENING, SILENT, lambda play: [*play.head(), stall()],
           EVERY_HTTP, env=QUICK),
    _fault("no frame ever", Phase.OPENING, BROKEN, lambda play: [*play.head(), stall()],
           OVER_SOCKET, env={"STREAM_HEADERS_AFTER": "0.3"}),
    _fault("FIN after the echo", Phase.OPENING, BROKEN, lambda play: [*play.opening(), fin()]),
    _fault("RST after the echo", Phase.OPENING, BROKEN, lambda play: [*play.opening(), rst()]),
    _fault("stall after the echo", Phase.OPENING, SILENT, lambda play: [*play.opening(), stall()], env=QUICK),
    _fault("an empty stream", Phase.OPENING, BROKEN, lambda play: [*play.head(), play.end(), fin()]),
    _fault("nothing but the end", Phase.OPENING, BROKEN,
           lambda play: [*play.head(), play.piece(DONE), play.end(), fin()]),
    _fault("an error record", Phase.OPENING, BROKEN,
           lambda play: [*play.opening(), _error(play), play.piece(DONE), play.end(), fin()]),
    _fault("FIN in a record", Phase.OPENING, BROKEN,
           lambda play: [*play.opening(), play.piece(play.answer.first[:40]), fin()]),
    _fault("endless pings", Phase.OPENING, SILENT,
           lambda play: [*play.head(), _pings(play)], progress=3.5, env=QUICK),
)  # fmt: skip

TEXT = (
    _fault("FIN", Phase.TEXT, BROKEN, lambda play: [*play.begun(), fin()]),
    _fault("RST", Phase.TEXT, BROKEN, lambda play: [*play.begun(), rst()]),
    _fault("a proper end of the body", Phase.TEXT, BROKEN, lambda play: [*play.begun(), play.end(), fin()]),
    _fault("stall", Phase.TEXT, SILENT, lambda play: [*play.begun(), stall()], env=QUICK),
    _fault("FIN in a record", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(), play.piece(play.answer.last[:60]), fin()]),
    _fault("FIN in a character of 3 bytes", Phase.TEXT, BROKEN, _cut_at(TEA), SNAPSHOTS),
    _fault("FIN in a character of 4 bytes", Phase.TEXT, BROKEN, _cut_at(CUP), SNAPSHOTS),
    _fault("endless pings", Phase.TEXT, SILENT,
           lambda play: [*play.begun(), _pings(play)], progress=3.5),
    _fault("an error record", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(), _error(play), play.piece(DONE), play.end(), fin()]),
    _fault("a record that is too long", Phase.TEXT, BROKEN, _huge,
           (Shape(), Shape(stream=True, dialect="delta v1"))),
    _fault("a bad size of a chunk", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(), send(b"xyz\r\nwhat\r\n"), fin()], EVERY_HTTP),
    _fault("a chunk without its end", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(), send(b"4\r\nwhat??\r\n"), fin()], EVERY_HTTP),
    _fault("a cut chunk", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(), send(b"ffff\r\ndata: "), fin()], EVERY_HTTP),
    _fault("a damaged record", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(), play.piece(b'event: delta\ndata: {"v": " and mo\n\n'), *play.rest(),
                         play.piece(DONE), play.end(), fin()], DELTAS),
    _fault("a delta that fits nothing", Phase.TEXT, BROKEN,
           lambda play: [*play.begun(),
                         play.piece(delta({"p": "/message/content/parts/7", "o": "append", "v": "x"})),
                         *play.rest(), play.piece(DONE), play.end(), fin()], DELTAS),
)  # fmt: skip

THE_END = (
    _fault("FIN", Phase.END, Whole(), lambda play: [*play.said(), fin()]),
    _fault("RST", Phase.END, Whole(), lambda play: [*play.said(), rst()], EVERY_HTTP),
    _fault("a proper end without [DONE]", Phase.END, Whole(), lambda play: [*play.said(), play.end(), fin()]),
    _fault("FIN after [DONE]", Phase.END, Whole(), lambda play: [*play.done(), fin()]),
    _fault("RST after [DONE]", Phase.END, Whole(), lambda play: [*play.done(), rst()]),
    _fault("stall after [DONE]", Phase.END, Whole(), lambda play: [*play.done(), stall()]),
    _fault("garbage after [DONE]", Phase.END, Whole(),
           lambda play: [*play.done(), send(b"xyz what?"), fin()], EVERY_HTTP),
)  # fmt: skip

ODD = (
    _fault("all in one piece", Phase.WORDS, Whole(), _at_once),
    _fault("no type", Phase.WORDS, Whole(), _as(""), EVERY_HTTP),
    _fault("another type", Phase.WORDS, Whole(), _as("text/plain"), EVERY_HTTP),
    _fault("in gzip", Phase.WORDS, Whole(), _as("text/event-stream", compress, Content_Encoding="gzip"),
           EVERY_HTTP),
    _fault("byte by byte", Phase.WORDS, Whole(), _byte_by_byte, EVERY_HTTP),
    _fault("chunks of one byte", Phase.WORDS, Whole(), _bytewise_chunks, EVERY_HTTP),
    _fault("everything twice", Phase.WORDS, Whole(), _twice, SNAPSHOTS),
    _fault("snapshots out of order", Phase.WORDS, Whole(), _out_of_order, SNAPSHOTS),
    _fault("unknown events", Phase.WORDS, Whole(), _unknown),
    _fault("a damaged snapshot before a good one", Phase.WORDS, Whole(),
           lambda play: [*play.begun(), play.piece(b'data: {"message": {"id\n\n'), *play.rest(),
                         play.piece(DONE), play.end(), fin()], SNAPSHOTS),
)  # fmt: skip

STREAMS = (*OPENING, *TEXT, *THE_END, *ODD)
