"""A form in the body of a request (`multipart/form-data`, RFC 7578): its fields and files, within limits.

Each piece of the body is searched for one fixed mark as it comes, and each part is looked at once: the work
is linear, whatever the form holds.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
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

_LINE_END: Final = b"\r\n"
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
    """Call `feed` with each piece of the body, cut anywhere, and `read_form` at the end.

    `content_type` is that header of the request, which names the boundary.
    """

    def __init__(self, content_type: str) -> None:
        found = _BOUNDARY.search(content_type)
        self._mark = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace") if found else b""
        # An end of a line stands before the body in thought: the first boundary is like the others.
        self._bytes = bytearray(_LINE_END)  # grows in its place, and is never copied as a whole
        self._size = 0  # of all pieces but the last ones, which may hold the beginning of a mark
        self._tail = _LINE_END
        self._marks: list[int] = []

    def feed(self, piece: bytes) -> None:
        """Keep a piece of the body. Raises BadRequest, and keeps nothing, if the form has too many parts."""
        mark = self._mark
        if not mark:
            return
        self._bytes += piece
        data = self._tail + piece
        at = data.find(mark)
        while at >= 0:
            self._marks.append(self._size + at)
            if len(self._marks) > MAX_PARTS + 1:
                self.clear()
                raise BadRequest(f"The form holds more than {MAX_PARTS} fields and files.")
            at = data.find(mark, at + len(mark))
        kept = len(mark) - 1
        self._tail = data[-kept:]
        self._size += len(data) - len(self._tail)

    def clear(self) -> None:
        """Keep nothing."""
        self._bytes = bytearray()

    def read_form(self) -> Form:
        """The form, of which the body keeps nothing.

        Raises:
            BadRequest: it is damaged, or above a limit, which the error names.
            UnsupportedMediaType: the header has no boundary.
        """
        if not self._mark:
            raise UnsupportedMediaType("The form has no boundary.")
        whole, self._bytes = self._bytes, bytearray()
        body = memoryview(whole)
        form = Form()
        for mark, next_mark in pairwise((*self._marks, -1)):
            start = mark + len(self._mark)
            if bytes(body[start : start + 2]) == b"--":
                return form
            if next_mark < 0:
                break
            head, start = _head(body, start)
            _add(form, head, bytes(body[start:next_mark]))
        raise _damaged("its last boundary is missing")


def read_form(content_type: str, body: bytes) -> Form:
    """The form that is the whole of `body`.

    Raises:
        BadRequest, UnsupportedMediaType: as `FormBody` does.
    """
    whole = FormBody(content_type)
    whole.feed(body)
    return whole.read_form()


def _head(body: memoryview, start: int) -> tuple[str, int]:
    """The headers of a part whose boundary ends at `start`, and the place where its value begins."""
    first = bytes(body[start : start + MAX_HEADER_BYTES])
    line_end = first.find(_LINE_END)
    if line_end < 0 or first[:line_end].strip(b" \t"):
        raise _damaged("a boundary has no end of its line")
    end = first.find(_LINE_END * 2, line_end)
    if end < 0:
        raise _damaged(f"a part has no end of its headers within {MAX_HEADER_BYTES} bytes")
    return first[line_end + 2 : end].decode("utf-8", "replace"), start + end + 4


def _add(form: Form, head: str, value: bytes) -> None:
    """Add a part with these headers."""
    named = _disposition(head)
    name = named.get("name", "")
    if not name:
        raise _damaged("a part has no name")
    if len(name) > MAX_NAME:
        raise BadRequest(f"The form has a field whose name exceeds {MAX_NAME} characters.")
    if "filename" not in named and "filename*" not in named:
        if len(value) > MAX_FIELD_BYTES:
            raise BadRequest(f"The field '{name}' exceeds {MAX_FIELD_BYTES} bytes.", param=name)
        form.fields[name] = value.decode("utf-8", "replace")
        return
    file_name = _extended(named.get("filename*", "")) or named.get("filename", "")
    if len(file_name) > MAX_NAME:
        raise BadRequest(f"The name of the file in '{name}' exceeds {MAX_NAME} characters.", param=name)
    form.files.setdefault(name, []).append(FormFile(file_name, value))


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
