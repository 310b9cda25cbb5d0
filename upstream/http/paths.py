"""The paths that hold an id: the one place where they are built (protocol notes, section 3).

Ids come out of the backend's answers. One that is empty or malformed must never get into a path, since a
neighbouring path can mean something very different: PATCH `conversation/{id}` hides one conversation,
PATCH `conversations` hides them all.
"""

import re
from typing import Final

from upstream.http.errors import UnusableAnswer

API: Final = "/backend-api"
"""All paths of the backend begin so."""

_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
"""Ids are UUIDs, or such as `file-Ab12` and `file_00000000ab12`."""


def conversation_path(conversation_id: str) -> str:
    """Return the path of one stored conversation. Raises UnusableAnswer unless the id looks like one."""
    return f"{API}/conversation/{_checked(conversation_id)}"


def deletion_path(conversation_id: str) -> str:
    """Return the path that only DELETE asks for. Raises UnusableAnswer unless the id looks like one."""
    return f"{API}/conversation/id/{_checked(conversation_id)}"


def file_path(file_id: str) -> str:
    """Return the path of one file. Raises UnusableAnswer unless the id looks like one."""
    if _ID.fullmatch(file_id) is None:
        raise UnusableAnswer("id of a file")
    return f"{API}/files/{file_id}"


def _checked(conversation_id: str) -> str:
    if _ID.fullmatch(conversation_id) is None:
        raise UnusableAnswer("id of a conversation")
    return conversation_id
