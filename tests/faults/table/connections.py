"""Faults before any header of an answer has come."""

from tests.faults import backend
from tests.faults.cells import BEFORE_HEADERS, Failure, Fault, Phase, Verdict
from tests.faults.play import just
from tests.scripted_server import Verb, fin, rst, send, stall, wait

UNREACHABLE = Failure(503, "upstream_unreachable", wait=(1, 60))
BROKEN = Failure(502, "upstream_error")
SILENT = Failure(504, "upstream_timeout")
SHORT = {"CONNECT_TIMEOUT": "0.5"}
QUICK = {"FIRST_BYTE_TIMEOUT": "3.5", "IDLE_TIMEOUT": "3.5", "STREAM_HEADERS_AFTER": "0.3"}
"""For silence, with time for what comes before it on a busy machine. The headers of a stream cannot wait so
long, so its failure is an event."""


def _unsent(name: str, behind: backend.Behind, **env: str) -> Fault:
    return Fault(
        name,
        Phase.CONNECTING,
        UNREACHABLE,
        Verdict.UNSENT,
        behind=behind,
        repeated=True,
        shapes=BEFORE_HEADERS,
        env=env,
    )


def _maybe(name: str, *verbs: Verb, ending: Failure = BROKEN, **env: str) -> Fault:
    return Fault(
        name, Phase.ANSWERING, ending, Verdict.MAYBE, script=just(*verbs), shapes=BEFORE_HEADERS, env=env
    )


CONNECTIONS = (
    _unsent("refused", backend.nobody),
    _unsent("not accepted in time", backend.deaf, **SHORT),
    _unsent("name unknown", backend.nameless),
    _unsent("no TLS", backend.TLS_GARBAGE),
    _unsent("FIN in the handshake", backend.TLS_FIN),
    _unsent("RST in the handshake", backend.TLS_RST),
    _unsent("stall in the handshake", backend.TLS_STALL, **SHORT),
    _maybe("FIN", fin()),
    _maybe("RST", rst()),
    _maybe("FIN after a while", wait(0.2), fin()),
    _maybe("RST after a while", wait(0.2), rst()),
    _maybe("garbage", send(b"\x00\x01 not HTTP at all\r\n\r\n"), fin()),
    _maybe("an empty line", send(b"\r\n\r\n"), fin()),
    _maybe("a cut status line", send(b"HTTP/1.1 2"), fin()),
    _maybe("a cut status line, RST", send(b"HTTP/1.1 2"), rst()),
    _maybe("cut headers", send(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev"), fin()),
    _maybe("cut headers, RST", send(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev"), rst()),
    _maybe("endless headers", send(b"HTTP/1.1 200 OK\r\n" + b"X-More: yes\r\n" * 20_000), stall()),
    _maybe("stall", stall(), ending=SILENT, **QUICK),
    _maybe("stall in the headers", send(b"HTTP/1.1 200 OK\r\nX-"), stall(), ending=SILENT, **QUICK),
    _maybe("100 and nothing else", send(b"HTTP/1.1 100 Continue\r\n\r\n"), fin()),
)  # fmt: skip
