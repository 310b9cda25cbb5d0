"""Knobs: the settings by which a request is answered, in one table.

A knob has a name, a default and a sentence that describes it. Defaults are given to `Simulator`, on the
command line or by `POST /__sim/knobs`; one request changes them for itself with a marker in its last user
message, `[[sim pace=25 step=3 fault=reset_mid]]` (values with spaces are quoted).
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from simulator.faults import FAULTS
from simulator.kind_names import KIND_NAMES
from simulator.refusals import REFUSALS, named_refusal

_MARKER = re.compile(r"[ \t]*\[\[sim\b([^\]]*)\]\]\n?")


class InvalidKnob(ValueError):
    """No such knob, or a value that it cannot have. The text names the knob and what it accepts."""


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError("must be 0 or more")
    return number


def _count(text: str) -> int:
    return int(_number(text))


def _switch(text: str) -> bool:
    if text.lower() in ("1", "true", "on", "yes"):
        return True
    if text.lower() in ("0", "false", "off", "no"):
        return False
    raise ValueError("must be 1 or 0")


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return text

    return parse


def _or_age(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Accepts the word `age` too, for what is usual in the protocol version; its value is None."""
    return lambda text: None if text == "age" else parse(text)


def _fault(text: str) -> str:
    if text and text not in FAULTS and named_refusal(text) is None:
        raise ValueError("must be one of " + ", ".join((*FAULTS, *REFUSALS, "status_NNN")))
    return text


def _refusal(text: str) -> str:
    if text and named_refusal(text) is None:
        raise ValueError("must be one of " + ", ".join((*REFUSALS, "status_NNN")))
    return text


