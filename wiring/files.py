"""Pictures and files: those of messages and answers, and those that callers store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from accounts import Caller
from ledger import KeyNames
from media import Fetcher, MediaReader, MediaStore
from runtime import ByteBudget
from settings import Settings
from turns import base64_size
from uploads import OwnFiles, UploadStore
from wiring.backend import proxy

__all__ = ["Files", "make_files"]


@dataclass(frozen=True, slots=True)
class Files:
    """Where files are kept, and what reads those of messages.

    `room` is for the bytes of files on their way. `own` gives the files of a caller, and is None where
    nothing is stored for callers.
    """

    room: ByteBudget
    media: MediaStore
    reader: MediaReader
    uploads: UploadStore
    own: Callable[[Caller], OwnFiles] | None


def make_files(settings: Settings, keys: KeyNames) -> Files:
    """Make the stores of files, in STATE_DIR."""
    state, max_bytes = Path(settings.state_dir), settings.media_max_file_bytes
    media = MediaStore(
        state / "media",
        max_file_bytes=max_bytes,
        max_total_bytes=settings.media_max_total_bytes,
        max_age_seconds=settings.media_max_age,
    )
    fetcher = Fetcher(max_bytes=max_bytes, proxy=proxy(settings.fetch_proxy)) if settings.fetch_urls else None
    uploads = UploadStore(
        state / "uploads",
        max_total_bytes=settings.files_max_total_bytes,
        max_age_seconds=settings.files_max_age,
    )

    def own_files(caller: Caller) -> OwnFiles:
        return uploads.of(keys.alias(caller))

    return Files(
        room=ByteBudget(settings.max_buffered_bytes // 2, largest=base64_size(max_bytes)),
        media=media,
        reader=MediaReader(fetcher, max_bytes=max_bytes, max_pixels=settings.max_image_pixels, store=media),
        uploads=uploads,
        own=own_files if settings.files_max_total_bytes else None,
    )
