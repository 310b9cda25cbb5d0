"""Items that are a whole history, of which the backend has a conversation: only what is new is posted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from continuity import Node
from kept import Standing
from translate.openai import calls_in
from translate.values import JsonObject, Model


@dataclass(frozen=True, slots=True)
class RecognisedPast:
    """See `Past`: the answer `node` of the backend's conversation, behind which `new` messages follow. The
    request itself has all that was said.
    """

    node: Node
    new: int
    standing: Standing
    called: Mapping[str, str]

    async def items(self) -> Sequence[JsonObject]:
        """None beside those of the request."""
        return ()


def recognised_past(
    node: Node, new: int, model: Model, instructions: str, items: Sequence[JsonObject]
) -> RecognisedPast:
    """What a request goes on behind that repeats all that was said: its `items`, after `instructions`."""
    standing = Standing(
        gizmo=model.gizmo_id,
        account=node.home,
        conversation_id=node.place.conversation_id,
        message_id=node.place.parent_id,
        instructions=instructions,
        told=node.told,
        nonce=node.nonce,
        calls={},
        tokens=node.tokens,
    )
    return RecognisedPast(node, new, standing, calls_in(items))
