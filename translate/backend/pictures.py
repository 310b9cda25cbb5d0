"""Pictures of a turn: which of them can be shown, and which of their revisions is the last.

A picture grows: the backend shows a small or blurred preview, later another pointer in its place, and only
the last one is right (protocol notes, section 20.6). So a picture is held back until its message is complete,
or the turn is over.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from translate.backend.content import assets_of, figures_of, has_pictures
from translate.text import Message, PictureAdded
from translate.values import Asset, JsonObject, object_at, size_in_memory, text_at

MAX_ID: Final = 200
"""Characters of an id that tell pictures apart."""

_Key = tuple[str, int]
"""What stays the same in all revisions of a picture, and a number where a message has several of that."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A picture as it is now, in the message that shows it."""

    message: Message
    asset: Asset


class PictureBook:
    """Give `take` each message that may hold pictures; `release` gives those that are still held back.

    Each file is shown once in a turn, whatever the scheme of its pointer, and of each picture one revision.
    """

    __slots__ = ("_held", "_held_of", "_shown", "_shown_files", "kept")

    def __init__(self) -> None:
        self.kept = 0
        """Bytes of memory that are taken by what is kept, about."""
        self._shown_files: dict[str, None] = {}  # takes less memory than a set while it is empty
        self._shown: dict[_Key, str] = {}  # the id of the generation
        self._held: dict[_Key, _Drawn] = {}
        self._held_of: dict[str, list[_Key]] = {}  # by the id of the message

    @property
    def count(self) -> int:
        """How many pictures the turn has brought so far."""
        return len(self._shown_files) + len(self._held)

    def take(self, message: Message, raw: JsonObject) -> Iterator[PictureAdded]:
        """The pictures of a message that can be shown now. Figures of a program have no previews."""
        for figure in figures_of(raw):
            yield from self._show(_Drawn(message, figure))
        found = dict(self._pictures_in(raw, message.id))
        if not found:
            return
        for key in self._held_of.pop(message.id, ()):
            if key not in found and key in self._held and self._held[key].message is message:
                self._let_go(key)  # the message has another in its place
        for key, asset in found.items():
            self._hold(key, _Drawn(message, asset))
        if is_last_revision(raw):
            for key, asset in found.items():
                self._remember(key, asset)
                yield from self._show(self._let_go(key))
        else:
            self._held_of[message.id] = list(found)

    def release(self) -> Iterator[PictureAdded]:
        """The turn is over: nothing better will come than what is held back."""
        for key in list(self._held):
            yield from self._show(self._let_go(key))
        self._held_of.clear()

    def _pictures_in(self, raw: JsonObject, message_id: str) -> Iterator[tuple[_Key, Asset]]:
        """The pictures in the parts of a message, without those that were shown."""
        metadata = object_at(raw, "metadata")
        slot, task_id = metadata.get("slot_index"), text_at(metadata, "async_task_id")[:MAX_ID]
        files: set[str] = set()
        numbers: Counter[str] = Counter()
        for index, asset in enumerate(assets_of(raw)):
            if asset.file_id in files:
                continue  # the same under another scheme
            files.add(asset.file_id)
            if isinstance(slot, int):
                name = f"slot {slot} {task_id}"
            elif asset.gen_id:
                name = f"generation {asset.gen_id[:MAX_ID]}"
            else:
                name = f"part {index} {message_id}"
            key = name, numbers[name]
            numbers[name] += 1
            if asset.file_id not in self._shown_files and not self._is_late(key, asset):
                yield key, asset

    def _is_late(self, key: _Key, asset: Asset) -> bool:
        """Whether it is a revision of what was shown already; a slot may be used for another picture."""
        return key in self._shown and asset.gen_id[:MAX_ID] in ("", self._shown[key])

    def _hold(self, key: _Key, drawn: _Drawn) -> None:
        if key in self._held:
            self._let_go(key)
        self._held[key] = drawn
        self.kept += _size_of(key, drawn.asset)

    def _let_go(self, key: _Key) -> _Drawn:
        drawn = self._held.pop(key)
        self.kept -= _size_of(key, drawn.asset)
        return drawn

    def _remember(self, key: _Key, asset: Asset) -> None:
        self._shown[key] = asset.gen_id[:MAX_ID]
        self.kept += _size_of(key, asset)

    def _show(self, drawn: _Drawn) -> Iterator[PictureAdded]:
        file_id = drawn.asset.file_id
        if file_id not in self._shown_files:
            self._shown_files[file_id] = None
            self.kept += size_in_memory(file_id, drawn.asset.alt)
            yield PictureAdded(drawn.message, drawn.asset)


def is_last_revision(raw: JsonObject) -> bool:
    """Whether a message shows its pictures as they stay; `ghostrider` says so, or else the status."""
    metadata = object_at(raw, "metadata")
    revision = text_at(object_at(metadata, "ghostrider"), "status")
    return revision == "final" or (revision != "intermediate" and raw.get("status") != "in_progress")


def shows_last_revision(raw: JsonObject) -> bool:
    """Whether a message shows pictures, and none of them is a preview."""
    return is_last_revision(raw) and has_pictures(raw) and bool(assets_of(raw))


def _size_of(key: _Key, asset: Asset) -> int:
    return size_in_memory(key[0], asset.pointer, asset.alt, asset.prompt)
