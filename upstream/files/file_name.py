"""The name that the backend gives to the bytes of a file (protocol notes, section 10)."""

from email.message import Message
from typing import Final
from urllib.parse import parse_qs, urlsplit

MAX_DISPOSITION: Final = 1024
"""Longest `Content-Disposition` that is read; file systems allow 255 bytes, perhaps percent-encoded."""


def download_name(url: str, disposition: str) -> str:
    """The file name in the `rscd` query value of a signed URL, else in a `Content-Disposition` header.

    "" if neither has one. The name may be any text, hostile ones included, with path parts and control
    characters.
    """
    signed = parse_qs(urlsplit(url).query).get("rscd", [""])[0]
    return _name_in(signed) or _name_in(_as_utf8(disposition))


def _name_in(disposition: str) -> str:
    if not disposition or len(disposition) > MAX_DISPOSITION:
        return ""
    message = Message()
    # The parser takes a line break as folding, and would read further parameters behind it.
    message["Content-Disposition"] = " ".join(disposition.splitlines())
    try:
        return message.get_filename() or ""
    except (ValueError, LookupError):
        return ""  # a malformed extended parameter (RFC 2231)


def _as_utf8(header: str) -> str:
    """Headers are read as Latin-1, but names in them are often sent as UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
