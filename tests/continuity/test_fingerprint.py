"""What stands for a history: the same for the same one, and another one after any edit."""

import base64
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from continuity import Fingerprint, Fingerprints, weight
from continuity.fingerprint import tolerant
from translate.values import Attachment, ChatMessage, ToolCall, ToolResult

PRINTS = Fingerprints(b"a secret of the service")
RED = base64.b64encode(b"red pixels").decode()
BLUE = base64.b64encode(b"blue pixels").decode()

names = st.sampled_from(["get_weather", "read", "x"])
texts = st.text(st.sampled_from(list("ab \n![](/:.)\u3010\u4e16")), max_size=12)
calls = st.builds(ToolCall, st.just("call_1"), names, st.sampled_from(['{"a":1}', '{"a":2}', "no JSON"]))
results = st.builds(ToolResult, st.just("call_1"), texts, st.just(""), st.booleans())
attachments = st.builds(
    Attachment,
    st.sampled_from(["image", "file"]),
    st.sampled_from([RED, BLUE, "https://a.example/1.png"]),
    st.sampled_from(["", "a.png"]),
    st.just("messages.[0]"),
)
answers = st.builds(
    ChatMessage, st.just("assistant"), texts, st.just(()), st.lists(calls, max_size=2).map(tuple)
)
questions = st.builds(
    ChatMessage,
    st.sampled_from(["user", "system"]),
    texts,
    st.lists(attachments, max_size=2).map(tuple),
    st.just(()),
    st.lists(results, max_size=2).map(tuple),
)
histories = st.lists(answers | questions, max_size=5)


def whole(messages: Sequence[ChatMessage], gizmo: str = "") -> Fingerprint:
    return PRINTS.history(gizmo, messages).whole


def said(role: Any, text: str, **more: Any) -> list[ChatMessage]:
    return [ChatMessage(role, text, **more)]


def picture(source: str, name: str = "") -> list[ChatMessage]:
    return said("user", "Look", attachments=(Attachment("image", source, name, "messages.[0]"),))


@given(histories, histories)
def test_answered_is_what_stood_for_the_prefix_when_it_was_answered(
    asked: list[ChatMessage], more: list[ChatMessage]
) -> None:
    answer = ChatMessage("assistant", "An answer.")
    new = [message for message in more if message.role != "assistant"]
    history = PRINTS.history("", [*asked, answer, *new])
    assert history.answered == PRINTS.after(whole(asked), answer) == whole([*asked, answer])
    assert history.new == len(new)


@given(st.lists(questions, max_size=5))
def test_without_an_answer_there_is_nothing_to_go_on_with(asked: list[ChatMessage]) -> None:
    history = PRINTS.history("", asked)
    assert history.answered is None
    assert history.new == len(asked)


@given(histories, st.data())
def test_edit_anywhere_changes_all_from_there_on(asked: list[ChatMessage], data: st.DataObject) -> None:
    assume(asked)
    at = data.draw(st.integers(0, len(asked) - 1))
    edited = data.draw(answers | questions)
    assume(by_content(edited) != by_content(asked[at]))
    changed = [*asked[:at], edited, *asked[at + 1 :]]
    for end in range(len(asked) + 1):
        assert (whole(changed[:end]).strict == whole(asked[:end]).strict) == (end <= at)


@given(histories, histories)
def test_two_histories_are_the_same_only_if_all_their_messages_are(
    one: list[ChatMessage], other: list[ChatMessage]
) -> None:
    """No text can be moved to another message, role or place in one."""
    same = list(map(by_content, one)) == list(map(by_content, other))
    assert (whole(one).strict == whole(other).strict) == same


@given(histories, histories)
def test_what_is_strictly_the_same_is_tolerantly_the_same(
    one: list[ChatMessage], other: list[ChatMessage]
) -> None:
    a, b = whole(one), whole(other)
    assert a.strict != b.strict or a.tolerant == b.tolerant


def by_content(message: ChatMessage) -> ChatMessage:
    """The message without what does not count: ids, and where in the request something stood."""
    return replace(
        message,
        calls=tuple(replace(call, id="") for call in message.calls),
        results=tuple(replace(result, call_id="") for result in message.results),
    )


@pytest.mark.parametrize(
    ("sent", "sent_again"),
    [
        ("Hello, there.", "Hello,\n\nthere.  "),
        ("A fox:\n\n![A fox](http://a/images/1.png)\n", "A fox:"),
        ("![A fox](http://a/images/1.png)A fox", "![img](data:image/png;base64,AAAA) A fox"),
        ("See [the page](http://a/b_(c)) now", "See the page now"),
        ('See [the page](http://a/b "Title") now', "See the page now"),
        ("[![alt](http://a/1.png)](http://a/big.png) text", "text"),
        ("Tea is old\u30104\u2020source\u3011.", "Tea is old."),
    ],
)
def test_answers_are_recognised_as_front_ends_send_them_again(sent: str, sent_again: str) -> None:
    a, b = whole(said("assistant", sent)), whole(said("assistant", sent_again))
    assert a.tolerant == b.tolerant
    assert a.strict != b.strict


def test_question_is_recognised_without_white_space_around_it_and_at_the_ends_of_lines() -> None:
    a, b = whole(said("user", "  One \r\ntwo\n")), whole(said("user", "One\ntwo"))
    assert a.tolerant == b.tolerant
    assert a.strict != b.strict


