"""The text of one message: what was given on of it, however it came."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.text import Fenced, Prose, SourceText, escaped
from translate.text.source_text import common_prefix


class Model:
    """The same in the plainest words: what was given on, and what is held."""

    def __init__(self, held_back: Callable[[str], int]) -> None:
        self.shown = self.held = ""
        self.behind: int | None = None
        self._held_back = held_back

    def grow(self, piece: str) -> str:
        if self.behind is not None:
            repeated = self.shown[self.behind :][: len(piece)]
            self.behind += len(repeated)
            piece = piece[len(repeated) :]
            if self.behind < len(self.shown):
                return ""
            self.behind = None
        whole = self.held + piece
        end = len(whole) - self._held_back(whole)
        self.held = whole[end:]
        self.shown += whole[:end]
        return whole[:end]

    def become(self, new: str) -> tuple[int, str]:
        self.held = ""
        if self.shown.startswith(new) and new != self.shown:
            self.behind = len(new)
            return 0, ""
        self.behind = None
        kept = 0
        while kept < min(len(new), len(self.shown)) and new[kept] == self.shown[kept]:
            kept += 1
        taken_back = len(self.shown) - kept
        self.shown = new[:kept]
        return taken_back, self.grow(new[kept:])

    def release(self) -> str:
        piece, self.held = self.held, ""
        self.shown += piece
        return piece


TEXTS = st.text(st.sampled_from("ab`\ufffd🔥\n"), max_size=6)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["grow", "become", "lengthen"]), TEXTS),
    st.tuples(st.just("pass"), st.text(st.sampled_from("ab🔥\n"), max_size=4)),
    st.tuples(st.just("release"), st.just("")),
)


@given(st.sampled_from([Prose(), Fenced()]), st.lists(STEPS, max_size=12), st.data())
def test_given_and_text_are_right_after_any_steps(
    presentation: Prose, steps: list[tuple[str, str]], data: st.DataObject
) -> None:
    source, model = SourceText(presentation.held_back), Model(presentation.held_back)
    for step, text in steps:
        streamed = model.shown + model.held if model.behind is None else model.shown[: model.behind]
        fits = (streamed + text).startswith((model.shown + model.held)[: len(streamed + text)])
        assert source.streamed == streamed
        assert source.is_behind == (model.behind is not None)
        if step == "grow" and not fits:
            assert not source.fits(text)
            assert source.become(streamed + text) == model.become(streamed + text)
        elif step == "grow":
            assert source.fits(text)
            assert source.grow(escaped(text), text) == model.grow(text)
        elif step == "become":
            assert source.become(text) == model.become(text)
        elif step == "lengthen":
            assert source.become(source.text + text) == model.become(model.shown + model.held + text)
        elif step == "release":
            assert source.release() == model.release()
        elif not source.held and not source.is_behind:  # only then may a piece go by unread
            source.pass_unread(escaped(text))
            model.shown += text
        assert source.held == model.held
        if data.draw(st.booleans()):  # a look changes nothing
            assert source.given == len(model.shown)
        if data.draw(st.booleans()):
            assert source.text == model.shown + model.held
    assert source.given == len(model.shown)
    assert source.text == model.shown + model.held


def test_halves_of_a_character_are_given_on_whole_and_once() -> None:
    source = SourceText(Prose().held_back)
    assert source.grow(rb"a\ud83d", "a\ud83d") == "a"
    assert (source.held, source.given) == ("\ud83d", 1)
    assert source.grow(rb"\udd25b", "\udd25b") == "🔥b"
    assert (source.text, source.given) == ("a🔥b", 3)


def test_text_that_begins_again_gives_on_only_what_is_new() -> None:
    source = SourceText(Prose().held_back)
    assert source.become("One, two") == (0, "One, two")
    assert source.become("") == (0, "")
    assert source.fits("One")
    assert not source.fits("Two")
    assert source.grow(b"One", "One") == ""
    assert (source.is_behind, source.streamed, source.text) == (True, "One", "One, two")
    assert source.grow(b", two, three", ", two, three") == ", three"
    assert (source.is_behind, source.streamed, source.text) == (False, "One, two, three", "One, two, three")
    assert source.fits("anything")


def test_half_of_a_character_may_come_again_whole() -> None:
    source = SourceText(Prose().held_back)
    assert source.become("a\ud83d") == (0, "a")
    assert source.become("a🔥") == (0, "🔥")


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [
        ("", "abc", 0),
        ("abc", "abc", 3),
        ("abcd", "abxd", 2),
        ("x", "y", 0),
        ("a\ud83d\udd25", "a\ud83d\udd26", 1),  # not between the halves
        ("a" * 1000 + "b", "a" * 1000 + "c", 1000),
    ],
)
def test_common_prefix_is_the_longest_of_whole_characters(a: str, b: str, length: int) -> None:
    assert common_prefix(a, b) == common_prefix(b, a) == length
