"""How much memory texts take, about; what is kept of a turn is bounded by it."""

OBJECT_BYTES = 200
"""What an object that holds some texts takes besides them."""


def text_size(text: str) -> int:
    """Bytes of a text; a single character above U+FFFF makes all of them take four."""
    return len(text) if text.isascii() else 4 * len(text)


def size_in_memory(*texts: str) -> int:
    """Bytes that an object with these texts takes."""
    return OBJECT_BYTES + sum(map(text_size, texts))
