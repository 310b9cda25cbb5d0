"""Side requests, which clients send by themselves: who answers them, and how the client is told."""

from collections.abc import Sequence
from typing import Final

from handlers.answer import AnswerHandler
from handlers.body import AnyBody
from handlers.continuing import most_tokens
from translate.sides import side_request
from translate.values import ChatMessage, Model, NotFound, Toolbox

SIDE_HEADER: Final = "x-side-request"
"""Names the client and what it asks for; only in answers to side requests."""
CHARACTERS_PER_TOKEN: Final = 3
"""Of text in ASCII, at least; any other character may be a token of its own."""


async def side_answerer(
    handler: AnswerHandler[AnyBody],
    name: str,
    asked: Model,
    messages: Sequence[ChatMessage],
    toolbox: Toolbox | None,
    *,
    streams: bool,
) -> Model | None:
    """The model that answers a side request to the model `asked`; None if a person asks, or if it is not
    known. `name` is that of the model which answers where it can, empty if none is to. Log, metrics and a
    header say what was asked. Raises ApiError.
    """
    if not name or not messages:
        return None
    tools = [tool.name for tool in toolbox.tools] if toolbox is not None else ()
    shape = side_request(messages, tools, streams=streams)
    if shape is None:
        return None
    handler.side = shape.name
    handler.set_header(SIDE_HEADER, shape.name)
    handler.common.metrics.side_request(shape.client, shape.task)
    try:
        model = await handler.resolve(name)
    except NotFound:  # the key is not for it, or it is a GPT that is gone
        return asked
    charges = handler.common.charges
    dearer = charges.units(model) > charges.units(asked)
    return asked if dearer or not _may_answer(model, messages) else model


def _may_answer(model: Model, messages: Sequence[ChatMessage]) -> bool:
    """Whether `model` can answer a request with these messages: it reads all of them at once, and there is no
    picture or file, which it may not take.
    """
    if any(message.attachments for message in messages):
        return False
    texts = [text for message in messages for text in _texts(message)]
    return sum(map(_most_tokens_of, texts)) <= most_tokens(model)


def _texts(message: ChatMessage) -> list[str]:
    calls = [call.arguments for call in message.calls]
    return [message.text, *calls, *(result.text for result in message.results)]


def _most_tokens_of(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN if text.isascii() else len(text)
