"""What is kept of responses and conversations, and how it is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Final

from translate.values import JsonObject, Place, json_bytes, objects_at, parsed_json, text_at

ITEM_BYTES: Final = 200
"""What keeping an item takes beside the item itself, roughly."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What it takes to go on after an answer.

    `gizmo` is the id of the GPT, empty for a model. `account` names the account that has the backend's
    conversation (see `Slot.home`), and `conversation_id` and `message_id` are the place in it, empty if it
    told none. `instructions` are the last ones that the conversation was given, `told` names what it was told
    of tools (the fingerprint of `translate.tools`), in the envelopes of `nonce`. `calls` are the names of the
    tools called so far, by the ids of the calls, `tokens` those of all that was said.
    """

    gizmo: str
    account: str
    conversation_id: str
    message_id: str
    instructions: str
    told: str
    nonce: str
    calls: Mapping[str, str]
    tokens: int

    @property
    def place(self) -> Place | None:
        """Where the backend's conversation goes on."""
        if not (self.conversation_id and self.message_id):
            return None
        return Place(self.conversation_id, self.message_id)


@dataclass(frozen=True, slots=True)
class KeptResponse(Standing):
    """A response, and what it takes to go on with it.

    `owner` stands for the caller, `at` is in Unix seconds. `response` is the object as the client got it,
    `input` are the items that this turn brought, each with an id. `previous_id` is that of the response that
    it follows, `conversation` that of the kept conversation that it is part of; either may be empty. `size`
    is what it takes in bytes, known of one that was kept.
    """

    id: str
    owner: str
    at: float
    previous_id: str
    model: str
    response: JsonObject
    input: tuple[JsonObject, ...]
    conversation: str = ""
    size: int = field(default=0, compare=False)

    @property
    def output(self) -> list[JsonObject]:
        """The items that it was answered with."""
        return objects_at(self.response, "output")

    @property
    def output_ids(self) -> Iterator[str]:
        """Their ids."""
        return (text_at(item, "id") for item in self.output)

    @property
    def standing(self) -> Standing:
        """What it takes to go on with it, alone."""
        return Standing(**{each.name: getattr(self, each.name) for each in fields(Standing)})

    def with_calls(self, calls: Mapping[str, str]) -> "KeptResponse":
        """The record with these `calls`."""
        return replace(self, calls=calls)


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation without its items.

    `owner` stands for the caller, `created` is in Unix seconds. `standing` is that after the last answer,
    None where there is none, or where items came or went otherwise since. `version` is another one after each
    change of the items. `room` are the bytes that still fit in, `free` the items.
    """

    id: str
    owner: str
    created: float
    metadata: Mapping[str, str]
    standing: Standing | None = None
    version: int = 0
    room: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a conversation's items; with `more` others follow."""

    items: Sequence[JsonObject]
    more: bool


@dataclass(frozen=True, slots=True)
class WrittenItem:
    """An item as it is stored, and its id."""

    id: str
    data: bytes

    @property
    def size(self) -> int:
        """What it takes in bytes."""
        return len(self.data) + ITEM_BYTES


def written(record: KeptResponse) -> bytes:
    """The record as JSON."""
    fields = asdict(record)
    del fields["size"]
    return json_bytes(fields)


def read(data: bytes) -> KeptResponse:
    """The record that `written` wrote. Raises ValueError or TypeError if it is none."""
    fields = parsed_json(data)
    return KeptResponse(**{**fields, "input": tuple(fields["input"]), "size": len(data)})


def written_items(items: Sequence[JsonObject]) -> list[WrittenItem]:
    """The items as they are stored."""
    return [WrittenItem(text_at(item, "id"), json_bytes(item)) for item in items]


def written_standing(standing: Standing | None) -> bytes:
    """The standing as JSON; nothing for none."""
    return json_bytes(asdict(standing)) if standing is not None else b""


def read_standing(data: bytes) -> Standing | None:
    """What `written_standing` wrote. Raises ValueError or TypeError if it is no such thing."""
    return Standing(**parsed_json(data)) if data else None


def page_of(found: Iterable[bytes], limit: int, most: int) -> Page:
    """The first items of those found: at most so many, and so many bytes, but one in any case."""
    items: list[JsonObject] = []
    size = 0
    for data in found:
        size += len(data)
        if len(items) == limit or (items and size > most):
            return Page(items, more=True)
        items.append(parsed_json(data))
    return Page(items, more=False)
