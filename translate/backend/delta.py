"""Delta v1: the dialect whose records change a JSON tree (protocol notes, section 13).

The stream begins with `event: delta_encoding`, data `"v1"`. A delta record is `{"p": path, "o": operation,
"v": value, "c": channel}`. It takes the path, the operation and the channel that it leaves out from the delta
record before it, the value never. Each channel has a tree of its own, and a tree is an envelope of the
snapshot dialect: once changed, it is read as such. Typed records may stand in between; they change neither
the trees nor what is inherited.

Three forms of a record say more than their fields (section 13.2): an envelope without a path is a new root, a
text right behind one belongs to its message, and a list of changes is a patch whatever the operation.
"""

import re
from collections.abc import Callable, Collection
from typing import Final, TypeGuard

from translate.values import JsonObject, concatenate, object_at, text_at, text_size

DELTA_FIELDS = frozenset("pov")
"""A record with any of these fields is a delta; a removal has no value."""

MAX_DEPTH = 64
"""Segments of a path."""
MAX_PATCH = 1000
"""Changes in one patch."""
MAX_CHANNELS = 64
"""Trees that are kept. Each message has a channel of its own nowadays, so the tree that was left alone for
the longest time gives way to a new one; what would change it after that fits nothing.
"""
VALUE_BYTES = 64
"""What a value takes in memory besides its text, about."""

METADATA_PATH: Final = "/message/metadata"
TEXTLESS_PATHS = (
    "/message/metadata/",
    "/message/status/",
    "/message/end_turn/",
    "/message/create_time/",
    "/message/update_time/",
    "/conversation_id/",
    "/error_code/",
)
"""What stands at and below these is no text of the message. Each ends with a slash."""
ID_PATH: Final = "/message/id"
REFERENCES_PATH: Final = "/message/metadata/content_references"
CONTENT_PATH: Final = "/message/content/"
"""Below it a message has its text."""
MADE_PATHS: Final = (
    "/message/metadata/",
    "/message/content/parts/",
    "/message/content/text/",
    "/message/content/thoughts/",
)
"""At and below these, `add` and `append` make what is missing on their way: it is known what stands there.
Elsewhere a change of what is missing fits nothing, since a text might be meant. Each ends with a slash.
"""
ALIASES: Final = {"a": "append"}
"""Short names of operations."""
APPENDS: Final = ("append", "a")
BELOW_REFERENCE: Final = re.compile(r"/(\d{1,7})/", re.ASCII)

ROOT = ""
"""The path of a root, and the key of a channel's tree in the object that holds it, so that a root is changed
as any other value.
"""
ROOT_OPERATIONS: Final = ("add", "replace")
"""Those that give a channel a new root."""


class DeltaMismatch(ValueError):
    """A change does not fit the tree. It is left out and counted; what it may have meant is not guessed.

    `message` is an envelope with the message that was meant, empty if that is not known; with `textless` the
    text of the message cannot have been meant.
    """

    def __init__(self, reason: str, message: JsonObject | None = None, *, textless: bool = False) -> None:
        super().__init__(reason)
        self.message = message or {}
        self.textless = textless


