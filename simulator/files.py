"""Files: uploaded by callers, or made by the backend (drawings, figures, sandbox files).

An upload has three steps: POST files creates it, PUT to a signed address of another host brings the bytes,
POST uploaded registers it (protocol notes, section 3). For a download a lookup gives a signed address, which
needs no bearer and expires (protocol notes, section 10).
"""

import hashlib
import mimetypes
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from simulator.knobs import Knobs
from simulator.messages import JsonObject
from simulator.refusals import Refusal, Refused

MAX_FILES = 1000
MAX_STORED_BYTES = 1024 * 1024 * 1024
"""Beyond either limit the oldest files are dropped."""
MAX_FILE_BYTES = 512 * 1024 * 1024
USE_CASES = ("multimodal", "my_files", "ace_upload")

IdScheme = Literal["file-service", "sediment", "sediment 2026"]
"""The form of a file's id: of 2023, of 2025, of 2026."""

FILE_NOT_FOUND = Refusal.detail(404, "File not found")


@dataclass(slots=True)
class StoredFile:
    """One file. `content` is None until its bytes came; `knobs` are those of the turn that made it."""

    id: str
    owner: str
    name: str
    use_case: str
    size: int
    created: float
    knobs: Knobs
    content: bytes | None = None
    is_registered: bool = False
    authorization_on_put: bool = False
    lookups: int = 0
    downloads: int = 0

    @property
    def pointer(self) -> str:
        """How messages refer to it: `file-service://file-...`, in 2025 `sediment://file_...`."""
        return f"{'sediment' if self.id.startswith('file_') else 'file-service'}://{self.id}"

    @property
    def is_generated(self) -> bool:
        """Whether the backend made it."""
        return self.use_case == "generated"

    @property
    def media_type(self) -> str:
        """The media type that the file's name suggests."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def is_ready(self) -> bool:
        """False for the first lookups, as many as the knob `not_ready` has: the store lags behind."""
        return self.lookups > self.knobs.not_ready

    def as_json(self) -> JsonObject:
        """One of the `files` in the simulator's state."""
        return {
            "id": self.id,
            "name": self.name,
            "use_case": self.use_case,
            "size": self.size,
            "sent": self.content is not None,
            "registered": self.is_registered,
            "authorization_on_put": self.authorization_on_put,
            "downloads": self.downloads,
        }


class FileStore:
    """All files of all accounts. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._secret = secrets.token_hex(16)
        self._by_id: dict[str, StoredFile] = {}

    def create_upload(self, owner: str, name: str, size: int, use_case: str, knobs: Knobs) -> StoredFile:
        """A file whose bytes are still to come; `size` in bytes, as the caller says."""
        file = StoredFile(_file_id(), owner, name, use_case, size, self._clock(), knobs)
        return self._add(file)

    def store_generated(
        self, owner: str, name: str, content: bytes, knobs: Knobs, scheme: IdScheme = "file-service"
    ) -> StoredFile:
        """A file that the backend made."""
        file = StoredFile(_ID_MAKERS[scheme](), owner, name, "generated", len(content), self._clock(), knobs)
        file.content, file.is_registered = content, True
        return self._add(file)

    def find(self, owner: str, file_id: str) -> StoredFile:
        """A file of the account. Raises Refused (404)."""
        file = self._by_id.get(file_id)
        if file is None or file.owner != owner:
            raise Refused(FILE_NOT_FOUND)
        return file

    def find_by_signature(
        self, file_id: str, purpose: str, expires: str, signature: str
    ) -> StoredFile | None:
        """The file of a signed address; None if the address has expired or was changed."""
        file = self._by_id.get(file_id)
        if file is None or signature != self._signature(file_id, purpose, expires):
            return None
        return file if expires.isdigit() and int(expires) > self._clock() else None

    def signed_query(self, file: StoredFile, purpose: str) -> str:
        """The query of a signed address; `purpose` is put or get."""
        expires = str(int(self._clock() + file.knobs.link_ttl))
        values = {"se": expires, "sp": "r" if purpose == "get" else "w", "sv": "2021-08-06"}
        if purpose == "get":
            values |= {"rscc": "max-age=31536000, private", "rscd": f"attachment; filename={file.name}"}
        return urlencode(values | {"sig": self._signature(file.id, purpose, expires)}, quote_via=quote)

    def estuary_query(self, file: StoredFile) -> str:
        """The query of an address that also needs the session (protocol notes, section 20.6)."""
        expires = str(int(self._clock() + file.knobs.link_ttl))
        signature = self._signature(file.id, "get", expires)
        return urlencode({"id": file.id, "ts": expires, "p": "fs", "cid": "1", "sig": signature, "v": "0"})

    def __iter__(self) -> Iterator[StoredFile]:
        return iter(self._by_id.values())

    def _add(self, file: StoredFile) -> StoredFile:
        self._by_id[file.id] = file
        while len(self._by_id) > MAX_FILES or self._has_too_many_bytes():
            del self._by_id[next(iter(self._by_id))]
        return file

    def _has_too_many_bytes(self) -> bool:
        stored = sum(len(file.content or b"") for file in self._by_id.values())
        return len(self._by_id) > 1 and stored > MAX_STORED_BYTES

    def _signature(self, file_id: str, purpose: str, expires: str) -> str:
        return hashlib.sha256(f"{self._secret}\0{file_id}\0{purpose}\0{expires}".encode()).hexdigest()


def _file_id() -> str:
    letters = string.ascii_letters + string.digits
    return "file-" + "".join(secrets.choice(letters) for _ in range(24))


_ID_MAKERS: dict[IdScheme, Callable[[], str]] = {
    "file-service": _file_id,
    "sediment": lambda: f"file_{secrets.token_hex(16)}",
    "sediment 2026": lambda: f"file_00000000{secrets.token_hex(12)}",
}
