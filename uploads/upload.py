"""What is known of one stored file besides its bytes, and how that is written down."""

import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

from translate.values import JsonObject, json_bytes, json_object

_ID: Final = re.compile(r"file-[0-9a-f]{24}")


def new_upload_id() -> str:
    """A fresh id, which cannot be guessed."""
    return f"file-{secrets.token_hex(12)}"


def is_upload_id(text: str) -> bool:
    """Whether `text` may be an id of ours; only that is ever used as the name of a file on disk."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Upload:
    """One stored file of `size` bytes.

    `purpose` is what the caller said that it is for. `created_at` and `expires_at` are Unix seconds; None if
    it is kept until it is deleted.
    """

    id: str
    filename: str
    purpose: str
    size: int
    created_at: int
    expires_at: int | None = None

    def is_over(self, now: float) -> bool:
        """Whether it is no longer kept."""
        return self.expires_at is not None and self.expires_at <= now

    def to_json(self) -> bytes:
        """What is written beside the bytes."""
        return json_bytes(
            {
                "id": self.id,
                "filename": self.filename,
                "purpose": self.purpose,
                "size": self.size,
                "created_at": self.created_at,
                "expires_at": self.expires_at,
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> Self | None:
        """What `to_json` has written; None if it is something else."""
        found: JsonObject = json_object(data) or {}
        texts = [found.get(name) for name in ("id", "filename", "purpose")]
        numbers = [found.get("size"), found.get("created_at")]
        expires_at = found.get("expires_at")
        id, filename, purpose = (text if isinstance(text, str) else "" for text in texts)
        size, created_at = (number if isinstance(number, int) else -1 for number in numbers)
        if not is_upload_id(id) or min(size, created_at) < 0:
            return None
        return cls(
            id, filename, purpose, size, created_at, expires_at if isinstance(expires_at, int) else None
        )