def _knob(default: Any, parse: Callable[[str], Any], help: str) -> Any:
    return field(default=default, metadata={"parse": parse, "help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """All knobs. The defaults make a fast and healthy backend of December 2023."""

    # The answer
    tokens: int = _knob(0, _count, "length of the answer in word-like tokens; 0: as the question asks")
    seed: str = _knob("", str, "another seed gives another answer; `random` for a new one each time")
    finish: str = _knob(
        "stop", _one_of("stop", "max_tokens", "interrupted"), "finish_details: stop, max_tokens, interrupted"
    )
    kind: str = _knob(
        "", _one_of("", *KIND_NAMES), "kind of turn; see the list of kinds; empty: by what is asked"
    )
    images: int = _knob(0, _count, "pictures per drawing, 1 to 4; 0: as asked")
    resend: bool = _knob(False, _switch, "the message with the pictures comes twice")
    citations: str = _knob(
        "normal", _one_of("normal", "late", "missing"), "metadata of citation marks: normal, late, missing"
    )
    instructions: bool = _knob(False, _switch, "the account has custom instructions (hidden message)")
    # DialectWriter
    age: str = _knob(
        "2023-12",
        _one_of("2023-05", "2023-12", "2024", "2025"),
        "version of the protocol, by date: 2023-05, 2023-12, 2024, 2025",
    )
    dialect: str = _knob(
        "age", _one_of("age", "snapshot", "delta"), "snapshot, delta (v1), or what is usual in that age: age"
    )
    transport: str = _knob(
        "sse", _one_of("sse", "ws"), "event stream in the answer (sse), or over a WebSocket: sse, ws"
    )
    allow_sse: bool = _knob(True, _switch, "a request with force_use_sse gets an event stream in any case")
    max_unacked: int = _knob(1000, _count, "WebSocket: unacknowledged frames before the connection is closed")
    last_frame: bool = _knob(True, _switch, "WebSocket: end with a frame whose more_body is false")
    surrogates: bool = _knob(False, _switch, "delta: characters beyond U+FFFF split into two lone surrogates")
    # Time
    pace: float = _knob(0.0, _number, "tokens per second; 0: as fast as the client reads")
    header_delay: float = _knob(0.0, _number, "seconds before the headers")
    first_delay: float = _knob(0.0, _number, "seconds between the headers and the first event")
    silence: float = _knob(0.0, _number, "seconds without data in the middle of the answer (pings go on)")
    tool_delay: float = _knob(0.0, _number, "seconds with nothing but pings between a tool's call and result")
    ping: float = _knob(15.0, _number, "seconds between pings; 0: none")
    # Events
    step: int = _knob(1, _count, "tokens (or characters, see unit) that each snapshot adds")
    unit: str = _knob("token", _one_of("token", "char"), "what step counts: token, char")
    finished: bool | None = _knob(None, _or_age(_switch), "send the finished snapshot: 1, 0, age")
    title: bool = _knob(True, _switch, "send a title_generation record in new conversations")
    moderation: str = _knob(
        "passed",
        _one_of("passed", "blocked", "blanked", "none"),
        "moderation record: passed, blocked, blanked (blocked, and the text is emptied), none",
    )
    unknown: bool = _knob(False, _switch, "insert records of unknown kinds")
    fffd: bool = _knob(False, _switch, "snapshot: some end in U+FFFD, as if a character was cut")
    # Bytes
    ascii: bool = _knob(True, _switch, "JSON escaped to ASCII (json.dumps style); 0: raw UTF-8")
    newline: str = _knob("lf", _one_of("lf", "crlf", "cr"), "line ends of data records: lf, crlf, cr")
    padding: int | None = _knob(None, _or_age(_count), "payloads padded to a multiple: 0, 8, 32, age")
    comments: bool = _knob(False, _switch, "insert comment, id and retry lines")
    empty: bool = _knob(False, _switch, "an empty data record before [DONE]")
    done: bool = _knob(True, _switch, "end with [DONE]")
    unterminated: bool = _knob(False, _switch, "no line end after the last record")
    chunk: int = _knob(0, _count, "bytes per network write; 0: one write per record")
    # Files
    not_ready: int = _knob(
        0, _count, "lookups of a generated file that answer `retry` before the first success"
    )
    link_ttl: float = _knob(3600.0, _number, "seconds before signed addresses expire")
    sandbox_ttl: float = _knob(3600.0, _number, "seconds before sandbox files expire (ace_pod_expired)")
    sandbox_status: int = _knob(200, _count, "HTTP status of sandbox errors: 200, 403, 404, 410")
    download_delay: float = _knob(0.0, _number, "seconds before a download starts")
    download_type: str = _knob("", str, "content type of downloads; empty: the right one")
    # Trouble
    fault: str = _knob("", _fault, "what goes wrong; see the list of faults")
    other_fault: str = _knob(
        "", _refusal, "error with which all other calls (PATCH, files, gizmos) are answered"
    )
    body: str = _knob(
        "own",
        _one_of("own", "html", "empty", "cut", "error"),
        "body of an error answer: own, html, empty, cut, error",
    )
    busy: bool = _knob(True, _switch, "one running message per key, else 429")
    cap: int = _knob(40, _count, "GPT-4 messages per key and window before model_cap_exceeded; 0: no cap")
    cap_window: float = _knob(10800.0, _number, "seconds of that window")

    def set(self, settings: Mapping[str, object]) -> "Knobs":
        """A copy with some knobs changed: names, and values as text, number or boolean.

        Raises InvalidKnob for a wrong name or value.
        """
        known = {knob.name: knob for knob in fields(self)}
        changes: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in known:
                raise InvalidKnob(f"no knob named {name!r}; there are: {', '.join(known)}")
            text = "age" if value is None else str(value)
            try:
                changes[name] = known[name].metadata["parse"](text)
            except ValueError as problem:
                raise InvalidKnob(f"knob {name!r} cannot be {text!r}: {problem}") from None
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """The values of all knobs by name."""
        return asdict(self)


DEMO_KNOBS = Knobs(pace=40.0)
"""Defaults of the demo: about the speed of GPT-4 in 2023."""


def apply_marker(text: str, knobs: Knobs) -> tuple[str, Knobs]:
    """`text` without its `[[sim ...]]` markers, and `knobs` as they change them. Raises InvalidKnob."""
    for found in _MARKER.finditer(text):
        try:
            words = shlex.split(found.group(1))
        except ValueError as problem:
            raise InvalidKnob(f"marker: {problem}") from None
        settings: dict[str, object] = {}
        for word in words:
            name, given, value = word.partition("=")
            settings[name] = value if given else "1"
        knobs = knobs.set(settings)
    return remove_marker(text), knobs


def remove_marker(text: str) -> str:
    """`text` without its `[[sim ...]]` markers."""
    return _MARKER.sub("", text).strip()


def describe_knobs() -> str:
    """The table of knobs, kinds of turns and faults for people, one a line."""
    lines = ["Knobs (name, default, meaning):"]
    for knob in fields(Knobs):
        default = "age" if knob.default is None else knob.default
        default = int(default) if isinstance(default, bool) else default
        shown = "-" if default == "" else f"{default:g}" if isinstance(default, float) else str(default)
        lines.append(f"  {knob.name:<13} {shown:<7} {knob.metadata['help']}")
    lines += ["", "Kinds of turns (kind=NAME):"]
    lines += [f"  {name:<13} {sentence}" for name, sentence in KIND_NAMES.items()]
    lines += ["", "Faults (fault=NAME):"]
    lines += [f"  {name:<21} {fault.help}" for name, fault in FAULTS.items()]
    lines += ["", "Errors that are the whole answer (fault=NAME, see body=):"]
    lines += [f"  {name:<40} {refusal.status}" for name, refusal in REFUSALS.items()]
    lines += [f"  {'status_NNN':<40} any status from 400 to 599"]
    return "\n".join(lines)
