"""Files of the backend, and a store for those of answers."""

import asyncio
from pathlib import Path

from accounts import Credential
from media import MediaStore
from runtime import HeldBytes
from upstream import UpstreamError
from upstream.files import BackendFiles, Download, Uploaded


class StoredFiles(BackendFiles):
    """Files of the backend: bytes by file id or path. What is missing fails with `failure`."""

    def __init__(self, files: dict[str, bytes] | None = None, failure: UpstreamError | None = None) -> None:
        self.files = files or {}
        self.failure = failure or UpstreamError("no such file")
        self.hidden: list[str] = []
        self.uploaded: list[tuple[bytes, str, str]] = []
        self.upload_failure: UpstreamError | None = None
        self.asked: list[str] = []
        self.shown_in: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.address = "https://files.example/"

    async def download_url(self, credential: Credential, file_id: str, conversation_id: str = "") -> str:
        self.shown_in.append(conversation_id)
        return await self._address(file_id)

    def needs_key(self, address: str) -> bool:
        return "/estuary/" in address

    async def sandbox_url(
        self, credential: Credential, conversation_id: str, message_id: str, path: str
    ) -> str:
        assert conversation_id not in self.hidden, "a sandbox goes with its conversation"
        return await self._address(path)

    async def _address(self, name: str) -> str:
        self.asked.append(name)
        await self.gate.wait()
        if name not in self.files:
            raise self.failure
        return self.address + name

    async def fetch(self, address: str, held: HeldBytes, credential: Credential | None = None) -> Download:
        assert credential is not None, "only its owner gets a file of today"
        name = address.removeprefix(self.address)
        data = self.files[name]
        if (waiting := held.grow_to(held.size + len(data))) is not None:
            await waiting
        return Download(data, f"{name}.png", "image/png")

    async def hide_conversation(self, credential: Credential, conversation_id: str) -> bool:
        self.hidden.append(conversation_id)
        return True

    async def upload(
        self,
        credential: Credential,
        data: bytes,
        name: str,
        media_type: str,
        *,
        width: int = 0,
        height: int = 0,
    ) -> Uploaded:
        self.uploaded.append((data, name, media_type))
        await self.gate.wait()
        if self.upload_failure is not None:
            raise self.upload_failure
        return Uploaded(f"file-{len(self.uploaded)}", name, media_type, len(data), width, height, None)


def stored_in(folder: Path) -> MediaStore:
    """A media store whose files are waited for by nobody."""
    return MediaStore(
        folder, max_file_bytes=10**6, max_total_bytes=10**7, max_age_seconds=0, fill_wait_seconds=0
    )
