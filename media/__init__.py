"""Pictures and files: those that the backend made for the user, kept and served from here, and those that
users send, read before they are uploaded.

`MediaStore` keeps files on disk; `MediaReader` reads what a message refers to: a `data:` URL, or an address
on the web, which a `Fetcher` fetches. What goes wrong is told by one family of errors. Disk, decoding and
whatever else takes time happens in a few threads, never on the event loop.
"""

from media.errors import (
    FetchFailed,
    Malformed,
    MediaError,
    NotStored,
    NotYetStored,
    StoreFailed,
    TooBig,
    Unusable,
    UrlRefused,
    WrongType,
)
from media.fetch import Fetcher
from media.names import public_path
from media.reader import Content, MediaReader
from media.store import MediaStore
from media.stored_file import StoredFile

__all__ = [
    "Content",
    "FetchFailed",
    "Fetcher",
    "Malformed",
    "MediaError",
    "MediaReader",
    "MediaStore",
    "NotStored",
    "NotYetStored",
    "StoreFailed",
    "StoredFile",
    "TooBig",
    "Unusable",
    "UrlRefused",
    "WrongType",
    "public_path",
]
