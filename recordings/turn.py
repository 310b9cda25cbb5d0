r"""A recorded turn, and its file: lines of JSON, whose form is told here.

    {"recording": 1, "at": 1795333147, "reason": "unknown", "unknown": {"record": 2}, "error": null}
    {"at": 0.0, "sent": [["id of our message", "user"]]}         an exchange begins
    {"at": 0.213, "data": "event: delta\ndata: ..."}             a piece of its stream, as it came
    {"at": 0.402, "base64": "..."}                               one that is no text by itself
    {"at": 0.402, "gap": 48211}                                  so many bytes were not kept

`error` is null or `{"status": 502, "code": "upstream_error"}`. Times are seconds since the turn's first
exchange, but for `at` of the first line, which is Unix time.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

import ujson

from recordings.names import is_name
from recordings.redaction import redact
from recordings.stand_ins import StandIns

FORMAT: Final = 1
Reason = Literal["unknown", "failed", "whole"]


class NotARecording(ValueError):
    """A file does not have the form of a recording."""


class Piece(NamedTuple):
    """Bytes of a stream that came at once; with `gap`, that many bytes which were not kept."""

    at: float
    data: bytes
    gap: int = 0


@dataclass(slots=True)
class RecordedExchange:
    """One stream. `sent` are ids and roles of our own messages, as the stream repeats them."""

    at: float
    sent: Sequence[tuple[str, str]] = ()
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """All streams of a turn, and how it ended. `error` is the status and the code, (0, "") without one."""

    at: float
    reason: Reason
    unknown: Mapping[str, int]
    error: tuple[int, str]
    exchanges: Sequence[RecordedExchange]

    def redacted(self) -> "RecordedTurn":
        """The same turn without what was said in it. Takes a moment: call it in a thread."""
        stand_ins = StandIns()
        status, code = self.error
        return replace(
            self,
            error=(status, code if is_name(code) else stand_ins.opaque(code)),
            exchanges=[_redacted(exchange, stand_ins) for exchange in self.exchanges],
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
        for exchange in self.exchanges:
            lines.append({"at": round(exchange.at, 3), "sent": [list(message) for message in exchange.sent]})
            lines += map(_line, exchange.pieces)
        return b"".join(
            ujson.dumps(line, ensure_ascii=False, escape_forward_slashes=False).encode() + b"\n"
            for line in lines
        )

    @classmethod
    def from_file(cls, content: bytes) -> "RecordedTurn":
        """The turn in a file. Raises NotARecording."""
        try:
            head, *lines = map(ujson.loads, content.splitlines())
            if head["recording"] != FORMAT:
                raise NotARecording("it is of another version")
            error = head["error"] or {"status": 0, "code": ""}
            exchanges: list[RecordedExchange] = []
            for line in lines:
                if "sent" in line:
                    sent = [(str(message_id), str(role)) for message_id, role in line["sent"]]
                    exchanges.append(RecordedExchange(float(line["at"]), sent))
                else:
                    exchanges[-1].pieces.append(_piece(line))
            return cls(
                float(head["at"]),
                head["reason"],
                {str(kind): int(count) for kind, count in head["unknown"].items()},
                (int(error["status"]), str(error["code"])),
                exchanges,
            )
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
            raise NotARecording(f"it has no form of a recording ({type(problem).__name__})") from None


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


def _redacted(exchange: RecordedExchange, stand_ins: StandIns) -> RecordedExchange:
    """Each part between gaps is redacted by itself; what it begins with in mid-line is taken for damage."""
    done: list[Piece] = []
    part: list[Piece] = []
    for piece in (*exchange.pieces, Piece(0.0, b"", 1)):
        if piece.gap:
            done += _redacted_part(part, stand_ins)
            done.append(piece)
            part = []
        else:
            part.append(piece)
    sent = [
        (stand_ins.opaque(message_id), role if is_name(role) else "") for message_id, role in exchange.sent
    ]
    return RecordedExchange(exchange.at, sent, done[:-1])


def _redacted_part(pieces: Sequence[Piece], stand_ins: StandIns) -> list[Piece]:
    done, at = [], 0
    redacted = redact(b"".join(piece.data for piece in pieces), stand_ins)
    for piece in pieces:
        done.append(Piece(piece.at, redacted[at : at + len(piece.data)]))
        at += len(piece.data)
    return done
