"""Damage: to bytes, to records, to the JSON inside a record."""

import json
import random
import re
from collections.abc import Callable

POINTERS = (
    "", "/", "/message", "/message/content", "/message/content/parts/0", "/message/content/text",
    "/message/content/parts/-", "/message/content/parts/999999", "/message/content/parts/-1",
    "/message/metadata", "/message/metadata/citations/0", "/message/author/role", "/message/id", "/~1~0/~2",
    "/message/status", "no/pointer", "/" + "a/" * 40, "/" + "0/" * 200, "/conversation_id", "/error",
)  # fmt: skip
OPERATIONS = ("add", "replace", "append", "patch", "remove", "truncate", "move", "", None, 3)
CHANNELS = (0, 1, 2, 99, "x", None)
KINDS = (
    "text",
    "code",
    "execution_output",
    "multimodal_text",
    "system_error",
    "tether_quote",
    "thoughts",
    "",
)
ROLES = ("assistant", "tool", "user", "system", "critic", "")
TEXTS = (
    "", " ", "\n", "\n\n", "`", "```", "````", "【", "【1†source】", "【12:3†",
    "[a](sandbox:/mnt/data/a b(1).csv)",
    "](sandbox:", "](3)", "\ud83d", "\udd25", "🔥", "\ufffd", "\ufffd" * 9, "\ue200cite\ue202turn0\ue201",
    "\ue200",
    "\u2028", "\x00", "\x1b[31m", "<<ImageDisplayed>>", "<<Image", "x" * 5000, "`" * 300, "[DONE]",
    "data: x\n\n",
    "\\", '"', "\\u12", "file-service://file-1", "javascript:alert(1)", "https://a.example/(x) y", "é" * 100,
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 64, 10**6, 10**18, -(10**18), 1.5, 1e308, [], {}, [[]], [None], [{}],
    {"": {}},
    [0] * 50, {"message": None}, ["a", 1, None, {"content_type": "image_asset_pointer"}], *TEXTS,
)  # fmt: skip
RAW = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"data:", b"data: ", b": c\n\n", b"event: ping\r\n", b"event: delta\n",
    b'event: delta_encoding\ndata: "v1"\n\n', b"data: [DONE]\n\n",
    b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80",
    b"\x00", b"\\u", b"\\ud83d", b"\\udd25", b"\\", b'"', b"{", b"}", b"[", b"]", b'{"v": "', b'"}',
    b" " * 32,
    b"data: 1\n\n", b"data: " + b"[" * 3000 + b"\n\n", b'data: {"v": ' + b'{"a":' * 900 + b"\n\n",
    b"data: 1e999\n\n", b"data: " + b"9" * 5000 + b"\n\n", b'data: {"detail": "x"}\n\n', b"data: NaN\n\n",
    b'data: {"message": null, "error": null}\n\n', b"`", "【".encode(), "🔥".encode(), b"id: 1\n",
    b"retry: x\n",
)  # fmt: skip

BORDER = re.compile(rb"(?<=\n\n)")
"""Between two records."""
Json = object


def mutated(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    """`stream` with up to six kinds of damage; `other` is what may be spliced in."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 6))):
        stream = rng.choice(_DAMAGES)(rng, stream, other)
    return stream[:120_000]


def _flip(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    damaged = bytearray(stream)
    for _ in range(rng.choice((1, 1, 2, 10))):
        if damaged:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def _insert(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    at = rng.randint(0, len(stream))
    return stream[:at] + rng.choice(RAW) + stream[at:]


def _delete(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    at = rng.randint(0, len(stream))
    return stream[:at] + stream[at + rng.choice((1, 2, 7, 100, 2000)) :]


def _truncate(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    return stream[: rng.randint(0, len(stream))]


def _splice(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    at, start = rng.randint(0, len(stream)), rng.randint(0, len(other))
    return stream[:at] + other[start : start + rng.choice((10, 300, 5000))] + stream[at:]


def _records(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    """Records are doubled, lost, moved, or mixed with those of another turn."""
    records = BORDER.split(stream)
    kind = rng.randrange(5)
    at = rng.randrange(len(records))
    if kind == 0:
        records[at:at] = [records[at]] * rng.choice((1, 2, 5))
    elif kind == 1:
        del records[at : at + rng.choice((1, 1, 2, 5))]
    elif kind == 2:
        records.insert(rng.randint(0, len(records)), records.pop(at))
    elif kind == 3:
        for record in BORDER.split(other):
            records.insert(rng.randint(0, len(records)), record)
    else:
        rng.shuffle(records)
    return b"".join(records)


def _json(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    """What is inside a record, still JSON."""
    records = BORDER.split(stream)
    for _ in range(rng.choice((1, 1, 3, 10))):
        at = rng.randrange(len(records))
        head, colon, payload = records[at].partition(b"data:")
        try:
            damaged = json.dumps(changed(rng, json.loads(payload))).encode()
        except (ValueError, RecursionError):  # it is no JSON, or deep already
            continue
        records[at] = head + colon + b" " + damaged + b"\n\n"
    return b"".join(records)


def _new_record(rng: random.Random, stream: bytes, other: bytes) -> bytes:
    """A delta or an envelope that nobody sent."""
    record: dict[str, object] = {}
    if rng.random() < 0.6:
        for key, values in (
            ("p", POINTERS),
            ("o", OPERATIONS),
            ("v", VALUES),
            ("c", (0, 1, 2, 99, "x", None)),
        ):
            if rng.random() < 0.6:
                record[key] = rng.choice(values)
        if record.get("o") == "patch":
            record["v"] = [
                {"p": rng.choice(POINTERS), "o": rng.choice(OPERATIONS), "v": rng.choice(VALUES)}
                for _ in range(rng.randrange(5))
            ]
    else:
        text = rng.choice(TEXTS)
        content = {"content_type": rng.choice(KINDS), "parts": [text], "text": text, "name": text}
        record["message"] = {
            "id": f"new-{rng.randrange(3)}",
            "author": {"role": rng.choice(ROLES), "name": "python"},
            "content": content,
            "status": rng.choice(("in_progress", "finished_successfully", None)),
            "recipient": rng.choice(("all", "python", "browser")),
            "metadata": {"citations": [rng.choice(VALUES)], "content_references": rng.choice(VALUES)},
        }
    name = rng.choice((b"", b"event: delta\n"))
    framed = name + b"data: " + json.dumps(record).encode() + b"\n\n"
    records = BORDER.split(stream)
    records.insert(rng.randint(0, len(records)), framed)
    return b"".join(records)


def changed(rng: random.Random, value: Json) -> Json:
    """`value` with one place in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [*value[:at], changed(rng, value[at]), *value[at + 1 :]]
    if isinstance(value, str) and rng.random() < 0.6:
        at = rng.randint(0, len(value))
        return value[:at] + rng.choice(TEXTS) + value[at + rng.choice((0, 0, 1, 5)) :]
    if rng.random() < 0.05:
        for _ in range(rng.choice((5, 70, 600))):
            value = rng.choice(([value], {"message": value}))
        return value
    return rng.choice(VALUES)


Damage = Callable[[random.Random, bytes, bytes], bytes]
_DAMAGES: tuple[Damage, ...] = (
    _flip, _insert, _insert, _delete, _truncate, _splice, _records, _records, _json, _json, _json,
    _new_record,
)  # fmt: skip
