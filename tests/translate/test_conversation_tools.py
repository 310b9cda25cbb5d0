"""Turns with code, output and pictures: in order, once, with every fence closed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.player import address
from tests.translate.reading import Answer, answer, content_of, whole_answer
from tests.translate.stories import SIZES
from tests.translate.tool_turns import code, confirmation_request, drawing_call, drawn, output
from tests.translate.wire import Json, finished, growing, message, search_call, sse, tool_text
from translate.values import Confirmation, ExchangeEnded
from translate.values.style import Style

PYTHON = "print(6*7)"


def calculation() -> list[Json]:
    """Words, code, its output, words again."""
    return [
        *growing("", "Let me see.", id="a1"),
        finished("Let me see.", "a1", end_turn=False),
        *(code(PYTHON[:n]) for n in range(0, len(PYTHON), 3)),
        code(PYTHON, status="finished_successfully"),
        output("", status="in_progress"),
        output("42\n"),
        *growing("", "It is", "It is 42.", id="a2"),
        finished("It is 42.", "a2"),
    ]


def test_code_and_its_output_stand_in_fences_of_their_own_between_the_words() -> None:
    expected = "Let me see.\n\n```python\nprint(6*7)\n```\n\n```output\n42\n```\n\nIt is 42."
    assert answer(sse(*calculation())).text == expected
    assert content_of(whole_answer(sse(*calculation()))) == expected


@pytest.mark.parametrize("style", [Style.PLAIN, Style.TEXT])
def test_without_markdown_only_the_words_are_shown(style: Style) -> None:
    assert answer(sse(*calculation()), style=style).text == "Let me see.\n\nIt is 42."


def test_code_is_shown_as_it_grows() -> None:
    seen = answer(sse(*calculation()))
    assert "prin" not in seen.deltas
    assert [delta for delta in seen.deltas if delta in "print(6*7)"] == ["pri", "nt(", "6*7", ")"]


def fences_closed(text: str) -> bool:
    """Reads markdown as a renderer does: whether no code block is left open."""
    fence = ""
    for line in text.split("\n"):
        run = re.match(r" {0,3}(`{3,})([^`]*)$", line)
        if not run:
            continue
        if not fence:
            fence = run[1]
        elif len(run[1]) >= len(fence) and not run[2].strip():
            fence = ""
    return not fence


TROUBLE = ["```", "````", "``", "`", "\n", "x", "\n```\n", "<<Image", "Displayed>>", "~~~", " "]


@given(
    written=st.lists(st.sampled_from(TROUBLE), min_size=1, max_size=6),
    printed=st.lists(st.sampled_from(TROUBLE), min_size=1, max_size=6),
    sizes=SIZES,
)
def test_trap_7_no_fence_stays_open_and_no_words_fall_into_one(
    written: list[str], printed: list[str], sizes: list[int]
) -> None:
    sources = ["".join(written[: n + 1]) for n in range(len(written))]
    results = ["".join(printed[: n + 1]) for n in range(len(printed))]
    records = [
        *(code(source) for source in sources),
        *(output(result, status="in_progress") for result in results),
        finished("The end.", "a2"),
    ]
    slow = answer(sse(*records), fast=False)
    fast = answer(sse(*records), sizes=sizes)
    assert fast.deltas == slow.deltas
    before, words, behind = fast.text.rpartition("The end.")
    assert (words, behind) == ("The end.", "")
    assert fences_closed(before)
    cut_off = answer(sse(*records[:-1], done=False))
    assert cut_off.failure.status == 502
    assert fences_closed(cut_off.text)


def test_endless_output_is_cut_and_says_so() -> None:
    text = answer(sse(output("x" * 100_000), finished("Done.", "a2"))).text
    assert len(text) < 25_000
    assert "output cut" in text
    assert text.endswith("```\n\nDone.")


def drawing(*more: Json) -> bytes:
    return sse(
        drawing_call(),
        drawn("file-1", "file-2"),
        tool_text("DALL-E displayed 2 images. Do not list them.", "t2", name="dalle.text2im"),
        *more,
        finished("Here they are.", "a3"),
    )


def pictures(seen: Answer) -> list[str]:
    return re.findall(r"https://files\.example/([\w-]+)\.png", seen.text)


def test_trap_8_each_picture_is_shown_once_however_often_it_is_sent() -> None:
    seen = answer(drawing(drawn("file-2", "file-1"), drawn("file-1", id="again")))
    assert pictures(seen) == ["file-1", "file-2"]
    assert "displayed" not in seen.text
    assert "prompt" not in seen.text
    assert seen.text.endswith("Here they are.")


def test_picture_is_one_delta_with_its_prompt_as_harmless_alternative_text() -> None:
    seen = answer(sse(drawn("file-1", prompt="A [cat](x) \n`on` *a* <mat> ]("), finished("So.", "a3")))
    (picture,) = [delta for delta in seen.deltas if "https" in delta]
    assert re.fullmatch(
        r"!\[[^][()`*<>\n]*cat[^][()`*<>\n]*\]\(https://files\.example/file-1\.png\)", picture
    )


def test_picture_follows_in_plain_style_as_a_bare_address_and_in_text_style_not_at_all() -> None:
    plain = answer(drawing(), style=Style.PLAIN).text
    assert plain.split() == [
        "https://files.example/file-1.png",
        "https://files.example/file-2.png",
        *["Here", "they", "are."],
    ]
    assert answer(drawing(), style=Style.TEXT).text == "Here they are."


def test_picture_that_cannot_be_fetched_is_told_and_the_answer_goes_on() -> None:
    seen = answer(drawing(), fetch=lambda asset: None)
    assert "could not be fetched" in seen.text
    assert seen.text.endswith("Here they are.")
    assert "file-service" not in seen.text


def test_words_behind_a_picture_wait_for_it() -> None:
    for size in ([], [1], [100], [5000]):
        seen = answer(drawing(), sizes=size)
        assert seen.text.index("file-2") < seen.text.index("Here they are.")
        assert seen.error is None


@pytest.mark.parametrize("done", [True, False], ids=["done", "end of input"])
@pytest.mark.parametrize("found", [True, False], ids=["found", "not found"])
def test_preview_that_stays_the_last_one_is_fetched_before_the_end(done: bool, found: bool) -> None:
    preview = drawn("file-1")
    preview["message"] |= {"status": "in_progress"}  # type: ignore[operator]
    stream = sse(preview, finished("A cat."), done=done)
    seen = answer(stream, fetch=address if found else lambda _: None)
    picture = "![A cat](https://files.example/file-1.png)" if found else "[an image could not be fetched]"
    assert seen.text == f"A cat.\n\n{picture}"
    assert seen.finish_reason == "stop"


def test_picture_whose_record_has_run_into_the_end_of_the_stream_is_fetched_before_that() -> None:
    stream = sse(drawn("file-1"), finished("A cat.")).replace(b"\n\ndata: ", b"data: ")
    seen = answer(stream)
    assert seen.text == "![A cat](https://files.example/file-1.png)\n\nA cat."
    assert seen.finish_reason == "stop"


def test_figures_of_code_are_pictures_and_their_marks_are_not_shown() -> None:
    pointer = "file-service://2073c3f9-f30e-4225-9728-6a3d2d7a41bd"
    records = [
        code("plot()", status="finished_successfully"),
        output("data\n<<ImageDisplayed>>", images=(pointer,)),
        output("data\n<<ImageDisplayed>>", images=(pointer,)),
        finished("A plot.", "a2"),
    ]
    seen = answer(sse(*records))
    assert pictures(seen) == [pointer.partition("://")[2]]
    assert "ImageDisplayed" not in seen.text
    assert fences_closed(seen.text)
    assert seen.text.index("```output\ndata\n```") < seen.text.index("files.example")


def test_pictures_alone_are_an_answer() -> None:
    seen = answer(sse(drawing_call(), drawn("file-1")))
    assert pictures(seen) == ["file-1"]
    assert seen.error is None


def test_error_of_a_tool_is_a_note_and_not_the_end() -> None:
    content: Json = {
        "content_type": "system_error",
        "name": "AceInternalException",
        "text": "Encountered <x>",
    }
    record = message("", "t1", role="tool", name="python", status="finished_successfully", content=content)
    seen = answer(sse(record, record, finished("Sorry.", "a2")))
    assert seen.text.count("AceInternalException") == 1
    assert seen.text.endswith("\n\nSorry.")
    assert answer(sse(record, finished("Sorry.", "a2")), style=Style.PLAIN).text == "Sorry."


def test_trap_12_calls_of_the_browser_are_noise() -> None:
    assert answer(sse(search_call(), tool_text("x", name="browser"), finished("Cold.", "a2"))).text == "Cold."


def test_trap_17_question_of_a_gpt_for_permission_is_a_follow_up() -> None:
    seen = answer(sse(finished("One moment.", "a1", end_turn=False), confirmation_request()))
    asked = Confirmation(
        tool="api_example_com__jit_plugin.getItem",
        message_id="asking-1",
        domain="api.example.com",
        operation="getItem",
        target_message_id="a2",
        operation_hash="9f2c",
    )
    assert seen.player.ended == ExchangeEnded(asked)


def test_answer_that_was_cut_by_length_can_be_continued() -> None:
    cut: Json = {"finish_details": {"type": "max_tokens"}}
    first = message("Once upon", "a1", status="finished_partial_completion", end_turn=True, metadata=cut)
    seen = answer(sse(first))
    assert seen.finish_reason == "length"
    assert seen.player.ended == ExchangeEnded(cut=True)
    facts = seen.conversation.facts
    assert (facts.conversation_id, facts.last_message_id) == ("c1", "a1")
