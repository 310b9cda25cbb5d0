"""What clients do wrong, and a service that is stopped while it works."""

from collections.abc import Callable, Sequence

from tests.faults.cells import (
    EVERY_HTTP,
    EVERYWHERE,
    OVER_HTTP,
    Fault,
    Left,
    Phase,
    Shape,
    Stopped,
    Unfinished,
    Verdict,
    Whole,
)
from tests.faults.clients import (
    Behaviour,
    Way,
    adds_a_line_end,
    asks_twice,
    asks_twice_at_once,
    leaves,
    leaves_in_the_body,
    leaves_the_queue,
    reads_late,
    request_bytes,
    sees_the_service_stop,
    sends_byte_by_byte,
)
from tests.faults.play import Play
from tests.scripted_server import Verb, stall

WAYS: Sequence[Way] = ("close", "reset", "half-close")
FORMS = (Shape(stream=True), Shape(), Shape(images=True))
TRAILING: Sequence[tuple[str, bytes]] = (
    ("after a line end too much", b"\r\n"),
    ("with a second request sent", request_bytes(Shape())),
)
Script = Callable[[Play], Sequence[Verb]]


def _waits_for_headers(play: Play) -> Sequence[Verb]:
    return [play.mark(), stall()]


def _waits_for_text(play: Play) -> Sequence[Verb]:
    return [*play.opening(), play.mark(), stall()]


def _waits_in_the_text(play: Play) -> Sequence[Verb]:
    return [*play.begun(), play.mark(), stall()]


PLACES: Sequence[tuple[str, Verdict, Script, bool]] = (
    ("before the headers", Verdict.MAYBE, _waits_for_headers, False),
    ("before the first text", Verdict.ACCEPTED, _waits_for_text, False),
    ("in the text", Verdict.ACCEPTED, _waits_in_the_text, True),
)


def _shapes(script: Script) -> Sequence[Shape]:
    return FORMS if script is _waits_for_headers else EVERYWHERE


def _leaving(way: Way, extra: tuple[str, bytes] = ("", b"")) -> list[Fault]:
    note, after = extra
    return [
        Fault(
            f"{way} {place}{' ' + note if note else ''}",
            Phase.CLIENT,
            Left(),
            verdict,
            script=script,
            client=leaves(way, after=after),
            begun=begun,
            shapes=_shapes(script),
        )
        for place, verdict, script, begun in PLACES
    ]


def _queue(way: Way, note: str = "", after: bytes = b"") -> Fault:
    return Fault(
        f"{way} in the queue{' ' + note if note else ''}",
        Phase.CLIENT,
        Left(),
        Verdict.UNSENT,
        script=_waits_for_headers,
        client=leaves_the_queue(way, after=after),
        requests=2,
        posts=1,
        occupied=True,
        shapes=FORMS,
    )


def _odd(name: str, client: Behaviour, shapes: Sequence[Shape], requests: int = 1) -> Fault:
    return Fault(
        name,
        Phase.CLIENT,
        Whole(),
        Verdict.ACCEPTED,
        client=client,
        requests=requests,
        shapes=shapes,
    )


CALLERS = (
    *(fault for way in WAYS for fault in _leaving(way)),
    *(fault for extra in TRAILING for way in WAYS[:2] for fault in _leaving(way, extra)),
    *(_queue(way) for way in WAYS),
    *(_queue("close", note, after) for note, after in TRAILING),
    *(
        Fault(
            f"{way} in the body of its request",
            Phase.CLIENT,
            Unfinished(),
            Verdict.UNSENT,
            client=leaves_in_the_body(way),
            posts=0,
            shapes=FORMS,
        )
        for way in WAYS[:2]
    ),
    _odd("request byte by byte", sends_byte_by_byte, FORMS),
    _odd("line end too much", adds_a_line_end, FORMS),
    _odd("slow reader", reads_late, EVERYWHERE),
    _odd("connection used again", asks_twice, EVERY_HTTP, requests=2),
    _odd("requests pipelined", asks_twice_at_once, OVER_HTTP, requests=2),
    *(
        Fault(
            f"SIGTERM {place}",
            Phase.STOPPING,
            Stopped(),
            verdict,
            script=script,
            client=sees_the_service_stop,
            begun=begun,
            shapes=[shape for shape in _shapes(script) if not (begun and shape.images)],
        )
        for place, verdict, script, begun in PLACES
    ),
)
