"""Routes under f/, which the backend has since 2026 (protocol notes, sections 20.1 and 20.7)."""

import json

from simulator.frame_2026 import handoff
from simulator.live_turns import LiveTurn
from simulator.messages import JsonObject
from simulator.refusals import (
    CONVERSATION_NOT_FOUND,
    NOT_FOUND,
    REFUSALS,
    Refused,
    invalid,
    server_error,
)
from simulator.routes.base import BackendHandler
from simulator.routes.conversation import ConversationHandler
from simulator.wire import HttpWire

_REFUSED_RESUME = {
    "conduit_miss": REFUSALS["conduit_miss"],
    "tokenless": REFUSALS["tokenless_resume_unavailable"],
    "stored": REFUSALS["persisted_final_available"],
    "busy": server_error(503),
    "none": NOT_FOUND,
}
RECORDS_BEFORE_A_BREAK = 3
"""What `resume=broken` and `resume=again` send before they go no further."""


class FConversationHandler(ConversationHandler):
    """POST f/conversation: as POST conversation."""

    @property
    def exists(self) -> bool:
        """See `ConversationHandler`."""
        return self.backend.has_f_routes


class FHandler(BackendHandler):
    """Base of the other routes under f/."""

    def prepare(self) -> None:
        """See `BackendHandler`. Raises Refused (404) for a backend without such routes."""
        super().prepare()
        if not self.backend.has_f_routes:
            raise Refused(NOT_FOUND)


class PrepareHandler(FHandler):
    """POST f/conversation/prepare: costs nothing and may fail without harm."""

    def post(self) -> None:
        """A conduit token, as the knob `conduit` has it. Raises Refused."""
        body = self.object_body()
        form = self.backend.knobs.conduit
        if form == "none":
            raise Refused(NOT_FOUND)
        if form == "error":
            raise Refused(server_error(500))
        if body.get("messages"):
            raise Refused(invalid([(["messages"], "extra fields not permitted", "value_error.extra")]))
        self.backend.state.prepared += 1
        token = self.backend.conduits.give(self.key) if form == "token" else None
        self.reply({"status": "ok", "conduit_token": token})


class ResumeHandler(FHandler):
    """POST f/conversation/resume: the records of a turn from a number on."""

    async def post(self) -> None:
        """The rest of the last turn of a conversation. Raises Refused: 404, 410, 422, 503."""
        body = self.object_body()
        live = self._live_turn(body)
        offset = body.get("offset", 0)
        if not isinstance(offset, int) or offset < 0:
            raise Refused(invalid([(["offset"], "value is not a valid integer", "type_error.integer")]))
        refusal = _REFUSED_RESUME.get(live.knobs.resume)
        if refusal:
            raise Refused(refusal)
        self._check_token(live, offset)
        wire = HttpWire(self, live.knobs.chunk)
        await wire.open("text/event-stream; charset=utf-8")
        try:
            await self._send(live, offset, wire)
        except ConnectionError:
            return

    def _live_turn(self, body: JsonObject) -> LiveTurn:
        live = self.backend.live_turns.latest(str(body.get("conversation_id")))
        if live is None or live.key != self.key:
            raise Refused(CONVERSATION_NOT_FOUND)
        return live

    def _check_token(self, live: LiveTurn, offset: int) -> None:
        given = self.request.headers.get("X-Conduit-Token", "")
        known = given == live.exchange.token or self.backend.conduits.belongs_to(given, self.key)
        if given and not known:
            raise Refused(REFUSALS["conduit_miss"])
        if not given and offset:
            raise Refused(REFUSALS["tokenless_resume_unavailable"])

    async def _send(self, live: LiveTurn, offset: int, wire: HttpWire) -> None:
        sent = 0
        async for record in live.follow(offset):
            await wire.send(record.encode())
            sent += 1
            if sent == RECORDS_BEFORE_A_BREAK and live.knobs.resume == "broken":
                await wire.flush()
                wire.drop(reset=False)
                return
            if sent == RECORDS_BEFORE_A_BREAK and live.knobs.resume == "again":
                again = handoff(live.exchange, live.conversation_id, live.knobs).records[-1].record
                await wire.send(f"data: {json.dumps(again)}\n\n".encode())
                break
        if not live.failed and live.knobs.done:
            await wire.send(b"data: [DONE]\n\n")
        await wire.flush()
