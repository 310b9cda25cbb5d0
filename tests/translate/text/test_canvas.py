"""The JSON that fills a canvas, however it is cut, and wherever it breaks off."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.text.canvas import CanvasReader


def read(text: str, step: int = 1000, *, fenced: bool = True) -> tuple[str, str]:
    """What is shown, and the fence that is open behind it."""
    reader = CanvasReader(fenced=fenced)
    shown = "".join(reader.feed(text[at : at + step]) for at in range(0, len(text), step))
    return shown + reader.release(), reader.fence


CODE = {"name": "x", "type": "code/python", "content": 'print("a\\n🔥")\n'}


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("call", "shown", "fence"),
    [
        ({"name": "plan", "type": "document", "content": "# Plan\n\nOne."}, "# Plan\n\nOne.", ""),
        (CODE, '```python\nprint("a\\n🔥")\n', "```"),
        ({"name": "x", "type": "code/a b", "content": "y"}, "y", ""),
        ({"updates": [{"pattern": ".*", "multiple": True, "replacement": "New"}]}, "New", ""),
        ({"updates": [{"replacement": "One"}, {"replacement": "Two"}]}, "One\n\nTwo", ""),
        ({"comments": [{"pattern": "content", "comment": "replacement"}]}, "", ""),
        ({"type": "x" * 500, "tags": ["content", "a"], "content": "y"}, "y", ""),
    ],
)
def test_text_of_a_canvas_is_shown(call: dict[str, object], shown: str, fence: str, step: int) -> None:
    for text in (json.dumps(call), json.dumps(call, indent=1, ensure_ascii=False)):
        assert read(text, step) == (shown, fence)


def test_code_stands_in_no_fence_where_none_is_wanted() -> None:
    assert read(json.dumps(CODE), fenced=False) == (CODE["content"], "")


def test_code_does_not_close_its_fence() -> None:
    shown, _ = read(json.dumps(CODE | {"content": "a\n```\nb"}), 1)
    assert shown.count("```") == 1


@pytest.mark.parametrize("end", ["", "\\", "\\u", "\\u00", "\\ud83d", '"'])
def test_call_that_breaks_off_shows_what_was_complete(end: str) -> None:
    assert read('{"content": "Step one' + end, 3) == ("Step one", "")


def test_broken_escape_is_read_somehow() -> None:
    assert read('{"content": "a\\uzz b\\q\\/"}') == ("auzz bq/", "")


@given(st.text(), st.integers(1, 9))
def test_any_document_comes_back_whole(text: str, step: int) -> None:
    assert read(json.dumps({"content": text}), step)[0] == text


@given(st.text(st.sampled_from('{}[]":,\\u0dc content')), st.integers(1, 4))
def test_cuts_do_not_matter(text: str, step: int) -> None:
    assert read(text, step) == read(text)
