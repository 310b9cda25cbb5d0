"""The conversation of the benchmark: what is asked, what the backend answers, what a client must get.

A reply of n tokens is the same for every request, so that the backend renders it once and the load generator
can check every character of it. The dialect is that of snapshots of December 2023 (protocol notes, section
7): the hidden system message, the echo of the messages sent, an empty assistant message, n growing snapshots,
the text once more as finished, `[DONE]`; each record is `data: JSON` and an empty line.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Literal, Self

Message = Mapping[str, Any]
Style = Literal["raw", "py"]
"""How the backend writes JSON: `raw` is compact UTF-8, `py` is what json.dumps makes (ASCII, spaces)."""

CONVERSATION_ID = "6f1f2d62-6c1e-4f0e-8a54-0d4f5d1e7c11"
ANSWER_ID = "b9a3a4c5-35a0-4a6b-9d53-5b1ce39c2f42"
SYSTEM_ID = "0c5bd7be-2a53-43bb-9d8c-4f3f7a1be8a3"
NO_ID = "11111111-2222-4333-8444-555555555555"
"""The id of echoed messages that came without one, as those of the relay do."""

ENGLISH = (
    " The| server| sends| every| token| as| soon| as| it| arrives|.",
    " A| reader| may| be| slow|,| so| the| writer| has| to| wait|;| nothing| piles| up|.",
    ' "|Streaming|",| she| wrote|,| "|isn\'t| magic|"|.',
    " It| takes| about| 12|.|5| ms| (|p|50|)| and| 40| ms| (|p|99|)| on| one| core|.",
    "\n\n|## |What| to| measure|\n\n",
    "\n|- |**|latency|**|:| from| the| first| byte| to| the| last|",
    "\n|1|.| See| the| [|guide|](|https://|example|.org|/guide|?a=1&b=2|)| first|.",
    '\n\n|```|python|\n|for| line| in| stream|:\n|    print|(|line|,| end|=|"\\n"|)|\n|```|\n\n',
    " The| path| is| `|C:\\|temp|\\new|`|,| not| `|D:/new|`|.",
    "\n|name|\t|value|\nport|\t|8080|\n|",
    " That| is| <|b|>|100|%|</|b|>| of| it|!| 🚀|",
)
CHINESE = (
    "我们|来|看|一个|例子|：|服务|每|收到|一个|词|，|就|立刻|转发|给|客户端|。",
    "如果|读者|很|慢|，|写|的|一方|就|必须|等待|；|内存|不会|增长|。",
    "他|说|：|“|可以|，|没有|问题|！|”|😀|",
    "\n\n|### |第一|步|\n\n",
    "\n|- |**|延迟|**|：|从|第一|个|字节|到|最后|一个|字节|",
    "例如|，|`|data|`| |字段|里|的| |JSON| |会|被|转义|…|",
    "这|大约|需要| |12|.|5| |毫秒|（|中位数|）|，|也|可能|更|久|🔥|。",
)


def _stream_of_tokens() -> Iterator[str]:
    """Phrases in two languages, without end, the same in every process."""
    rng = random.Random(20231215)
    while True:
        phrases = CHINESE if rng.random() < 0.4 else ENGLISH
        for phrase in rng.sample(phrases, rng.randint(2, 5)):
            yield from filter(None, phrase.split("|"))


@cache
def reply_tokens(n: int) -> tuple[str, ...]:
    """The first n tokens of the text; no token is empty."""
    stream = _stream_of_tokens()
    return tuple(next(stream) for _ in range(n))


@cache
def reply_text(n: int) -> str:
    """The text of a reply of n tokens."""
    return "".join(reply_tokens(n))


@dataclass(frozen=True, slots=True)
class ReplySpec:
    """What the backend is to reply; it is part of the user's message, so that it passes any server."""

    tokens: int
    rate: int = 0
    """Tokens per second; 0: as fast as the client reads."""
    style: Style = "raw"
    slot: int = 0
    """The row of `SendTimes` for the send times of a paced reply."""

    def prompt(self) -> str:
        """The user's message."""
        return f"BENCH tokens={self.tokens} rate={self.rate} style={self.style} slot={self.slot}"

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The specification in a request body. Raises ValueError if there is none."""
        found = _PROMPT.search(body)
        if found is None:
            raise ValueError("the request carries no benchmark prompt")
        tokens, rate, style, slot = (group.decode() for group in found.groups())
        return cls(int(tokens), int(rate), "py" if style == "py" else "raw", int(slot))


_PROMPT = re.compile(rb"BENCH tokens=(\d+) rate=(\d+) style=(raw|py) slot=(\d+)")


def chat_request(spec: ReplySpec, *, stream: bool) -> dict[str, Any]:
    """The request body of a client of OpenAI's API."""
    return {
        "model": "gpt-3.5-turbo",
        "stream": stream,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": spec.prompt()},
        ],
    }


