"""How calls of tools and their results are written in a text.

    <call-7f3a9c12 name="get_weather">
    {"city": "Oslo"}
    </call-7f3a9c12>

A secret of the conversation, its nonce, stands in all tags: so that what was pasted, or read by a tool, is no
call, and so that example, history and answer agree. The name of the tag is one that no model was trained on
and no backend looks for. With `raw` in the tag its body is a text and no JSON.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from translate.values import ChatMessage, ToolCall, ToolResult, well_formed

NONCE_DIGITS: Final = 8
"""Hexadecimal digits of a nonce."""
NO_ARGUMENTS: Final = "{}"
NO_OUTPUT: Final = "(no output)"
EARLIER: Final = "earlier call"
"""The name of a result whose call is not known."""


class Nonces:
    """Makes nonces that nobody guesses who does not know `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, caller: str, messages: Sequence[ChatMessage]) -> str:
        """The nonce of the conversation that these messages of `caller` are.

        It stays the same while the conversation grows, since it depends on the first text of the user only.
        """
        first = next((message.text for message in messages if message.role == "user"), "")
        said = f"{caller}\0{first}"
        digest = hmac.new(self._secret, well_formed(said).encode(), hashlib.sha256).hexdigest()
        return digest[:NONCE_DIGITS]


def call_tag(nonce: str) -> str:
    """The name of the tag around a call."""
    return f"call-{nonce}"


def result_tag(nonce: str) -> str:
    """The name of the tag around a result."""
    return f"result-{nonce}"


class Tags:
    """Finds the tags of one conversation in a text."""

    __slots__ = ("_attributes", "_literals", "call", "close", "own")

    def __init__(self, nonce: str) -> None:
        self.call: Final = f"<{call_tag(nonce)}"
        """What opens a call, up to its attributes."""
        self.close: Final = f"</{call_tag(nonce)}"
        self._literals: Final = (self.call, self.close, f"<{result_tag(nonce)}", f"</{result_tag(nonce)}")
        names = f"(?:{call_tag(nonce)}|{result_tag(nonce)})"
        self.own: Final = re.compile(rf"</?{names}(?=[\s/>])")
        """The beginning of any of them."""
        self._attributes: Final = re.compile(r"[^<>]*")

    def end_of_tag(self, text: str, at: int, limit: int) -> int:
        """Where the attributes end that begin at `at`: at a `>` or, if this is no tag, at a `<`, at the end
        of `text`, or at `limit`.
        """
        found = self._attributes.match(text, at, limit)
        return at if found is None else found.end()

    def is_name(self, text: str) -> bool:
        """Whether `text` is the beginning of a tag of which only the attributes are missing."""
        return text in self._literals

    def may_begin(self, text: str, at: int = 0) -> bool:
        """Whether what stands in `text` from `at` on is the beginning of a tag, and all that has come."""
        rest = text[at : at + len(self._literals[-1]) + 1]
        return any(literal.startswith(rest) for literal in self._literals)


def written_call(call: ToolCall, nonce: str) -> str:
    """A call in its envelope. Whatever its arguments are, they are written as they came."""
    tag = call_tag(nonce)
    if call.raw:
        return f'<{tag} name="{_attribute(call.name)}" raw>\n{call.arguments}\n</{tag}>'
    return f'<{tag} name="{_attribute(call.name)}">\n{call.arguments.strip() or NO_ARGUMENTS}\n</{tag}>'


def written_result(result: ToolResult, nonce: str) -> str:
    """A result in its envelope, which nothing in its text can close."""
    tag = result_tag(nonce)
    text = result.text.replace(f"</{tag}", f"<\\/{tag}")
    failed = " failed" if result.failed else ""
    name, call_id = _attribute(result.name or EARLIER), _attribute(result.call_id)
    return f'<{tag} name="{name}" id="{call_id}"{failed}>\n{text if text.strip() else NO_OUTPUT}\n</{tag}>'


def _attribute(value: str) -> str:
    """`value` as it can stand between quotation marks in a tag."""
    return " ".join(value.translate({ord(character): "_" for character in '"<>'}).split())
