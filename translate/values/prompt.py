"""What a caller says to the model: messages and what is attached to them, independent of the API format."""

from dataclasses import dataclass, field
from typing import Literal

from translate.values.tools import ToolCall, ToolResult

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or file of a user's message.

    `source` is a `data:` URL, bare base64, or an http(s) URL; empty if the caller has stored it here before,
    as `file_id`. `name` is the file's name, empty if the caller gave none. `param` names the part of the
    request in error messages. `detail` is how closely the model should look at a picture (`low`, `high` or
    `auto`); it matters for counting tokens only.
    """

    kind: Literal["image", "file"]
    source: str = field(hash=False)  # which can be many megabytes
    name: str
    param: str
    detail: str = "auto"
    file_id: str = ""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the history; something of it is not empty.

    `calls` are those that an assistant's message made after its text, `results` those that a user's message
    begins with.
    """

    role: Role
    text: str
    attachments: tuple[Attachment, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of ours as it was posted, and as the backend will repeat it (protocol notes, section 7.2).

    `id` is the UUID that it was given, `picture_tokens` what its pictures count as.
    """

    id: str
    role: str
    text: str
    picture_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a conversation of the backend a message is posted: behind the message `parent_id`."""

    conversation_id: str
    parent_id: str
