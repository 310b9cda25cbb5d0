"""Redaction: the bytes of a recorded stream in, as many bytes out in which nothing that was said is left.

What stays: the borders of lines and records, the structure of the JSON to the last space, names of the
protocol (see `names`), positions and sizes, marks, Markdown, punctuation. All else gets a stand-in of the
same length and kind, see `stand_ins`; so what this code does not understand is replaced, never kept. The
translator makes of the result what it makes of the original, with other words.

A text that grows in pieces, or comes again and longer, is redacted as a whole, so that all its pieces fit
together.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from recordings.names import ARGUMENTS, KINDS_OF_DOCUMENTS, NAMES, NUMBERS, is_name
from recordings.stand_ins import ESCAPED_EMOJI, LOW, StandIns, prose
from recordings.texts import redacted_address, redacted_text

MAX_DEPTH: Final = 200
"""Containers within each other whose keys are known; deeper ones are redacted without a look at keys."""
MAX_PATH: Final = 300
"""Characters of the place of a text; of a longer one the end counts."""
MAX_NESTED: Final = 3
"""How often a text that is JSON may hold a text that is JSON."""
_TEXTS: Final = """
alt attribution attribution_text body caption content detail final_expression_output matched_text message
parts prompt prompt_text q query snippet summary text text/plain title traceback
"""
TEXTS: Final = frozenset(_TEXTS.split())
"""Keys whose values are prose, also where it is one word."""

BOM: Final = "\ufeff"
MAX_DIGITS: Final = 8
"""Of a number that stays."""

_LINES: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_PARTS: Final = re.compile(r'"(?:[^"\\]+|\\.)*"?|[{}\[\]:,]|[^"{}\[\]:,]+', re.DOTALL)
_UNITS: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)
"""One character each, as it is written in a string."""
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_LITERALS: Final = frozenset(("", "true", "false", "null", "data", "DONE"))
"""What may stand outside of strings, what some relays glue in between among it."""
_PING: Final = re.compile(r"\s*ping\b")


def redact(stream: bytes, stand_ins: StandIns) -> bytes:
    """`stream` without what was said in it, of the same length. `stand_ins` are those of the recording."""
    done = _Stream(stand_ins).redact_lines(stream.decode(errors="surrogateescape"))
    # An invalid byte is a low surrogate here; those of escapes are written as such.
    return done.replace(LOW, "\udcff").encode(errors="surrogateescape")


@dataclass(slots=True)
class _Text:
    """A text, which may come in several pieces. `address`: it is an id, an address or a token, not prose."""

    address: bool
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    redacted: str = ""


@dataclass(frozen=True, slots=True)
class _Said:
    """A string of the stream: how its characters are written, and where it stands in which text."""

    units: Sequence[str]
    text: _Text
    at: int


@dataclass(slots=True)
class _Container:
    """An object or a list of JSON that is open."""

    is_object: bool
    path: str
    named: str = ""
    """The key under which it stands, or the list around it does."""
    deltas: bool = False
    """It is a list of deltas, perhaps."""
    key: str = ""
    count: int = 0
    is_value: bool = False
    delta: dict[str, str] = field(default_factory=dict)
    """Its `p` and `o`, as far as they have come."""

    @property
    def current(self) -> str:
        """The key under which the next value stands."""
        return self.key if self.is_object else self.named


class _Stream:
    def __init__(self, stand_ins: StandIns, nested: int = 0) -> None:
        self._stand_ins = stand_ins
        self._nested = nested
        self._latest: dict[str, _Text] = {}  # the text at each place
        self._texts: list[_Text] = []
        self._last = {"p": "", "o": ""}  # of the last delta, which the next one inherits

    def redact_lines(self, stream: str) -> str:
        """A whole event stream."""
        pieces: list[str | _Said] = []
        for line in _LINES.finditer(stream.removeprefix(BOM)):
            pieces += self._line(line[1])
            pieces.append(line[2])
        return (BOM if stream.startswith(BOM) else "") + self._joined(pieces)

    def redact_json(self, text: str) -> str:
        """One JSON text, or the beginning of one."""
        return self._joined(list(self._payload(text)))

    def _joined(self, pieces: Sequence[str | _Said]) -> str:
        self._redact_texts()
        return "".join(piece if isinstance(piece, str) else _written(piece) for piece in pieces)

    def _line(self, line: str) -> Iterator[str | _Said]:
        name, colon, rest = line.partition(":")
        if not colon or name not in ("", "data", "event", "id", "retry"):
            yield from self._payload(line)  # a bare body, or damage
            return
        yield name + colon
        if name == "data":
            yield from self._payload(rest)
        elif name == "event" and is_name(rest.strip()):
            yield rest
        else:
            ping = match[0] if (match := _PING.match(rest)) else ""
            yield ping + prose(rest[len(ping) :])

    # JSON, or what was meant to be.

    def _payload(self, payload: str) -> Iterator[str | _Said]:
        if payload.strip() in ('"v1"', "v1"):
            yield payload
            return
        stack: list[_Container] = []
        parts: list[str] = _PARTS.findall(payload)
        for index, part in enumerate(parts):
            above = stack[-1] if stack else None
            if part in "{[":
                yield part
                if len(stack) < MAX_DEPTH:
                    stack.append(self._opened(part == "{", above))
            elif part in "}]":
                yield part
                if stack and (closed := stack.pop()).delta and not stack:
                    self._last |= closed.delta
            elif part in ":,":
                yield part
                if above is not None:
                    above.is_value = part == ":"
                    above.count += part == ","
            elif part[0] != '"':
                yield _bare(part, None if self._nested else above)
            elif above is not None and above.is_object and not above.is_value and _is_key(parts, index):
                above.key = part[1:-1]
                yield part if self._is_known(above.key) else self._key(part)
            else:
                yield from self._string(part, above)

    def _opened(self, is_object: bool, above: _Container | None) -> _Container:
        if above is None:
            return _Container(is_object, "")
        path, named = self._place(above)
        if above.deltas and is_object:
            path = above.path  # to which the paths of the deltas are relative
        return _Container(
            is_object, path, named, deltas=above.is_object and above.key == "v" and not is_object
        )

    def _place(self, above: _Container) -> tuple[str, str]:
        """Where the next value stands in the message, and under which key."""
        if not above.is_object:
            return f"{above.path}/{above.count}"[-MAX_PATH:], above.named
        if above.key != "v":
            return f"{above.path}/{above.key}"[-MAX_PATH:], above.key
        path = above.path + above.delta.get("p", "" if above.path else self._last["p"])
        path = path[-MAX_PATH:]
        names = [step for step in path.split("/") if step and not step.isdecimal()]
        return path, names[-1] if names else "v"

    def _is_known(self, key: str) -> bool:
        """Whether a key is one of the protocol, or within a text one of a tool."""
        return key in ARGUMENTS if self._nested else is_name(key)

    def _is_name(self, key: str, said: str, above: _Container | None) -> bool:
        """Whether a value is a name of the protocol, or within a text the kind of what a tool makes."""
        if self._nested:
            return key == "type" and KINDS_OF_DOCUMENTS.fullmatch(said) is not None
        named = key in NAMES or (key == "name" and above is not None and above.named == "author")
        return named and is_name(said)

    def _key(self, part: str) -> str:
        return prose(part) if "\\" in part else self._stand_ins.opaque(part)

    def _string(self, part: str, above: _Container | None) -> Iterator[str | _Said]:
        closing = '"' if _is_closed(part) else ""
        body = part[1 : len(part) - len(closing)]
        units = body if "\\" not in body else _UNITS.findall(body)
        said = body if isinstance(units, str) else "".join(map(_character, units))
        place, key = ("", "") if above is None else self._place(above)
        if above is not None and above.is_object and key in ("p", "o"):
            above.delta[key] = said[-MAX_PATH:]
        yield '"'
        if self._is_name(key, said, above):
            yield body
        else:
            grows = above is not None and above.is_object and above.key == "v" and self._appends(above)
            yield self._piece(units, said, place, key, grows=grows)
        yield closing

    def _appends(self, delta: _Container) -> bool:
        return delta.delta.get("o", self._last["o"]) == "append"

    def _piece(self, units: Sequence[str], said: str, place: str, key: str, *, grows: bool) -> _Said:
        text = self._latest.get(place) if grows else None
        if text is None:
            address = key not in TEXTS and " " not in said and said.isascii()
            text = self._latest[place] = _Text(address)
            self._texts.append(text)
        piece = _Said(units, text, text.length)
        text.pieces.append(said)
        text.length += len(said)
        return piece

    # Texts as a whole.

    def _redact_texts(self) -> None:
        """Redact each text like the longest one that begins with it."""
        whole = [("".join(text.pieces), text) for text in self._texts]
        longer = redacted = ""
        for said, text in sorted(whole, key=itemgetter(0), reverse=True):
            if text.address:
                text.redacted = redacted_address(said, self._stand_ins)
                continue
            if not longer.startswith(said):
                longer, redacted = said, self._redacted(said)
            text.redacted = redacted

    def _redacted(self, text: str) -> str:
        if self._nested < MAX_NESTED and text.lstrip().startswith("{"):
            return _Stream(self._stand_ins, self._nested + 1).redact_json(text)
        return redacted_text(text, self._stand_ins)


def _is_closed(string: str) -> bool:
    """Whether a string has come to its end: a quote behind an odd number of backslashes is a part of it."""
    said = string[1:-1]
    escaped = (len(said) - len(said.rstrip("\\"))) % 2 == 1
    return len(string) > 1 and string.endswith('"') and not escaped


def _is_key(parts: Sequence[str], index: int) -> bool:
    """Whether a colon follows."""
    return "".join(parts[index + 1 : index + 3]).lstrip().startswith(":")


def _bare(part: str, above: _Container | None) -> str:
    """What stands outside of strings: a number, `true` and the like, or damage."""
    bare = part.strip()
    if bare in _LITERALS:
        return part
    if _NUMBER.fullmatch(bare):
        counts = above is not None and above.current in NUMBERS and len(bare) <= MAX_DIGITS
        if counts or len(bare) <= 2:
            return part
    return prose(part)


def _character(unit: str) -> str:
    """The character that is written as `unit` in JSON; of an unknown escape, what follows the backslash."""
    if len(unit) == 1:
        return unit
    if unit[1] != "u" or len(unit) < 6:
        return _ESCAPES.get(unit[1], unit[1])
    first = int(unit[2:6], 16)
    return chr(0x10000 + (first - 0xD800 << 10) + int(unit[8:], 16) - 0xDC00 if len(unit) > 6 else first)


def _written(said: _Said) -> str:
    redacted = said.text.redacted[said.at : said.at + len(said.units)]
    return redacted if isinstance(said.units, str) else "".join(map(_as_written, said.units, redacted))


def _as_written(unit: str, character: str) -> str:
    """`character` in the way in which `unit` is written."""
    if len(unit) == 1:
        return character
    if len(unit) == 2:
        return unit if _character(unit) == character else f"\\{character}"
    if len(unit) == 6:
        return f"\\u{ord(character):04x}"
    return ESCAPED_EMOJI
