"""What the routes of responses and conversations have in common."""

import logging
import secrets
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from accounts import Caller
from kept import ConversationStore, KeepingFailed, KeptConversation, KeptResponse, ResponseStore
from ledger import KeyNames
from translate.openai import references, resolved, with_id
from translate.values import BadRequest, ChatMessage, JsonObject, NotFound, Overloaded

T = TypeVar("T")

log = logging.getLogger("pandora")


@dataclass(frozen=True, slots=True)
class ResponsesParts:
    """What the routes of responses work with beside what all answers do.

    `store` keeps responses, None if nothing is kept; `keys` name callers there. At most `longest_chain`
    responses are said again where the backend has lost their conversation. `busy` are the conversations in
    which an answer is being made here, with their owners.
    """

    store: ResponseStore | None
    keys: KeyNames
    longest_chain: int = 1000
    busy: set[tuple[str, str]] = field(default_factory=set)


@contextmanager
def alone(responses: ResponsesParts, caller: Caller, id: str) -> Iterator[None]:
    """Meanwhile no other answer of this instance is made in the conversation. Raises BadRequest."""
    place = responses.keys.digest(caller), id
    if place in responses.busy:
        raise BadRequest(
            "Another response is being made in this conversation. Try again when it is done.",
            param="conversation",
            code="conversation_locked",
        )
    responses.busy.add(place)
    try:
        yield
    finally:
        responses.busy.discard(place)


async def previous(responses: ResponsesParts, caller: Caller, id: str) -> KeptResponse:
    """A kept response of the caller that is followed. Raises BadRequest, Overloaded."""
    store = responses.store
    found = await reading(store.get(responses.keys.digest(caller), id)) if store is not None else None
    if found is None:
        raise BadRequest(
            f"Previous response{with_id(id)} not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return found


def conversations(responses: ResponsesParts, id: str) -> ConversationStore:
    """Where the conversation of that id would be. Raises NotFound if nothing is kept."""
    if responses.store is None:
        raise conversation_not_found(id)
    return responses.store.conversations


async def conversation(responses: ResponsesParts, caller: Caller, id: str) -> KeptConversation:
    """A conversation of the caller. Raises NotFound, Overloaded."""
    found = await reading(conversations(responses, id).get(responses.keys.digest(caller), id))
    if found is None:
        raise conversation_not_found(id)
    return found


async def whole_items(
    responses: ResponsesParts, caller: Caller, items: tuple[JsonObject, ...]
) -> tuple[JsonObject, ...]:
    """The items with those in place that are only named. Raises NotFound, Overloaded."""
    if not (named := references(items)):
        return items
    store, owner = responses.store, responses.keys.digest(caller)
    return resolved(items, await reading(store.output_items(owner, named)) if store is not None else {})


def conversation_not_found(id: str) -> NotFound:
    """There is no such conversation, or it is another caller's."""
    return NotFound(f"Conversation{with_id(id)} not found.")


def conversation_full() -> BadRequest:
    """Nothing can be added to the conversation."""
    return BadRequest(
        "The conversation is full. Delete items of it, or begin another one.",
        param="conversation",
        code="context_length_exceeded",
    )


async def reading(found: Awaitable[T], *, should_retry: bool | None = None) -> T:
    """What the store gives. Raises Overloaded if it cannot be reached now."""
    try:
        return await found
    except KeepingFailed as error:
        log.error("kept responses cannot be reached: %s", error)
        raise Overloaded(
            "Nothing can be kept or read now. Try again later.", retry_after=2, should_retry=should_retry
        ) from None


def new_id(prefix: str) -> str:
    """A fresh id, such as `resp_` and 48 hexadecimal digits."""
    return f"{prefix}_{secrets.token_hex(24)}"


def system(instructions: str) -> list[ChatMessage]:
    """The instructions as a message, if there are any."""
    return [ChatMessage("system", instructions)] if instructions else []
