"""The same turns in delta v1: snapshots turned into changes of a tree."""

import json
from collections.abc import Iterable

from tests.translate.wire import DONE, Json, json_bytes, message

ENCODING = b'event: delta_encoding\ndata: "v1"\n\n'
TEXT = "/message/content/parts/0"


def delta(record: Json, *, raw: bool = False, pad: int = 1) -> bytes:
    """One record of the dialect."""
    payload = json_bytes(record, raw=raw)
    return b"event: delta\ndata: " + payload + b" " * (-len(payload) % pad) + b"\n\n"


def v1(*records: Json | bytes) -> bytes:
    """A stream of delta records; bytes among them are taken as they are."""
    framed = (record if isinstance(record, bytes) else delta(record) for record in records)
    return ENCODING + b"".join(framed) + DONE


def begun(text: str = "", id: str = "a1", channel: int = 0) -> Json:
    """The record that begins a message."""
    return {"p": "", "o": "add", "v": message(text, id), "c": channel}


def append(text: str) -> Json:
    """A record that makes the text of the message longer."""
    return {"p": TEXT, "o": "append", "v": text}


def halves(text: str) -> str:
    """`text` with each astral character as its two surrogates."""
    return "".join(
        chr(0xD800 + ((ord(c) - 0x10000) >> 10)) + chr(0xDC00 + (ord(c) & 0x3FF)) if c > "\uffff" else c
        for c in text
    )


class Changes:
    """Writes each snapshot as the change from the one before, leaving out what is as before."""

    def __init__(self, *, sticky: bool = True) -> None:
        self._sticky = sticky
        self._channels: dict[str, int] = {}
        self._last: dict[str, Json] = {}
        self._state: dict[str, object] = {"p": "", "o": "add", "c": 0}

    def of(self, envelope: Json) -> list[Json]:
        """The records for `envelope`, a snapshot."""
        message = envelope["message"]
        assert isinstance(message, dict)
        id = str(message["id"])
        before = self._last.get(id)
        self._last[id] = json.loads(json.dumps(envelope))
        channel = self._channels.setdefault(id, len(self._channels))
        if before is None:
            return [self.record("", "add", envelope, channel)]
        return self._changed(before["message"], message, channel)

    def _changed(self, old: object, new: Json, channel: int) -> list[Json]:
        assert isinstance(old, dict)
        (was,), (text,) = old["content"]["parts"], new["content"]["parts"]  # type: ignore[index]
        entries: list[Json] = [
            {"p": f"/message/{key}", "o": "replace", "v": new[key]}
            for key in ("status", "end_turn", "metadata")
            if key in new and old.get(key) != new[key]
        ]
        if not halves(text).startswith(halves(was)):
            entries.insert(0, {"p": TEXT, "o": "replace", "v": text})
        elif text != was and entries:
            entries.insert(0, {"p": TEXT, "o": "append", "v": halves(text)[len(halves(was)) :]})
        elif text != was:
            return [self.record(TEXT, "append", halves(text)[len(halves(was)) :], channel)]
        return [self.record("", "patch", entries, channel)] if entries else []

    def record(self, path: str, op: str, value: object, channel: int) -> Json:
        """A record of this change, without what it can inherit."""
        wanted: dict[str, object] = {"p": path, "o": op, "c": channel}
        said = {key: new for key, new in wanted.items() if new != self._state[key] or not self._sticky}
        self._state = wanted
        order = {key: said[key] for key in ("p", "o") if key in said} | {"v": value}
        return order | ({"c": said["c"]} if "c" in said else {})


def as_deltas(
    records: Iterable[Json | bytes],
    *,
    sticky: bool = True,
    raw: bool = False,
    pad: int = 1,
    done: bool = True,
) -> bytes:
    """A stream in this dialect that says what `records`, those of a snapshot stream, say."""
    changes, out = Changes(sticky=sticky), ENCODING
    for record in records:
        if isinstance(record, bytes):
            out += record
        elif isinstance(message := record.get("message"), dict) and _has_text(message):
            out += b"".join(delta(change, raw=raw, pad=pad) for change in changes.of(record))
        elif "message" in record:
            out += delta(changes.record("", "add", record, 60), raw=raw, pad=pad)
        else:
            out += b"data: " + json_bytes(record, raw=raw) + b"\n\n"
    return out


def _has_text(message: Json) -> bool:
    parts = message["content"].get("parts")  # type: ignore[attr-defined]
    return isinstance(parts, list) and len(parts) == 1
