"""A turn without application, network and HTTP: a scripted backend, books that remember, a client that keeps.

Real are the queue, the preparation, the media store, the conversation and the formats.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from accounts import Account, AccountQueue, Caller, Credential, KeyKind
from ledger import AccountSpent, Charge, ChargeBook
from media import MediaReader, MediaStore
from metrics import Attempt, Metrics
from pool import FileHealth, HealthBook, Policy, Pool, Sources
from recordings import Recorder
from runtime import BackgroundTasks, ByteBudget, HeldBytes
from tests.plenty import plenty
from tests.pool.world import Stands, World
from translate import Options
from translate.backend import PostedConversation
from translate.openai import ChatStream, ImagesAnswer, WholeChat
from translate.values import (
    BUILT_IN,
    AnswerFormat,
    ApiError,
    BackendLimits,
    ChatMessage,
    Elsewhere,
    Gizmo,
    JsonObject,
    Model,
)
from turns.attachments import AttachmentUploader
from turns.factory import TurnFactory
from turns.follow_ups import FollowUps, GptActions
from turns.outcome import TurnOutcome
from turns.parts import Runner, TurnParts, TurnRequest
from turns.preparation import Preparation, Prompt, PromptOptions
from turns.runner import TurnRunner
from turns.token_counter import TokenCounter
from upstream import NO_PREFLIGHT, Aborted, ConversationClient, Exchange, Preflight, UpstreamError
from upstream.account import AccountLimits
from upstream.elsewhere import Reader
from upstream.files import BackendFiles, Download, Uploaded
from upstream.gpts import GptDescriptions

ALICE = Caller("fk-alice")
BASE = "http://here"
GPT_4 = BUILT_IN[0]
OnData = Callable[[bytes], Awaitable[None] | None]


class Call:
    """One call of the backend, from the backend's side."""

    def __init__(
        self, credential: Credential, posted: PostedConversation, on_data: OnData, exchange: Exchange
    ) -> None:
        self.credential = credential
        self.posted = posted
        self.preflight = NO_PREFLIGHT
        self._on_data = on_data
        self._aborted = asyncio.Event()
        self.on_progress: Callable[[], None] = lambda: None
        self._facts = exchange.begin()
        self._facts.begin_part(self._aborted.set, lambda: self.on_progress())

    def connect(self) -> None:
        """The request reaches the backend."""
        self._facts.connected = True

    def answer(self, status: int = 200, content_type: str = "text/event-stream") -> None:
        """The headers of the answer."""
        self.connect()
        self._facts.status, self._facts.content_type = status, content_type
        self._facts.streaming = 200 <= status < 300 and content_type == "text/event-stream"

    async def send(self, data: bytes) -> None:
        """A piece of the event stream. Raises Aborted."""
        if self._facts.status is None:
            self.answer()
        if (receiving := self._on_data(data)) is not None:
            await receiving
        if self._aborted.is_set():
            raise Aborted

    async def stall(self) -> None:
        """Say nothing more. Raises Aborted."""
        await self._aborted.wait()
        raise Aborted

    def end(self) -> None:
        """There is nothing left to abort."""
        self._facts.end_part()


Script = Callable[[Call], Awaitable[None]]
"""How the backend behaves in one call."""


