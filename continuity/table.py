"""Which answers the backend's conversations have: what is kept of them, and which one a request goes on
behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from continuity.fingerprint import Fingerprint
from translate.values import Place

MOST_LOOKED_AT: Final = 32
"""Answers behind the same history; where there are more, none of them is gone on with."""


class TableFailed(Exception):
    """Nothing can be kept, or found, now. The text says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: for so many seconds, and so many answers of one caller and of all; the oldest go
    first. A caller may have some more for a moment.
    """

    seconds: float = 30 * 86400.0
    per_owner: int = 10_000
    answers: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A whole answer, and where it is: whoever says the same history and more goes on behind it.

    `owner` stands for the caller, and `fingerprint` for all that was said, the answer included. `home` names
    the account that has the conversation. `told` names what the conversation was told of tools, in the
    envelopes of `nonce`. `tokens` are those of all that was said, `at` is in Unix seconds.
    """

    owner: str
    fingerprint: Fingerprint
    home: str
    place: Place
    told: str = ""
    nonce: str = ""
    tokens: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """A node that was kept, the newer one the later in a list. With `taken` something was posted behind
    it.
    """

    node: Node
    taken: bool


class ConversationTable(Protocol):
    """Each method may raise `TableFailed`."""

    async def add(self, node: Node) -> None:
        """Keep an answer; it is found from then on."""
        ...

    async def take(self, owner: str, fingerprint: Fingerprint) -> Node | None:
        """The answer behind which a history goes on, as `chosen` says: something is posted there now."""
        ...

    async def forget(self, node: Node) -> None:
        """The backend does not have it any more."""
        ...

    async def close(self) -> None:
        """Close the file or the connections."""
        ...


def chosen(strict: Sequence[Known], similar: Sequence[Known]) -> Node | None:
    """The answer behind which a history goes on, None if that is not sure.

    `strict` are those with the very same history, of which there is one in most cases. The same words may
    have been said in several conversations ("Hi", "Hello!"), by several people too who share a key: then it
    is the one that nobody has gone on with, if that is the only one such. Of those with a `similar` history
    it is the only one.
    """
    if strict:
        latest = {known.node.place.conversation_id: known for known in strict}
        candidates = list(latest.values())
        if len(candidates) > 1:
            candidates = [known for known in candidates if not known.taken]
        return candidates[0].node if len(candidates) == 1 else None
    places = {known.node.place: known.node for known in similar}
    return next(iter(places.values())) if len(places) == 1 else None


def written(node: Node) -> tuple[object, ...]:
    """The fields of a node, in the order in which they are kept."""
    told, place = node.fingerprint, node.place
    return (
        node.owner, told.strict, told.tolerant, node.home, place.conversation_id, place.parent_id,
        node.told, node.nonce, node.tokens, node.at,
    )  # fmt: skip


def read(fields: Sequence[Any]) -> Node:
    """The node of these fields. Raises ValueError if they are none."""
    owner, strict, tolerant, home, conversation_id, message_id, told, nonce, tokens, at = fields
    return Node(
        owner=owner,
        fingerprint=Fingerprint(strict, tolerant),
        home=home,
        place=Place(conversation_id, message_id),
        told=told,
        nonce=nonce,
        tokens=tokens,
        at=at,
    )
