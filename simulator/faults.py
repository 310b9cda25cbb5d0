"""What can go wrong after a request is accepted: by name, a position in the answer and an action there."""

from dataclasses import dataclass
from typing import Literal

Position = Literal["before_headers", "after_headers", "mid"]
Action = Literal[
    "reset",  # TCP RST (SO_LINGER 0)
    "fin",  # FIN; the chunked body has no terminator
    "end",  # the body ends properly, but the turn does not
    "drop",  # FIN, but the turn goes on for a client that reconnects (WebSocket)
    "stall",  # nothing more, pings included, until the client leaves
    "only_pings",  # nothing more but pings
    "cut_character",  # FIN within the bytes of a character, or within its \uXXXX escape
    "cut_record",  # FIN within a data record
    "damage_record",  # a data record that cannot be read; the turn goes on
    "trickle",  # from here on one byte at a time
    "error_record",  # {"message": null, "conversation_id": ..., "error": "text"}, then [DONE]
    "error_record_open",  # the same, then the body ends without [DONE]
    "leave",  # the body ends properly, but the turn goes on elsewhere (2026)
    "error_code",  # an error record with `error_code` and `can_retry`, and no more
    "error_root",  # the same as a delta at the root (delta v1)
    "error_typed",  # {"type": "error", "message": "text"}, then [DONE]
    "error_object",  # the same with an object as `error`
    "echo_only",  # [DONE] right after the echo of the messages sent
    "bare_json",  # a JSON error without `data:` framing in the event stream
    "json_answer",  # 200 with application/json and an error in it
    "html_answer",  # 200 with a page of HTML
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One named fault. `help` is its sentence in the documentation."""

    position: Position
    action: Action
    help: str


FAULTS: dict[str, Fault] = {
    "reset_before_headers": Fault("before_headers", "reset", "RST instead of an answer"),
    "fin_before_headers": Fault("before_headers", "fin", "FIN instead of an answer"),
    "stall_before_headers": Fault("before_headers", "stall", "no answer, ever"),
    "json_200": Fault("before_headers", "json_answer", "200 with application/json and a `detail`"),
    "html_200": Fault("before_headers", "html_answer", "200 with a page of HTML"),
    "reset_after_headers": Fault("after_headers", "reset", "RST before the first event"),
    "fin_after_headers": Fault("after_headers", "fin", "FIN before the first event"),
    "end_after_headers": Fault("after_headers", "end", "an empty event stream, properly ended"),
    "stall_after_headers": Fault("after_headers", "stall", "no event, ever"),
    "error_only": Fault("after_headers", "error_record", "an error record as the only one, then [DONE]"),
    "error_only_open": Fault("after_headers", "error_record_open", "an error record and nothing else"),
    "error_object": Fault("after_headers", "error_object", "an error record whose `error` is an object"),
    "bare_json": Fault("after_headers", "bare_json", "JSON without `data:` framing in the event stream"),
    "echo_only": Fault("after_headers", "echo_only", "the echo of the messages sent, then [DONE]"),
    "reset_mid": Fault("mid", "reset", "RST in the middle of the answer"),
    "fin_mid": Fault("mid", "fin", "FIN in the middle of the answer"),
    "drop_mid": Fault(
        "mid", "drop", "the connection drops, the turn goes on (WebSocket, 2026); else: fin_mid"
    ),
    "leave_mid": Fault("mid", "leave", "a proper end of the body in the middle; in 2026 the turn goes on"),
    "end_mid": Fault("mid", "end", "a proper end of the body in the middle of the answer, no [DONE]"),
    "stall_mid": Fault("mid", "stall", "silence without end in the middle of the answer"),
    "only_pings_mid": Fault("mid", "only_pings", "pings without end in the middle of the answer"),
    "cut_character": Fault("mid", "cut_character", "FIN within a character"),
    "cut_record": Fault("mid", "cut_record", "FIN within a record"),
    "damaged_record": Fault("mid", "damage_record", "a record that cannot be read; the turn goes on"),
    "trickle": Fault("mid", "trickle", "one byte every 50 ms from the middle on"),
    "error_mid": Fault("mid", "error_record", "an error record in the middle of the answer, then [DONE]"),
    "limit_only": Fault("after_headers", "error_code", "an error record with rate_limit_exceeded, at once"),
    "too_large_mid": Fault("mid", "error_root", "an error record with conversation_too_large, as a delta"),
    "error_typed_mid": Fault("mid", "error_typed", "an error record with a type, then [DONE]"),
}
"""By value of the knob `fault`; errors that are a whole answer are in `refusals`."""
