"""The simulated backend without HTTP: what all routes share."""

import asyncio
import random
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping

from simulator.accounts import Accounts, quota_units
from simulator.agents import Said, is_asked_again, read_instructions
from simulator.answers import Prompt
from simulator.conduits import Conduits
from simulator.conversations import Conversation, Conversations
from simulator.exchange import Exchange
from simulator.files import FileStore
from simulator.gizmos import find_gizmo
from simulator.kind_names import KIND_NAMES_2026
from simulator.knob_values import InvalidKnob
from simulator.knobs import Knobs, apply_marker, remove_marker
from simulator.later import run_later
from simulator.limits import FeatureLimits
from simulator.live_turns import LiveTurn, LiveTurns
from simulator.messages import is_account_context
from simulator.protocol_versions import PROTOCOL_VERSIONS, ProtocolVersion
from simulator.refusals import REFUSALS, Refused, invalid, named_refusal
from simulator.request import ConversationRequest, check_parent
from simulator.state import ObservedStream, State
from simulator.turn import Turn
from simulator.turn_sender import TurnSender
from simulator.turn_steps import TurnStep
from simulator.user_sockets import UserSockets
from simulator.websocket import WebSocketHub

_LEFT_OUT = re.compile(r"\ball of it is in the attached file ([\w.-]+\.txt)\b")


