"""Delta v1: the third dialect, where records change a tree instead of repeating it.

The stream begins with ``event: delta_encoding``, data ``"v1"``. A delta record is ``{"p": path, "o": op,
"v": value, "c": channel}``; what it leaves out of p, o and c it takes from the delta record before it,
v never. Each channel has one tree, and a tree is the envelope of the snapshot dialect: apply, then hand
it to the same interpreter. Typed records come in between and change nothing of that.
"""

from translate.values import JsonObject, concatenate

DELTA_FIELDS = frozenset("pov")
"""What makes a record a delta: any of them; a removal has no value."""

MAX_DEPTH = 64
MAX_PATCH = 1000
MAX_CHANNELS = 64
TEXT_PATHS = ("/message/content/parts/0", "/message/content/text")


class Damaged(ValueError):
    """A change does not fit the tree: it is left out and counted, never guessed."""


class DeltaState:
    """Trees by channel, and what the next record inherits."""

    __slots__ = ("_trees", "channel", "op", "path")

    def __init__(self) -> None:
        self._trees: dict[int, object] = {}
        self.path = ""
        self.op = "add"
        self.channel = 0

    @property
    def tree(self) -> JsonObject:
        """The tree of the current channel, an envelope."""
        tree = self._trees.get(self.channel)
        return tree if isinstance(tree, dict) else {}

    @property
    def appends_text(self) -> bool:
        """A bare ``{"v": "..."}`` would append to the text of the current channel's message."""
        return self.op == "append" and self.path in TEXT_PATHS

    def text(self) -> str | None:
        """The text at the current path, if that is where a message has its text."""
        if self.path not in TEXT_PATHS:
            return None
        try:
            value = _get(self.tree, _segments(self.path))
        except Damaged:
            return None
        return value if isinstance(value, str) else None

    def set_text(self, text: str) -> None:
        """Put ``text`` where :meth:`text` found one."""
        self._change(self.path, "replace", text)

    def apply(self, record: JsonObject) -> bool:
        """Take one delta record; True if it did nothing but append to a message's text.

        Raises Damaged when it does not fit; the part of a patch before the misfit stays applied.
        """
        if isinstance(path := record.get("p"), str):
            self.path = path
        if isinstance(op := record.get("o"), str):
            self.op = op
        channel = record.get("c")
        if isinstance(channel, int) and not isinstance(channel, bool):
            if channel not in self._trees and len(self._trees) >= MAX_CHANNELS:
                raise Damaged("too many channels")
            self.channel = channel
        value = record.get("v")
        self._change(self.path, self.op, value)
        return self.appends_text and isinstance(value, str)

    def _change(self, path: str, op: str, value: object) -> None:
        if op == "patch":
            self._patch(path, value)
            return
        segments = _segments(path)
        if segments:
            _apply(_get(self._trees.get(self.channel), segments[:-1]), segments[-1], op, value)
        elif op in ("add", "replace"):
            self._trees[self.channel] = value
        elif (
            op == "append"
            and isinstance(value, dict)
            and isinstance(tree := self._trees.get(self.channel), dict)
        ):
            tree |= value
        elif op == "remove":
            self._trees.pop(self.channel, None)
        else:
            raise Damaged(f"{op[:20]} of the root")

    def _patch(self, base: str, entries: object) -> None:
        """Paths are relative to that of the patch, which so far was always the root."""
        if not isinstance(entries, list) or len(entries) > MAX_PATCH:
            raise Damaged("a patch is no list")
        for entry in entries:
            path, op = (entry.get("p"), entry.get("o")) if isinstance(entry, dict) else (None, None)
            if not isinstance(path, str) or not isinstance(op, str) or op == "patch":
                raise Damaged("an entry of a patch is incomplete")
            self._change(base + path, op, entry.get("v"))


def _segments(path: str) -> list[str]:
    """A JSON pointer's parts."""
    if not path:
        return []
    if path[0] != "/":
        raise Damaged("a path is no JSON pointer")
    segments = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    if len(segments) > MAX_DEPTH:
        raise Damaged("a path is too deep")
    return segments


def _get(tree: object, segments: list[str]) -> object:
    for segment in segments:
        if isinstance(tree, dict) and segment in tree:
            tree = tree[segment]
        elif isinstance(tree, list):
            tree = tree[_index(segment, len(tree) - 1)]
        else:
            raise Damaged("a path leads nowhere")
    return tree


def _index(segment: str, last: int) -> int:
    if not (segment.isascii() and segment.isdigit() and len(segment) < 8 and int(segment) <= last):
        raise Damaged("an index is out of range")
    return int(segment)


def _apply(parent: object, key: str, op: str, value: object) -> None:
    """Change the child ``key`` of ``parent``."""
    if op == "add" and isinstance(parent, list):
        parent.insert(len(parent) if key == "-" else _index(key, len(parent)), value)
        return
    if op in ("add", "replace"):
        _set(parent, key, value)
        return
    old = _get(parent, [key])
    if op == "append":
        _set(parent, key, _appended(old, value))
    elif op == "truncate":
        if not isinstance(old, str | list) or not isinstance(value, int) or value < 0:
            raise Damaged("truncate of something that has no length")
        _set(parent, key, old[:value])
    elif op == "remove":
        if isinstance(parent, list):
            del parent[_index(key, len(parent) - 1)]
        elif isinstance(parent, dict):
            del parent[key]
    else:
        raise Damaged(f"unknown operation {op[:20]}")


def _set(parent: object, key: str, value: object) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    elif isinstance(parent, list):
        parent[_index(key, len(parent) - 1)] = value
    else:
        raise Damaged("a path leads into a plain value")


def _appended(old: object, value: object) -> object:
    if isinstance(old, str) and isinstance(value, str):
        return concatenate(old, value)
    if isinstance(old, list):
        return [*old, *value] if isinstance(value, list) else [*old, value]
    if isinstance(old, dict) and isinstance(value, dict):
        return old | value
    raise Damaged("append to something that cannot grow")
