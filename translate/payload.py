"""A chat request as the body of POST ``backend-api/conversation``.

Each message of the history becomes one element of one ``messages`` array, with a fresh id and its
own role. The backend takes the last user message as the question and echoes the others.
"""

from collections.abc import Callable, Sequence

import ujson

from translate.escape import SURROGATE, whole
from translate.interpreter import Sent
from translate.models import GPT_35_TURBO, Model
from translate.request import ChatMessage


def conversation(
    model: Model, messages: Sequence[ChatMessage], new_id: Callable[[], str]
) -> tuple[bytes, list[Sent]]:
    """The body, and what it sends in the form in which the interpreter will meet it again.

    ``new_id`` gives a fresh UUID at each call. A new conversation has no ``conversation_id``, and a
    random ``parent_message_id``.
    """
    sent = [Sent(new_id(), message.role, _clean(message.text)) for message in messages]
    body: dict[str, object] = {
        "action": "next",
        "messages": [
            {
                "id": message.id,
                "author": {"role": message.role},
                "content": {"content_type": "text", "parts": [message.text]},
                "metadata": {},
            }
            for message in sent
        ],
        "parent_message_id": new_id(),
        "model": model.slug,
        "timezone_offset_min": 0,
        "suggestions": [],
        "history_and_training_disabled": False,
        "conversation_mode": {"kind": "primary_assistant"},
        "force_paragen": False,
        "force_rate_limit": False,
    }
    if model.slug == GPT_35_TURBO.slug:
        body["arkose_token"] = None
    return ujson.dumps(body, escape_forward_slashes=False).encode(), sent


def _clean(text: str) -> str:
    return whole(text) if SURROGATE.search(text) else text
