"""The messages of a request as the backend is to get them: with what the model must know of tools and
formats, and with earlier calls and results in their envelopes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from translate.tools.envelope import written_call, written_result
from translate.tools.prompt import (
    LONG_HISTORY,
    closing,
    format_text,
    not_now_text,
    reminder,
    tools_text,
)
from translate.tools.sizes import MEASURES, ROOM, Measure, short_tool, shortened, size_of
from translate.values import ChatMessage, JsonFormat, Toolbox


def instructed(
    messages: Sequence[ChatMessage],
    toolbox: Toolbox | None,
    form: JsonFormat | None,
    nonce: str,
    *,
    known: str = "",
    room: int = ROOM,
) -> Sequence[ChatMessage]:
    """`messages` with calls and results as text, and with a system message behind the client's own ones that
    tells of tools and format; what must be done now stands behind the newest text.

    `known` is the `fingerprint` of what a conversation that goes on was told before: the same is not told
    again. Where all of it takes more than `room` bytes, old results and the list of tools are shortened.
    Messages that have none of all that are returned as they are.
    """
    if toolbox is None and form is None and not any(message.calls or message.results for message in messages):
        return messages
    is_known = bool(known) and known == fingerprint(toolbox, form)
    written: list[ChatMessage] = []
    for measure in MEASURES:
        written = _instructed(messages, toolbox, form, nonce, measure, is_known=is_known)
        if size_of(written) <= room:
            break
    return written


def fingerprint(toolbox: Toolbox | None, form: JsonFormat | None) -> str:
    """Names what `instructed` tells of tools and format; empty if it tells nothing."""
    if toolbox is None and form is None:
        return ""
    rules = _rules((), toolbox, form, "", Measure())
    return hashlib.sha256(rules.encode(errors="replace")).hexdigest()[:32]


def _instructed(
    messages: Sequence[ChatMessage],
    toolbox: Toolbox | None,
    form: JsonFormat | None,
    nonce: str,
    measure: Measure,
    *,
    is_known: bool,
) -> list[ChatMessage]:
    written = [_written(message, nonce) for message in shortened(messages, measure)]
    if not is_known:
        at = 0
        while at < len(written) and written[at].role == "system":
            at += 1
        written.insert(at, ChatMessage("system", _rules(messages, toolbox, form, nonce, measure)))
    if written[-1].role != "user":
        written.append(ChatMessage("user", ""))
    newest = written[-1]
    parts = [newest.text, closing(toolbox, form)]
    history = [message for message in written[:-1] if message.role != "system"]
    if toolbox is not None and toolbox.choice != "none" and size_of(history) > LONG_HISTORY:
        parts.insert(0, reminder(nonce))
    written[-1] = replace(newest, text="\n\n".join(part for part in parts if part))
    return written if written[-1].text or written[-1].attachments else written[:-1]


def _rules(
    messages: Sequence[ChatMessage],
    toolbox: Toolbox | None,
    form: JsonFormat | None,
    nonce: str,
    measure: Measure,
) -> str:
    parts = []
    if toolbox is None or toolbox.choice == "none":
        if toolbox is not None or any(message.calls or message.results for message in messages):
            parts.append(not_now_text(nonce))
    else:
        if measure.descriptions:
            toolbox = replace(toolbox, tools=tuple(map(short_tool, toolbox.tools)))
        called = {call.name for message in messages for call in message.calls}
        parts.append(tools_text(toolbox, nonce, only=called if measure.uncalled else ()))
    if form is not None:
        parts.append(format_text(form, with_tools=toolbox is not None and toolbox.choice != "none"))
    return "\n\n".join(parts)


def _written(message: ChatMessage, nonce: str) -> ChatMessage:
    if not (message.calls or message.results):
        return message
    results = [written_result(result, nonce) for result in message.results]
    calls = [written_call(call, nonce) for call in message.calls]
    text = "\n\n".join(part for part in ("\n".join(results), message.text, "\n".join(calls)) if part)
    return replace(message, text=text, calls=(), results=())
