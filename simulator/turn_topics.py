"""A live turn as the frames of a topic on the user's socket (protocol notes, section 20.7)."""

from collections.abc import AsyncIterator

from simulator.live_turns import LiveTurn
from simulator.messages import JsonObject

FIRST_OFFSET = 1_795_333_147_000
"""What the offsets of all topics count from; they look like milliseconds."""


class TurnTopic:
    """The frames of one turn, as its knobs have them: each item holds one record, or two."""

    def __init__(self, turn: LiveTurn) -> None:
        self._turn = turn
        self._size = 2 if turn.knobs.items == "pairs" else 1

    @property
    def item_count(self) -> int:
        """Items that are complete."""
        records = len(self._turn.records)
        return -(-records // self._size) if self._turn.is_over else records // self._size

    def index_after(self, offset: str | None) -> int:
        """The number of the first item after `offset`; without an offset that of the next one to come."""
        if offset is None:
            return self.item_count
        number = offset.partition("-")[0]
        return max(0, int(number) - FIRST_OFFSET) if number.isdigit() else 0

    @property
    def last_offset(self) -> str:
        """The offset of the last complete item."""
        return _offset(self.item_count)

    def frames(self, start: int, stop: int) -> list[JsonObject]:
        """The frames of items `start` to `stop`, that one not included."""
        size, records = self._size, self._turn.records
        return [self._item(index, records[index * size : (index + 1) * size]) for index in range(start, stop)]

    async def follow(self, start: int) -> AsyncIterator[JsonObject]:
        """Frames from item `start` on as they come, then the frame that says how the turn ended."""
        index, held = start, list[str]()
        async for record in self._turn.follow(start * self._size):
            held.append(record)
            if len(held) == self._size:
                yield self._item(index, held)
                index, held = index + 1, []
        if held:
            yield self._item(index, held)
            index += 1
        if self._turn.failed:
            yield self._frame(index, {"type": "error", "message": "The turn failed."})
        else:
            yield self._frame(index, {"type": "done"})

    def heartbeat(self) -> JsonObject:
        """A frame that says no more than that the topic lives."""
        return self._frame(self.item_count, {"type": "heartbeat"})

    def _item(self, index: int, records: list[str]) -> JsonObject:
        text = "".join(records)
        if self._turn.knobs.items == "open":
            text = text.rstrip("\r\n")
        item = {
            "type": "stream-item",
            "encoded_item": text,
            "stream_item_id": f"si{index + 1}",
            "parent_stream_item_id": f"si{index}" if index else None,
            "server_timestamp_ms": FIRST_OFFSET + index,
        }
        return self._frame(index, item)

    def _frame(self, index: int, payload: JsonObject) -> JsonObject:
        about = {"conversation_id": self._turn.conversation_id, "turn_id": self._turn.exchange.id}
        return {
            "type": "message",
            "topic_id": self._turn.exchange.topic_id,
            "offset": _offset(index + 1),
            "payload": {"type": "conversation-turn-stream", "payload": {**payload, **about}},
        }


def _offset(count: int) -> str:
    """The offset of a topic after so many items."""
    return f"{FIRST_OFFSET + count}-0"
