"""`data:` URLs (RFC 2397), as clients really write them.

Accepted are base64 and percent-encoding, any parameters or none, white space anywhere, base64 of either
alphabet, with or without its padding, with percent-encoded `+` and `=`, and bare base64 without any `data:`
before it. The type that the URL declares is not read: `media.sniff` tells the type from the bytes. Decoding
goes in slices, since Python's decoders hold the interpreter lock: one call on a large picture would stop the
event loop even from another thread.
"""

import binascii
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from media.errors import Malformed, TooBig
from media.threads import DECODER
from runtime import HeldBytes

SLICE: Final = 256 * 1024
"""Characters decoded at once: well under a millisecond, and a multiple of 4."""
MAX_HEAD: Final = 1024
"""Longest `data:...,` part, in characters."""

_WHITE: Final = " \t\r\n\f"
_WITHOUT_WHITE: Final = dict.fromkeys(map(ord, _WHITE))
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


def is_data_url(text: str) -> bool:
    """Whether `text` begins with `data:`, in any case, perhaps after white space."""
    return text[:64].lstrip(_WHITE)[:5].lower() == "data:"


async def read_data_url(text: str, held: HeldBytes, *, max_bytes: int) -> bytes:
    """`decode_data_url`, in a thread if `text` is large. `held` has room for the bytes before they are made.

    Raises:
        NoRoom: there was none in time.
        Malformed, TooBig: as `decode_data_url` does.
    """
    in_base64, start = _read_head(text)
    most = (len(text) - start) * 3 // 4 if in_base64 else len(text) - start
    if (waiting := held.grow_to(min(most, max_bytes))) is not None:
        await waiting
    if len(text) <= SLICE:
        return decode_data_url(text, max_bytes=max_bytes)
    return await DECODER.run(decode_data_url, text, max_bytes=max_bytes)


def decode_data_url(text: str, *, max_bytes: int) -> bytes:
    """The bytes in a `data:` URL, or in bare base64; at least one.

    Raises:
        Malformed: it is neither, or holds nothing.
        TooBig: it holds more than `max_bytes`; of base64 that is known before anything is decoded.
    """
    in_base64, start = _read_head(text)
    if in_base64 and text.find("%", start) >= 0:
        if len(text) - start > max_bytes * 4 + SLICE:  # too long even if each character is escaped
            raise _too_big(max_bytes)
        text, start = b"".join(_percent_decoded(text, start)).decode("latin-1"), 0
    if len(text) - start > max_bytes and _least_size(text, start, in_base64) > max_bytes:
        raise _too_big(max_bytes)
    data = b"".join(_base64_decoded(text, start) if in_base64 else _percent_decoded(text, start))
    if not data:
        raise Malformed("The data URL is empty.")
    if len(data) > max_bytes:
        raise _too_big(max_bytes)
    return data


def _read_head(text: str) -> tuple[bool, int]:
    """Whether the data is in base64, and where it begins."""
    if not is_data_url(text):
        return True, 0
    comma = text.find(",", 0, MAX_HEAD)
    if comma < 0:
        raise Malformed("The data URL has no comma between its type and its data.")
    _, *parameters = text[:comma].translate(_WITHOUT_WHITE).lower().split(";")
    return "base64" in parameters, comma + 1


def _least_size(text: str, start: int, in_base64: bool) -> int:
    """The decoded size in bytes; for percent-encoding at least that."""
    length = len(text) - start
    if not in_base64:
        return length - 2 * _count(text, "%", start)
    return (length - sum(_count(text, c, start) for c in _WHITE + "=")) * 3 // 4


def _count(text: str, character: str, start: int) -> int:
    return sum(text.count(character, at, at + SLICE) for at in range(start, len(text), SLICE))


def _base64_decoded(text: str, start: int) -> Iterator[bytes]:
    rest = b""
    for at in range(start, len(text), SLICE):
        try:
            rest += text[at : at + SLICE].encode("ascii").translate(_STANDARD, _WHITE.encode())
        except UnicodeEncodeError:
            raise _no_base64() from None
        whole = len(rest) & ~3 if at + SLICE < len(text) else len(rest)
        piece, rest = rest[:whole], rest[whole:]
        if at + SLICE >= len(text):
            piece = piece.rstrip(b"=")
            piece += b"=" * (-len(piece) % 4)
        try:
            yield binascii.a2b_base64(piece, strict_mode=True)
        except binascii.Error:
            raise _no_base64() from None


def _percent_decoded(text: str, start: int) -> Iterator[bytes]:
    while start < len(text):
        end = start + SLICE
        escape = text.rfind("%", max(start, end - 2), end)
        if escape >= 0 and end < len(text):
            end = escape  # an escape stays in one slice
        try:
            yield unquote_to_bytes(text[start:end])
        except UnicodeEncodeError:
            raise Malformed("The data URL holds broken characters.") from None
        start = end


def _no_base64() -> Malformed:
    return Malformed("The data is not valid base64.")


def _too_big(max_bytes: int) -> TooBig:
    return TooBig(f"The data URL holds more than the limit of {max_bytes} bytes.")
