"""The inside of JSON strings: written so that every client can read it, and passed on unread.

Clients that split lines like `str.splitlines` lose chunks with a raw U+2028, U+2029 or U+0085. So what this
service writes is ASCII, and what it passes on unread must not hold these characters.
"""

import re

from translate.values import has_controls, json_text, parsed_json, well_formed

PLAIN = re.compile(
    rb"""(?:
      [\x20\x21\x23-\x5b\x5e\x5f\x61-\x7f]++          # ASCII without quote, backslash, "]" and "`"
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
    )*+""",
    re.VERBOSE,
)
"""The inside of a JSON string that may go to the client unread and unchanged.

It holds only complete escapes and characters. It holds no line separators (U+2028, U+2029, U+0085), no U+FFFD
(perhaps half a character, which is held back), and no character that may begin or end what the text filters
rewrite: `]` (links), a backtick (code), U+3010 (citations), U+E200 to U+E20F (citations since 2024; protocol
notes, section 9).
"""


def escaped(text: str) -> bytes:
    """`text` as the inside of a JSON string, in ASCII. Lone surrogates become U+FFFD."""
    string = json_text(well_formed(text))
    return string[1:-1].encode("ascii")


def unescaped(piece: bytes | bytearray) -> str:
    """The text that the inside of a JSON string, `piece`, stands for. Raises ValueError if it is none."""
    if has_controls(piece):
        raise ValueError("a control character inside")  # ujson would accept it
    text: str = parsed_json(b'"' + piece + b'"')
    return text
