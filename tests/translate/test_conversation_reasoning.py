"""What a model thinks: passed on beside the answer when wanted, left out otherwise, never mixed into it."""

from collections.abc import Sequence

import pytest

from tests.translate.deltas import ENCODING, as_deltas, delta
from tests.translate.reading import Answer, answer, whole_answer
from tests.translate.wire import DONE, Json, finished, growing, message, sse, tool_text
from translate.text.renderer import MAX_REASONING


def streamed(stream: bytes, *, reasoning: bool = True, sizes: Sequence[int] = ()) -> Answer:
    return answer(stream, reasoning=reasoning, sizes=sizes)


def whole(stream: bytes, *, reasoning: bool = True) -> Json:
    completion = whole_answer(stream, reasoning=reasoning)
    said = completion["choices"][0]["message"]  # type: ignore[index]
    assert isinstance(said, dict)
    return said


def thought_in(seen: Answer) -> str:
    deltas = [choice["delta"] for chunk in seen.chunks for choice in chunk["choices"]]  # type: ignore[attr-defined]
    assert not [delta for delta in deltas if "reasoning_content" in delta and "content" in delta]
    return "".join(delta.get("reasoning_content", "") for delta in deltas)


def thoughts(*pairs: tuple[str, str], id: str = "t1", status: str = "in_progress") -> Json:
    content: Json = {
        "content_type": "thoughts",
        "thoughts": [{"summary": summary, "content": said} for summary, said in pairs],
    }
    return message("", id, content=content, status=status)


def recap(text: str) -> Json:
    content: Json = {"content_type": "reasoning_recap", "content": text}
    return message("", "r1", content=content, status="finished_successfully")


def on(channel: str, *records: Json) -> list[Json]:
    for record in records:
        record["message"]["channel"] = channel  # type: ignore[index]
    return list(records)


THINKING = [
    thoughts(("Reading", "")),
    thoughts(("Reading", "The user ")),
    thoughts(("Reading", "The user asks 你好🔥.")),
    thoughts(("Reading", "The user asks 你好🔥."), ("Planning", "")),
    thoughts(("Reading", "The user asks 你好🔥."), ("Planning", "Say hi."), status="finished_successfully"),
    recap("Thought for 2 seconds"),
]
THOUGHT = "**Reading**\n\nThe user asks 你好🔥.\n\n**Planning**\n\nSay hi."
ANSWER = [*growing("", "Hi", "Hi there"), finished("Hi there.")]


@pytest.mark.parametrize("sizes", [[], [1], [7], [1000]], ids=str)
@pytest.mark.parametrize("dialect", ["snapshots", "deltas"])
def test_thoughts_come_as_reasoning_before_the_answer(dialect: str, sizes: list[int]) -> None:
    stream = sse(*THINKING, *ANSWER)
    if dialect == "deltas":
        stream = ENCODING + b"".join(delta({"p": "", "o": "add", "v": record}) for record in THINKING)
        stream += as_deltas(ANSWER).removeprefix(ENCODING) + DONE
    seen = streamed(stream, sizes=sizes)
    assert (thought_in(seen), seen.text) == (THOUGHT, "Hi there.")


def test_thoughts_grow_by_appends() -> None:
    path = "/message/content/thoughts"
    records: list[Json] = [
        {"p": "", "o": "add", "v": thoughts(), "c": 1},
        {"p": path, "o": "append", "v": [{"summary": "Reading", "content": ""}]},
        {"p": f"{path}/0/content", "o": "append", "v": "The user"},
        {"v": " asks \ud83d"},
        {"v": "\udd25."},
        {"p": "", "o": "add", "v": message("", "a1"), "c": 2},
        {"p": "/message/content/parts/0", "o": "append", "v": "Hi"},
    ]
    seen = streamed(ENCODING + b"".join(map(delta, records)) + DONE)
    assert (thought_in(seen), seen.text) == ("**Reading**\n\nThe user asks 🔥.", "Hi")


