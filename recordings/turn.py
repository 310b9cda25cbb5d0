r"""A recorded turn, and its file: lines of JSON, whose form is told here.

    {"recording": 1, "at": 1795333147, "reason": "unknown", "unknown": {"record": 2}, "error": null}
    {"at": 0.0, "sent": [["id of our message", "user"]]}         an exchange begins
    {"at": 0.213, "data": "event: delta\ndata: ..."}             a piece of its stream, as it came
    {"at": 0.402, "base64": "..."}                               one that is no text by itself
    {"at": 0.402, "gap": 48211}                                  so many bytes were not kept
    {"at": 0.571, "goes_on": "fresh"}                            another stream of the exchange begins

With `"fresh"` the other stream repeats what has come, with `"behind"` it goes on behind the records that
have.

`error` is null or `{"status": 502, "code": "upstream_error"}`. Times are seconds since the turn's first
exchange, but for `at` of the first line, which is Unix time.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, Literal, NamedTuple

from recordings.names import is_name
from recordings.redaction import redact
from recordings.stand_ins import StandIns
from translate.values import json_text, parsed_json

FORMAT: Final = 1
Reason = Literal["unknown", "failed", "whole"]
Continued = Literal["", "fresh", "behind"]
_WAYS: Final[Mapping[str, Continued]] = {"fresh": "fresh", "behind": "behind"}


class NotARecording(ValueError):
    """A file does not have the form of a recording."""


class Piece(NamedTuple):
    """Bytes of a stream that came at once; with `gap`, that many bytes which were not kept."""

    at: float
    data: bytes
    gap: int = 0


@dataclass(slots=True)
class RecordedStream:
    """One stream. `sent` are ids and roles of our own messages, as the stream repeats them.

    With `goes_on` it has the rest of the answer of the stream before it, in the same exchange: `"fresh"` from
    the start of the answer, `"behind"` from where that one ended.
    """

    at: float
    sent: Sequence[tuple[str, str]] = ()
    pieces: list[Piece] = field(default_factory=list)
    goes_on: Continued = ""


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """All streams of a turn, and how it ended. `error` is the status and the code, (0, "") without one."""

    at: float
    reason: Reason
    unknown: Mapping[str, int]
    error: tuple[int, str]
    streams: Sequence[RecordedStream]

    @property
    def exchanges(self) -> Sequence[Sequence[RecordedStream]]:
        """The streams of each exchange."""
        exchanges: list[list[RecordedStream]] = []
        for stream in self.streams:
            if stream.goes_on and exchanges:
                exchanges[-1].append(stream)
            else:
                exchanges.append([stream])
        return exchanges

    def redacted(self) -> "RecordedTurn":
        """The same turn without what was said in it. Takes a moment: call it in a thread."""
        stand_ins = StandIns()
        status, code = self.error
        return replace(
            self,
            error=(status, code if is_name(code) else stand_ins.opaque(code)),
            streams=[stream for exchange in self.exchanges for stream in _redacted(exchange, stand_ins)],
        )

    def as_file(self) -> bytes:
        """The content of its file."""
        status, code = self.error
        head: dict[str, object] = {
            "recording": FORMAT,
            "at": int(self.at),
            "reason": self.reason,
            "unknown": dict(self.unknown),
            "error": {"status": status, "code": code} if status else None,
        }
        lines: list[dict[str, object]] = [head]
        for stream in self.streams:
            lines.append(_beginning(stream))
            lines += map(_line, stream.pieces)
        return b"".join(json_text(line, ascii=False).encode() + b"\n" for line in lines)

    @classmethod
    def from_file(cls, content: bytes) -> "RecordedTurn":
        """The turn in a file. Raises NotARecording."""
        try:
            head, *lines = map(parsed_json, content.splitlines())
            if head["recording"] != FORMAT:
                raise NotARecording("it is of another version")
            error = head["error"] or {"status": 0, "code": ""}
            streams: list[RecordedStream] = []
            for line in lines:
                if "sent" in line:
                    sent = [(str(message_id), str(role)) for message_id, role in line["sent"]]
                    streams.append(RecordedStream(float(line["at"]), sent))
                elif "goes_on" in line:
                    if not streams:
                        raise NotARecording("it goes on before it begins")
                    streams.append(RecordedStream(float(line["at"]), goes_on=_WAYS[line["goes_on"]]))
                else:
                    streams[-1].pieces.append(_piece(line))
            return cls(
                float(head["at"]),
                head["reason"],
                {str(kind): int(count) for kind, count in head["unknown"].items()},
                (int(error["status"]), str(error["code"])),
                streams,
            )
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
            raise NotARecording(f"it has no form of a recording ({type(problem).__name__})") from None


def _beginning(stream: RecordedStream) -> dict[str, object]:
    at = round(stream.at, 3)
    if stream.goes_on:
        return {"at": at, "goes_on": stream.goes_on}
    return {"at": at, "sent": [list(message) for message in stream.sent]}


def _line(piece: Piece) -> dict[str, object]:
    at = round(piece.at, 3)
    if piece.gap:
        return {"at": at, "gap": piece.gap}
    try:
        return {"at": at, "data": piece.data.decode()}
    except UnicodeDecodeError:
        return {"at": at, "base64": base64.b64encode(piece.data).decode()}


def _piece(line: Mapping[str, str]) -> Piece:
    at = float(line["at"])
    if "gap" in line:
        return Piece(at, b"", int(line["gap"]))
    return Piece(
        at, line["data"].encode() if "data" in line else base64.b64decode(line["base64"], validate=True)
    )


def _redacted(exchange: Sequence[RecordedStream], stand_ins: StandIns) -> Iterator[RecordedStream]:
    """The streams of one exchange are redacted together, since they have pieces of the same texts."""
    border = Piece(0.0, b"\n")  # a stream may break off in mid-line
    pieces = [piece for stream in exchange for piece in (*stream.pieces, border)]
    redacted = iter(_redacted_pieces(pieces, stand_ins))
    for stream in exchange:
        sent = [
            (stand_ins.opaque(message_id), role if is_name(role) else "") for message_id, role in stream.sent
        ]
        yield replace(stream, sent=sent, pieces=list(islice(redacted, len(stream.pieces) + 1))[:-1])


def _redacted_pieces(pieces: Sequence[Piece], stand_ins: StandIns) -> list[Piece]:
    """Each part between gaps is redacted by itself; what it begins with in mid-line is taken for damage."""
    done: list[Piece] = []
    part: list[Piece] = []
    for piece in (*pieces, Piece(0.0, b"", 1)):
        if piece.gap:
            done += _redacted_part(part, stand_ins)
            done.append(piece)
            part = []
        else:
            part.append(piece)
    return done[:-1]


def _redacted_part(pieces: Sequence[Piece], stand_ins: StandIns) -> list[Piece]:
    done, at = [], 0
    redacted = redact(b"".join(piece.data for piece in pieces), stand_ins)
    for piece in pieces:
        done.append(Piece(piece.at, redacted[at : at + len(piece.data)]))
        at += len(piece.data)
    return done
