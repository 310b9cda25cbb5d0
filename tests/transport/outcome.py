"""What the parser of answers makes of some bytes, however they are cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError

from transport.response import Body, HeadReader, body_of


@dataclass(frozen=True)
class Outcome:
    """All that the parser makes of some bytes."""

    heads: tuple[tuple[int, str, tuple[tuple[str, str], ...]], ...]
    content: bytes
    ended: bool
    excess: bytes
    failure: str = ""


def outcome(pieces: Sequence[bytes], method: str = "GET") -> Outcome:
    reader, heads, content = HeadReader(), [], b""
    body: Body | None = None
    failure = ""
    try:
        for piece in pieces:
            if body is None:
                head = reader.feed(piece)
                while head is not None:
                    heads.append((head.line.code, head.line.reason, tuple(head.headers.get_all())))
                    if not head.informational:
                        body = body_of(head, method)
                        content += body.feed(reader.rest)
                        break
                    head = reader.feed(b"")
            elif not body.ended:
                content += body.feed(piece)
            else:
                body.excess += piece
    except (HTTPInputError, UnsatisfiableReadError, ValueError) as error:
        failure = type(error).__name__
    ended = body is not None and body.ended and not failure
    excess = body.excess if body is not None and ended else b""
    return Outcome(tuple(heads), content if not failure else b"", ended, excess, failure)
