"""Whole streams of the backend's several ages, constructed after real ones, at every kind of cut.

Each `NAME.sse` has a `NAME.json` beside it: what it shows, and the text, finish reason or error
that must come of it.
"""

import json
from pathlib import Path

import pytest

from tests.translate.reading import answer, content_of, whole_answer
from tests.translate.streams import assert_always

FOLDER = Path(__file__).parent.parent / "fixtures" / "upstream"
NAMES = sorted(path.stem for path in FOLDER.glob("*.sse"))


@pytest.mark.parametrize("name", NAMES)
def test_stream_of_the_backend_says_its_visible_text_at_every_cut(name: str) -> None:
    stream = (FOLDER / f"{name}.sse").read_bytes()
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert_always(stream, expected["text"], expected.get("finish_reason"), expected.get("error"))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("text")])
def test_good_stream_makes_the_same_whole_answer(name: str) -> None:
    stream = (FOLDER / f"{name}.sse").read_bytes()
    assert content_of(whole_answer(stream)) == answer(stream).text


def test_there_are_fixtures_and_each_tells_what_it_shows() -> None:
    assert len(NAMES) >= 8
    for name in NAMES:
        assert json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["shows"]
