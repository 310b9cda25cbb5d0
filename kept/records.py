"""What is kept of one response, and how it is written."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import ujson

from translate.values import JsonObject, Place, objects_at, text_at


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A response, and what it takes to go on with it.

    `owner` stands for the caller, `at` is in Unix seconds. `response` is the object as the client got it,
    `gizmo` is the id of the GPT, empty for a model. `input` are the items that this turn brought, each with
    an id. `account` names the credential that has the backend's conversation, and `conversation_id` and
    `message_id` are the place in it, empty if it told none. `instructions` are the last ones that the
    conversation was given, `told` names what it was told of tools (the fingerprint of `translate.tools`), in
    the envelopes of `nonce`. `calls` are the names of the tools called so far, by the ids of the calls,
    `tokens` those of the whole chain. `size` is what it takes in bytes, known of one that was kept.
    """

    id: str
    owner: str
    at: float
    previous_id: str
    model: str
    gizmo: str
    response: JsonObject
    input: tuple[JsonObject, ...]
    account: str
    conversation_id: str
    message_id: str
    instructions: str
    told: str
    nonce: str
    calls: Mapping[str, str]
    tokens: int
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
    def place(self) -> Place | None:
        """Where the backend's conversation goes on."""
        if not (self.conversation_id and self.message_id):
            return None
        return Place(self.conversation_id, self.message_id)

    def with_calls(self, calls: Mapping[str, str]) -> "KeptResponse":
        """The record with these `calls`."""
        return replace(self, calls=calls)


def written(record: KeptResponse) -> bytes:
    """The record as JSON."""
    fields = asdict(record)
    del fields["size"]
    return ujson.dumps(fields, ensure_ascii=True, escape_forward_slashes=False).encode()


def read(data: bytes) -> KeptResponse:
    """The record that `written` wrote. Raises ValueError or TypeError if it is none."""
    fields = ujson.loads(data)
    return KeptResponse(**{**fields, "input": tuple(fields["input"]), "size": len(data)})
