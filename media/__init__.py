"""Pictures and files: those that the backend made for the user, kept and served from here, and those
that users send, read before they are uploaded.

`MediaStore` keeps; `MediaReader` reads what a message refers to, a `data:` URL or an address on the web
(fetched by a `Fetcher`). The errors are a small family of their own. Disk, decoding and whatever else
takes time happens in a few threads, never on the event loop.
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
from media.fetch import Fetched, Fetcher
from media.names import public_path
from media.reader import Content, MediaReader
from media.sniff import Picture, sniff
from media.store import MediaStore, Stored
from media.stored_file import StoredFile

__all__ = [
    "Content",
    "FetchFailed",
    "Fetched",
    "Fetcher",
    "Malformed",
    "MediaError",
    "MediaReader",
    "MediaStore",
    "NotStored",
    "NotYetStored",
    "Picture",
    "StoreFailed",
    "Stored",
    "StoredFile",
    "TooBig",
    "Unusable",
    "UrlRefused",
    "WrongType",
    "public_path",
    "sniff",
]