class Backend:
    """State, accounts, WebSocket connections and the knobs' defaults.

    `clock` gives Unix seconds; `dead_keys` is as in `Accounts`, `max_conversations` as in `Conversations`.
    """

    def __init__(
        self,
        knobs: Knobs,
        clock: Callable[[], float],
        dead_keys: Mapping[str, str],
        max_conversations: int,
    ) -> None:
        self.knobs = knobs
        self.clock = clock
        self.state = State(FileStore(clock), Conversations(max_conversations))
        self.accounts = Accounts(clock, dead_keys)
        self.websockets = WebSocketHub()
        self.limits = FeatureLimits(clock, lambda key, feature: self.accounts.condition(key).blocks(feature))
        self.live_turns = LiveTurns()
        self.user_sockets = UserSockets()
        self.conduits = Conduits()
        self._websocket_turns: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def version(self) -> ProtocolVersion:
        """That of the knobs' defaults, which decides on the routes; a marker changes one answer only."""
        return PROTOCOL_VERSIONS[self.knobs.age]

    @property
    def has_f_routes(self) -> bool:
        """Whether f/conversation and its like exist."""
        return self.version.is_2026 if self.knobs.f_routes is None else self.knobs.f_routes

    def start_task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """A task that `stop` cancels unless it is done before."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel all tasks and wait for their end, then drop all WebSocket connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.websockets.drop_all()
        self.user_sockets.drop_all()

    def charge_attempt(self, key: str, model: str) -> None:
        """Count an attempt and its quota units, which it costs whatever its outcome."""
        self.accounts.counts(key).attempts += 1
        self.state.attempts += 1
        self.state.quota_units += quota_units(model)

    def start_websocket_turn(
        self, sender: TurnSender, steps: Iterator[TurnStep], stream: ObservedStream, request_id: str
    ) -> None:
        """Send a turn that goes on without its HTTP request, to its end or until it is stopped."""
        work = self._send_over_websocket(sender, steps, stream, request_id)
        self._websocket_turns[request_id] = self.start_task(work)

    def start_live_turn(
        self, sender: TurnSender, steps: Iterator[TurnStep], stream: ObservedStream, live: LiveTurn
    ) -> asyncio.Task[None]:
        """Send a turn of 2026, which may go on without its HTTP request; then do what comes after it."""
        self.live_turns.add(live)
        live.task = self.start_task(self._send_live(sender, steps, stream, live))
        return live.task

    def stop_conversation(self, conversation_id: str) -> None:
        """Stop the running turn of a conversation, and its tasks; nothing happens without one."""
        live = self.live_turns.latest(conversation_id)
        if live and live.task:
            live.task.cancel()

    def stop_websocket_turn(self, request_id: str) -> None:
        """Stop the turn of a request id; nothing happens for an unknown one."""
        task = self._websocket_turns.get(request_id)
        if task:
            task.cancel()

    def read_conversation(self, key: str, conversation_id: str) -> Conversation:
        """A conversation of the account, for one who polls.

        Raises Refused: 404 as `Conversations.find`, which in 2026 finds temporary ones too, and for the first
        reads after a turn as the knobs `poll_fails` and `poll_error` have it.
        """
        store = self.state.conversations
        if not self.version.is_2026:
            return store.find(key, conversation_id)
        conversation = store.find_any(key, conversation_id)
        conversation.reads += 1
        knobs = conversation.knobs or self.knobs
        refusal = named_refusal(knobs.poll_error)
        if refusal and conversation.reads <= knobs.poll_fails:
            raise Refused(refusal)
        return conversation

    def new_turn(self, key: str, request: ConversationRequest) -> Turn:
        """The turn that a request asks for.

        Raises Refused: 404 for an unknown conversation or GPT, 422 for a marker with an invalid knob.
        """
        conversation = self._conversation(key, request)
        before, posted = _branch(conversation, request), self._posted(key, request)
        self.state.conversations.count(conversation, sum(len(text) for _, text in posted))
        texts = [*before, *posted]
        user_texts = [text for role, text in texts if role == "user"]
        user_texts = user_texts or [text for _, text in texts[-1:]] or [""]
        try:
            question, knobs = apply_marker(user_texts[-1], self.knobs)
        except InvalidKnob as problem:
            raise Refused(invalid([(["messages"], f"simulator: {problem}", "value_error")])) from None
        knobs = self.accounts.message_knobs(key, knobs)
        asked, habit = read_instructions(before, posted), knobs.habit
        earlier_answer = conversation.disobedience.get(request.parent_message_id)
        if earlier_answer and is_asked_again(before, posted):
            asked, habit = earlier_answer.asked, "" if earlier_answer.amends else earlier_answer.habit
            knobs = knobs.set({"amends": earlier_answer.amends})
        prompt = Prompt(
            question=asked.question or question,
            model=request.model,
            earlier=tuple(remove_marker(text) for text in user_texts[:-1]),
            system="\n".join(text for role, text in texts if role in ("system", "critic") and text),
            tokens=knobs.tokens,
            seed=knobs.seed,
        )
        version = PROTOCOL_VERSIONS[knobs.age]
        _check_for_version(request, knobs, version)
        usual = "delta" if version.delta_on_request and request.wants_delta else version.default_dialect
        return Turn(
            key=key,
            request=request,
            knobs=knobs,
            version=version,
            dialect=usual if knobs.dialect == "age" else knobs.dialect,
            conversation=conversation,
            prompt=prompt,
            gizmo=find_gizmo(request.gizmo_id) if request.gizmo_id else None,
            files=self.state.files,
            allowed_operations=self.accounts.allowed_operations(key),
            clock=self.clock,
            rng=random.Random(question),
            limits=self.limits,
            exchange=Exchange.begin(request, knobs) if version.is_2026 else None,
            asked=asked,
            habit=habit,
        )

    def _posted(self, key: str, request: ConversationRequest) -> list[Said]:
        """Role and text of each message of a request; what a text leaves out is read in its attached file.

        Raises Refused (404) for a file that is unknown.
        """
        ids = [file_id for message in request.messages for file_id in message.attached_file_ids]
        said = []
        for message in request.messages:
            left_out = _LEFT_OUT.search(message.text)
            files = [self.state.files.find(key, file_id) for file_id in ids] if left_out else []
            name = left_out.group(1) if left_out else ""
            whole = next((file.content for file in files if file.name == name and file.content), None)
            said.append((message.role, message.text if whole is None else whole.decode(errors="replace")))
        return said

    def _conversation(self, key: str, request: ConversationRequest) -> Conversation:
        store = self.state.conversations
        if request.conversation_id is None:
            created = store.create(key, self.clock(), temporary=request.temporary)
            created.visible = False  # until its first message is accepted
            return created
        if request.temporary:
            return store.find_temporary(key, request.conversation_id)
        return store.find(key, request.conversation_id)

    async def _send_live(
        self, sender: TurnSender, steps: Iterator[TurnStep], stream: ObservedStream, live: LiveTurn
    ) -> None:
        conversation = self.state.conversations.of_id(live.conversation_id)
        try:
            await sender.send(steps)
        except ConnectionError:
            stream.outcome = "client_closed"
        except asyncio.CancelledError:
            stream.outcome = "stopped" if stream.is_open else stream.outcome
            raise
        finally:
            if conversation and stream.outcome != "complete":
                conversation.interrupt()
            live.finish(failed=stream.outcome not in ("complete", "stopped"))
            self.accounts.end_message(stream.key)
            over = {"conversation_id": live.conversation_id, "turn_id": live.exchange.id}
            self.user_sockets.publish(live.key, {"type": "conversation-turn-complete", "payload": over})
        if conversation and not live.failed:
            await run_later(live, conversation, self.user_sockets)

    async def _send_over_websocket(
        self, sender: TurnSender, steps: Iterator[TurnStep], stream: ObservedStream, request_id: str
    ) -> None:
        try:
            await sender.send(steps)
        except asyncio.CancelledError:
            stream.outcome = "stopped"
        finally:
            self.accounts.end_message(stream.key)
            del self._websocket_turns[request_id]


def _check_for_version(request: ConversationRequest, knobs: Knobs, version: ProtocolVersion) -> None:
    """Raises Refused: 413 for a message that is too long in 2026, 422 for what older ages do not know."""
    if version.is_2026:
        longest = max((len(message.text) for message in request.messages), default=0)
        if knobs.max_message and longest > knobs.max_message:
            raise Refused(REFUSALS["message_length_exceeds_limit"])
        return
    check_parent(request)
    if knobs.kind in KIND_NAMES_2026:
        needs = f"simulator: kind={knobs.kind} needs age=2026"
        raise Refused(invalid([(["messages"], needs, "value_error")]))


def _branch(conversation: Conversation, request: ConversationRequest) -> list[Said]:
    """Role and text of each message in the branch that a request goes on with.

    Raises Refused (404) for an unknown message.
    """
    stored = conversation.branch(request.parent_message_id) if request.conversation_id else []
    return [(each.role, each.text) for each in stored if not is_account_context(each.content)]
