"""Side requests of each client are recognised, and nothing that a person says is."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import get_args

import pytest

from metrics import names
from tests.translate.sides.requests import CHAT, READERS, Recorded, ordinary, recorded
from translate.sides import SHAPES, Mark, SideTask, side_request
from translate.values import ChatMessage, Role

ALL = recorded()
AGENTS = {("qwen-code", "memory"), ("librechat", "memory")}
"""Agents of the client's own, of which every request is a side request."""
OPEN_ENDED = {("opencode", "title"), ("librechat", "title"), ("codex", "title")}
"""What the person has said stands at the end of these."""
QUESTION = ChatMessage("user", "Thanks! What else is there?")
ANSWER = ChatMessage("assistant", "Lorem")


def each(*, without: Collection[tuple[str, str]] = ()) -> pytest.MarkDecorator:
    """A test for each of them, but for those of these clients and tasks."""
    some = [asked for asked in ALL if (asked.client, asked.task) not in without]
    return pytest.mark.parametrize("asked", some, ids=[asked.name for asked in some])


def test_table_and_fixtures_have_the_same_rows() -> None:
    rows = [(shape.client, shape.versions, shape.task.value) for shape in SHAPES]
    assert set(rows) == {asked.row for asked in ALL}
    assert len(set(rows)) == len(rows)
    assert len({asked.name for asked in ALL}) == len(ALL)


@each()
def test_request_of_a_client_is_recognised_as_that_of_its_row(asked: Recorded) -> None:
    shape = asked.read().shape()
    assert shape is not None
    assert (shape.client, shape.versions, shape.task) == asked.row
    assert shape.name == f"{asked.client}:{asked.task}"


@each(without=AGENTS | {("opencode", "title")})
def test_next_question_of_the_person_after_it_is_not_one(asked: Recorded) -> None:
    read = asked.read()
    assert read.shape([*read.messages, ANSWER, QUESTION]) is None


@each()
def test_person_who_asks_about_such_a_text_is_not_taken_for_the_client(asked: Recorded) -> None:
    for message in asked.read().messages:
        texts = [f"What does this prompt do?\n\n{message.text}"]
        if (asked.client, asked.task) not in OPEN_ENDED:
            texts.append(f"{message.text}\n\nWhat does this prompt do?")
        for text in texts:
            alone = [ChatMessage("user", text)]
            for messages in (alone, [QUESTION, ANSWER, *alone]):
                for streams in (False, True):
                    assert side_request(messages, streams=streams) is None


def test_person_who_asks_an_agent_for_a_title_is_not_taken_for_it() -> None:
    """Each request of Codex begins as its request for a title does, and has tools if a person asks."""
    [asked] = [each for each in ALL if each.client == "codex"]
    read = asked.read()
    assert side_request(read.messages, streams=True) is not None
    assert side_request(read.messages, ["shell"], streams=True) is None
    begun = [*read.messages[:-1], QUESTION, ANSWER, read.messages[-1]]
    assert side_request(begun, streams=True) is None


@each()
def test_client_with_other_instructions_is_not_recognised(asked: Recorded) -> None:
    """Each mark counts: without the first words of its instructions a request is anybody's."""
    read = asked.read()
    messages, shape = list(read.messages), read.shape()
    index = 0 if shape is not None and shape.system else -1
    messages[index] = replace(messages[index], text=f"Please: {messages[index].text}")
    assert read.shape(messages) is None


def all_marks() -> Iterator[tuple[Mark, bool, Role]]:
    """The marks of texts with nothing of the person's in them: whether they stream, and the role."""
    for shape in SHAPES:
        for mark in shape.last:
            if mark.length:
                yield mark, shape.streams is True, shape.role


@pytest.mark.parametrize(("mark", "streams", "role"), list(all_marks()))
def test_text_of_a_fixed_length_is_recognised_in_each_language_and_no_other_text(
    mark: Mark, streams: bool, role: Role
) -> None:
    def asked(text: str, *, streamed: bool = streams, by: Role = role) -> object:
        said = [ChatMessage("user", "Lorem"), ChatMessage("assistant", "Ipsum"), ChatMessage(by, text)]
        return side_request(said, streams=streamed)

    words = "x" * (mark.length - len(mark.begins) - len(mark.ends))
    assert asked(mark.begins + words + mark.ends)
    assert asked(mark.begins + words + "x" + mark.ends) is None
    assert asked(mark.begins + words + "x" * len(mark.ends)) is None
    assert asked(mark.begins + words + mark.ends, streamed=not streams) is None
    for other in set(get_args(Role)) - {role}:
        assert asked(mark.begins + words + mark.ends, by=other) is None
    assert side_request([ChatMessage(role, mark.begins + words + mark.ends)], streams=streams) is None


@pytest.mark.parametrize("stream", [False, True])
def test_ordinary_chat_is_never_taken_for_a_side_request(stream: bool) -> None:
    taken = [chat["messages"] for chat in ordinary() if READERS[CHAT]({**chat, "stream": stream}).shape()]
    assert taken == []


def test_there_are_ordinary_chats_that_come_close() -> None:
    chats = ordinary()
    assert len(chats) > 80
    words = " ".join(message["content"] for chat in chats for message in chat["messages"])
    for near in ("### Task:", "<chat_history>", "title generator", "# Current Chat:", "简要总结一下对话内容"):
        assert near in words


def test_marks_are_looked_for_in_their_order_and_near_the_beginning() -> None:
    mark = Mark("Task", ("one", "two"), "end")
    assert mark.fits("Task one two end \n")
    assert not mark.fits("Task two one end")
    assert not mark.fits("Task one" + " " * 10_000 + "two end")
    assert not mark.fits("Task one two end" + " " * 1_000)


def test_request_of_the_system_alone_is_not_one() -> None:
    assert side_request([ChatMessage("system", "Lorem")], streams=False) is None


def test_metrics_know_each_client_and_task() -> None:
    assert {shape.client for shape in SHAPES} == set(names.SIDE_CLIENTS)
    assert [task.value for task in SideTask] == list(names.SIDE_TASKS)
