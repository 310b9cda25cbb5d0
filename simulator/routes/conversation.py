"""POST conversation: the route that streams."""

import asyncio
from collections.abc import Iterator

from simulator.exchange import Exchange
from simulator.faults import FAULTS
from simulator.knobs import Knobs
from simulator.live_turns import LiveTurn, LiveWire
from simulator.refusals import (
    CLOUDFLARE_PAGE,
    HTML_TYPE,
    NOT_FOUND,
    UNUSUAL_ACTIVITY,
    Refusal,
    Refused,
    named_refusal,
)
from simulator.request import ConversationRequest, parse_request
from simulator.routes.base import BackendHandler
from simulator.routes.websocket import socket_address
from simulator.state import ObservedStream
from simulator.turn import Turn
from simulator.turn_plan import plan_turn
from simulator.turn_sender import TurnSender
from simulator.turn_steps import TurnStep
from simulator.websocket import WebSocketWire, turn_identifiers
from simulator.wire import HttpWire, connection_stream, drop_connection


class ConversationHandler(BackendHandler):
    """Answers one message, in a task of its own that is cancelled when the client leaves."""

    _task: asyncio.Task[None] | None = None
    _stream: ObservedStream | None = None
    _goes_on_elsewhere = False

    def apply_other_fault(self) -> None:
        """Nothing: this call has the knob `fault`."""

    def prepare(self) -> None:
        """See `BackendHandler`; the path may be one that this backend does not have. Raises Refused (404)."""
        super().prepare()
        if not self.exists:
            raise Refused(NOT_FOUND)

    @property
    def exists(self) -> bool:
        """Whether the backend has this path."""
        return not self.backend.version.is_2026 or self.backend.knobs.old_path

    async def post(self) -> None:
        """Answer the message. Raises Refused for all that the backend refuses before the headers."""
        body = self.object_body()
        self.backend.charge_attempt(self.key, str(body.get("model")))
        try:
            await self._converse(parse_request(body))
        except Refused:
            self.backend.accounts.counts(self.key).refused += 1
            raise

    async def _converse(self, request: ConversationRequest) -> None:
        turn = self.backend.new_turn(self.key, request)
        steps = plan_turn(turn)
        self.backend.accounts.start_message(self.key, request.model, turn.knobs)
        self._stream = ObservedStream(self.key, request.model, turn.conversation.id)
        self.backend.state.streams.append(self._stream)
        try:
            await self._answer_in_task(turn, steps, self._stream)
        except Refused:
            self.backend.accounts.take_back_message(self.key, request.model)
            raise
        finally:
            if not self._goes_on_elsewhere:  # it will be ended where it goes on
                self.backend.accounts.end_message(self.key)

    def on_connection_close(self) -> None:
        """Tornado's hook: the client left, so its answer is cancelled."""
        if self._task and self._stream and self._stream.is_open:
            self._stream.outcome = "client_closed"
            self._task.cancel()

    async def _answer_in_task(self, turn: Turn, steps: Iterator[TurnStep], stream: ObservedStream) -> None:
        self._task = self.backend.start_task(self._answer(turn, steps, stream))
        try:
            await self._task
        except asyncio.CancelledError:
            if stream.is_open:
                stream.outcome = "stopped"
            drop_connection(connection_stream(self), reset=False)
        except ConnectionError:
            stream.outcome = "client_closed"
        except Refused:
            stream.outcome, stream.phase = turn.knobs.fault, "over"
            raise

    async def _answer(self, turn: Turn, steps: Iterator[TurnStep], stream: ObservedStream) -> None:
        knobs = turn.knobs
        await asyncio.sleep(knobs.header_delay)
        if not await self._survives_faults_before_headers(knobs):
            stream.outcome, stream.phase = knobs.fault, "over"
            return
        self.backend.state.accepted_by_model[stream.model] += 1
        self.backend.accounts.accept_message(self.key, stream.model)
        turn.accept_messages()
        if knobs.transport == "ws" and not (turn.request.wants_event_stream and knobs.allow_sse):
            self._answer_over_websocket(turn, steps, stream)
            return
        wire = HttpWire(self, knobs.chunk)
        if turn.exchange:
            self.set_header("X-Conduit-Token", turn.exchange.token)
        await wire.open("text/event-stream; charset=utf-8")
        if turn.exchange:
            await self._answer_live(turn, turn.exchange, steps, stream, wire)
        else:
            await TurnSender(turn, wire, stream).send(steps)

    async def _answer_live(
        self,
        turn: Turn,
        exchange: Exchange,
        steps: Iterator[TurnStep],
        stream: ObservedStream,
        http: HttpWire,
    ) -> None:
        """Show a turn of 2026 as long as it does not go on elsewhere."""
        self._goes_on_elsewhere = True
        live = LiveTurn(exchange, turn.conversation.id, self.key, turn.knobs)
        wire = LiveWire(http, live, outlives=turn.knobs.outlives)
        sender = TurnSender(turn, wire, stream)
        task = self.backend.start_live_turn(sender, steps, stream, live)
        detached = asyncio.ensure_future(wire.detached.wait())
        over = asyncio.ensure_future(live.over.wait())
        try:
            await asyncio.wait({over, detached}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not turn.knobs.outlives:
                task.cancel()
            wire.detach()
            raise
        finally:
            detached.cancel()
            over.cancel()

    def _answer_over_websocket(self, turn: Turn, steps: Iterator[TurnStep], stream: ObservedStream) -> None:
        """Answer with the address of a WebSocket; the turn is sent there, even if nobody is connected."""
        self._goes_on_elsewhere = True
        identifiers = turn_identifiers(turn.conversation.id, turn.request.websocket_request_id)
        wire = WebSocketWire(
            self.backend.websockets,
            self.key,
            identifiers,
            size=turn.knobs.chunk,
            max_unacknowledged=turn.knobs.max_unacked,
            last_frame=turn.knobs.last_frame,
        )
        sender = TurnSender(turn, wire, stream)
        self.backend.start_websocket_turn(sender, steps, stream, identifiers["websocket_request_id"])
        self.reply({**socket_address(self), **identifiers})

    async def _survives_faults_before_headers(self, knobs: Knobs) -> bool:
        """Apply faults before the headers; False after one that drops the connection. Raises Refused."""
        refusal = named_refusal(knobs.fault)
        if refusal:
            raise Refused(refusal.with_body(knobs.body))
        fault = FAULTS.get(knobs.fault)
        if fault is None or fault.position != "before_headers":
            return True
        if fault.action == "stall":
            await asyncio.Event().wait()
        if fault.action == "json_answer":
            raise Refused(Refusal.detail(200, UNUSUAL_ACTIVITY))
        if fault.action == "html_answer":
            raise Refused(Refusal(200, CLOUDFLARE_PAGE.encode(), HTML_TYPE))
        drop_connection(connection_stream(self), reset=fault.action == "reset")
        return False