class ScriptedBackend(ConversationClient):
    """Plays one script for each call; the last one again and again."""

    def __init__(self, *scripts: Script, elsewhere: Sequence[bytes] = ()) -> None:
        self._scripts = list(scripts)
        self.calls: list[Call] = []
        self.preflights: list[tuple[Credential, JsonObject]] = []
        self.preflight_work: Callable[[], Awaitable[str | None]] | None = None
        """What each preflight does, if there are any."""
        self.elsewhere = list(elsewhere)
        """Streams that bring the rest of an answer, each from its start."""
        self.failure: UpstreamError | None = None
        """How following fails after them."""
        self.stopped: list[Elsewhere] = []
        """What nobody waited for."""

    def warm(self) -> None:
        """There is no connection."""

    async def converse(
        self,
        credential: Credential,
        posted: PostedConversation,
        on_data: OnData,
        exchange: Exchange,
        preflight: Preflight = NO_PREFLIGHT,
    ) -> None:
        call = Call(credential, posted, on_data, exchange)
        call.preflight = preflight
        script = self._scripts[min(len(self.calls), len(self._scripts) - 1)]
        self.calls.append(call)
        try:
            await script(call)
        finally:
            call.end()

    def preflight(self, credential: Credential, about: Callable[[], JsonObject]) -> Preflight:
        self.preflights.append((credential, about()))
        work = self.preflight_work
        return NO_PREFLIGHT if work is None else Preflight(asyncio.ensure_future(work()))

    async def follow(
        self, credential: Credential, posted: PostedConversation, reader: Reader, exchange: Exchange
    ) -> None:
        exchange.go_on()
        while self.elsewhere and reader.elsewhere is not None:
            reader.go_on(fresh=True)
            if (receiving := reader.receive(self.elsewhere.pop(0))) is not None:
                await receiving
            await reader.end()
        if self.failure is not None:
            raise self.failure

    async def stop(self, credential: Credential, elsewhere: Elsewhere) -> None:
        self.stopped.append(elsewhere)

    def secrets(self, credential: Credential) -> tuple[str, ...]:
        return (credential.secret,)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was posted, call by call."""
        return [json.loads(call.posted.encode()) for call in self.calls]


def sends(*pieces: bytes) -> Script:
    """The backend streams these pieces, and ends."""

    async def script(call: Call) -> None:
        for piece in pieces:
            await call.send(piece)

    return script


def sends_and_stalls(*pieces: bytes) -> Script:
    """The backend streams these pieces, and then nothing."""

    async def script(call: Call) -> None:
        call.answer()
        for piece in pieces:
            await call.send(piece)
        await call.stall()

    return script


def fails(error: UpstreamError, *pieces: bytes, status: int | None = None) -> Script:
    """The backend streams these pieces, and then the call fails; or it answers with `status` and fails."""

    async def script(call: Call) -> None:
        if status is not None:
            call.answer(status, "application/json")
        for piece in pieces:
            await call.send(piece)
        raise error

    return script


def record(
    text: str = "",
    *,
    id: str = "a1",
    done: bool = True,
    finish: str = "stop",
    content: dict[str, Any] | None = None,
    conversation_id: str = "c1",
    **message: Any,
) -> bytes:
    """A snapshot record of an assistant's message."""
    about: dict[str, Any] = {
        "id": id,
        "author": {"role": "assistant"},
        "content": content or {"content_type": "text", "parts": [text]},
        "status": "finished_successfully" if done else "in_progress",
        "end_turn": True if done and finish == "stop" else None,
        "recipient": "all",
        "metadata": {"model_slug": "gpt-4"} | ({"finish_details": {"type": finish}} if done else {}),
    } | message
    value = {"message": about, "conversation_id": conversation_id, "error": None}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def asks_permission(domain: str = "api.example.com", *, login: bool = False) -> bytes:
    """A GPT asks whether it may call a host, and the exchange ends."""
    target = {"target_message_id": "call-1"}
    always = target | {"operation_hash": "hash-1"}
    actions = [
        {"name": "allow", "type": "allow", "allow": target},
        {"name": "always_allow", "type": "always_allow", "always_allow": always},
    ]
    body = {"domain": domain, "operation": "getItem", "actions": actions}
    asked = {"type": "oauth_required" if login else "confirm_action", "body": body}
    return record(
        id="ask-1",
        author={"role": "tool", "name": "plugin.getItem"},
        metadata={"jit_plugin_data": {"from_server": asked}},
        end_turn=None,
    )


DONE = b"data: [DONE]\n\n"
CUT = record("Half a sen", done=True, finish="max_tokens") + DONE


def picture(pointer: str = "file-service://file-1", prompt: str = "a cat", *, id: str = "t1") -> bytes:
    """A record with a picture that a tool has drawn."""
    part = {
        "content_type": "image_asset_pointer",
        "asset_pointer": pointer,
        "width": 8,
        "height": 8,
        "metadata": {"dalle": {"prompt": prompt}},
    }
    content = {"content_type": "multimodal_text", "parts": [part]}
    return record(id=id, content=content, author={"role": "tool", "name": "dalle.text2im"}, end_turn=None)


@dataclass(slots=True)
class Entry:
    """One conversation in the books."""

    model: Model
    message_id: str
    outcome: Attempt | None = None
    served: str = ""
    conversation_id: str = ""
    capped_for: float | None = None
    tokens: tuple[int, int] | None = None


