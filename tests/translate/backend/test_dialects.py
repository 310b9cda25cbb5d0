"""The two dialects: what a record says, and when the fast path may take what follows."""

import json

import pytest

from tests.translate.deltas import TEXT
from tests.translate.wire import Json, finished, json_bytes, message
from translate.backend import (
    DeltaDialect,
    Dialect,
    FastPath,
    Record,
    SnapshotDialect,
    SseSplitter,
    Trouble,
)
from translate.backend.content import shown_text_of
from translate.backend.dialects import Reading
from translate.text import Prose, SourceText


def text_of(text: str) -> SourceText:
    source = SourceText(Prose().held_back)
    source.become(text)
    return source


def armed(dialect: Dialect, record: Record, text: str) -> FastPath | None:
    """The fast path as the dialect leaves it, or None if it is not armed."""
    fast_path = FastPath()
    dialect.arm(fast_path, record, text_of(text))
    return fast_path if fast_path.armed else None


def taken(fast_path: FastPath | None, data: bytes) -> list[bytes]:
    assert fast_path is not None
    sse = SseSplitter()
    sse.push(data)
    return fast_path.take_plain(sse)


# Snapshots.


def test_snapshot_is_an_envelope_as_it_is() -> None:
    envelope = message("Hi")
    assert SnapshotDialect().read(envelope) == Reading(envelope)


@pytest.mark.parametrize("text", ["", "Hi", 'say "hi"\\', "你好 🔥\n"])
@pytest.mark.parametrize("raw", [False, True])
def test_snapshot_arms_the_fast_path_for_the_one_that_goes_on(text: str, raw: bool) -> None:
    fast_path = armed(SnapshotDialect(), Record(b"", json_bytes(message(text), raw=raw)), text)
    longer = json_bytes(message(text + " and more"), raw=raw)
    assert taken(fast_path, b"data: " + longer + b"\n\n") == [b" and more"]


def test_code_has_its_text_in_another_place() -> None:
    def record(text: str) -> bytes:
        content: Json = {"content_type": "code", "language": "python", "text": text}
        return json_bytes(message("", content=content))

    fast_path = armed(SnapshotDialect(), Record(b"", record("print")), "print")
    assert taken(fast_path, b"data: " + record("print(1)") + b"\n\n") == [b"(1)"]


UNUSUAL: dict[str, tuple[bytes, str]] = {
    "no text": (json_bytes({"message": {"content": {}}}), ""),
    "several parts": (json_bytes(message("", content={"content_type": "text", "parts": ["a", "b"]})), "ab"),
    "other text first": (b'{"content": {"parts": ["no"]}, "message": {"content": {"parts": ["Hi"]}}}', "Hi"),
    "text over two lines": (b'{"message": {"content": {"parts": ["H\ni"]}}}', "H\ni"),
}


