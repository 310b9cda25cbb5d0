"""Damaged bodies that are no streams: stored conversations, refusals, handovers, GPTs."""

import json
import random
from collections.abc import Sequence
from functools import cache

from simulator.gizmos import GIZMOS
from simulator.refusals import REFUSALS
from tests.fuzz.mutations import RAW, changed
from tests.golden.recording import conversations
from tests.golden.scenes import SCENES
from tests.translate.reading import answer
from translate.backend.errors import error_from_response
from translate.backend.gizmo import conversation_mode, read_gizmo
from translate.backend.stored import StoredTurn
from translate.backend.websocket_frames import read_address, read_handover
from translate.openai.errors import envelope
from translate.values.errors import ApiError
from translate.values.gizmo import Gizmo

HANDOVER = {
    "wss_url": "wss://host.example/client/hubs/conversations?access_token=jwt",
    "expires_at": "2024-03-01T12:00:00.000001+00:00",
    "conversation_id": "c1",
    "response_id": "85aa00bb11cc22dd-AMS",
    "websocket_request_id": "w1",
}


@cache
def original_bodies() -> tuple[bytes, ...]:
    """What the mutations start from."""
    gizmo = GIZMOS[0].as_json(1_702_623_600.0)
    stored = [conversation for name in ("rounds", "browse") for conversation in conversations(SCENES[name])]
    refusals = [refusal.body for refusal in REFUSALS.values()]
    return (*refusals, *(json.dumps(each).encode() for each in (gizmo, HANDOVER, *stored)))


def random_body(rng: random.Random, originals: Sequence[bytes] = ()) -> bytes:
    """One of `originals` with places in its JSON changed, sometimes no JSON any more.

    Depends on nothing but `rng`.
    """
    body = rng.choice(originals or original_bodies())
    for _ in range(rng.choice((0, 1, 2, 10))):
        try:
            body = json.dumps(changed(rng, json.loads(body))).encode()
        except (ValueError, RecursionError):
            break
    if rng.random() < 0.2:
        at = rng.randint(0, len(body))
        body = body[:at] + rng.choice(RAW) + body[at + rng.choice((0, 0, 1, 100)) :]
    return body


def check_body(body: bytes) -> None:
    """Raises AssertionError, or what a reader raises although it should not."""
    for status in (200, 403, 429, 500):
        error = error_from_response(status, body)
        assert isinstance(error, ApiError)
        assert len(error.message) < 2000
        error.message.encode()
        json.loads(envelope(error))
    read_handover(body)
    read_address(body)
    try:
        gizmo = read_gizmo(body, GIZMOS[0].id)
    except ValueError:
        pass
    else:
        assert isinstance(gizmo, Gizmo)
        json.dumps(conversation_mode(gizmo), allow_nan=False)
    stored = StoredTurn("x")
    try:
        records = stored.feed(body)
        assert not stored.feed(body), "it tells twice what did not change"
    except ValueError:
        return
    answer(records)
