"""The JSON body of a request: collected in pieces, within limits, and parsed once it is whole."""

import json
import re
from collections.abc import Iterator
from typing import Final

from translate.openai.json_scan import PIECE, SMALL_TEXT, JsonScan, surely_within_limits
from translate.values import ApiError, BadRequest, JsonObject, well_formed

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PLACEHOLDER: Final = "NaN"
"""Stands for a long string while the rest is parsed: no JSON, but the parser asks what it means."""
_HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")


class JsonBody:
    """Call `feed` with each piece of the body, cut anywhere, and `read_object` at the end."""

    def __init__(self) -> None:
        self._bytes = bytearray()  # grows in its place, and is never copied as a whole
        self._size = 0
        self._scan: JsonScan | None = None  # as long as the body is small

    def feed(self, piece: bytes) -> None:
        """Keep a piece of the body. Raises BadRequest or TooLarge, and keeps nothing, beyond a limit."""
        self._size += len(piece)
        self._bytes += piece
        if self._scan is not None:
            self._look_over(self._scan, piece)
        elif self._size > SMALL_TEXT:
            self._begin_scan()

    @property
    def other_bytes(self) -> int:
        """Bytes of the body that are in no long string of ASCII: about what its text takes."""
        return self._size if self._scan is None else self._scan.other_bytes

    def clear(self) -> None:
        """Keep nothing."""
        self._bytes = bytearray()

    def read_object(self) -> JsonObject:
        """The JSON object in the body, of which nothing is kept. Raises BadRequest if there is none, or if a
        small body is beyond a limit.

        Halves of characters outside of the Basic Multilingual Plane, as only escapes can write them, are
        replaced by U+FFFD.
        """
        if self._scan is None and not surely_within_limits(self._bytes):
            self._begin_scan()
        try:
            data = self._parse()
        except (ValueError, RecursionError):
            raise BadRequest("We could not parse the JSON body of your request.") from None
        if not isinstance(data, dict):
            raise BadRequest("The body of the request must be a JSON object.")
        return data

    def _begin_scan(self) -> None:
        self._scan = JsonScan()
        self._look_over(self._scan, bytes(self._bytes))

    def _look_over(self, scan: JsonScan, piece: bytes) -> None:
        try:
            scan.feed(piece)
        except ApiError:
            self.clear()
            raise

    def _parse(self) -> object:
        """Parse the bytes, and keep them no longer than needed.

        Long strings are parsed one by one: they hold ASCII alone, and would take four times the memory as
        parts of a text that has other characters too.
        """
        body, self._bytes = self._bytes, bytearray()
        long_strings = self._scan.long_strings if self._scan is not None else []
        at = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
        if not long_strings:
            text = str(memoryview(body)[at:], "utf-8")
            del body
            return _whole(text, _NO_CONSTANTS.decode(text))
        whole = memoryview(body)
        rest: list[bytes | memoryview] = []
        strings: list[str] = []
        for start, end, as_is in long_strings:
            rest += (whole[at:start], _PLACEHOLDER.encode())
            strings.append(
                str(whole[start + 1 : end - 1], "ascii")
                if as_is
                else json.loads(str(whole[start:end], "ascii"))
            )
            at = end
        text = b"".join((*rest, whole[at:])).decode()
        del body, whole, rest
        found = iter(strings)
        return _whole(text, json.loads(text, parse_constant=lambda name: _next_string(name, found)))


def read_object(body: bytes) -> JsonObject:
    """The JSON object in the request `body`. Raises BadRequest or TooLarge."""
    whole = JsonBody()
    for at in range(0, len(body), PIECE):
        whole.feed(body[at : at + PIECE])
    return whole.read_object()


def _next_string(name: str, strings: Iterator[str]) -> str:
    """What stands for the next constant of the text. There are too few strings if one is the body's own."""
    string = next(strings, None)
    if name != _PLACEHOLDER or string is None:
        raise ValueError(f"{name} is not JSON")
    return string


def _no_constant(name: str) -> object:
    """Python takes `NaN` and the infinities for JSON, unless it is told otherwise."""
    raise ValueError(f"{name} is not JSON")


_NO_CONSTANTS: Final = json.JSONDecoder(parse_constant=_no_constant)


def _whole(text: str, data: object) -> object:
    """What `text` was parsed as, with every string well-formed."""
    return _repaired(data) if _HALF_CHARACTER.search(text) else data


def _repaired(data: object) -> object:
    """`data` with every string well-formed."""
    if isinstance(data, str):
        return well_formed(data)
    if isinstance(data, list):
        return [_repaired(item) for item in data]
    if isinstance(data, dict):
        return {well_formed(name): _repaired(value) for name, value in data.items()}
    return data
