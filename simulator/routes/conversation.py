"""POST conversation: the one route that streams."""

import asyncio
from collections.abc import Iterator

from simulator.faults import FAULTS
from simulator.knobs import Knobs
from simulator.plan import plan
from simulator.playing import player_for
from simulator.refusals import CLOUDFLARE_PAGE, HTML_TYPE, UNUSUAL_ACTIVITY, Refusal, Refused, named_refusal
from simulator.request import parse_request
from simulator.routes.base import BackendHandler
from simulator.routes.sockets import socket_address
from simulator.sockets import SocketWire, about_turn
from simulator.state import StreamSeen
from simulator.steps import Step
from simulator.turn import Turn
from simulator.wire import HttpWire, connection_stream, drop


class ConversationHandler(BackendHandler):
    """Answers one message. The work is a task of its own, so that it ends when the client leaves."""

    _task: asyncio.Task[None] | None = None
    _stream: StreamSeen | None = None
    _handed_over = False

    def other_fault(self) -> None:
        """This call has faults of its own."""

    async def post(self) -> None:
        """Check everything that can refuse the message, then answer it."""
        body = self.object_body()
        self.backend.charge(str(body.get("model")))
        request = parse_request(body)
        turn = self.backend.turn(self.key, request)
        steps = plan(turn)
        self.backend.accounts.enter(self.key, request.model, turn.knobs)
        self._stream = StreamSeen(self.key, request.model, turn.conversation.id)
        self.backend.state.streams.append(self._stream)
        try:
            await self._as_task(turn, steps, self._stream)
        finally:
            if not self._handed_over:
                self.backend.accounts.leave(self.key)

    def on_connection_close(self) -> None:
        """The client left: stop working for it, in whatever state."""
        if self._task and self._stream and self._stream.is_open:
            self._stream.outcome = "client_closed"
            self._task.cancel()

    async def _as_task(self, turn: Turn, steps: Iterator[Step], stream: StreamSeen) -> None:
        self._task = self.backend.spawn(self._converse(turn, steps, stream))
        try:
            await self._task
        except asyncio.CancelledError:
            if stream.is_open:
                stream.outcome = "stopped"
            drop(connection_stream(self), reset=False)
        except ConnectionError:
            stream.outcome = "client_closed"
        except Refused:
            stream.outcome, stream.phase = turn.knobs.fault, "over"
            raise

    async def _converse(self, turn: Turn, steps: Iterator[Step], stream: StreamSeen) -> None:
        knobs = turn.knobs
        await asyncio.sleep(knobs.header_delay)
        if not await self._before_headers(knobs):
            stream.outcome, stream.phase = knobs.fault, "over"
            return
        self.backend.state.accepted += 1
        if knobs.transport == "ws" and not (turn.request.wants_event_stream and knobs.allow_sse):
            self._hand_over(turn, steps, stream)
            return
        wire = HttpWire(self, knobs.chunk)
        await wire.open("text/event-stream; charset=utf-8")
        await player_for(turn, wire, stream, self.backend.clock).play(steps)

    def _hand_over(self, turn: Turn, steps: Iterator[Step], stream: StreamSeen) -> None:
        """Answer with the address of a WebSocket; the turn goes there, whether somebody listens or not."""
        self._handed_over = True
        about = about_turn(turn.conversation.id, turn.request.websocket_request_id)
        knobs, hub = turn.knobs, self.backend.sockets
        wire = SocketWire(hub, self.key, about, knobs.chunk, knobs.max_unacked, knobs.last_frame)
        player = player_for(turn, wire, stream, self.backend.clock)
        request_id = about["websocket_request_id"]
        task = self.backend.spawn(self.backend.play_over_socket(player, steps, stream, request_id))
        self.backend.socket_turns[request_id] = task
        self.reply({**socket_address(self), **about})

    async def _before_headers(self, knobs: Knobs) -> bool:
        """Faults that leave no event stream; False when the connection was dropped. Raises Refused."""
        refusal = named_refusal(knobs.fault)
        if refusal:
            raise Refused(refusal.with_body(knobs.body))
        fault = FAULTS.get(knobs.fault)
        if fault is None or fault.place != "before_headers":
            return True
        if fault.action == "stall":
            await asyncio.Event().wait()
        if fault.action == "json_answer":
            raise Refused(Refusal.detail(200, UNUSUAL_ACTIVITY))
        if fault.action == "html_answer":
            raise Refused(Refusal(200, CLOUDFLARE_PAGE.encode(), HTML_TYPE))
        drop(connection_stream(self), reset=fault.action == "reset")
        return False
