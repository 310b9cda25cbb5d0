"""The knobs that only the backend of 2026 obeys (protocol notes, section 20)."""

from dataclasses import dataclass

from simulator.knob_values import count, knob, number, one_of, or_age, refusal_name, switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs2026:
    """Routes, models, turns that go on elsewhere, tasks and files of 2026."""

    # Routes; those that exist depend on the defaults, whatever a marker says
    f_routes: bool | None = knob(None, or_age(switch), "f/conversation and its like exist: 1, 0, age")
    old_path: bool = knob(True, switch, "POST conversation exists too")
    conduit: str = knob(
        "token",
        one_of("token", "null", "error", "none"),
        "answer of f/conversation/prepare: token, null (no token), error (500), none (404)",
    )
    hides_by: str = knob(
        "both",
        one_of("both", "patch", "delete"),
        "a conversation is hidden by PATCH conversation/{id}, DELETE conversation/id/{id}, or both",
    )
    # Models
    unlisted: str = knob(
        "substitute", one_of("substitute", "refuse"), "a slug that is not listed: substitute, refuse (404)"
    )
    listing: str = knob(
        "usual",
        one_of("usual", "empty", "wrong", "none"),
        "GET models: usual, empty, none (404), wrong (fields of other types, slugs twice and without end)",
    )
    answers_as: str = knob("", str, "the slug that answers instead of the one asked for, which is at its cap")
    max_message: int = knob(0, count, "characters of a message above which it is refused with 413; 0: any")
    image_quota: int = knob(118, count, "pictures that each account may draw")
    research_quota: int = knob(25, count, "research tasks of each account")
    # The stream
    forms: str = knob(
        "usual",
        one_of("usual", "loose"),
        "delta: usual, or loose (relative paths, lists without an operation, strings without a path)",
    )
    handoff: str = knob(
        "kind",
        one_of("kind", "none", "start", "mid", "silent"),
        "where the answer is handed off: kind (pro mode only), none, start, mid, silent (mid, not announced)",
    )
    handoff_ways: str = knob("both", one_of("both", "ws", "sse"), "ways that a handoff offers: both, ws, sse")
    endless: bool = knob(False, switch, "what goes on elsewhere never ends: turns, pictures, research")
    outlives: bool = knob(
        False, switch, "a turn goes on when its client leaves; a turn handed off always does"
    )
    # Elsewhere
    resume: str = knob(
        "ok",
        one_of("ok", "conduit_miss", "tokenless", "stored", "busy", "none", "broken", "again"),
        "f/conversation/resume: ok, conduit_miss, tokenless (404 with a code), stored (410), busy (503), "
        "none (404), broken (drops each time), again (another handoff each time)",
    )
    celsius: str = knob(
        "own",
        one_of("own", "official", "none"),
        "address that celsius/ws/user gives: own, official (another host), none (404)",
    )
    socket_drop: int = knob(0, count, "frames after which the user's socket drops, each time; 0: never")
    duplicates: bool = knob(False, switch, "items of a turn come twice, as catchup and live")
    catchups: bool = knob(True, switch, "a subscription gets what came before it")
    items: str = knob(
        "whole",
        one_of("whole", "open", "pairs"),
        "encoded_item: a record, open (without its empty line), pairs (two records)",
    )
    heartbeat: float = knob(10.0, number, "seconds between heartbeats on a turn's topic; 0: none")
    poll_fails: int = knob(0, count, "reads of a conversation that fail before the first that succeeds")
    poll_error: str = knob("conversation_inaccessible", refusal_name, "with which error they fail")
    # Tasks and files
    pictures: str = knob(
        "async",
        one_of("async", "sync", "flags"),
        "drawing: async (a card, the picture later), flags (the same, announced by other flags), sync",
    )
    previews: int = knob(1, count, "previews before a picture")
    task_time: float = knob(2.0, number, "seconds that a picture, a research task or pro mode takes")
    watermark: bool = knob(False, switch, "pictures have a second pointer, of the file with a watermark")
    estuary: str = knob("own", one_of("own", "official"), "host in addresses of files: own, official")
    process_time: float = knob(0.0, number, "seconds that an uploaded file is processed")
    audio: bool = knob(True, switch, "synthesize and transcribe exist")
    lookup: str = knob(
        "any", one_of("any", "attachment"), "a drawn file is found by: any of the calls, attachment"
    )
