"""The two dialects: what a record says, and when the fast path may take what follows."""

import json

import pytest

from tests.translate.deltas import TEXT
from tests.translate.wire import Json, finished, json_bytes, message
from translate.backend import DeltaDialect, Dialect, FastPath, Record, SnapshotDialect, SseSplitter
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
    assert SnapshotDialect().envelope(envelope, None) == (envelope, True)


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
    dialect.envelope(json.loads(json.dumps(BEGUN)), None)
    return dialect


def text_in(envelope: Json | None) -> object:
    assert envelope is not None
    return envelope["message"]["content"]["parts"][0]  # type: ignore[index]


def test_delta_changes_the_tree_and_gives_it_as_an_envelope() -> None:
    envelope, understood = begun().envelope(APPEND, None)
    assert (text_in(envelope), understood) == ("Hi you", True)


def test_delta_that_does_not_fit_gives_the_tree_as_it_is_and_says_so() -> None:
    envelope, understood = begun().envelope({"p": "/nothing/0", "o": "append", "v": "x"}, None)
    assert (text_in(envelope), understood) == ("Hi", False)


def test_tree_without_a_message_is_no_envelope() -> None:
    assert DeltaDialect().envelope({"p": "/x", "o": "add", "v": 1}, None) == (None, False)


def test_snapshot_among_deltas_is_an_envelope_and_does_not_arm() -> None:
    dialect, snapshot = begun(), finished("Done.", "a2")
    dialect.envelope(APPEND, None)
    assert dialect.envelope(snapshot, None) == (snapshot, True)
    assert armed(dialect, Record(b"", json_bytes(snapshot)), "Hi you") is None


def test_text_that_grew_on_the_fast_path_is_set_before_the_next_change() -> None:
    dialect = begun()
    dialect.envelope(APPEND, None)
    envelope, _ = dialect.envelope({"v": "."}, text_of("Hi you and more"))
    assert text_in(envelope) == "Hi you and more."


@pytest.mark.parametrize("event", [b"", b"delta", b"message"])
@pytest.mark.parametrize("compact", [False, True])
def test_append_arms_the_fast_path_for_bare_ones(event: bytes, compact: bool) -> None:
    dialect = begun()
    dialect.envelope(APPEND, None)
    bare = b'{"v":" and"}' if compact else b'{"v": " and"}'
    dialect.envelope({"v": " and"}, None)
    fast_path = armed(dialect, Record(event, bare), "Hi you and")
    framed = (b"event: " + event + b"\n" if event else b"") + b"data: " + bare + b"\n\n"
    assert taken(fast_path, framed * 2) == [b" and", b" and"]


def test_append_that_names_its_path_keeps_the_style_of_those_before() -> None:
    dialect = begun()
    dialect.envelope(APPEND, None)
    fast_path = armed(dialect, Record(b"", json_bytes(APPEND)), "Hi you")
    assert taken(fast_path, b'data: {"v": "!"}\n\n') == [b"!"]


def test_text_that_is_not_all_of_the_message_does_not_arm() -> None:
    dialect = begun()
    dialect.envelope(APPEND, None)
    assert armed(dialect, Record(b"", json_bytes(APPEND)), "Hi you, and what was not taken back") is None
    dialect.envelope({"p": "/message/status", "o": "replace", "v": "in_progress"}, None)
    assert armed(dialect, Record(b"", b"{}"), "Hi you") is None