@pytest.mark.parametrize(("data", "text"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_snapshot_leaves_the_fast_path_alone(data: bytes, text: str) -> None:
    assert armed(SnapshotDialect(), Record(b"", data), text) is None


# Delta v1.

BEGUN: Json = {"p": "", "o": "add", "v": message("Hi")}
APPEND: Json = {"p": TEXT, "o": "append", "v": " you"}


def begun() -> DeltaDialect:
    dialect = DeltaDialect()
    dialect.read(json.loads(json.dumps(BEGUN)))
    return dialect


def text_in(envelope: Json | None) -> object:
    assert envelope is not None
    return envelope["message"]["content"]["parts"][0]  # type: ignore[index]


def test_delta_changes_the_tree_and_gives_it_as_an_envelope() -> None:
    reading = begun().read(APPEND)
    assert (text_in(reading.envelope), reading.trouble) == ("Hi you", Trouble.NONE)


def test_delta_that_does_not_fit_gives_the_tree_as_it_is_and_says_so() -> None:
    reading = begun().read({"p": "/nothing/0", "o": "append", "v": "x"})
    assert (text_in(reading.envelope), reading.trouble) == ("Hi", Trouble.TEXT)


@pytest.mark.parametrize("place", ["metadata", "metadata/citations/0", "status", "end_turn", "create_time"])
def test_delta_that_does_not_fit_where_no_text_stands_says_so(place: str) -> None:
    reading = begun().read({"p": f"/message/{place}", "o": "explode", "v": "x"})
    assert (text_in(reading.envelope), reading.trouble) == ("Hi", Trouble.TEXTLESS)


def test_tree_without_a_message_is_no_envelope() -> None:
    assert DeltaDialect().read({"p": "", "o": "add", "v": {}}) == Reading(None)
    assert DeltaDialect().read({"p": "", "o": "add", "v": {"x": 1}}) == Reading(None, Trouble.TEXT)
    assert DeltaDialect().read({"p": "/x", "o": "add", "v": 1}) == Reading(None, Trouble.TEXT)


def test_snapshot_among_deltas_is_an_envelope_and_does_not_arm() -> None:
    dialect, snapshot = begun(), finished("Done.", "a2")
    dialect.read(APPEND)
    assert dialect.read(snapshot) == Reading(snapshot)
    assert armed(dialect, Record(b"", json_bytes(snapshot)), "Hi you") is None


def test_text_that_grew_on_the_fast_path_is_set_before_something_may_touch_it() -> None:
    dialect, text = begun(), text_of("Hi you")
    dialect.read(APPEND)
    dialect.arm(FastPath(), Record(b"", json_bytes(APPEND)), text)
    text.grow(b" and more", " and more")
    status = dialect.read({"p": "/message/status", "o": "replace", "v": "finished_successfully"})
    assert status.same_text
    reading = dialect.read({"p": TEXT, "o": "append", "v": "."})
    assert (text_in(reading.envelope), reading.same_text) == ("Hi you and more.", False)


def test_growth_is_an_append_to_the_text_that_is_growing() -> None:
    dialect, text = begun(), text_of("Hi you")
    dialect.read(APPEND)
    assert dialect.growth({"v": " and"}, text) is None, "it is not known yet that the text is all there is"
    dialect.arm(FastPath(), Record(b"", json_bytes(APPEND)), text)
    assert dialect.growth({"v": " and"}, text) == " and"
    assert dialect.growth(APPEND | {"c": 0}, text) == " you"
    assert dialect.growth({"v": 5}, text) is None
    assert dialect.growth({"v": " and", "c": 1}, text) is None
    assert dialect.growth({"v": " and", "p": "/message/content/text"}, text) is None
    assert dialect.growth({"v": " and"}, text_of("Hi you")) is None, "that of another message"
    dialect.lose()
    assert dialect.growth({"v": " and"}, text) is None
    assert dialect.growth(APPEND | {"c": 0}, text) == " you"


@pytest.mark.parametrize("event", [b"", b"delta", b"message"])
@pytest.mark.parametrize("compact", [False, True])
def test_append_arms_the_fast_path_for_bare_ones(event: bytes, compact: bool) -> None:
    dialect = begun()
    dialect.read(APPEND)
    bare = b'{"v":" and"}' if compact else b'{"v": " and"}'
    dialect.read({"v": " and"})
    fast_path = armed(dialect, Record(event, bare), "Hi you and")
    framed = (b"event: " + event + b"\n" if event else b"") + b"data: " + bare + b"\n\n"
    assert taken(fast_path, framed * 2) == [b" and", b" and"]


def test_append_that_names_its_path_keeps_the_style_of_those_before() -> None:
    dialect = begun()
    dialect.read(APPEND)
    fast_path = armed(dialect, Record(b"", json_bytes(APPEND)), "Hi you")
    assert taken(fast_path, b'data: {"v": "!"}\n\n') == [b"!"]


GROWS: dict[str, tuple[Json, str, str]] = {
    "last part": ({"content_type": "text", "parts": ["One ", "two"]}, "parts/1", "One two"),
    "empty last part": ({"content_type": "text", "parts": ["One ", ""]}, "parts/1", "One "),
    "text": ({"content_type": "code", "text": "x"}, "text", "x"),
    "last thought": (
        {"content_type": "thoughts", "thoughts": [{"content": "a"}, {"summary": "S", "content": "b"}]},
        "thoughts/1/content",
        "a\n\n**S**\n\nb",
    ),
}


@pytest.mark.parametrize(("content", "place", "text"), GROWS.values(), ids=GROWS)
def test_append_to_the_end_of_the_text_arms_wherever_that_stands(
    content: Json, place: str, text: str
) -> None:
    dialect, source = DeltaDialect(), text_of(text + "!")
    dialect.read({"p": "", "o": "add", "v": message("", content=json.loads(json.dumps(content)))})
    append: Json = {"p": f"/message/content/{place}", "o": "append", "v": "!"}
    dialect.read(append)
    fast_path = FastPath()
    dialect.arm(fast_path, Record(b"", json_bytes(append)), source)
    assert taken(fast_path, b'data: {"v": " more"}\n\n') == [b" more"]
    source.grow(b" more", " more")
    reading = dialect.read(append | {"v": "."})
    assert reading.envelope is not None
    assert shown_text_of(reading.envelope["message"]) == text + "! more."  # type: ignore[arg-type]


STAYS: dict[str, tuple[Json, str, str]] = {
    "a part with others behind it": ({"content_type": "text", "parts": ["a", "b"]}, "parts/0", "a!b"),
    "a part before a picture": ({"content_type": "multimodal_text", "parts": ["a", {}]}, "parts/0", "a!"),
    "a thought before others": (
        {"content_type": "thoughts", "thoughts": [{"content": "a"}, {"content": "b"}]},
        "thoughts/0/content",
        "a!\n\nb",
    ),
    "a summary": (
        {"content_type": "thoughts", "thoughts": [{"summary": "S"}]}, "thoughts/0/summary", "**S!**"
    ),
    "a text beside parts": ({"content_type": "text", "parts": ["a!"], "text": "a"}, "text", "a!"),
    "a part beside thoughts": ({"thoughts": [], "parts": ["a"]}, "parts/0", ""),
    "a place that nobody knows": ({"parts": ["a"], "other": "a"}, "other", "a!"),
    "no content": ({"other": "a"}, "other", "a!"),
    "no object": ({"thoughts": ["a"]}, "thoughts/0", ""),
}  # fmt: skip


@pytest.mark.parametrize(("content", "place", "text"), STAYS.values(), ids=STAYS)
def test_append_to_any_other_place_does_not_arm(content: Json, place: str, text: str) -> None:
    dialect = DeltaDialect()
    dialect.read({"p": "", "o": "add", "v": message("", content=json.loads(json.dumps(content)))})
    append: Json = {"p": f"/message/content/{place}", "o": "append", "v": "!"}
    dialect.read(append)
    assert armed(dialect, Record(b"", json_bytes(append)), text) is None


def test_text_that_is_not_all_of_the_message_does_not_arm() -> None:
    dialect = begun()
    dialect.read(APPEND)
    assert armed(dialect, Record(b"", json_bytes(APPEND)), "Hi you, and what was not taken back") is None
    dialect.read({"p": "/message/status", "o": "replace", "v": "in_progress"})
    assert armed(dialect, Record(b"", b"{}"), "Hi you") is None


# References.

REFERENCES = "/message/metadata/content_references"


def tree_with(references: object) -> tuple[DeltaDialect, SourceText]:
    """A dialect that knows where the text of a message grows, which has these references."""
    dialect, text = DeltaDialect(), text_of("Hi")
    root = message("Hi", metadata={"content_references": references})
    dialect.read({"p": "", "o": "add", "v": root, "c": 0})
    record: Json = {"p": TEXT, "o": "append", "v": ""}
    dialect.read(record)
    dialect.arm(FastPath(), Record(b"", json_bytes(record)), text)
    return dialect, text


def test_record_that_only_adds_to_the_references_says_which() -> None:
    dialect, text = tree_with([{}])
    record: Json = {"p": REFERENCES, "o": "append", "v": [{"type": "file"}]}
    change = dialect.references(record, b"", text, 1)
    assert change is not None
    assert (list(change.items), change.fits) == ([(1, {"type": "file"})], True)


@pytest.mark.parametrize(
    "record",
    [
        {"p": REFERENCES, "o": "append", "v": [{}], "c": 1},
        {"p": REFERENCES, "o": "replace", "v": [{}]},
        {"p": REFERENCES, "o": "append", "v": [{}], "message": {}},
        {"p": f"{REFERENCES}/1/alt", "o": "replace", "v": ""},
        {"p": "/message/status", "o": "replace", "v": ""},
        {"v": [{}]},
        {"p": 1, "o": "append", "v": [{}]},
    ],
)
def test_other_records_are_read_as_any_other(record: Json) -> None:
    dialect, text = tree_with([{}])
    assert dialect.references(record, b"", text, 1) is None


def test_references_that_are_not_as_many_as_known_are_all_read() -> None:
    dialect, text = tree_with([{}])
    record: Json = {"p": REFERENCES, "o": "append", "v": [{}]}
    assert dialect.references(record, b"", text, 2) is None
    assert dialect.references(record, b"", text_of("Hi"), 1) is None
    dialect.lose()
    assert dialect.references(record, b"", text, 1) is None


def snapshot(text: str, references: list[object], **more: object) -> bytes:
    metadata: Json = {"content_references": references} | more
    return b"data: " + json_bytes(message(text, metadata=metadata)) + b"\n\n"


@pytest.mark.parametrize(
    ("before", "after", "taken"),
    [
        (snapshot("Hi", []), snapshot("Hi you", [{}]), True),
        (snapshot("Hi", [{"a": "]"}]), snapshot("Hi you", [{"a": "]"}, {}, {}]), True),
        (snapshot("Hi", [{}]), snapshot("Hi", [{}]), False),  # nothing new
        (snapshot("Hi", [{}]), snapshot("Hi", [{"a": 1}, {}]), False),  # an old one is another
        (snapshot("Hi", [{}]), snapshot("Hi", [{}], status=1), False),  # something else is new
        (snapshot("Hi", [{}]), snapshot("No", [{}, {}]), False),  # another text
        (snapshot("Hi", [{}], x={"content_references": []}), snapshot("Hi", [{}, {}]), False),
        (snapshot("Hi", [{}]), snapshot("Hi", [{}, {}]).replace(b"{}, {}", b"{}, {]"), False),
        (snapshot("Hi", [{}]), snapshot("Hi", [{}, {}]).replace(b"{}, {}", b"{} {}"), False),
        (snapshot("Hi", [{}]), snapshot("Hi\0", [{}, {}]).replace(b"\\u0000", b"\\x"), False),
        (snapshot("Hi", [{}]), snapshot("Hi", [{}, {}]).removesuffix(b"\n"), False),  # not whole yet
        (snapshot("Hi", [{}]), snapshot("Hi", [{}]).partition(b'Hi"')[0] + b"Hi you\n\n", False),
    ],
)
def test_snapshot_that_only_has_more_references_is_taken(before: bytes, after: bytes, taken: bool) -> None:
    dialect, fast_path, sse = SnapshotDialect(), FastPath(), SseSplitter()
    data = before.removeprefix(b"data: ").strip()
    value = json.loads(data)
    known = len(value["message"]["metadata"]["content_references"])
    dialect.read(value, data)
    dialect.arm(fast_path, Record(b"", data), text_of("Hi"))
    sse.push(after)
    found = dialect.take_references(fast_path, sse, known)
    assert (found is not None) == taken
    if found is not None:
        later = json.loads(after.removeprefix(b"data: "))["message"]
        references = later["metadata"]["content_references"]
        assert found[1] == later["content"]["parts"][0].removeprefix("Hi")
        assert found[2].items == list(enumerate(references))[known:]
        assert sse.pos == len(after)


def test_snapshot_whose_references_are_not_as_many_as_known_is_not_taken() -> None:
    dialect, fast_path, sse = SnapshotDialect(), FastPath(), SseSplitter()
    dialect.read(message("Hi"))
    sse.push(snapshot("Hi", [{}]))
    assert dialect.take_references(fast_path, sse, 0) is None


def test_snapshot_that_is_no_text_is_not_taken() -> None:
    dialect, fast_path, sse = SnapshotDialect(), FastPath(), SseSplitter()
    metadata: Json = {"content_references": [{}]}
    dialect.read(message("Hi", metadata=metadata))
    before, after = (snapshot("Hi", [{}] * known).replace(b'"all"', b'"\xff"') for known in (1, 2))
    dialect.arm(fast_path, Record(b"", before.removeprefix(b"data: ").strip()), text_of("Hi"))
    sse.push(after)
    assert dialect.take_references(fast_path, sse, 1) is None