class RememberedCharge(Charge):
    """A charge that is kept in an `Entry`. It costs 14 units, unless the backend did not accept it."""

    def __init__(self, entry: Entry, on_tokens: Callable[[], None], stored: asyncio.Event) -> None:
        self.entry = entry
        self.stored = stored
        self.on_tokens = on_tokens
        self.answering = False
        self.units = 0

    def begin(self) -> None:
        assert self.entry.outcome is None, "what is settled does not go out"

    def answer_began(self) -> None:
        self.answering = True

    def settle(
        self,
        outcome: Attempt,
        *,
        served: str = "",
        conversation_id: str = "",
        capped_for: float | None = None,
    ) -> Awaitable[object]:
        assert self.entry.outcome is None, "a charge is settled once"
        self.entry.outcome, self.entry.served = outcome, served
        self.entry.conversation_id, self.entry.capped_for = conversation_id, capped_for
        self.units = 0 if outcome in (Attempt.UNSENT, Attempt.REFUSED) else 14
        return asyncio.ensure_future(self.stored.wait())

    def record_tokens(self, prompt: int, completion: int) -> Awaitable[object]:
        self.on_tokens()
        self.entry.tokens = prompt, completion
        return asyncio.ensure_future(self.stored.wait())


class Books(ChargeBook):
    """Charges in a list. With `room` there may be so many conversations, then `refusal` is raised. None may
    be on `spent_accounts`, and by `last_messages` so many in all while there is a conversation on an account.

    What is recorded is durable while `stored` is set, and what is posted while `posting` is.
    """

    def __init__(
        self,
        room: int = 1000,
        refusal: ApiError | None = None,
        spent_accounts: Collection[str] = (),
        last_messages: Mapping[str, int] | None = None,
    ) -> None:
        self.last_messages = last_messages or {}
        self.room = room
        self.spent_accounts = spent_accounts
        self.refusal = refusal
        self.entries: list[Entry] = []
        self.charges: list[RememberedCharge] = []
        self.reconciled: list[Credential] = []
        self.stored = asyncio.Event()
        self.stored.set()
        self.posting = asyncio.Event()
        self.posting.set()
        self.on_post: Callable[[], None] = lambda: None
        self.on_tokens: Callable[[], None] = lambda: None

    def allows(self, caller: Caller, model: Model, account: Account | None = None) -> bool:
        room = self.last_messages.get(account.alias, self.room) if account is not None else self.room
        return len(self.entries) < room

    def units(self, model: Model) -> int:
        return model.units

    async def post(
        self, caller: Caller, model: Model, message_id: str = "", account: Account | None = None
    ) -> Charge:
        await asyncio.sleep(0)
        self.on_post()
        if account is not None and account.alias in self.spent_accounts:
            raise AccountSpent("account_window", 60)
        if self.refusal is not None and len(self.entries) >= self.room:
            raise self.refusal
        self.entries.append(Entry(model, message_id))
        self.charges.append(RememberedCharge(self.entries[-1], self.on_tokens, self.stored))
        charge = self.charges[-1]
        await self.posting.wait()
        return charge

    def reconcile(self, caller: Caller, credential: Credential, account: Account | None = None) -> None:
        self.reconciled.append(credential)

    @property
    def outcomes(self) -> list[Attempt | None]:
        return [entry.outcome for entry in self.entries]


