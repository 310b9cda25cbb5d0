"""What the assistant writes into a canvas, read from the JSON of its call while that still grows.

`create_textdoc` has the whole text under `content`, `update_textdoc` new text under `replacement`, perhaps
more than once (protocol notes, section 20.5). A document is markdown and shown as it is, code in a fence.
The JSON may be cut anywhere, and may never end: what is complete is shown.
"""

import re
from typing import Final

from translate.text.fences import FenceGuard
from translate.values import join_surrogates

TEXT_KEYS: Final = ("content", "replacement")
MAX_KEPT: Final = 100
"""Characters of a key, or of the type, that are kept."""
FENCE: Final = "```"
CODE_TYPE = re.compile(r"code/([\w+#.-]{1,20})", re.ASCII)
STRING_PART = re.compile(r'[^"\\]+|\\(?:u[0-9A-Fa-f]{4}|.)|"', re.DOTALL)
OPEN_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?")
ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class CanvasReader:
    """A text filter: the JSON of a call in, the text for the user out; with `fenced`, code in a fence."""

    passes_through = False

    def __init__(self, *, fenced: bool) -> None:
        self._fenced = fenced
        self._guard: FenceGuard | None = None
        self._rest = ""  # an escape that is not whole
        self._half = ""  # of a surrogate pair
        self._last = ""  # the last character that parts strings
        self._in_string = False
        self._key = ""  # of the value that comes
        self._is_key = False
        self._kept: list[str] = []  # the parts of a string that says what others are
        self._room = 0
        self._language = ""
        self._shows = False  # the string is one of the user's
        self._texts = 0

    @property
    def fence(self) -> str:
        """The fence that is open, or nothing."""
        return FENCE if self._guard is not None else ""

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        text, at = self._rest + text, 0
        self._rest = ""
        out: list[str] = []
        while at < len(text):
            if self._in_string:
                if OPEN_ESCAPE.fullmatch(text, at):
                    self._rest = text[at:]
                    break
                part = STRING_PART.match(text, at)
                at = part.end() if part is not None else len(text)
                self._take(part[0] if part is not None else "", out)
                continue
            quote = text.find('"', at)
            between = text[at : quote if quote >= 0 else len(text)].rstrip()
            self._last = between[-1:] or self._last
            if quote < 0:
                break
            self._begin(out)
            at = quote + 1
        return self._whole_characters("".join(out))

    def release(self) -> str:
        """The text is over: half a character is left out."""
        self._half = ""
        return ""

    def _begin(self, out: list[str]) -> None:
        """A string begins."""
        self._in_string = True
        self._is_key = self._last != ":"
        self._shows = not self._is_key and self._key in TEXT_KEYS
        self._kept, self._room = [], MAX_KEPT
        if not self._shows:
            return
        self._texts += 1
        if self._texts > 1:
            out.append("\n\n")
        elif self._fenced and self._language:
            self._guard = FenceGuard(FENCE)
            out.append(f"{FENCE}{self._language}\n")

    def _take(self, part: str, out: list[str]) -> None:
        """A part of a string: characters, an escape, or its end."""
        if part == '"':
            self._in_string = False
            said = "".join(self._kept)
            if self._is_key:
                self._key = said
            elif self._key == "type" and (code := CODE_TYPE.fullmatch(said)) is not None:
                self._language = code[1]
            return
        if part[:1] == "\\":
            part = chr(int(part[2:], 16)) if len(part) > 2 else ESCAPES.get(part[1], part[1])
        if self._shows:
            out.append(part if self._guard is None else self._guard.feed(part))
        elif self._room > 0:
            self._kept.append(part[: self._room])
            self._room -= len(part)

    def _whole_characters(self, text: str) -> str:
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return join_surrogates(text[: len(text) - len(self._half)])
