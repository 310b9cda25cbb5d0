"""Knobs: the settings by which a request is answered, in one table.

A knob has a name, a default and a sentence that describes it. Defaults are given to `Simulator`, on the
command line or by `POST /__sim/knobs`; one request changes them for itself with a marker in its last user
message, `[[sim pace=25 step=3 fault=reset_mid]]` (values with spaces are quoted).
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields
from typing import Any

from simulator.conditions import Condition
from simulator.faults import FAULTS
from simulator.habit_names import HABITS
from simulator.kind_names import KIND_NAMES, KIND_NAMES_2026
from simulator.knob_values import (
    InvalidKnob,
    count,
    fault_name,
    knob,
    number,
    one_of,
    or_age,
    refusal_name,
    switch,
    with_values,
)
from simulator.knobs_2026 import Knobs2026
from simulator.refusals import REFUSALS

_MARKER = re.compile(r"(?<![ \t])[ \t]*\[\[sim\b([^\[\]]*)\]\]\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs(Knobs2026):
    """All knobs, those of 2026 among them. The defaults make a fast and healthy backend of December 2023."""

    # The answer
    tokens: int = knob(0, count, "length of the answer in word-like tokens; 0: as the question asks")
    seed: str = knob("", str, "another seed gives another answer; `random` for a new one each time")
    finish: str = knob(
        "stop", one_of("stop", "max_tokens", "interrupted"), "finish_details: stop, max_tokens, interrupted"
    )
    kind: str = knob(
        "",
        one_of("", *KIND_NAMES, *KIND_NAMES_2026),
        "kind of turn; see the list of kinds; empty: by what is asked",
    )
    images: int = knob(0, count, "pictures per drawing, 1 to 4; 0: as asked")
    resend: bool = knob(False, switch, "the message with the pictures comes twice")
    citations: str = knob(
        "normal",
        one_of("normal", "late", "missing", "delta", "patch", "groups"),
        "metadata of citation marks: normal, late, missing; 2026 also: delta (a list that fills up), patch "
        "(a record of its own), groups (only the search results)",
    )
    instructions: bool = knob(False, switch, "the account has custom instructions (hidden message)")
    # Tools and JSON that the prompt tells of
    habit: str = knob(
        "", one_of(*HABITS), "how calls of tools and JSON are written; see the list of habits; empty: well"
    )
    amends: bool = knob(
        True, switch, "what was written by a habit is written well when it is asked for once more"
    )
    # DialectWriter
    age: str = knob(
        "2023-12",
        one_of("2023-05", "2023-12", "2024", "2025", "2026"),
        "version of the protocol, by date: 2023-05, 2023-12, 2024, 2025, 2026",
    )
    dialect: str = knob(
        "age", one_of("age", "snapshot", "delta"), "snapshot, delta (v1), or what is usual in that age: age"
    )
    transport: str = knob(
        "sse", one_of("sse", "ws"), "event stream in the answer (sse), or over a WebSocket: sse, ws"
    )
    allow_sse: bool = knob(True, switch, "a request with force_use_sse gets an event stream in any case")
    max_unacked: int = knob(1000, count, "WebSocket: unacknowledged frames before the connection is closed")
    last_frame: bool = knob(True, switch, "WebSocket: end with a frame whose more_body is false")
    surrogates: bool = knob(False, switch, "delta: characters beyond U+FFFF split into two lone surrogates")
    # Time
    pace: float = knob(0.0, number, "tokens per second; 0: as fast as the client reads")
    header_delay: float = knob(0.0, number, "seconds before the headers")
    first_delay: float = knob(0.0, number, "seconds between the headers and the first event")
    silence: float = knob(0.0, number, "seconds without data in the middle of the answer (pings go on)")
    tool_delay: float = knob(0.0, number, "seconds with nothing but pings between a tool's call and result")
    ping: float = knob(15.0, number, "seconds between pings; 0: none")
    # Events
    step: int = knob(1, count, "tokens (or characters, see unit) that each snapshot adds")
    unit: str = knob("token", one_of("token", "char"), "what step counts: token, char")
    finished: bool | None = knob(None, or_age(switch), "send the finished snapshot: 1, 0, age")
    title: bool = knob(True, switch, "send a title_generation record in new conversations")
    moderation: str = knob(
        "passed",
        one_of("passed", "blocked", "blanked", "none"),
        "moderation record: passed, blocked, blanked (blocked, and the text is emptied), none",
    )
    unknown: bool = knob(False, switch, "insert records of unknown kinds")
    fffd: bool = knob(False, switch, "snapshot: some end in U+FFFD, as if a character was cut")
    # Bytes
    ascii: bool = knob(True, switch, "JSON escaped to ASCII (json.dumps style); 0: raw UTF-8")
    newline: str = knob("lf", one_of("lf", "crlf", "cr"), "line ends of data records: lf, crlf, cr")
    padding: int | None = knob(None, or_age(count), "payloads padded to a multiple: 0, 8, 32, age")
    comments: bool = knob(False, switch, "insert comment, id and retry lines")
    empty: bool = knob(False, switch, "an empty data record before [DONE]")
    done: bool = knob(True, switch, "end with [DONE]")
    unterminated: bool = knob(False, switch, "no line end after the last record")
    chunk: int = knob(0, count, "bytes per network write; 0: one write per record")
    # Files
    not_ready: int = knob(
        0, count, "lookups of a generated file that answer `retry` before the first success"
    )
    link_ttl: float = knob(3600.0, number, "seconds before signed addresses expire")
    sandbox_ttl: float = knob(3600.0, number, "seconds before sandbox files expire (ace_pod_expired)")
    sandbox_status: int = knob(200, count, "HTTP status of sandbox errors: 200, 403, 404, 410")
    download_delay: float = knob(0.0, number, "seconds before a download starts")
    download_type: str = knob("", str, "content type of downloads; empty: the right one")
    # Trouble
    fault: str = knob("", fault_name, "what goes wrong; see the list of faults")
    other_fault: str = knob(
        "", refusal_name, "error with which all other calls (PATCH, files, gizmos) are answered"
    )
    body: str = knob(
        "own",
        one_of("own", "html", "empty", "cut", "error"),
        "body of an error answer: own, html, empty, cut, error",
    )
    busy: bool = knob(True, switch, "one running message per key, else 429")
    cap: int = knob(40, count, "GPT-4 messages per key and window before model_cap_exceeded; 0: no cap")
    cap_window: float = knob(10800.0, number, "seconds of that window")

    def set(self, settings: Mapping[str, object]) -> "Knobs":
        """A copy with some knobs changed: names, and values as text, number or boolean.

        Raises InvalidKnob for a wrong name or value.
        """
        return with_values(self, settings)

    def as_json(self) -> dict[str, Any]:
        """The values of all knobs by name."""
        return asdict(self)


DEMO_KNOBS = Knobs(age="2026", pace=40.0, task_time=6.0)
"""Defaults of the demo: the backend of today at a reader's speed, with pictures that come within seconds."""


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
    older = [each for each in fields(Knobs) if each not in fields(Knobs2026)]
    lines += [_described(each) for each in older]
    lines += ["", "Knobs that only the age 2026 obeys:", *map(_described, fields(Knobs2026))]
    lines += ["", "Of single accounts (POST /__sim/accounts):", *map(_described, fields(Condition))]
    lines += ["", "Kinds of turns (kind=NAME):"]
    lines += [f"  {name:<13} {sentence}" for name, sentence in KIND_NAMES.items()]
    lines += ["", "Kinds of turns of the age 2026:"]
    lines += [f"  {name:<13} {sentence}" for name, sentence in KIND_NAMES_2026.items()]
    lines += ["", "Habits of a model that is told of tools or JSON (habit=NAME):"]
    lines += [f"  {name:<15} {sentence}" for name, sentence in HABITS.items() if name]
    lines += ["", "Faults (fault=NAME):"]
    lines += [f"  {name:<21} {fault.help}" for name, fault in FAULTS.items()]
    lines += ["", "Errors that are the whole answer (fault=NAME, see body=):"]
    lines += [f"  {name:<40} {refusal.status}" for name, refusal in REFUSALS.items()]
    lines += [f"  {'status_NNN':<40} any status from 400 to 599"]
    return "\n".join(lines)


def _described(field: "Field[Any]") -> str:
    default = "age" if field.default is None else field.default
    default = int(default) if isinstance(default, bool) else default
    shown = "-" if default == "" else f"{default:g}" if isinstance(default, float) else str(default)
    return f"  {field.name:<15} {shown:<9} {field.metadata['help']}"
