"""What a response follows: a chain of responses, or the items of a conversation."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from accounts import Caller
from handlers.responses.parts import ResponsesParts, conversation, conversations, previous, reading
from kept import ConversationStore, KeptConversation, KeptResponse, Standing
from translate.openai import ResponsesRequest, calls_in
from translate.values import BadRequest, JsonObject

MAX_CHAIN_BYTES: Final = 64 << 20
"""What the responses of a chain may take together that is said again, with what is attached to them."""


class Past(Protocol):
    """What was said before a response.

    `standing` is what it takes to go on, None if all has to be said again. `called` are the tools that were
    called, by the ids of the calls.
    """

    @property
    def standing(self) -> Standing | None:
        """See the class."""
        ...

    @property
    def called(self) -> Mapping[str, str]:
        """See the class."""
        ...

    async def items(self) -> Sequence[JsonObject]:
        """All that was said, the oldest first; to be asked for once. Raises ApiError."""
        ...


class ChainPast:
    """The chain that ends with the response `latest`."""

    def __init__(self, responses: ResponsesParts, caller: Caller, latest: KeptResponse) -> None:
        self._responses = responses
        self._caller = caller
        self._latest = latest
        self.standing = latest
        self.called = latest.calls

    async def items(self) -> Sequence[JsonObject]:
        """See `Past`. Raises BadRequest, Overloaded."""
        chain, size = [self._latest], self._latest.size
        while before := chain[-1].previous_id:
            chain.append(await previous(self._responses, self._caller, before))
            size += chain[-1].size
            if len(chain) > self._responses.longest_chain or size > MAX_CHAIN_BYTES:
                raise BadRequest(
                    "The backend has lost the conversation, and it is too long to be said again.",
                    param="previous_response_id",
                    code="context_length_exceeded",
                )
        if chain[-1].conversation:
            raise BadRequest(
                "The backend has lost what came before this response. Go on with its conversation instead.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return [item for record in reversed(chain) for item in (*record.input, *record.output)]


class ConversationPast:
    """The items of the conversation `kept`, which are `found` already where it has no standing."""

    def __init__(
        self, store: ConversationStore, kept: KeptConversation, found: Sequence[JsonObject] = ()
    ) -> None:
        self._store = store
        self._found = found
        self.kept = kept
        self.standing = kept.standing
        self.called = kept.standing.calls if kept.standing is not None else calls_in(found)

    async def items(self) -> Sequence[JsonObject]:
        """See `Past`. Raises Overloaded."""
        if self.standing is None:
            found, self._found = self._found, ()  # they may be many, and the answer takes its time
            return found
        return await reading(self._store.all_items(self.kept.owner, self.kept.id))


async def conversation_past(responses: ResponsesParts, caller: Caller, id: str) -> ConversationPast:
    """What is in the conversation of that id. Raises NotFound, Overloaded."""
    kept = await conversation(responses, caller, id)
    store = conversations(responses, id)
    found = await reading(store.all_items(kept.owner, id)) if kept.standing is None else ()
    return ConversationPast(store, kept, found)


async def past_of(responses: ResponsesParts, caller: Caller, request: ResponsesRequest) -> Past | None:
    """What the response to `request` follows, if anything. Raises BadRequest, NotFound, Overloaded."""
    if request.conversation:
        return await conversation_past(responses, caller, request.conversation)
    if request.previous_id:
        return ChainPast(responses, caller, await previous(responses, caller, request.previous_id))
    return None
