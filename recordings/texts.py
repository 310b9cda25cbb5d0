"""What stays of a text: its form, the marks of the backend in it, and how its links and blocks are written.

Everything here gives a text of the same length as it was given.
"""

import re
from typing import Final

from recordings.names import ARGUMENTS, LANGUAGES, is_name
from recordings.stand_ins import StandIns, prose, prose_but

_SPECIAL: Final = re.compile(
    r"""
      (?P<mark>\ue200[^\ue201]*\ue201?)
    | (?P<cited>【[^】\n]{0,80}】)
    | (?P<plain>:contentReference\[oaicite:\d{1,4}\]\{index=\d{1,4}\}|\[oaicite:\d{1,4}\]
        |oai_citation:\d{1,4}‡|<<ImageDisplayed>>)
    | (?P<turns>(?<![^\W_])(?:cite|filecite|navlist|i)?(?:turn\d{1,4}[a-z]{2,12}\d{1,4})+)
    | (?P<url>(?:https?|wss?)://[^\s<>"'\\)\]}】\ue200-\ue206]+)
    | (?P<file>(?:sandbox:|sediment://|file-service://)[^\s<>"'\\)\]}】\ue200-\ue206]*)
    | (?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,190})
    | (?P<fence>^[ ]{0,3}(?:```|~~~)[ ]?[A-Za-z]{1,20}$)
    | (?P<block>^:::writing\{[^}\n]{0,500}\}?)
    | (?P<item>^[ ]{0,12}\d{1,2}[.)](?=[ ]))
    """,
    re.VERBOSE | re.MULTILINE,
)
_SCHEME: Final = re.compile(r"(?:https?|wss?|sediment|file-service|data)://|sandbox:(?:/mnt/data/)?")
_FILE: Final = re.compile(r"\bfile[-_]")
_TURN: Final = re.compile(r"turn\d{1,4}([a-z]{2,12})\d{1,4}")
_IN_MARK: Final = re.compile(
    r"""
      (?P<turn>turn\d{1,4}[a-z]{2,12}\d{1,4}(?![A-Za-z0-9]))
    | (?P<url>https?://[^\s<>"'\\)\]}\ue200-\ue206]+)
    | (?P<key>"[a-z_]{1,60}"(?=\s{0,4}:))
    | (?P<escape>\\(?:u[0-9A-Fa-f]{4}|.))
    | (?P<literal>\b(?:true|false|null)\b)
    | (?P<lines>(?<![A-Za-z0-9])[Lp]\d{1,5}(?![A-Za-z0-9]))
    """,
    re.VERBOSE | re.DOTALL,
)
_WIDGET: Final = '"math_block_widget'
_KIND: Final = re.compile(r"\ue200[a-z_]{1,40}")
_IN_CITED: Final = re.compile(
    r"(?P<number>\d{1,3}(?!\d))|(?P<source>\bsource\b|(?<![A-Za-z])L(?=\d))|(?P<id>\d{4,})"
)
_IN_BLOCK: Final = re.compile(r"^:::writing|\b(?:variant|id|subject|title)(?==)")


def redacted_text(text: str, stand_ins: StandIns) -> str:
    """The stand-in of something that was said, or of a title, a name, a piece of source."""

    def kept(match: re.Match[str]) -> str:
        found = match[0]
        match match.lastgroup:
            case "mark":
                return _mark(found, stand_ins)
            case "cited":
                return prose_but(_IN_CITED, found, lambda part: _in_cited(part, stand_ins))
            case "turns":
                return found if all(is_name(kind) for kind in _TURN.findall(found)) else prose(found)
            case "url" | "file":
                return redacted_address(found, stand_ins)
            case "mail":
                return stand_ins.opaque(found)
            case "fence":
                language = found.strip(" `~")
                return found if language in LANGUAGES else prose(found)
            case "block":
                return prose_but(_IN_BLOCK, found, lambda part: part[0])
            case _:
                return found

    return prose_but(_SPECIAL, text, kept)


def redacted_address(text: str, stand_ins: StandIns) -> str:
    """The stand-in of an address, a pointer or an id: what it begins with stays."""
    scheme = match[0] if (match := _SCHEME.match(text)) else ""
    rest = text[len(scheme) :]
    kind = match[0] if (match := _FILE.match(rest)) else ""
    if _TURN.fullmatch(text) and is_name(_TURN.sub(r"\1", text)):
        return text
    return scheme + kind + stand_ins.opaque(rest[len(kind) :])


def _mark(text: str, stand_ins: StandIns) -> str:
    """A mark keeps its kind, its references and the form of its arguments."""
    kind = match[0] if (match := _KIND.match(text)) and is_name(match[0][1:]) else text[:1]

    def kept(match: re.Match[str]) -> str:
        found = match[0]
        match match.lastgroup:
            case "turn":
                return redacted_address(found, stand_ins)
            case "url":
                return redacted_address(found, stand_ins)
            case "key":
                kept = found[1:-1] in ARGUMENTS or found.startswith(_WIDGET)
                return found if kept and is_name(found[1:-1]) else f'"{prose(found[1:-1])}"'
            case "escape" if len(found) == 6:
                return "\\u0078"
            case "escape" if found[1] not in '"\\/bfnrt()[]':
                return f"\\{prose(found[1])}"
            case _:
                return found

    return kind + prose_but(_IN_MARK, text[len(kind) :], kept)


def _in_cited(match: re.Match[str], stand_ins: StandIns) -> str:
    return stand_ins.opaque(match[0]) if match.lastgroup == "id" else match[0]
