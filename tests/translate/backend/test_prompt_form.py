"""The form in which a history is put to the backend: nothing that was said is lost."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from translate.backend import folded, one_system_message, with_long_texts_as_files
from translate.values import Attachment, ChatMessage, Role

CAT = Attachment("image", "data:,cat", "cat.png", "messages.[0].content.[0]")
DOG = Attachment("image", "data:,dog", "dog.png", "messages.[2].content.[0]")
ROLES: tuple[Role, ...] = ("system", "user", "assistant")
TALKS = st.lists(
    st.builds(
        ChatMessage, st.sampled_from(ROLES), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    ),
    min_size=1,
)


def said(messages: Sequence[ChatMessage]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


def test_system_messages_become_one_in_the_place_of_the_first() -> None:
    talk = [
        ChatMessage("user", "Hi"),
        ChatMessage("system", "Be brief."),
        ChatMessage("assistant", "Yes?"),
        ChatMessage("system", "Answer in French."),
        ChatMessage("user", "Who are you?"),
    ]
    assert said(one_system_message(talk)) == [
        ("user", "Hi"),
        ("system", "Be brief.\n\nAnswer in French."),
        ("assistant", "Yes?"),
        ("user", "Who are you?"),
    ]


def test_talk_with_one_system_message_stays_as_it_is() -> None:
    talk = (ChatMessage("system", "Be brief."), ChatMessage("user", "Hi"))
    assert one_system_message(talk) == talk


def test_history_is_folded_into_one_text_before_the_question() -> None:
    talk = [
        ChatMessage("system", "Be brief."),
        ChatMessage("user", "A cat?", (CAT,)),
        ChatMessage("assistant", "A cat."),
        ChatMessage("user", "And this?", (DOG,)),
    ]
    history, question = folded(talk)
    assert said([history]) == [
        (
            "system",
            "Be brief.\n\nThis conversation goes on from what was said before:\n\n"
            "User: A cat?\n\nAssistant: A cat.",
        )
    ]
    assert question == ChatMessage("user", "And this?", (CAT, DOG))


def test_question_alone_has_nothing_folded_before_it() -> None:
    talk = (ChatMessage("user", "Hi"),)
    assert folded(talk) == talk


def test_picture_without_words_leaves_no_line_in_the_folded_text() -> None:
    assert folded([ChatMessage("user", "", (CAT,)), ChatMessage("user", "What is it?")]) == (
        ChatMessage("user", "What is it?", (CAT,)),
    )


def test_what_stands_after_the_last_question_stays_behind_it() -> None:
    talk = [ChatMessage("user", "Count"), ChatMessage("assistant", "One, two,")]
    assert folded(talk) == tuple(talk)


@given(TALKS)
def test_folding_keeps_every_word(talk: list[ChatMessage]) -> None:
    text = "\n".join(message.text for message in folded(talk))
    assert all(message.text in text for message in talk)


def test_long_text_goes_into_a_file_and_its_ends_stay() -> None:
    text = "Sum this up:" + "x" * 5000 + "é" + "y" * 5000 + "in one line."
    formed, files = with_long_texts_as_files([ChatMessage("user", text, (CAT,))], 9000)
    ((file, data),) = files.items()
    assert data == text.encode()
    assert (file.kind, file.name, file.param) == ("file", "message-1.txt", "messages.[0].content")
    (message,) = formed
    assert message.attachments == (CAT, file)
    assert message.text.startswith("Sum this up:")
    assert message.text.endswith("in one line.")
    assert "message-1.txt" in message.text
    assert len(message.text) < 4200


def test_file_of_another_role_is_attached_to_the_last_user_message() -> None:
    talk = [ChatMessage("system", "s" * 9001), ChatMessage("user", "u" * 9001), ChatMessage("user", "Go")]
    formed, files = with_long_texts_as_files(talk, 9000)
    assert [file.name for file in files] == ["message-1.txt", "message-2.txt"]
    assert [[file.name for file in message.attachments] for message in formed] == [
        [],
        ["message-2.txt"],
        ["message-1.txt"],
    ]


def test_without_a_user_message_a_long_text_stays_where_it_is() -> None:
    talk = (ChatMessage("system", "s" * 9001),)
    assert with_long_texts_as_files(talk, 9000) == (talk, {})


def test_size_is_that_of_the_bytes() -> None:
    for text, files in (("x" * 9000, 0), ("x" * 9001, 1), ("é" * 4500, 0), ("é" * 4501, 1)):
        assert len(with_long_texts_as_files([ChatMessage("user", text)], 9000)[1]) == files


def test_half_characters_are_mended_in_the_file() -> None:
    ((_, data),) = with_long_texts_as_files([ChatMessage("user", "x" * 9000 + "\ud800")], 9000)[1].items()
    assert data.decode().endswith("\ufffd")
