"""Damage: what a record that cannot be read or applied may have taken from the answer.

Damage that may have touched a visible text makes the turn fail, unless it is repaired: a record that holds
the whole message makes good what was lost of that message before. Only what provably touches no visible text
is counted and skipped. How an unreadable record begins proves nothing: it may have run over the ends of lines
into other records. The protocol notes have the table (section 14.4).
"""

import re
from typing import Final

from translate.values import json_object

MAX_LOST: Final = 100
"""Messages of which records were lost at the same time; with more, nothing is repaired any more."""
MESSAGE_ID: Final = re.compile(rb'"message":\s*\{\s*"id":\s*"([^"\\]{1,200})"')
"""The beginning of a message. Inside a JSON string, its quotes would be escaped."""

TIME: Final = re.compile(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?")
"""The data of a ping that has lost its name (protocol notes, section 6)."""


def is_time(data: bytes) -> bool:
    """Whether an unreadable record is nothing but a time."""
    return TIME.fullmatch(data) is not None


def is_quiet(data: bytes) -> bool:
    """Whether the data of a ping is an object that says nothing, such as `{"t": 1}`."""
    value = json_object(data) if b"\n" not in data else None
    return value is not None and all(isinstance(one, int | float) for one in value.values())


def message_in(data: bytes) -> str:
    """The id of the message of which an unreadable record tells, or ""."""
    found = MESSAGE_ID.search(data)
    return found[1].decode(errors="replace") if found else ""


class Damage:
    """Which messages may lack text. It is `pending` until each of them was seen whole."""

    __slots__ = ("_lost", "beyond_repair")

    def __init__(self) -> None:
        self.beyond_repair = False
        """A message is lost for good."""
        self._lost: dict[str, bool] = {}

    @property
    def pending(self) -> bool:
        """The answer may lack text."""
        return self.beyond_repair or bool(self._lost)

    def lose(self, message_id: str, *, complete: bool = False) -> None:
        """A record was lost, of this message or behind it.

        With `complete` the message was whole before: then only a message right behind it can be meant.
        """
        if message_id not in self._lost and len(self._lost) >= MAX_LOST:
            self.beyond_repair = True
        else:
            self._lost[message_id] = complete and self._lost.get(message_id, True)

    def repair(self, message_id: str, parent_id: str) -> None:
        """The message, which follows directly on `parent_id`, was seen whole."""
        self._lost.pop(message_id, None)
        if self._lost.get(parent_id):
            del self._lost[parent_id]

    def repair_all(self) -> None:
        """All that was lost is repeated, or was nothing of the answer."""
        self._lost.clear()
