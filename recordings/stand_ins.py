"""Stand-ins: characters and words that take the place of what was said, of the same length and kind.

In prose, each letter becomes the same letter of its kind, whatever it was, and each digit the same digit: so
a text and a piece of it stay alike however they are cut, and nothing of them is left but their form. Ids,
addresses and tokens get made-up ones, the same one each time within a recording, so that what belongs
together still does.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

HIGH: Final = "\ud83d"
LOW: Final = "\ude00"
EMOJI: Final = "\U0001f600"
"""It is made of the two halves above, which stand for halves."""
ESCAPED_EMOJI: Final = r"\ud83d\ude00"
"""As JSON writes it in ASCII."""

_TOKEN: Final = re.compile(r"[^\W_]+")
_HEX: Final = re.compile(r"[0-9a-f]{4,}")


def _stand_in(character: str) -> str:
    """What takes the place of one character in prose. Punctuation, symbols, spaces and marks stay."""
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return HIGH if code < 0xDC00 else LOW
    category = unicodedata.category(character)
    if code > 0xFFFF:
        return EMOJI
    if category == "Nd":
        return "1" if code < 0x80 else "\u0661" if code < 0x800 else "\uff11"
    if category[0] in "LNM":
        upper = category == "Lu"
        if code < 0x80:
            return "X" if upper else "x"
        if code < 0x800:
            return "É" if upper else "é"
        return "字" if category == "Lo" else "Ẋ" if upper else "ẋ"
    if category == "Co" and not 0xE200 <= code <= 0xE2FF:
        return "\ue000"
    return character


class _Table(dict[int, str]):
    """For `str.translate`, filled as characters come; beyond the first plane they are all alike."""

    def __missing__(self, code: int) -> str:
        found = _stand_in(chr(code))
        if code <= 0xFFFF:
            self[code] = found
        return found


_TABLE: Final = _Table()


def prose(text: str) -> str:
    """The stand-in of a text of which nothing is to stay but its form; of the same length."""
    return text.translate(_TABLE)


class StandIns:
    """Made-up ids of one recording. They follow from the order in which they are needed, and tell nothing."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._used: set[str] = set()

    def opaque(self, text: str) -> str:
        """The stand-in of an id, an address or a token: of the same length, the same for the same."""
        return prose_but(_TOKEN, text, lambda match: self._word(match[0]))

    def _word(self, word: str) -> str:
        if not word.isascii():
            return prose(word)
        if (found := self._made.get(word)) is None:
            found = self._new(word)
            self._made[word] = found
            self._used.add(found)
        return found

    def _new(self, word: str) -> str:
        letters = "abcdef" if _HEX.fullmatch(word) else "abcdefghijklmnopqrstuvwxyz"
        for attempt in range(8):
            made = _scrambled(word, letters, 8 * len(self._made) + attempt)
            if made not in self._used:
                break
        return made


def _scrambled(word: str, letters: str, seed: int) -> str:
    """Letters and digits that depend on nothing but the seed, and where in `word` letters and digits are."""
    made, state = [], seed * 2654435761 + 97
    for character in word:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        drawn = state >> 33
        if character.isdigit():
            made.append("123456789"[drawn % 9])
        else:
            letter = letters[drawn % len(letters)]
            made.append(letter.upper() if character.isupper() else letter)
    return "".join(made)


def prose_but(pattern: re.Pattern[str], text: str, kept: Callable[[re.Match[str]], str]) -> str:
    """`prose`, but what `pattern` finds becomes what `kept` makes of it, which must be as long."""
    done: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        done += (prose(text[at : match.start()]), kept(match))
        at = match.end()
    return "".join((*done, prose(text[at:])))
