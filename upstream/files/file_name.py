"""The name that the backend gives to the bytes of a file."""

from email.message import Message
from typing import Final
from urllib.parse import parse_qs, urlsplit

MAX_DISPOSITION: Final = 1024
"""Longest Content-Disposition looked at; file systems end at 255 bytes, perhaps percent-encoded."""


def download_name(url: str, disposition: str) -> str:
    """Return the file name in the `rscd` query value of a signed URL, else in a Content-Disposition.

    "" if neither tells one. The name is as hostile as its author: it may be any text, path parts and
    control characters included.
    """
    signed = parse_qs(urlsplit(url).query).get("rscd", [""])[0]
    return _name_in(signed) or _name_in(_utf8(disposition))


def _name_in(disposition: str) -> str:
    if not disposition or len(disposition) > MAX_DISPOSITION:
        return ""
    message = Message()
    # A line break would be taken as folding, and make the parser see further parameters.
    message["Content-Disposition"] = " ".join(disposition.splitlines())
    try:
        return message.get_filename() or ""
    except (ValueError, LookupError):
        return ""  # an extended parameter (RFC 2231) that is not one


def _utf8(header: str) -> str:
    """Headers are read as Latin-1, but names in them are often sent as UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
