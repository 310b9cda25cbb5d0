"""The snapshot dialect written by hand: what the backend would send."""

import json
import re

Json = dict[str, object]

DONE = b"data: [DONE]\n\n"
PING = b"event: ping\r\ndata: 2023-12-15 07:00:15.123456\r\n\r\n"

MODERATION: Json = {
    "conversation_id": "c1",
    "message_id": "a1",
    "is_completion": True,
    "moderation_response": {"flagged": False, "blocked": False, "moderation_id": "modr-1"},
}
BLOCKED: Json = MODERATION | {"moderation_response": {"flagged": True, "blocked": True}}
TITLE: Json = {"type": "title_generation", "title": "A title", "conversation_id": "c1"}
STOP: Json = {"finish_details": {"type": "stop", "stop_tokens": [100260]}, "is_complete": True}


def message(
    text: str,
    id: str = "a1",
    *,
    role: str = "assistant",
    name: str | None = None,
    status: str | None = "in_progress",
    end_turn: bool | None = None,
    parent: str | None = None,
    recipient: object = "all",
    content: Json | None = None,
    metadata: Json | None = None,
    weight: float = 1.0,
) -> Json:
    """An envelope; `status` None leaves it out, as in May 2023. Each id has a parent of its own."""
    inner: Json = {
        "id": id,
        "author": {"role": role, "name": name, "metadata": {}},
        "create_time": 1702623600.5,
        "update_time": None,
        "content": content if content is not None else {"content_type": "text", "parts": [text]},
    }
    if status is not None:
        inner["status"] = status
    inner |= {
        "end_turn": end_turn,
        "weight": weight,
        "metadata": {"message_type": "next", "model_slug": "gpt-4", "parent_id": parent or f"before-{id}"}
        | (metadata or {}),
        "recipient": recipient,
    }
    return {"message": inner, "conversation_id": "c1", "error": None}


def finished(text: str, id: str = "a1", *, end_turn: bool | None = True) -> Json:
    """The last snapshot of a message of the assistant."""
    return message(text, id, status="finished_successfully", end_turn=end_turn, metadata=STOP)


def echo(text: str, id: str, role: str = "user") -> Json:
    """A message of the request, as the backend repeats it."""
    return message(text, id, role=role, status="finished_successfully")


def hidden_system() -> Json:
    """The first message of every turn; it claims to end the turn."""
    return message("", "s1", role="system", status="finished_successfully", end_turn=True)


def growing(*texts: str, id: str = "a1") -> list[Json]:
    """Snapshots of one message, one for each text."""
    return [message(text, id) for text in texts]


def search_call(id: str = "call-1") -> Json:
    """A call of the browser: noise to the user."""
    content: Json = {"content_type": "code", "language": "unknown", "text": 'search("weather Oslo")'}
    return message(
        "", id, status="finished_successfully", end_turn=False, recipient="browser", content=content
    )


def tool_text(text: str, id: str = "tool-1", name: str = "myfiles_browser") -> Json:
    """What a tool tells the model."""
    return message(text, id, role="tool", name=name, status="finished_successfully")


def json_bytes(record: object, *, raw: bool = False) -> bytes:
    """`record` in Python's ASCII style or, for `raw`, compact with raw UTF-8."""
    if not raw:
        return json.dumps(record).encode()
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text).encode()


def sse(*records: object, done: bool = True, raw: bool = False) -> bytes:
    """A stream of `records`; bytes among them are taken as they are."""
    framed = (
        record if isinstance(record, bytes) else b"data: " + json_bytes(record, raw=raw) + b"\n\n"
        for record in records
    )
    return b"".join(framed) + (DONE if done else b"")


def turn_of(*texts: str, sent_id: str = "u1", question: str = "Hello") -> bytes:
    """A complete turn of plain text: system, echo, growth, finish, moderation, end."""
    return sse(
        hidden_system(),
        echo(question, sent_id),
        *growing("", *texts),
        finished(texts[-1]),
        MODERATION,
    )
