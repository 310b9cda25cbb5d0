"""`/v1/conversations`: what was said in responses with `conversation`, and what callers add and delete there.

Only who has made a conversation sees it: the id of somebody else's is a 404.
"""

import time

from accounts import Caller
from catalogue import CallerModels
from handlers.body import BodyHandler
from handlers.emulation import computed
from handlers.responses.pages import no_such_item, page_body, wanted_page
from handlers.responses.parts import (
    ResponsesParts,
    conversation,
    conversation_full,
    conversation_not_found,
    new_id,
    reading,
    whole_items,
)
from kept import ConversationFull, ConversationStore, KeptConversation
from runtime import COMPUTING
from translate.openai import JsonBody, conversation_items, conversation_metadata, settled, with_id
from translate.values import JsonObject, NotFound, json_bytes


class ConversationBase(BodyHandler[JsonBody]):
    """What the routes of conversations have in common."""

    route = "conversations"

    def initialize(self, store: ConversationStore, responses: ResponsesParts, models: CallerModels) -> None:
        """`store` keeps conversations, `responses` names callers and finds items of responses, `models` knows
        whom the backend has answered.
        """
        self.store = store
        self.responses = responses
        self.models = models

    def new_body(self) -> JsonBody:
        """JSON."""
        return JsonBody()

    async def kept(self, caller: Caller, id: str) -> KeptConversation:
        """The caller's conversation of that id. Raises NotFound, Overloaded."""
        return await conversation(self.responses, caller, id)

    def asking(self) -> Caller:
        """Who asks without a body. Raises Unauthorized."""
        caller = self.read_caller()
        self.common.doorkeeper.check_key(caller)
        return caller

    async def new_items(self, data: JsonObject, *, needed: bool) -> tuple[JsonObject, ...]:
        """The items that a request adds. Raises ApiError."""
        size = self.whole_body().other_bytes
        items = await computed(size, conversation_items, data, new_id, needed=needed)
        return settled(await whole_items(self.responses, self.caller, items), new_id)


class ConversationsHandler(ConversationBase):
    """`POST /v1/conversations`."""

    async def post(self) -> None:
        """Make a conversation. Raises ApiError."""
        data = await self.parsed(JsonBody.read_object)
        metadata = conversation_metadata(data)
        items = await self.new_items(data, needed=False)
        await self.prove_key(self.models)
        owner = self.responses.keys.digest(self.caller)
        made = KeptConversation(new_id("conv"), owner, time.time(), metadata)
        try:
            await reading(self.store.create(made, items))
        except ConversationFull:
            raise conversation_full() from None
        self.send_body(json_bytes(conversation_object(made)))


class ConversationHandler(ConversationBase):
    """`/v1/conversations/{id}`."""

    async def get(self, id: str) -> None:
        """The conversation without its items. Raises ApiError."""
        self.send_body(json_bytes(conversation_object(await self.kept(self.asking(), id))))

    async def post(self, id: str) -> None:
        """Give it other metadata. Raises ApiError."""
        data = await self.parsed(JsonBody.read_object)
        metadata = conversation_metadata(data, needed=True)
        if not await reading(self.store.describe(self.responses.keys.digest(self.caller), id, metadata)):
            raise conversation_not_found(id)
        self.send_body(json_bytes(conversation_object(await self.kept(self.caller, id))))

    async def delete(self, id: str) -> None:
        """Forget it with its items. Raises ApiError."""
        owner = self.responses.keys.digest(self.asking())
        if not await reading(self.store.delete(owner, id)):
            raise conversation_not_found(id)
        self.send_body(json_bytes({"id": id, "object": "conversation.deleted", "deleted": True}))


class ItemsHandler(ConversationBase):
    """`/v1/conversations/{id}/items`."""

    async def get(self, id: str) -> None:
        """A page of the items, the newest first. Raises ApiError."""
        wanted, kept = wanted_page(self), await self.kept(self.asking(), id)
        page = await reading(
            self.store.items(
                kept.owner,
                id,
                limit=wanted.limit,
                after=wanted.after,
                newest_first=wanted.order == "desc",
            )
        )
        if page is None:
            raise no_such_item(wanted.after)
        self.send_body(await COMPUTING.run(page_body, page.items, more=page.more))

    async def post(self, id: str) -> None:
        """Add items, and give them as they are kept. Raises ApiError."""
        data = await self.parsed(JsonBody.read_object)
        kept = await self.kept(self.caller, id)
        items = await self.new_items(data, needed=True)
        try:  # a second attempt might add them twice
            added = await reading(self.store.append(kept.owner, id, items), should_retry=False)
        except ConversationFull:
            raise conversation_full() from None
        if not added:
            raise conversation_not_found(id)
        self.send_body(await COMPUTING.run(page_body, items, more=False))


class ItemHandler(ConversationBase):
    """`/v1/conversations/{id}/items/{item_id}`."""

    async def get(self, id: str, item_id: str) -> None:
        """The item. Raises ApiError."""
        kept = await self.kept(self.asking(), id)
        item = await reading(self.store.item(kept.owner, id, item_id))
        if item is None:
            raise item_not_found(item_id)
        self.send_body(await COMPUTING.run(json_bytes, item))

    async def delete(self, id: str, item_id: str) -> None:
        """Forget the item, and give its conversation. Raises ApiError."""
        kept = await self.kept(self.asking(), id)
        if not await reading(self.store.remove(kept.owner, id, item_id)):
            raise item_not_found(item_id)
        self.send_body(json_bytes(conversation_object(kept)))


def conversation_object(kept: KeptConversation) -> JsonObject:
    """A conversation, as OpenAI writes it."""
    return {
        "id": kept.id,
        "object": "conversation",
        "created_at": int(kept.created),
        "metadata": kept.metadata,
    }


def item_not_found(id: str) -> NotFound:
    """The conversation has no such item."""
    return NotFound(f"Item{with_id(id)} not found.")