def test_whole_answer_has_reasoning_beside_its_content() -> None:
    said = whole(sse(*THINKING, *ANSWER))
    assert (said["reasoning_content"], said["content"]) == (THOUGHT, "Hi there.")


def test_without_the_setting_nothing_of_it_is_passed_on() -> None:
    stream = sse(*THINKING, *on("analysis", *growing("Hm", "Hmm", id="x1")), *ANSWER)
    seen = streamed(stream, reasoning=False)
    assert (thought_in(seen), seen.text) == ("", "Hi there.")
    assert "reasoning_content" not in whole(stream, reasoning=False)
    assert "reasoning_content" not in whole(sse(*ANSWER))


@pytest.mark.parametrize("channel", ["analysis", "commentary"])
def test_text_on_other_channels_than_the_final_one_is_reasoning(channel: str) -> None:
    stream = sse(
        *on(channel, *growing("", "Let me look", id="x1"), finished("Let me look.", "x1", end_turn=False)),
        tool_text("Snippet", name="web.run"),
        *on(channel, *growing("", "Found it.", id="x2")),
        *on("final", *ANSWER),
    )
    seen = streamed(stream)
    assert (thought_in(seen), seen.text) == ("Let me look.\n\nFound it.", "Hi there.")


def test_calls_of_tools_on_those_channels_stay_what_they_are() -> None:
    content: Json = {"content_type": "code", "language": "python", "text": "print(1)"}
    call = message("", "c1", content=content, recipient="python", status="finished_successfully")
    search = message("", "c2", content=content, recipient="web.run", status="finished_successfully")
    seen = streamed(sse(*on("commentary", call, search), *on("final", *ANSWER)))
    assert (thought_in(seen), seen.text) == ("", "```python\nprint(1)\n```\n\nHi there.")


def test_thoughts_alone_are_no_answer() -> None:
    seen = streamed(sse(*THINKING))
    assert thought_in(seen) == THOUGHT
    assert seen.failure.status == 502


def test_thoughts_end_neither_the_turn_nor_its_text() -> None:
    cut_off = sse(*growing("", "Hi"), thoughts(("a", "b"), status="finished_successfully"), done=False)
    assert streamed(cut_off).failure.status == 502
    seen = streamed(
        sse(*growing("", "Hi"), thoughts(("a", "b")), *growing("Hi there"), finished("Hi there."))
    )
    assert (thought_in(seen), seen.text) == ("**a**\n\nb", "Hi there.")


def test_reasoning_that_is_rewritten_is_not_repeated() -> None:
    seen = streamed(sse(thoughts(("Reading", "One")), thoughts(("Reading", "Once more")), *ANSWER))
    assert thought_in(seen) == "**Reading**\n\nOnece more"


def test_endless_reasoning_is_cut() -> None:
    seen = streamed(sse(thoughts(("", "x" * (MAX_REASONING + 10))), *ANSWER))
    assert (thought_in(seen), seen.text) == ("x" * MAX_REASONING, "Hi there.")


def test_reasoning_is_written_as_safely_as_text() -> None:
    nasty = 'a"b\\c\u2028\x85</script>\x00🔥\ud83d'
    seen = streamed(sse(thoughts(("", nasty)), *ANSWER))
    assert thought_in(seen) == nasty.replace("\ud83d", "\ufffd")


@pytest.mark.parametrize(
    "content",
    [
        {"content_type": "thoughts"},
        {"content_type": "thoughts", "thoughts": None},
        {"content_type": "thoughts", "thoughts": ["x", 1, {}, {"summary": 1}, {"content": None}]},
        {"content_type": "reasoning_recap"},
    ],
)
def test_odd_thoughts_are_no_thoughts(content: Json) -> None:
    seen = streamed(sse(message("", "t1", content=content), *ANSWER))
    assert (thought_in(seen), seen.text) == ("", "Hi there.")
