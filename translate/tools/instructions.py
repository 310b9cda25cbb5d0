"""The messages of a request as the backend is to get them: with what the model must know of tools and
formats, and with earlier calls and results in their envelopes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from translate.tools.envelope import written_call, written_result
from translate.tools.prompt import closing, format_text, tools_text
from translate.values import ChatMessage, JsonFormat, Toolbox


def instructed(
    messages: Sequence[ChatMessage],
    toolbox: Toolbox | None,
    form: JsonFormat | None,
    nonce: str,
    *,
    known: str = "",
) -> Sequence[ChatMessage]:
    """`messages` with calls and results as text, and with a system message behind the client's own ones that
    tells of tools and format; what must be done now stands behind the newest text.

    `known` is the `fingerprint` of what a conversation that goes on was told before: the same is not told
    again. Messages that have none of all that are returned as they are.
    """
    if toolbox is None and form is None and not any(message.calls or message.results for message in messages):
        return messages
    written = [_written(message, nonce) for message in messages]
    if known != fingerprint(toolbox, form) and (rules := _rules(toolbox, form, nonce)):
        at = 0
        while at < len(written) and written[at].role == "system":
            at += 1
        written.insert(at, ChatMessage("system", rules))
    if last := closing(toolbox, form):
        if written[-1].role == "user":
            written[-1] = replace(written[-1], text=f"{written[-1].text}\n\n{last}".lstrip())
        else:
            written.append(ChatMessage("user", last))
    return written


def fingerprint(toolbox: Toolbox | None, form: JsonFormat | None) -> str:
    """Names what `instructed` tells of tools and format; empty if it tells nothing."""
    rules = _rules(toolbox, form, "")
    return hashlib.sha256(rules.encode(errors="replace")).hexdigest()[:32] if rules else ""


def _rules(toolbox: Toolbox | None, form: JsonFormat | None, nonce: str) -> str:
    parts = []
    if toolbox is not None:
        parts.append(tools_text(toolbox, nonce))
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
