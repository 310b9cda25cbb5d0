"""JSON as the whole service reads and writes it: the one module that uses ujson.

How ujson differs from the letter of RFC 8259, so that what it takes or writes surprises nobody:

- Reading takes `NaN`, `Infinity` and `-Infinity`, and numbers too large for a float as infinity; it takes
  control characters inside strings (`strict_json` does not), a lone `-`, leading zeros and `1.`; of a key
  that stands there twice the last value counts. A byte order mark is no JSON.
- Integers have any size up to 4300 digits, and are exact both ways.
- Lone surrogates are read, as escapes and as bytes, and written as escapes; see `well_formed` of
  `translate.text` for text that has to be encoded otherwise.
- Both ways end at about 1024 levels of nesting, with an error and never with a crash.
- Keys that are numbers or None are written as strings; tuples are written as arrays.
"""

from typing import Any

import ujson


def json_bytes(value: object, *, finite: bool = False) -> bytes:
    """`value` as JSON in ASCII, with slashes as they are and no spaces.

    Raises TypeError for what JSON has no form for, and OverflowError if it is nested too deeply; with
    `finite` also for NaN and infinities, which are written by name otherwise.
    """
    return ujson.dumps(value, ensure_ascii=True, escape_forward_slashes=False, allow_nan=not finite).encode()


def json_text(value: object, *, ascii: bool = True) -> str:
    """The same as text; without `ascii` with all characters as they are, also lone surrogates.

    Raises TypeError and OverflowError as `json_bytes` does.
    """
    return ujson.dumps(value, ensure_ascii=ascii, escape_forward_slashes=False)


def parsed_json(data: bytes | bytearray | str) -> Any:
    """The JSON value in `data`, bytes in UTF-8. Raises ValueError for what is none, or too deep."""
    return ujson.loads(data)
