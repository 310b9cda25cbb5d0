"""What stands for a history: a chain of keyed hashes, one link for each message.

A link depends on all messages up to its own, so that an edit anywhere changes all links from there on. The
hashes are keyed: who reads what is kept cannot try out what was said. No id of a client's goes in, since
front ends make them anew.

There are two chains. In the strict one all content counts as it is. In the tolerant one does not count what
front ends change in passing: in answers how much white space there is, links and pictures (they host
pictures anew, or drop them), in other messages only white space at the ends of lines and around the text,
since a user who changes a link or the depth of a line means it; the time that NextChat writes into its system
prompt anew for each request; and the names of attached files.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from translate.values import Attachment, ChatMessage, ToolCall

SIZE: Final = 16
"""Bytes of a hash."""
ADDRESS: Final = r'\((?:[^()\s]|\([^()\s]*+\))*+(?:[ ]"[^"\n]*+")?\)'
PICTURES: Final = re.compile(r"!\[[^\[\]\n]*+\]" + ADDRESS)
LINKS: Final = re.compile(r"\[([^\[\]\n]*+)\]" + ADDRESS)
MARKS: Final = re.compile(r"\u3010[^\u3010\u3011\n]*+\u3011")
"""Marks of citations, as some styles show them."""
CLOCK: Final = re.compile(r"^Current time: .*+$", re.MULTILINE)
"""A line of NextChat's system prompt, as its versions 2.9 to 2.16 send it."""
URL_SAFE: Final = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Stands for a history; both are hexadecimal."""

    strict: str
    tolerant: str


@dataclass(frozen=True, slots=True)
class History:
    """The messages of a request. `whole` stands for all of them, `answered` for those up to the last one of
    the assistant, behind which `new` ones follow; None if it has said nothing.
    """

    whole: Fingerprint
    answered: Fingerprint | None
    new: int


class Fingerprints:
    """Makes fingerprints that only who knows `secret` can make."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"conversations", "sha256")

    def history(self, gizmo: str, messages: Sequence[ChatMessage]) -> History:
        """Those of a history. `gizmo` is the id of the GPT that it is said to, empty for a model: no GPT goes
        on with what was said to another one, and models may stand in for each other.

        The time it takes is linear in the text and what is attached; nothing of either is kept.
        """
        told = Fingerprint(gizmo, gizmo)
        answered, new = None, 0
        for message in messages:
            told, new = self.after(told, message), new + 1
            if message.role == "assistant":
                answered, new = told, 0
        return History(told, answered, new)

    def after(self, before: Fingerprint, message: ChatMessage) -> Fingerprint:
        """That of a history with one more message."""
        contents = [(attached, _content(attached)) for attached in message.attachments]
        calls = [(call.name, _arguments(call)) for call in message.calls]
        results = [("failed" if result.failed else "", result.text) for result in message.results]
        shared = [*(part for call in calls for part in call), *(part for one in results for part in one)]
        counts = f"{message.role} {len(contents)} {len(calls)} {len(results)}"
        strict = [attached.name for attached, _ in contents]
        hashes = [content for _, content in contents]
        text = message.text
        return Fingerprint(
            self._hash((before.strict, counts, text, *strict, *shared), hashes),
            self._hash((before.tolerant, counts, tolerant(message), *shared), hashes),
        )

    def _hash(self, texts: Iterable[str], contents: Iterable[bytes]) -> str:
        parts = [*(text.encode("utf-8", "surrogatepass") for text in texts), *contents]
        sizes = b",".join(b"%d" % len(part) for part in parts)  # so that no text can move to another place
        return hashlib.blake2b(b"".join((sizes, b";", *parts)), key=self._key, digest_size=SIZE).hexdigest()


def tolerant(message: ChatMessage) -> str:
    """The text of a message without what front ends change in passing."""
    text = message.text
    if message.role == "system":
        text = CLOCK.sub("", text)
    if message.role != "assistant":
        return "\n".join(map(str.rstrip, text.splitlines())).strip()
    if "](" in text:
        text = LINKS.sub(r"\1", PICTURES.sub("", text))
    if "\u3010" in text:
        text = MARKS.sub("", text)
    return " ".join(text.split())


def weight(messages: Iterable[ChatMessage]) -> int:
    """Characters that go into the fingerprint of messages, about."""
    return sum(
        len(message.text)
        + sum(len(attached.source) for attached in message.attachments)
        + sum(len(call.arguments) for call in message.calls)
        + sum(len(result.text) for result in message.results)
        for message in messages
    )


def _content(attached: Attachment) -> bytes:
    """The hash of the bytes of a picture or a file, whatever they are written in, or of its address."""
    digest = hashlib.blake2b(digest_size=SIZE)
    digest.update(attached.kind.encode())
    source = attached.source
    if attached.file_id:
        digest.update(b" id " + attached.file_id.encode("utf-8", "surrogatepass"))
    elif source.startswith(("http://", "https://")):
        digest.update(b" url " + source.encode("utf-8", "surrogatepass"))
    else:
        data = source.partition(",")[2] if source.startswith("data:") else source
        try:
            digest.update(b" data " + base64.b64decode(data.translate(URL_SAFE)))
        except (binascii.Error, ValueError):  # written in another way
            digest.update(b" text " + source.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _arguments(call: ToolCall) -> str:
    """The arguments of a call, in one of the ways in which the same JSON can be written."""
    if call.raw:
        return call.arguments
    try:
        return json.dumps(json.loads(call.arguments), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return call.arguments