class StoredFiles(BackendFiles):
    """Files of the backend: bytes by file id or path. What is missing fails with `failure`."""

    def __init__(self, files: dict[str, bytes] | None = None, failure: UpstreamError | None = None) -> None:
        self.files = files or {}
        self.failure = failure or UpstreamError("no such file")
        self.hidden: list[str] = []
        self.uploaded: list[tuple[bytes, str, str]] = []
        self.upload_failure: UpstreamError | None = None
        self.asked: list[str] = []
        self.shown_in: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.address = "https://files.example/"

    async def download_url(self, credential: Credential, file_id: str, conversation_id: str = "") -> str:
        self.shown_in.append(conversation_id)
        return await self._address(file_id)

    def needs_key(self, address: str) -> bool:
        return "/estuary/" in address

    async def sandbox_url(
        self, credential: Credential, conversation_id: str, message_id: str, path: str
    ) -> str:
        assert conversation_id not in self.hidden, "a sandbox goes with its conversation"
        return await self._address(path)

    async def _address(self, name: str) -> str:
        self.asked.append(name)
        await self.gate.wait()
        if name not in self.files:
            raise self.failure
        return self.address + name

    async def fetch(self, address: str, held: HeldBytes, credential: Credential | None = None) -> Download:
        assert credential is not None, "only its owner gets a file of today"
        name = address.removeprefix(self.address)
        data = self.files[name]
        if (waiting := held.grow_to(held.size + len(data))) is not None:
            await waiting
        return Download(data, f"{name}.png", "image/png")

    async def hide_conversation(self, credential: Credential, conversation_id: str) -> bool:
        self.hidden.append(conversation_id)
        return True

    async def upload(
        self,
        credential: Credential,
        data: bytes,
        name: str,
        media_type: str,
        *,
        width: int = 0,
        height: int = 0,
    ) -> Uploaded:
        self.uploaded.append((data, name, media_type))
        await self.gate.wait()
        if self.upload_failure is not None:
            raise self.upload_failure
        return Uploaded(f"file-{len(self.uploaded)}", name, media_type, len(data), width, height, None)


class Described(GptDescriptions):
    """Descriptions of GPTs by id. What is missing fails with `failure`."""

    def __init__(self, known: dict[str, Gizmo] | None = None, failure: UpstreamError | None = None) -> None:
        self.known = known or {}
        self.failure = failure
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, gizmo_id: str, credential: Credential) -> Gizmo:
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.known[gizmo_id]


class KeptOutput:
    """A client that keeps what it gets. `gate`, if it is closed, holds up each delivery."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.begun: list[bool] = []
        self.is_quiet = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.on_deliver: Callable[[], None] = lambda: None
        self.on_quiet: Callable[[], None] = lambda: None

    async def deliver(self, out: bytes, *, begun: bool) -> None:
        self.on_deliver()
        await self.gate.wait()
        self.out.append(out)
        self.begun.append(begun)

    async def quiet(self) -> None:
        self.on_quiet()
        self.is_quiet = True

    @property
    def text(self) -> str:
        """The text of a chat stream so far."""
        events = b"".join(self.out).decode().split("\n\n")
        chunks = [json.loads(event[6:]) for event in events if event.startswith("data: {")]
        return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)


async def never_renewed(account: Account) -> bool:
    """No account gets another credential."""
    return False


@dataclass(slots=True)
class Rig:
    """What turns work with. Change it before `turn`."""

    backend: ScriptedBackend
    folder: Path
    books: Books = field(default_factory=Books)
    files: StoredFiles = field(default_factory=StoredFiles)
    descriptions: Described = field(default_factory=Described)
    metrics: Metrics = field(default_factory=lambda: Metrics(("chat",), [model.name for model in BUILT_IN]))
    tokens: TokenCounter = field(default_factory=TokenCounter)
    aftermath: BackgroundTasks = field(default_factory=BackgroundTasks)
    client: KeptOutput = field(default_factory=KeptOutput)
    all_taken: bool = False
    """The test holds the account's slot."""
    queue_length: int = 10
    retries: int = 0
    retry_unclear: bool = False
    hide: bool = False
    link_upstream: bool = False
    continue_limit: int = 3
    prompts: PromptOptions = field(default_factory=PromptOptions)
    actions: GptActions = "ask"
    queue: AccountQueue = field(init=False)
    limits: "RememberedLimits" = field(default_factory=lambda: RememberedLimits())
    media: MediaStore = field(init=False)
    recorder: Recorder = field(init=False)
    room: ByteBudget = field(default_factory=plenty)
    accounts: tuple[Account, ...] = ()
    """Those of the operator's, which keys of this service share."""
    renewed: Callable[[Account], Awaitable[bool]] = never_renewed
    max_wait: float = 60.0
    health: HealthBook = field(init=False)
    world: World = field(init=False)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        slots = dict.fromkeys(KeyKind, 1)
        self.queue = AccountQueue(
            slots, max_waiting=self.queue_length, max_wait=self.max_wait, metrics=self.metrics
        )
        self.health = HealthBook(FileHealth(self.folder / "health.json"))
        self.health.keep(account.alias for account in self.accounts)
        self.metrics.accounts.keep([account.alias for account in self.accounts], [])
        sources = Sources(lambda account, need: Stands(), lambda account, need: None, self.health)
        self.world = World(self.accounts)
        self.pool = Pool(self.world, self.queue, sources, Policy.FILL, self.metrics)
        self.media = stored_in(self.folder)
        self.recorder = Recorder(self.folder / "recordings", "off")

    @property
    def parts(self) -> TurnParts:
        reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
        uploader = AttachmentUploader(reader, self.files, self.room)
        return TurnParts(
            conversations=self.backend,
            pool=self.pool,
            health=self.health,
            renewed=self.renewed,
            charges=self.books,
            limits=self.limits,
            preparation=Preparation(self.descriptions, uploader, self.prompts),
            files=self.files,
            media=self.media,
            room=self.room,
            metrics=self.metrics,
            tokens=self.tokens,
            recorder=self.recorder,
            aftermath=self.aftermath,
            retries=self.retries,
            retry_unclear=self.retry_unclear,
            hide=self.hide,
            link_upstream=self.link_upstream,
        )

    def turn(self, format: AnswerFormat | None = None, request: TurnRequest | None = None) -> TurnRunner:
        follow_ups = FollowUps(continue_limit=self.continue_limit, actions=self.actions)
        return TurnRunner(self.parts, request or question(), format or chat_stream(), follow_ups)

    def renew(self, alias: str, credential: Credential) -> bool:
        """The account has another credential from now on."""
        renewed = Account(alias=alias, credential=credential)
        self.world.current = self.world.current.with_account(renewed)
        return True

    def anywhere(self, request: TurnRequest, format: AnswerFormat | None = None) -> Runner:
        """A turn as the handlers get it, on any account of its key."""
        turns = TurnFactory(self.parts, continue_limit=self.continue_limit, actions=self.actions)
        return turns.turn(request, format or chat_stream())

    async def run(
        self, format: AnswerFormat | None = None, request: TurnRequest | None = None
    ) -> TurnOutcome:
        """One turn, from its beginning to its end; nothing may be left behind."""
        outcome = await self.turn(format, request).run(self.client)
        self.check_clean()
        return outcome

    def check_clean(self) -> None:
        """Every charge is settled, and the slot is free or will be in a moment."""
        assert None not in self.books.outcomes
        assert self.queue.waiting == 0
        assert self.client.is_quiet

    def counted(self, name: str, **labels: str) -> float:
        """A value of the metrics."""
        value = self.metrics.registry.get_sample_value(name, labels)
        assert value is not None, "no such metric"
        return value