class DeltaState:
    """The trees by channel, and what the next record inherits: `path`, `op` and `channel`."""

    __slots__ = ("_base", "_holders", "_known", "_patches", "_sizes", "channel", "kept", "op", "path")

    def __init__(self) -> None:
        self._holders: dict[int, JsonObject] = {0: {}}
        self._sizes: dict[int, int] = {}
        self.kept = 0
        """Bytes of memory that the trees take, about; what is removed counts until the root is a new one."""
        self._known = True
        self._patches = False  # the record that was begun is a patch
        self._base = ""  # of its paths
        self.path = ""
        self.op = "add"
        self.channel = 0

    @property
    def tree(self) -> JsonObject:
        """The tree of the current channel; an empty one if its root is missing or no object."""
        tree = self._holders[self.channel].get(ROOT)
        return tree if isinstance(tree, dict) else {}

    @property
    def content(self) -> JsonObject:
        """The content of the message of the current tree; an empty one if there is none."""
        return object_at(object_at(self.tree, "message"), "content")

    @property
    def references(self) -> list[object]:
        """What marks in the text of the message of the current tree stand for, as the tree has it."""
        references = object_at(object_at(self.tree, "message"), "metadata").get("content_references")
        return references if isinstance(references, list) else []

    def has_references(self, known: int) -> bool:
        """Whether the tree has a list of so many."""
        metadata = object_at(object_at(self.tree, "message"), "metadata")
        return isinstance(metadata.get("content_references"), list) and len(self.references) == known

    def add_references(self, added: list[object], data: bytes) -> None:
        """Take a patch that only appends these, parsed from `data`, to the list of the tree."""
        self.begin({"p": ROOT, "o": "patch"})
        self._count(added, data)
        self.references.extend(added)

    def set_text(self, channel: int, path: str, text: str) -> None:
        """Replace the text at a place that has one."""
        *parents, key = _segments(path)
        _replace(_follow(self._holders[channel], parents), key, text)

    def lose(self) -> None:
        """A record was lost: what the next one leaves out is not known, until one says it."""
        self._known = False

    def resume(self, path: str) -> None:
        """A record was taken elsewhere that appends to the text at `path`, and says so."""
        self.path = self._base = path
        self.op, self._patches, self._known = "append", False, True

    def begin(self, record: JsonObject) -> None:
        """Take the path, the operation and the channel of a record. Raises DeltaMismatch without them."""
        path, op, channel, value = (record.get(key) for key in "pocv")
        if path is None and self._is_root(op, value):
            path, op = ROOT, op or "add"
        if None in (path, op, channel) and not self._known:
            raise DeltaMismatch("what a record leaves out was lost")
        if not (isinstance(path, str | None) and isinstance(op, str | None) and _is_channel(channel)):
            raise DeltaMismatch("a path, an operation or a channel is of a wrong type")
        if channel is not None and channel != self.channel:
            self._turn_to(channel)
        if path is None and op is None and isinstance(value, str) and self._is_begun:
            place = self._text_place()
            path, op = (place, "append") if place else (path, op)
        self.path = self.path if path is None else path
        self.op = self.op if op is None else ALIASES.get(op, op)
        self._patches = self.op == "patch" or _are_changes(value)
        self._base = self.path
        if self._patches and path is None and (self.op != "patch" or _are_from_root(value)):
            self._base = ROOT
        self._known = True

    @property
    def _is_begun(self) -> bool:
        """The last record began a message, and nothing was said since about where its text stands."""
        return self.path == ROOT and self.op in ROOT_OPERATIONS

    def _is_root(self, op: object, value: object) -> bool:
        """Whether `value`, for which no path was said, is an envelope, or one that only has an error."""
        if op not in (None, *ROOT_OPERATIONS) or not isinstance(value, dict):
            return False
        return is_envelope(value) or (bool(value.get("error")) and not _is_textless(self.path))

    def _turn_to(self, channel: int) -> None:
        if (holder := self._holders.pop(channel, None)) is None:
            holder = {}
            if len(self._holders) >= MAX_CHANNELS:
                oldest = next(iter(self._holders))
                del self._holders[oldest]
                self.kept -= self._sizes.pop(oldest, 0)
        self._holders[channel] = holder
        self.channel = channel

    def _text_place(self) -> str | None:
        """Where the message of the current tree has its text, if it has one of its own."""
        content = self.content
        if isinstance(content.get("parts"), list):
            return CONTENT_PATH + "parts/0"
        return CONTENT_PATH + "text" if isinstance(content.get("text"), str) else None

    def gives_id(self, value: object) -> bool:
        """Whether the record that was begun, with this value, gives its message another id."""
        if self._patches and _are_changes(value):
            return any(f"{self._base}{change['p']}" == ID_PATH for change in value)
        return self.path == ID_PATH

    def is_textless(self, value: object) -> bool:
        """Whether the record that was begun, with this value, leaves the text of the message as it is."""
        if self._patches and isinstance(value, list) and not _is_textless(self._base):
            return all(
                isinstance(change, dict) and _is_textless(f"{self._base}{change.get('p')}")
                for change in value
            )
        return _is_textless(self._base)

    def spares(self, keys: Collection[str], value: object) -> bool:
        """Whether the record that was begun, with this value, leaves what stands under these keys of the
        metadata of its message as it is.
        """
        if not self._patches:
            return _spares(keys, self.path, self.op, value)
        return isinstance(value, list) and all(
            isinstance(change, dict)
            and _spares(keys, f"{self._base}{change.get('p')}", change.get("o"), change.get("v"))
            for change in value
        )

    def apply(self, value: object, data: bytes = b"") -> None:
        """Make the changes of the record that was begun, which has this value, and was parsed from `data`.

        Raises DeltaMismatch when one does not fit; the others are made as far as they are no text.
        """
        self._count(value, data)
        if self._patches:
            self._patch(value)
        else:
            self._change(self.path, self.op, value)
        if not isinstance(self._holders[self.channel].get(ROOT, {}), dict):
            raise DeltaMismatch("a root is no object")

    def _count(self, value: object, data: bytes) -> None:
        """Count what the record may add to its tree."""
        before = self._sizes.get(self.channel, 0)
        if isinstance(value, str) and self.op == "append":
            after = before + text_size(value)
        else:
            values = data.count(b",") + data.count(b"[") + data.count(b"{")
            size = len(data) + VALUE_BYTES * values
            is_new = self._is_begun and not self._patches
            after = size if is_new else before + size
        self._sizes[self.channel] = after
        self.kept += after - before

    def _patch(self, changes: object) -> None:
        """Make several changes; their paths are relative to that of the patch, in practice the root."""
        base = self._base
        if not isinstance(changes, list) or len(changes) > MAX_PATCH:
            raise self._mismatch(f"a patch is not a list of at most {MAX_PATCH} changes", base)
        left_out: DeltaMismatch | None = None
        for change in changes:
            path, op = (change.get("p"), change.get("o")) if isinstance(change, dict) else (None, None)
            if not isinstance(path, str) or not isinstance(op, str):
                raise self._mismatch("a change in a patch is incomplete", base)
            try:
                self._change(base + path, ALIASES.get(op, op), change.get("v"))
            except DeltaMismatch as mismatch:
                if not mismatch.textless:
                    raise
                left_out = mismatch
        if left_out is not None:
            raise left_out

    def _change(self, path: str, op: str, value: object) -> None:
        try:
            if (operation := OPERATIONS.get(op)) is None:
                raise DeltaMismatch(f"unknown operation {op[:20]}")
            keys, holder = _segments(path), self._holders[self.channel]
            if f"{path}/".startswith(MADE_PATHS) and isinstance(self.tree.get("message"), dict):
                place = keys if op == "append" else keys[:-1]
                if op in ("add", "append") and _found(holder, place) is None:
                    _make(holder, keys, value)
                    return
            operation(_follow(holder, keys[:-1]), keys[-1], value)
        except DeltaMismatch as mismatch:
            raise self._mismatch(str(mismatch), path) from None

    def _mismatch(self, reason: str, path: str) -> DeltaMismatch:
        return DeltaMismatch(reason, self.tree, textless=_is_textless(path))


