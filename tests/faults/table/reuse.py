"""Faults of a connection that has served before, or was opened before there was a message for it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tests.faults.cells import (
    BEFORE_HEADERS,
    EVERY_HTTP,
    Ending,
    Failure,
    Fault,
    Phase,
    Shape,
    Verdict,
    Whole,
)
from tests.faults.clients import asks_again, sends_its_body_late
from tests.faults.play import Play, answer
from tests.faults.table.connections import BROKEN, QUICK, SILENT
from tests.scripted_server import Verb, fin, next_request, rst, send, stall

Script = Callable[[Play], Sequence[Verb]]
LONG = {"Keep-Alive": "timeout=60"}
UNASKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
NOT_ASKED_IN_TIME = answer(408, Connection="close")


def _idle(name: str, *verbs: Verb, headers: Mapping[str, str] = LONG) -> Fault:
    """This happens when nothing is under way: the next message takes another connection."""
    return Fault(
        name,
        Phase.REUSE,
        Whole(),
        Verdict.ACCEPTED,
        script=lambda play: [*play.served(headers), *verbs, play.mark(), stall()],
        client=asks_again,
        carried=(1, 1),
        shapes=EVERY_HTTP,
    )


def _asked(
    name: str,
    ending: Ending,
    verdict: Verdict,
    script: Script,
    shapes: Sequence[Shape] = EVERY_HTTP,
    *,
    begun: bool = False,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Fault:
    """This happens when the next message has come on the connection: it is not sent again."""
    return Fault(
        name,
        Phase.REUSE,
        ending,
        verdict,
        script=lambda play: [*play.served(LONG), play.mark(), next_request(), *script(play)],
        client=asks_again,
        carried=(2,),
        begun=begun,
        shapes=shapes,
        env=env,
    )


def _maybe(name: str, *verbs: Verb, ending: Failure = BROKEN, **env: str) -> Fault:
    return _asked(name, ending, Verdict.MAYBE, lambda _: verbs, BEFORE_HEADERS, env=env)


def _begun(name: str, ending: Ending, script: Script, **env: str) -> Fault:
    return _asked(name, ending, Verdict.ACCEPTED, script, begun=True, env=env)


def _early(name: str, *verbs: Verb, then: Sequence[Verb] = ()) -> Fault:
    """This happens before there is a message for the connection."""
    return Fault(
        name,
        Phase.EARLY,
        Whole(),
        Verdict.ACCEPTED,
        early=lambda play: [*verbs, play.mark(), *then],
        client=sends_its_body_late,
        shapes=EVERY_HTTP,
    )


IDLE = (
    _idle("FIN while idle", fin()),
    _idle("RST while idle", rst()),
    _idle("a stray line end while idle", send(b"\r\n")),
    _idle("stray bytes while idle", send(b"\x00\x01 what?")),
    _idle("an answer that nobody asked for", send(UNASKED)),
    _idle("408 and FIN while idle", *NOT_ASKED_IN_TIME, fin()),
    _idle("`Connection: close`, and FIN", fin(), headers={"Connection": "close"}),
    _idle("`Connection: close`, and no end", headers={"Connection": "close"}),
    _idle("`Keep-Alive: timeout=1`, and FIN", fin(), headers={"Keep-Alive": "timeout=1"}),
    _idle("`Keep-Alive: timeout=1`, and no end", headers={"Keep-Alive": "timeout=1"}),
    _idle("FIN while idle, nothing announced", fin(), headers={}),
)

ASKED = (
    _maybe("FIN at the request", fin()),
    _maybe("RST at the request", rst()),
    _maybe("garbage", send(b"\x00\x01 not HTTP at all\r\n\r\n"), fin()),
    _maybe("a cut status line", send(b"HTTP/1.1 2"), fin()),
    _maybe("a cut status line, RST", send(b"HTTP/1.1 2"), rst()),
    _maybe("cut headers", send(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev"), fin()),
    _maybe("100 and nothing else", send(b"HTTP/1.1 100 Continue\r\n\r\n"), fin()),
    _maybe("504", *answer(504), fin()),
    _maybe("stall", stall(), ending=SILENT, **QUICK),
    _begun("FIN in the text", BROKEN, lambda play: [*play.begun(), fin()]),
    _begun("RST in the text", BROKEN, lambda play: [*play.begun(), rst()]),
    _begun("stall in the text", SILENT, lambda play: [*play.begun(), stall()], **QUICK),
    _begun("RST after [DONE]", Whole(), lambda play: [*play.done(), rst()]),
    _begun("nothing", Whole(), lambda play: [*play.whole(), fin()]),
)

EARLY = (
    _early("FIN before the request", fin()),
    _early("RST before the request", rst()),
    _early("stray bytes before the request", send(b"\x00\x01 what?"), then=[stall()]),
    _early("nothing"),
)

REUSE = (*IDLE, *ASKED, *EARLY)
