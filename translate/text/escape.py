"""JSON string contents: writing them safe for every client, and passing them on unread.

Clients that split lines like ``str.splitlines`` lose chunks with raw U+2028, U+2029 or U+0085, so
what we write is ASCII, and what we pass on unread must not hold them.
"""

import re

import ujson

from translate.values import well_formed

PASSABLE = re.compile(
    rb"""(?:
      [\x20\x21\x23-\x5b\x5e\x5f\x61-\x7f]            # ASCII without quote, backslash, "]" and "`"
    | \\(?:["\\/bfnrt]
         |u(?:(?!2028|2029|00[0-8]|3010|fffd|e20)[0-9a-ce-f][0-9a-f]{3}
             |d[0-7][0-9a-f]{2}
             |d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})) # whole surrogate pairs only
    | [\xc3-\xdf][\x80-\xbf] | \xc2[\x86-\xbf]
    | \xe0[\xa0-\xbf][\x80-\xbf] | [\xe1\xe4-\xec][\x80-\xbf]{2}
    | \xe2(?:\x80[\x80-\xa7\xaa-\xbf]|[\x81-\xbf][\x80-\xbf])
    | \xe3(?:\x80[\x80-\x8f\x91-\xbf]|[\x81-\xbf][\x80-\xbf])
    | \xed[\x80-\x9f][\x80-\xbf]
    | \xee(?:[\x80-\x87\x89-\xbf][\x80-\xbf]|\x88[\x90-\xbf])
    | \xef(?:[\x80-\xbe][\x80-\xbf]|\xbf[\x80-\xbc\xbe\xbf])
    | \xf0[\x90-\xbf][\x80-\xbf]{2} | [\xf1-\xf3][\x80-\xbf]{3} | \xf4[\x80-\x8f][\x80-\xbf]{2}
    )*""",
    re.VERBOSE,
)
"""Escaped text that may go to the client as it is.

Complete escapes and characters, no line separators (U+2028, U+2029, U+0085), no U+FFFD (perhaps
half a character, held back), and nothing that may open or suspend a mark to be rewritten: ``]``
(links), backticks (code), U+3010 (citations), U+E200 to U+E20F (citations of later ages).
"""


def escaped(text: str) -> bytes:
    """``text`` as the inside of a JSON string, ASCII only. Lone surrogates become U+FFFD."""
    string = ujson.dumps(well_formed(text), ensure_ascii=True, escape_forward_slashes=False)
    return string[1:-1].encode("ascii")


def unescaped(piece: bytes | bytearray) -> str:
    """The text of the inside of a JSON string. Raises ValueError if it is none."""
    if b"\n" in piece or b"\r" in piece:
        raise ValueError("a line ends inside")  # which ujson would take
    value = ujson.loads(b'"' + piece + b'"')
    if not isinstance(value, str):
        raise ValueError("not the inside of a JSON string")
    return value