@pytest.mark.parametrize(
    ("asked", "edited"),
    [
        ("Read [this](http://a/1)", "Read [this](http://a/2)"),
        ("if x:\n    y\nz", "if x:\n    y\n    z"),
        ("two words", "twowords"),
    ],
)
def test_question_whose_links_or_inner_white_space_were_edited_is_another_one(
    asked: str, edited: str
) -> None:
    assert whole(said("user", asked)).tolerant != whole(said("user", edited)).tolerant


@pytest.mark.parametrize(
    "source", [f"data:image/png;base64,{RED}", f"data:image/x;base64,{RED}", RED, f"{RED[:4]}\n{RED[4:]}"]
)
def test_pictures_count_by_their_bytes(source: str) -> None:
    assert whole(picture(source)) == whole(picture(RED))
    assert whole(picture(source)).tolerant != whole(picture(BLUE)).tolerant


def test_pictures_at_addresses_count_by_those_and_stored_files_by_their_ids() -> None:
    assert whole(picture("https://a/1.png")).tolerant != whole(picture("https://a/2.png")).tolerant
    stored = [Attachment("file", "", "", "", file_id=id) for id in ("file-1", "file-2")]
    one, two = (whole(said("user", "Read", attachments=(file,))) for file in stored)
    assert one.tolerant != two.tolerant


def test_names_of_files_count_strictly_alone() -> None:
    a, b = whole(picture(RED, "a.png")), whole(picture(RED, "b.png"))
    assert a.strict != b.strict
    assert a.tolerant == b.tolerant


def call(arguments: str, **fields: Any) -> list[ChatMessage]:
    values: dict[str, Any] = {"id": "call_1", "name": "read", "arguments": arguments} | fields
    return said("assistant", "", calls=(ToolCall(**values),))


def test_calls_count_by_name_and_arguments_not_by_id_or_order_of_fields() -> None:
    made = call('{"path": "a", "lines": [1, 2]}')
    assert whole(made) == whole(call('{"lines":[1,2],"path":"a"}', id="call_2"))
    for other in (
        call('{"path": "b", "lines": [1, 2]}'),
        call('{"path": "a", "lines": [2, 1]}'),
        call('{"path": "a", "lines": [1, 2]}', name="write"),
        call("{" * 100_000),
    ):
        assert whole(made).tolerant != whole(other).tolerant


def test_results_count_by_what_they_say() -> None:
    def result(text: str, id: str = "call_1", *, failed: bool = False) -> Fingerprint:
        return whole(said("user", "", results=(ToolResult(id, text, failed=failed),)))

    assert result("4 lines") == result("4 lines", "call_2")
    assert result("4 lines").tolerant != result("5 lines").tolerant
    assert result("4 lines").tolerant != result("4 lines", failed=True).tolerant


def test_what_was_said_to_a_gpt_was_said_to_nobody_else() -> None:
    asked = said("user", "Hello")
    prints = {whole(asked, gizmo) for gizmo in ("", "g-1", "g-2")}
    assert len({told.strict for told in prints}) == len({told.tolerant for told in prints}) == 3


def test_nobody_makes_them_who_does_not_know_the_secret() -> None:
    asked = said("user", "Hello")
    other = Fingerprints(b"another secret").history("", asked).whole
    assert other.strict != whole(asked).strict
    assert other.tolerant != whole(asked).tolerant


def test_weight_is_what_is_hashed() -> None:
    message = ChatMessage("user", "abc", picture("0123")[0].attachments, (), (ToolResult("", "de"),))
    assert weight([message, *call("{}")]) == 3 + 4 + 2 + 2


@pytest.mark.parametrize(
    "unit",
    ["[a](", "[a]((", "[a](x()", "![[a](x(", "[", "![", "](", '[a](x "', "[![a](b", "\u3010a"],
)
def test_tolerant_text_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        message = said("assistant", unit * (size // len(unit)))[0]
        begin = time.process_time()
        tolerant(message)
        return time.process_time() - begin

    ratios = (seconds(400_000) / max(seconds(100_000), 0.001) for _ in range(5))
    assert any(ratio < 8 for ratio in ratios), "what is quadratic takes 16 times as long"


def test_tolerant_text_of_an_answer_has_single_spaces_between_words() -> None:
    assert tolerant(said("assistant", " a\t b\u00a0c\n")[0]) == "a b c"


@pytest.mark.parametrize(("told", "edited"), [("1 0 apples", "10 apples"), ("a\nb", "ab")])
def test_answer_of_which_words_were_joined_is_another_one(told: str, edited: str) -> None:
    assert whole(said("assistant", told)).tolerant != whole(said("assistant", edited)).tolerant


def test_time_of_day_in_the_system_prompt_of_nextchat_does_not_count() -> None:
    def prompt(time: str, role: str = "system") -> list[ChatMessage]:
        text = f"You are ChatGPT.\nCurrent model: gpt-4-s\nCurrent time: {time}\nLatex block: $$e=mc^2$$"
        return said(role, text)

    noon, later = "Sat Nov 28 2026 12:00:00 GMT+0000", "Sat Nov 28 2026 12:01:07 GMT+0000"
    assert whole(prompt(noon)).tolerant == whole(prompt(later)).tolerant
    assert whole(prompt(noon)).strict != whole(prompt(later)).strict
    assert whole(prompt(noon, "user")).tolerant != whole(prompt(later, "user")).tolerant
    assert whole(prompt(f"{noon}\nBe brief.")).tolerant != whole(prompt(noon)).tolerant
