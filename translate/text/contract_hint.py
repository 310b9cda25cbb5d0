"""Which plain pieces a contract must be fed though it lets plain text go by."""

from typing import Final

SPACE_AT_END: Final = (b" ", b"\\n", b"\\t", b"\\r")


def matters_to_contract(piece: bytes) -> bool:
    """Whether a plain piece, the inside of a JSON string, may hold the beginning of a tag or of a fence, or
    ends with white space: that is left out before a call, and begins a line. See `Contract`.
    """
    return b"<" in piece or b"~" in piece or piece.endswith(SPACE_AT_END) or b"\\u00" in piece
