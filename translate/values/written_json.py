"""JSON that people write: read strictly, with mistakes told in one line."""

import json
import unicodedata
from collections import Counter
from typing import Final

MAX_SHOWN: Final = 100
"""Characters of a text that a line repeats."""
UNPRINTABLE: Final = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of characters that break lines of logs, or JSON."""


class JsonPairs(list[tuple[str, object]]):
    """A JSON object as the pairs that were written; a dict would hide a key that stands there twice."""

    def repeated_key(self) -> str | None:
        """The first key that stands there more than once; None if there is none."""
        counts = Counter(key for key, _ in self)
        return next((key for key, count in counts.items() if count > 1), None)


def written_json(content: bytes, max_bytes: int) -> object:
    """What the file `content` (UTF-8 JSON) says, with each object as `JsonPairs`.

    Raises ValueError, whose text completes the sentence "it is not usable: ...".
    """
    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes} bytes")
    try:
        data: object = json.loads(content.decode("utf-8-sig"), object_pairs_hook=JsonPairs)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at").removesuffix(" starting")  # of "Unterminated string starting at"
        raise ValueError(f"it is not JSON: {what} in line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON that can be read") from None
    return data


def breaks_lines(text: str) -> bool:
    """Whether it holds characters that break lines of logs, or JSON."""
    return any(unicodedata.category(character) in UNPRINTABLE for character in text)


def quoted(text: str) -> str:
    """`text` in quotes for a line of the log: shortened, and without characters that break the line."""
    shown = text if len(text) <= MAX_SHOWN else text[:40] + "..."
    return ascii(shown) if breaks_lines(shown) else f'"{shown}"'
