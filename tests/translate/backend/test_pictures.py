"""Which pictures of a turn are shown, and when."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend.pictures import MAX_ID, PictureBook
from translate.text import Message, Pictures

Raw = dict[str, Any]


def part(file_id: str, gen_id: str = "", scheme: str = "sediment") -> Raw:
    about = {"dalle": {"gen_id": gen_id, "prompt": ""}} if gen_id else {}
    return {
        "content_type": "image_asset_pointer",
        "asset_pointer": f"{scheme}://{file_id}",
        "metadata": about,
    }


def raw(*parts: Raw, status: str = "finished_successfully", id: str = "t1", **metadata: object) -> Raw:
    return {
        "id": id,
        "status": status,
        "content": {"content_type": "multimodal_text", "parts": list(parts)},
        "metadata": metadata,
    }


class Reader:
    """Reads messages into a book, and notes what it shows."""

    def __init__(self) -> None:
        self.book = PictureBook()
        self._messages: dict[str, Message] = {}

    def take(self, message: Raw) -> list[str]:
        shown = self._messages.setdefault(message["id"], Message(message["id"], Pictures()))
        return [change.asset.file_id for change in self.book.take(shown, message)]

    def release(self) -> list[str]:
        return [change.asset.file_id for change in self.book.release()]


GROWING = "in_progress"


def test_only_the_last_revision_is_shown_once_its_message_is_complete() -> None:
    reader = Reader()
    assert reader.take(raw(part("small", "g1"), status=GROWING)) == []
    assert reader.take(raw(part("blurred", "g1"), status=GROWING)) == []
    assert reader.book.count == 1
    assert reader.take(raw(part("sharp", "g1"))) == ["sharp"]
    assert reader.take(raw(part("sharp", "g1"))) == reader.release() == []


def test_message_says_itself_whether_it_is_a_preview_whatever_its_status() -> None:
    reader = Reader()
    assert reader.take(raw(part("a", "g1"), ghostrider={"status": "intermediate"})) == []
    assert reader.take(raw(part("b", "g1"), status=GROWING, ghostrider={"status": "final"})) == ["b"]


@pytest.mark.parametrize("gen_id", ["", "g1"])
def test_revisions_of_a_slot_or_a_generation_come_in_any_message(gen_id: str) -> None:
    slot: Raw = {} if gen_id else {"slot_index": 1, "async_task_id": "task"}
    reader = Reader()
    assert reader.take(raw(part("a", gen_id), id="t1", status=GROWING, **slot)) == []
    assert reader.take(raw(part("b", gen_id), id="t2", **slot)) == ["b"]
    assert reader.release() == []


def test_picture_that_replaces_a_preview_in_its_message_needs_no_name_in_common() -> None:
    reader = Reader()
    reader.take(raw(part("a", "g1"), part("b", "g2"), status=GROWING))
    assert reader.take(raw(part("c", "g3"), part("d", "g4"))) == ["c", "d"]
    assert reader.release() == []


def test_preview_is_shown_at_the_end_of_the_turn_if_nothing_better_came() -> None:
    reader = Reader()
    reader.take(raw(part("a", "g1"), status=GROWING))
    reader.take(raw(status=GROWING))  # which says nothing of pictures
    reader.take(raw(part("b", "g2"), id="t2", status=GROWING))
    assert reader.release() == ["a", "b"]
    assert reader.release() == []


def test_pictures_of_several_generations_slots_and_places_are_several() -> None:
    reader = Reader()
    assert reader.take(raw(part("a", "g1"), part("b", "g2"), part("c"), part("d"))) == ["a", "b", "c", "d"]
    assert reader.take(raw(part("e", "g5"), id="t2", slot_index=0)) == ["e"]
    assert reader.take(raw(part("f", "g6"), id="t3", slot_index=1)) == ["f"]
    assert reader.take(raw(part("g", "g7"), id="t4", slot_index=0)) == ["g"]  # another call


def test_revision_that_comes_too_late_is_not_shown_beside_the_first() -> None:
    reader = Reader()
    assert reader.take(raw(part("a", "g1"))) == ["a"]
    assert reader.take(raw(part("b", "g1"))) == reader.release() == []


def test_one_file_is_one_picture_whatever_its_scheme_and_its_message() -> None:
    reader = Reader()
    both = part("a", "g1", "file-service"), part("a", "g2")
    assert reader.take(raw(*both)) == ["a"]
    assert reader.take(raw(part("a", "g9"), id="t2", slot_index=3)) == []
    reader.take(raw(part("b", "g3"), id="t3", status=GROWING))
    reader.take(raw(part("b", "g4"), id="t4", status=GROWING))
    assert reader.release() == ["b"]


def test_figures_are_shown_as_they_come() -> None:
    images = [{"message_type": "image", "image_url": "file-service://f1"}]
    running = raw(status=GROWING, aggregate_result={"messages": images})
    reader = Reader()
    assert reader.take(running) == ["f1"]
    assert reader.take(running) == []


def test_thousands_of_previews_take_no_more_memory_than_one() -> None:
    reader = Reader()
    reader.take(raw(part("file_0000", "g" * 1000), status=GROWING))
    kept = reader.book.kept
    assert 0 < kept < 1000 + 2 * MAX_ID
    for number in range(1, 3000):
        reader.take(raw(part(f"file_{number:04}", "g" * 1000), status=GROWING))
    assert (reader.book.kept, reader.book.count) == (kept, 1)
    assert reader.release() == ["file_2999"]


def test_what_is_remembered_of_pictures_that_were_shown_is_counted() -> None:
    kept = []
    for gen_id in ("", "g" * MAX_ID):
        reader = Reader()
        for number in range(100):
            reader.take(raw(part(f"file_{number:04}", gen_id and f"{number}{gen_id}"), id=f"t{number}"))
        assert reader.release() == []
        kept.append(reader.book.kept)
    assert kept[0] > 100 * len("file_0000")
    assert kept[1] - kept[0] > 100 * (MAX_ID - len("part 0 t0"))


def test_what_is_remembered_of_figures_is_counted() -> None:
    images = [{"message_type": "image", "image_url": f"file-service://{number:0100}"} for number in range(9)]
    reader = Reader()
    reader.take(raw(aggregate_result={"messages": images}))
    assert reader.book.kept > 900


IDS = st.sampled_from(["", "g1", "g2"])
PARTS = st.builds(part, st.sampled_from(["a", "b", "c", "d"]), IDS, st.sampled_from(["sediment", "file-x"]))
MESSAGES = st.builds(
    lambda parts, status, id, metadata: raw(*parts, status=status, id=id, **metadata),
    st.lists(PARTS, max_size=3),
    st.sampled_from([GROWING, "finished_successfully", "x"]),
    st.sampled_from(["t1", "t2"]),
    st.fixed_dictionaries({}, optional={"slot_index": st.sampled_from([0, 1, "x", None])}),
)


@given(st.lists(MESSAGES, max_size=12))
def test_no_file_is_shown_twice_and_the_last_complete_message_always_has_one(messages: list[Raw]) -> None:
    reader = Reader()
    shown: list[str] = []
    for message in messages:
        new = reader.take(message)
        shown += new
        if message["status"] != GROWING and message["content"]["parts"] and not shown:
            raise AssertionError("nothing is shown of a complete message")
    shown += reader.release()
    assert len(shown) == len(set(shown)) == reader.book.count
    assert reader.release() == []