def is_envelope(value: object) -> TypeGuard[JsonObject]:
    """Whether `value` is the root of a message, or says that there is none."""
    return isinstance(value, dict) and "message" in value and isinstance(value["message"], dict | None)


def touched_references(record: JsonObject, known: int) -> set[int] | None:
    """Which of so many references a record changes, besides adding some; None if it may do more."""
    path, op, value = record.get("p"), record.get("o"), record.get("v")
    if path in (None, "") and op in (None, "patch") and _are_changes(value):
        changes = value
    elif isinstance(path, str):
        changes = [record]
    else:
        return None
    touched: set[int] = set()
    for change in changes:
        place = text_at(change, "p")
        if not place.startswith(REFERENCES_PATH):
            return None
        rest = place[len(REFERENCES_PATH) :]
        if not rest and change.get("o") in APPENDS:
            continue
        if (found := BELOW_REFERENCE.match(rest)) is None or int(found[1]) >= known:
            return None
        touched.add(int(found[1]))
    return touched


def _are_changes(value: object) -> TypeGuard[list[JsonObject]]:
    """Whether `value` is a list of changes, so that it is a patch."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and isinstance(one.get("p"), str) and "o" in one for one in value)
    )


def _are_from_root(value: object) -> bool:
    """Whether the paths of changes begin at the root."""
    return _are_changes(value) and all(f"{one['p']}/".startswith("/message/") for one in value)


def _is_channel(channel: object) -> TypeGuard[int | None]:
    return channel is None or (isinstance(channel, int) and not isinstance(channel, bool))


def _is_textless(path: str) -> bool:
    return f"{path}/".startswith(TEXTLESS_PATHS)


def _spares(keys: Collection[str], path: str, op: object, value: object) -> bool:
    """Whether a change leaves the metadata under these keys as it is."""
    if path == METADATA_PATH:
        return op in APPENDS and isinstance(value, dict) and value.keys().isdisjoint(keys)
    if path.startswith(f"{METADATA_PATH}/"):
        return path.split("/", 4)[3] not in keys
    return bool(path) and not METADATA_PATH.startswith(f"{path}/")


def _segments(path: str) -> list[str]:
    """The keys that lead from a channel's holder to the place that the JSON pointer `path` names."""
    if path and path[0] != "/":
        raise DeltaMismatch("a path is not a JSON pointer")
    keys = [key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]]
    if len(keys) > MAX_DEPTH:
        raise DeltaMismatch("a path is too deep")
    return [ROOT, *keys]


