"""A form in the body of a request (`multipart/form-data`, RFC 7578): its fields and files, within limits.

The body is searched for one fixed mark, from part to part, and each part is looked at once: the work is
linear, whatever the form holds.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from translate.values import BadRequest, UnsupportedMediaType

MAX_PARTS: Final = 64
"""Fields and files; the largest legal form has some 40."""
MAX_HEADER_BYTES: Final = 8192
"""All headers of one part."""
MAX_FIELD_BYTES: Final = 256 * 1024
"""The value of one field that is no file: the longest prompt, in any script."""
MAX_NAME: Final = 256
"""Characters of the name of a field or a file."""

_BOUNDARY: Final = re.compile(r'boundary\s*+=\s*+(?:"([^"]{1,200})"|([^\s;",]{1,200}))', re.IGNORECASE)
_PARAMETER: Final = re.compile(r';\s*+([\w*-]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]*+))')
_ENCODED: Final = re.compile(r"(?i:utf-8)'[^']*'(.*)", re.DOTALL)
_QUOTED: Final = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form; `name` is empty if the form gives none."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The last value of each field, and all files, by the names of their fields."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[FormFile]] = field(default_factory=dict)


class FormBody:
    """Call `feed` with each piece of the body, cut anywhere, and `read_form` at the end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self._pieces.append(piece)

    def clear(self) -> None:
        """Keep nothing."""
        self._pieces.clear()

    def read_form(self, content_type: str) -> Form:
        """The form, of which the body keeps nothing; `content_type` is that header of the request.

        Raises:
            BadRequest, UnsupportedMediaType: as `read_form` does.
        """
        body = b"".join(self._pieces)
        self.clear()
        return read_form(content_type, body)


def read_form(content_type: str, body: bytes) -> Form:
    """The form in `body`; `content_type` is that header of the request.

    Raises:
        BadRequest: it is damaged, or above a limit, which the error names.
        UnsupportedMediaType: the header has no boundary.
    """
    mark = b"\r\n--" + _boundary(content_type)
    form = Form()
    if body.startswith(mark[2:]):
        at = len(mark) - 2
    elif (found := body.find(mark)) >= 0:  # what stands before it means nothing
        at = found + len(mark)
    else:
        raise _damaged("its boundary is missing")
    for _ in range(MAX_PARTS + 1):
        if body.startswith(b"--", at):
            return form
        line = body.find(b"\r\n", at, at + MAX_HEADER_BYTES)
        if line < 0 or body[at:line].strip(b" \t"):
            raise _damaged("a boundary has no end of its line")
        # Headers begin behind the line of the boundary; a part without any has an empty line at once.
        headers_end = body.find(b"\r\n\r\n", line, line + MAX_HEADER_BYTES)
        if headers_end < 0:
            raise _damaged(f"a part has no end of its headers within {MAX_HEADER_BYTES} bytes")
        end = body.find(mark, headers_end + 2)
        if end < 0:
            raise _damaged("its last boundary is missing")
        _add(form, body[line + 2 : headers_end], body, headers_end + 4, end)
        at = end + len(mark)
    raise BadRequest(f"The form holds more than {MAX_PARTS} fields and files.")


def _boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise UnsupportedMediaType("The form has no boundary.")
    return (found[1] or found[2]).encode("latin-1", "replace")


def _add(form: Form, headers: bytes, body: bytes, start: int, end: int) -> None:
    """Add the part whose value is in `body` from `start` to `end`."""
    named = _disposition(headers.decode("utf-8", "replace"))
    name = named.get("name", "")
    if not name:
        raise _damaged("a part has no name")
    is_file = "filename" in named or "filename*" in named
    if len(name) > MAX_NAME:
        raise BadRequest(f"The form has a field whose name exceeds {MAX_NAME} characters.")
    if not is_file:
        if end - start > MAX_FIELD_BYTES:
            raise BadRequest(f"The field '{name}' exceeds {MAX_FIELD_BYTES} bytes.", param=name)
        form.fields[name] = body[start:end].decode("utf-8", "replace")
        return
    file_name = _extended(named.get("filename*", "")) or named.get("filename", "")
    if len(file_name) > MAX_NAME:
        raise BadRequest(f"The name of the file in '{name}' exceeds {MAX_NAME} characters.", param=name)
    form.files.setdefault(name, []).append(FormFile(file_name, body[start:end]))


def _disposition(headers: str) -> dict[str, str]:
    """The parameters of `Content-Disposition: form-data`; none if that header is missing."""
    for line in headers.split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            if not value.strip().lower().startswith("form-data"):
                break
            found = _PARAMETER.finditer(value)
            return {each[1].lower(): _QUOTED.sub(r"\1", each[2] or each[3] or "") for each in found}
    return {}


def _extended(value: str) -> str:
    """A name in the notation of RFC 8187, such as `UTF-8''a%20cat.png`; empty if it is not."""
    found = _ENCODED.fullmatch(value)
    return unquote_to_bytes(found[1]).decode("utf-8", "replace") if found is not None else ""


def _damaged(why: str) -> BadRequest:
    return BadRequest(f"The form could not be read: {why}.")
