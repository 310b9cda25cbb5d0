"""OpenAI's requests and answers: what a caller asks, and how it is answered."""

from translate.openai.chat import ChatStream, WholeChat
from translate.openai.errors import envelope
from translate.openai.images import (
    ImageRequest,
    ImagesAnswer,
    instruction,
    nothing_drawn,
    read_fields,
    read_generation,
)
from translate.openai.request import MAX_ATTACHMENTS, ChatRequest, read_chat

__all__ = [
    "MAX_ATTACHMENTS",
    "ChatRequest",
    "ChatStream",
    "ImageRequest",
    "ImagesAnswer",
    "WholeChat",
    "envelope",
    "instruction",
    "nothing_drawn",
    "read_chat",
    "read_fields",
    "read_generation",
]