def echo_records(messages: Sequence[Message], style: Style) -> list[bytes]:
    """The hidden system message, then each message sent, with its id.

    `messages` have the backend's shape (`author`, `content.parts`) or, as the relay sends them, OpenAI's.
    """
    records = [_record(_message(SYSTEM_ID, "system", "", finished=True), style)]
    for message in messages:
        if "author" in message:
            role, text = message["author"]["role"], message["content"]["parts"][0]
        else:
            role, text = message["role"], message["content"]
        records.append(_record(_message(message.get("id", NO_ID), role, text, finished=True), style))
    return records


def reply_records(n: int, style: Style) -> list[bytes]:
    """`snapshots` of the reply of n tokens."""
    return snapshots(reply_tokens(n), style)


def snapshots(tokens: Sequence[str], style: Style) -> list[bytes]:
    """N + 3 records: the empty assistant message, a snapshot per token, the finished one, `[DONE]`."""
    mark = _PLACEHOLDER.encode()
    growing = _record(_message(ANSWER_ID, "assistant", _PLACEHOLDER, finished=False), style).split(mark)
    last = _record(_message(ANSWER_ID, "assistant", _PLACEHOLDER, finished=True), style).split(mark)
    escaped = [_json(token, style)[1:-1] for token in tokens]
    text = b"".join(escaped)
    ends = accumulate(map(len, escaped), initial=0)
    return [
        *(growing[0] + text[:end] + growing[1] for end in ends),
        last[0] + text + last[1],
        b"data: [DONE]\n\n",
    ]


def delta_records(n: int, style: Style) -> list[bytes]:
    """`deltas` of the reply of n tokens."""
    return deltas(reply_tokens(n), style)


def deltas(tokens: Sequence[str], style: Style) -> list[bytes]:
    """The same in delta v1: encoding, empty message, n appends, closing patch, `[DONE]`."""
    empty = _message(ANSWER_ID, "assistant", "", finished=False)
    last = _message(ANSWER_ID, "assistant", "", finished=True)
    ends = ("status", "end_turn", "metadata")
    closing = [{"p": f"/message/{name}", "o": "replace", "v": last[name]} for name in ends]
    first, *others = tokens
    bare: list[dict[str, object]] = [{"v": token} for token in others]
    changes: list[dict[str, object]] = [
        {"p": "", "o": "add", "v": {"message": empty, "conversation_id": CONVERSATION_ID}, "c": 0},
        {"p": "/message/content/parts/0", "o": "append", "v": first},
        *bare,
        {"p": "", "o": "patch", "v": closing},
    ]
    return [
        b'event: delta_encoding\ndata: "v1"\n\n',
        *(b"event: delta\ndata: " + _json(change, style) + b"\n\n" for change in changes),
        b"data: [DONE]\n\n",
    ]


_PLACEHOLDER = "@@"
"""Stands for the text while the rest of a snapshot is rendered."""


def _json(value: object, style: Style) -> bytes:
    if style == "py":
        return json.dumps(value).encode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _record(message: Message, style: Style) -> bytes:
    record = {"message": message, "conversation_id": CONVERSATION_ID, "error": None}
    return b"data: " + _json(record, style) + b"\n\n"


def _message(message_id: str, role: str, text: str, *, finished: bool) -> Message:
    metadata: dict[str, object] = {"message_type": "next", "model_slug": "text-davinci-002-render-sha"}
    answered = role == "assistant" and finished
    if answered:
        metadata |= {"finish_details": {"type": "stop", "stop_tokens": [100260]}, "is_complete": True}
    return {
        "id": message_id,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": 1702623600.512345,
        "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully" if finished else "in_progress",
        "end_turn": True if answered or role == "system" else None,
        "weight": 1.0,
        "metadata": metadata | {"parent_id": NO_ID},
        "recipient": "all",
    }
