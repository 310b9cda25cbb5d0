"""Side requests, which clients send by themselves: who can answer them, and how the client is told."""

from collections.abc import Sequence
from typing import Final

from handlers.continuing import most_tokens
from translate.values import ChatMessage, Model

SIDE_HEADER: Final = "x-side-request"
"""Names the client and what it asks for; only in answers to side requests."""
CHARACTERS_PER_TOKEN: Final = 3
"""Of text in ASCII, at least; any other character may be a token of its own."""


def may_answer(model: Model, messages: Sequence[ChatMessage]) -> bool:
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