def _follow(value: object, keys: list[str]) -> object:
    """What is found from `value` down the `keys`."""
    for key in keys:
        value = _child(value, key)
    return value


def _child(parent: object, key: str) -> object:
    if isinstance(parent, dict) and key in parent:
        return parent[key]
    if isinstance(parent, list):
        return parent[_index(key, len(parent) - 1)]
    raise DeltaMismatch("a path leads nowhere")


def _found(value: object, keys: list[str]) -> object:
    """What is found from `value` down the `keys`; None if it is missing or null."""
    try:
        return _follow(value, keys)
    except DeltaMismatch:
        return None


def _make(value: object, keys: list[str], new: object) -> None:
    """Put `new` where the `keys` lead from `value`, with what is missing or null on the way."""
    while (child := _found(value, keys[:1])) is not None:
        value, keys = child, keys[1:]
    for key in reversed(keys[1:]):
        if key.isdigit() or key == "-":
            if key not in ("0", "-"):
                raise DeltaMismatch("an index is out of range")
            new = [new]
        else:
            new = {key: new}
    if isinstance(value, list):
        at = len(value) if keys[0] == "-" else _index(keys[0], len(value))
        value[at : at + 1] = [new]
    else:
        _replace(value, keys[0], new)


def _index(key: str, last: int) -> int:
    """`key` as an index of a list whose last usable index is `last`."""
    if not (key.isascii() and key.isdigit() and len(key) < 8 and int(key) <= last):
        raise DeltaMismatch("an index is out of range")
    return int(key)


def _add(parent: object, key: str, value: object) -> None:
    """Insert into a list; into an object the same as `_replace`."""
    if isinstance(parent, list):
        parent.insert(len(parent) if key == "-" else _index(key, len(parent)), value)
    else:
        _replace(parent, key, value)


def _replace(parent: object, key: str, value: object) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    elif isinstance(parent, list):
        parent[_index(key, len(parent) - 1)] = value
    else:
        raise DeltaMismatch("a path leads into a plain value")


def _append(parent: object, key: str, value: object) -> None:
    """Concatenate texts, extend or push to a list, merge objects."""
    old = _child(parent, key)
    if isinstance(old, str) and isinstance(value, str):
        _replace(parent, key, concatenate(old, value))
    elif isinstance(old, list):
        old.extend(value if isinstance(value, list) else [value])
    elif isinstance(old, dict) and isinstance(value, dict):
        old.update(value)
    else:
        raise DeltaMismatch("append to something that cannot grow by this value")


def _truncate(parent: object, key: str, length: object) -> None:
    old = _child(parent, key)
    if not isinstance(old, str | list) or not isinstance(length, int) or length < 0:
        raise DeltaMismatch("truncate of something that has no length, or to no length")
    _replace(parent, key, old[:length])


def _remove(parent: object, key: str, _value: object) -> None:
    if isinstance(parent, dict) and key in parent:
        del parent[key]
    elif isinstance(parent, list):
        del parent[_index(key, len(parent) - 1)]
    else:
        raise DeltaMismatch("a path leads nowhere")


OPERATIONS: dict[str, Callable[[object, str, object], None]] = {
    "add": _add,
    "replace": _replace,
    "append": _append,
    "truncate": _truncate,
    "remove": _remove,
}
"""What each operation does to the child `key` of `parent`. A patch, which is a list of them, is not here."""
