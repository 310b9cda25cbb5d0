"""What keeps responses and conversations: the interface of SQLite and of Redis."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kept.records import KeptConversation, KeptResponse, Page, Standing
from translate.values import JsonObject

DAY: Final = 86400.0
TOO_LARGE: Final = "The response is too large to be kept."


class KeepingFailed(Exception):
    """Nothing can be kept, or read, now. The text says why and holds no secret."""


class ConversationFull(Exception):
    """The items do not fit into the conversation any more."""


@dataclass(frozen=True, slots=True)
class KeptBounds:
    """How much is kept: for so many days, and of all callers so many bytes, and responses and conversations
    together; the oldest go first. A response of more than `largest` bytes is not kept. Items of responses are
    looked for in `at_once` bytes of them. A conversation has at most so many bytes and items, and a caller at
    most `conversations`, the oldest go first: making one costs nothing, and must not drive out what others
    have.
    """

    days: int
    responses: int = 10_000
    size: int = 1 << 30
    largest: int = 16 << 20
    at_once: int = 64 << 20
    conversation: int = 32 << 20
    items: int = 10_000
    conversations: int = 1000


class ResponseStore(Protocol):
    """Each method may raise `KeepingFailed`. To whoever is not its owner there is no response."""

    @property
    def conversations(self) -> "ConversationStore":
        """Where conversations are kept."""
        ...

    async def put(self, record: KeptResponse) -> None:
        """Keep a response; it is durable then."""
        ...

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        """A response; None if there is none."""
        ...

    async def delete(self, owner: str, id: str) -> bool:
        """Forget a response; gives whether there was one."""
        ...

    async def output_items(self, owner: str, ids: Collection[str]) -> Mapping[str, JsonObject]:
        """The output items of these ids, as far as there are any; within the bounds."""
        ...

    async def close(self) -> None:
        """Close the file or the connections, also those of the conversations."""
        ...


class ConversationStore(Protocol):
    """Each method may raise `KeepingFailed`. To whoever is not its owner there is no conversation.

    What was written is durable. A conversation is as old as its last change. Its items have ids that differ.
    """

    async def create(self, conversation: KeptConversation, items: Sequence[JsonObject]) -> None:
        """Keep a new conversation with these items. Raises ConversationFull."""
        ...

    async def get(self, owner: str, id: str) -> KeptConversation | None:
        """A conversation; None if there is none."""
        ...

    async def describe(self, owner: str, id: str, metadata: Mapping[str, str]) -> bool:
        """Give it other metadata; gives whether there is one."""
        ...

    async def delete(self, owner: str, id: str) -> bool:
        """Forget it and its items; gives whether there was one."""
        ...

    async def append(
        self,
        owner: str,
        id: str,
        items: Sequence[JsonObject],
        standing: Standing | None = None,
        seen: int | None = None,
    ) -> bool:
        """Put all items behind those that there are, in one step; gives whether there is a conversation.

        `standing` is kept if no item came or went since the version `seen`; else there is none any more.
        Raises ConversationFull; nothing has changed then.
        """
        ...

    async def remove(self, owner: str, id: str, item_id: str) -> bool:
        """Forget an item; gives whether there was one."""
        ...

    async def item(self, owner: str, id: str, item_id: str) -> JsonObject | None:
        """An item; None if there is none."""
        ...

    async def items(
        self, owner: str, id: str, *, limit: int, after: str = "", newest_first: bool = False
    ) -> Page | None:
        """Some items behind that of the id `after`, as many as there are and `limit` says, or `largest`
        bytes. None if there is no such conversation or item.
        """
        ...

    async def all_items(self, owner: str, id: str) -> Sequence[JsonObject]:
        """All items, in order."""
        ...
