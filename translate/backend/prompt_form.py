"""The form in which the messages of a request are put to the backend (protocol notes, section 20.11).

An OpenAI request brings its whole history; a new conversation of the backend has none. So either each message
is sent as a message of its own, or all that was said before is folded into one text.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from translate.values import Attachment, ChatMessage, well_formed

SPEAKERS: Final = {"user": "User", "assistant": "Assistant"}
BEFORE: Final = "This conversation goes on from what was said before:"
SHOWN_CHARACTERS: Final = 2000
"""How much of each end of a text stays in the message when it goes into a file: the task stands there."""


def one_system_message(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """The messages with all system messages joined in the place of the first.

    Backends of today obey only the first one.
    """
    systems = [message for message in messages if message.role == "system"]
    if len(systems) < 2:
        return tuple(messages)
    joined = replace(systems[0], text="\n\n".join(message.text for message in systems))
    return tuple(
        joined if message is systems[0] else message
        for message in messages
        if message.role != "system" or message is systems[0]
    )


def folded(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """All that stands before the last user message as one system message, then the rest as it is.

    Pictures and files of earlier messages go to the last user message.
    """
    last = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    before, question, after = messages[:last], messages[last], messages[last + 1 :]
    rules = [message.text for message in before if message.role == "system"]
    said = [
        f"{SPEAKERS[message.role]}: {message.text}"
        for message in before
        if message.role in SPEAKERS and message.text
    ]
    text = "\n\n".join([*rules, *([BEFORE, *said] if said else [])])
    attachments = tuple(part for message in before for part in message.attachments)
    question = replace(question, attachments=(*attachments, *question.attachments))
    return (*([ChatMessage("system", text)] if text else []), question, *after)


def with_long_texts_as_files(
    messages: Sequence[ChatMessage], longest: int
) -> tuple[tuple[ChatMessage, ...], dict[Attachment, bytes]]:
    """The messages with each text of more than `longest` bytes in a file, and what these files hold (UTF-8).

    A message keeps the two ends of its text. Its file is attached to it if it is a user message, else to the
    last one that is; without any, the text stays where it is.
    """
    formed, files = list(messages), dict[Attachment, bytes]()
    users = [at for at, message in enumerate(messages) if message.role == "user"]
    for at, message in enumerate(messages):
        data = b"" if 4 * len(message.text) <= longest else well_formed(message.text).encode()
        if len(data) <= longest or not users:
            continue
        file = Attachment("file", "", f"message-{at + 1}.txt", f"messages.[{at}].content")
        files[file] = data
        formed[at] = replace(formed[at], text=_ends(message.text, file.name))
        holder = at if message.role == "user" else users[-1]
        formed[holder] = replace(formed[holder], attachments=(*formed[holder].attachments, file))
    return tuple(formed), files


def _ends(text: str, name: str) -> str:
    note = f"[The middle of this message is left out here; all of it is in the attached file {name}.]"
    return f"{text[:SHOWN_CHARACTERS]}\n\n{note}\n\n{text[-SHOWN_CHARACTERS:]}"
