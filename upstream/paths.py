"""The paths that hold an id: the one place where they are built.

Ids come out of the backend's answers. One that is empty or odd must never get into a path, since a
neighbouring path can mean something very different: PATCH `conversation/{id}` hides one conversation,
PATCH `conversations` hides them all.
"""

import re
from typing import Final

from upstream.files.errors import OddAnswer

API: Final = "/backend-api"

_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
"""Ids are UUIDs, or such as `file-Ab12` and `file_00000000ab12`."""


def conversation_path(conversation_id: str) -> str:
    """Return the path of one stored conversation. Raises `OddAnswer` unless the id looks like one."""
    if _ID.fullmatch(conversation_id) is None:
        raise OddAnswer("id of a conversation")
    return f"{API}/conversation/{conversation_id}"


def file_path(file_id: str) -> str:
    """Return the path of one file. Raises `OddAnswer` unless the id looks like one."""
    if _ID.fullmatch(file_id) is None:
        raise OddAnswer("id of a file")
    return f"{API}/files/{file_id}"
