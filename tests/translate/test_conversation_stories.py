"""The property above all: any stream, cut anywhere, fast or slow, says the same and says it right."""

from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import answer, content_of, whole_answer
from tests.translate.stories import FRAMINGS, SIZES, Framing, Story, stories
from tests.translate.wire import turn_of


@given(story=stories(), framing=FRAMINGS, sizes=SIZES)
def test_any_turn_says_its_visible_text_once_fast_or_slow_however_cut(
    story: Story, framing: Framing, sizes: list[int]
) -> None:
    stream = framing.frame(story.records)
    slow = answer(stream, sent=story.sent, fast=False)
    assert slow.error is None
    assert slow.text == story.text
    assert slow.finish_reason == "stop"
    for seen in (
        answer(stream, sent=story.sent),
        answer(stream, sent=story.sent, sizes=sizes),
        answer(stream, sent=story.sent, sizes=sizes, fast=False),
    ):
        assert seen.error is None
        assert seen.deltas == slow.deltas
        assert seen.finish_reason == slow.finish_reason
    assert content_of(whole_answer(stream, sent=story.sent, sizes=sizes)) == story.text


@given(story=stories(), framing=FRAMINGS, data=st.data())
def test_any_turn_cut_off_anywhere_shows_a_beginning_and_fails_unless_it_was_over(
    story: Story, framing: Framing, data: st.DataObject
) -> None:
    stream = framing.frame(story.records)
    stream = stream[: data.draw(st.integers(0, len(stream)))]
    slow, fast = answer(stream, sent=story.sent, fast=False), answer(stream, sent=story.sent)
    assert fast.deltas == slow.deltas
    assert (fast.error, fast.finish_reason) == (slow.error, slow.finish_reason)
    assert story.text.startswith(fast.text) or "\ufffd" in fast.text
    if fast.text != story.text:
        assert fast.error is not None


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="【†】\ue200"), min_size=1),
    stops=st.lists(st.text("ab🔥\n", min_size=1, max_size=3), min_size=1, max_size=4),
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    sizes=SIZES,
)
def test_stop_sequences_cut_at_the_same_place_however_the_text_grows(
    text: str, stops: list[str], steps: list[int], sizes: list[int]
) -> None:
    found = [(at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0]
    expected = text[: min(found)[1]] if found else text  # the first to be complete counts
    snapshots: list[str] = []
    at = 0
    while at < len(text):
        at += steps[len(snapshots) % len(steps)]
        snapshots.append(text[:at])
    stream = turn_of(*snapshots)
    slow = answer(stream, stop=stops, fast=False)
    assert slow.text == expected
    assert slow.error is None
    fast = answer(stream, stop=stops, sizes=sizes)
    assert (fast.deltas, fast.finish_reason) == (slow.deltas, "stop")