class RememberedLimits(AccountLimits):
    """Remembers what a turn has told of limits; asks no backend."""

    def __init__(self) -> None:
        self.told: list[tuple[Credential, BackendLimits]] = []
        self.ended: list[Credential] = []

    def note(self, credential: Credential, limits: BackendLimits) -> None:
        self.told.append((credential, limits))

    def turn_ended(self, credential: Credential) -> None:
        self.ended.append(credential)


def stored_in(folder: Path) -> MediaStore:
    """A media store whose files are waited for by nobody."""
    return MediaStore(
        folder, max_file_bytes=10**6, max_total_bytes=10**7, max_age_seconds=0, fill_wait_seconds=0
    )


def question(text: str = "Hello", model: Model = GPT_4, **fields: Any) -> TurnRequest:
    options = fields.pop("options", Options())
    message = ChatMessage("user", text, fields.pop("attachments", ()))
    return replace(TurnRequest(ALICE, Prompt(model, [message]), options, BASE), **fields)


def chat_stream() -> ChatStream:
    return ChatStream(id="chatcmpl-1", created=1, model="gpt-4-s")


def whole_chat() -> WholeChat:
    return WholeChat(id="chatcmpl-1", created=1, model="gpt-4-s")


def images(limit: int = 1) -> ImagesAnswer:
    return ImagesAnswer(1, limit)


def completion(format: WholeChat, outcome: TurnOutcome) -> dict[str, Any]:
    """The body that a whole answer gets."""
    assert outcome.end is not None
    body: dict[str, Any] = json.loads(format.finish(outcome.end))
    return body


def drawn(format: ImagesAnswer, outcome: TurnOutcome) -> Sequence[dict[str, str]]:
    """The pictures that an images answer tells."""
    assert outcome.end is not None
    data: list[dict[str, str]] = json.loads(format.finish(outcome.end))["data"]
    return data
