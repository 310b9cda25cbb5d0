"""What all request handlers share: the simulated backend itself, without HTTP."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass

from simulator.accounts import Accounts, quota_units
from simulator.ages import AGES
from simulator.answers.prompt import Prompt
from simulator.conversations import Conversation
from simulator.files import FileStore
from simulator.gizmos import find_gizmo
from simulator.knobs import Knobs, UnknownKnob, take_marker, without_marker
from simulator.messages import is_context
from simulator.player import Player
from simulator.refusals import Refused, invalid
from simulator.request import ConversationRequest
from simulator.sockets import SocketHub
from simulator.state import State, StreamSeen
from simulator.steps import Step
from simulator.turn import Turn


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a talk, reduced to who and what."""

    role: str
    text: str


class Backend:
    """State, accounts and defaults. ``clock`` gives Unix seconds."""

    def __init__(self, knobs: Knobs, clock: Callable[[], float], dead_keys: Mapping[str, str]) -> None:
        self.knobs = knobs
        self.clock = clock
        self.state = State(FileStore(clock))
        self.accounts = Accounts(clock, dead_keys)
        self.sockets = SocketHub()
        self.socket_turns: dict[str, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """A task that ends with the simulator at the latest."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def play_over_socket(
        self, player: Player, steps: Iterator[Step], stream: StreamSeen, request_id: str
    ) -> None:
        """Play a turn that goes on without its request; it ends by itself or is stopped."""
        try:
            await player.play(steps)
        except asyncio.CancelledError:
            stream.outcome = "stopped"
        finally:
            self.accounts.leave(stream.key)
            del self.socket_turns[request_id]

    def charge(self, model: str) -> None:
        """An attempt reached the backend: it costs whatever comes of it."""
        self.state.attempts += 1
        self.state.quota_units += quota_units(model)

    def turn(self, key: str, request: ConversationRequest) -> Turn:
        """The turn that a request asks for. Raises Refused: 404 (conversation, gizmo), 422 (marker)."""
        conversation = self._conversation(key, request)
        stored = (message for message in conversation.messages() if not is_context(message.content))
        talk = [Said(message.role, message.text) for message in stored]
        talk += [Said(message.role, message.text) for message in request.messages]
        users = (
            [said.text for said in talk if said.role == "user"] or [said.text for said in talk[-1:]] or [""]
        )
        try:
            question, knobs = take_marker(users[-1], self.knobs)
        except UnknownKnob as problem:
            raise Refused(invalid([(["messages"], f"simulator: {problem}", "value_error")])) from None
        prompt = Prompt(
            question=question,
            model=request.model,
            earlier=tuple(without_marker(text) for text in users[:-1]),
            system="\n".join(said.text for said in talk if said.role in ("system", "critic") and said.text),
            tokens=knobs.tokens,
            seed=knobs.seed,
        )
        age = AGES[knobs.age]
        usual = "delta" if age.delta_on_request and request.wants_delta else age.dialect
        return Turn(
            key=key,
            request=request,
            knobs=knobs,
            age=age,
            dialect=usual if knobs.dialect == "age" else knobs.dialect,
            conversation=conversation,
            prompt=prompt,
            gizmo=find_gizmo(request.gizmo_id) if request.gizmo_id else None,
            files=self.state.files,
            allowed_operations=self.accounts.allowed_operations(key),
            clock=self.clock,
            rng=random.Random(question),
        )

    def _conversation(self, key: str, request: ConversationRequest) -> Conversation:
        store = self.state.conversations
        if request.conversation_id is None:
            return store.create(key, self.clock(), temporary=request.temporary)
        if request.temporary:
            return store.find_temporary(key, request.conversation_id)
        return store.find(key, request.conversation_id)
