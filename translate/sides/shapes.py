"""What a side request looks like: marks of its texts, and which messages have them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from translate.values import ChatMessage, Role

HEAD: Final = 8192
"""Characters at the beginning of a text in which marks are looked for: instructions come first, then what was
said.
"""
TAIL: Final = 400
"""Characters at the end of a text in which its end is looked for, white space included."""


class SideTask(StrEnum):
    """What a side request is for."""

    TITLE = "title"
    TAGS = "tags"
    FOLLOW_UPS = "follow_ups"
    SUMMARY = "summary"
    MEMORY = "memory"
    COMPLETION = "completion"
    QUERIES = "queries"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a text has in any language and for any conversation: how it begins, what it holds behind that, in
    this order, and how it ends. A text without anything of the person's in it has a `length` in characters; 0
    for any.
    """

    begins: str
    holds: tuple[str, ...] = ()
    ends: str = ""
    length: int = 0

    def fits(self, text: str) -> bool:
        """Whether `text` has all of it."""
        if self.length and len(text) != self.length:
            return False
        if not text.startswith(self.begins) or not text[-TAIL:].rstrip().endswith(self.ends):
            return False
        at = len(self.begins)
        for part in self.holds:
            found = text.find(part, at, HEAD)
            if found < 0:
                return False
            at = found + len(part)
        return True


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of side request of one client.

    `client` and `versions` say who sends it. Each of `system`, `first` and `last` is a choice of marks, empty
    for anything: for the first message if that is the system's, for the first one that is not, and for the
    last of all. With `alone` there is one message beside the system's, with `within` there are more. `role`
    is that of the last message. `streams` is whether the answer is streamed, None for either. `tools` are all
    that the request has, if it must have some; with `bare` there are none, and nothing was answered yet.
    """

    client: str
    versions: str
    task: SideTask
    system: tuple[Mark, ...] = ()
    first: tuple[Mark, ...] = ()
    last: tuple[Mark, ...] = ()
    alone: bool = False
    within: bool = False
    role: Role = "user"
    streams: bool | None = None
    tools: frozenset[str] = frozenset()
    bare: bool = False

    @property
    def name(self) -> str:
        """The client and the task, for logs and headers."""
        return f"{self.client}:{self.task}"

    def fits(self, messages: Sequence[ChatMessage], tools: Collection[str], *, streams: bool) -> bool:
        """Whether a request with these messages, at least one, and tools of these names has this shape."""
        if self.streams is not None and self.streams != streams:
            return False
        if messages[-1].role != self.role or (self.tools and self.tools != set(tools)):
            return False
        if self.bare and (tools or any(message.role == "assistant" for message in messages)):
            return False
        if self.last and not _any(self.last, messages[-1]):
            return False
        if self.system and not (messages[0].role == "system" and _any(self.system, messages[0])):
            return False
        said = [message for message in messages if message.role != "system"]
        if (self.alone and len(said) != 1) or (self.within and len(messages) < 2):
            return False
        return not self.first or (bool(said) and _any(self.first, said[0]))


def _any(marks: tuple[Mark, ...], message: ChatMessage) -> bool:
    return any(mark.fits(message.text) for mark in marks)
