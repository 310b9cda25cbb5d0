"""The bytes of the benchmark's conversation: what is asked, what the backend answers, what a client must get.

A reply of n tokens is the same for every request, so that the backend can render it once and the load
generator can hold every character of it to account. The dialect is the cumulative one of December 2023:
the hidden system message, the echo of what was sent, an empty assistant message, n growing snapshots, the
text once more as finished, `[DONE]`; each record is `data: JSON` and an empty line.
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
NO_ID = "11111111-2222-4333-8444-555555555555"  # for messages that came without one, as the relay sends them

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
    """Paragraphs that switch language, without end, the same in every process."""
    dice = random.Random(20231215)
    while True:
        phrases = CHINESE if dice.random() < 0.4 else ENGLISH
        for phrase in dice.sample(phrases, dice.randint(2, 5)):
            yield from filter(None, phrase.split("|"))


@cache
def reply_tokens(n: int) -> tuple[str, ...]:
    """The first n tokens of the one text; no token is empty."""
    stream = _stream_of_tokens()
    return tuple(next(stream) for _ in range(n))


@cache
def reply_text(n: int) -> str:
    """The whole reply of n tokens."""
    return "".join(reply_tokens(n))


@dataclass(frozen=True, slots=True)
class Ask:
    """What one request wants of the backend; it travels inside the user's message, through any server."""

    tokens: int
    rate: int = 0
    """Tokens per second; 0 is as fast as the reader takes them."""
    style: Style = "raw"
    slot: int = 0
    """Which row of the shared clock the send times of a paced reply go to."""

    def prompt(self) -> str:
        return f"BENCH tokens={self.tokens} rate={self.rate} style={self.style} slot={self.slot}"

    @classmethod
    def found_in(cls, body: bytes) -> Self:
        """The wish in a request body of either shape; ValueError if there is none."""
        found = _ASK.search(body)
        if found is None:
            raise ValueError("the request carries no benchmark prompt")
        tokens, rate, style, slot = (group.decode() for group in found.groups())
        return cls(int(tokens), int(rate), "py" if style == "py" else "raw", int(slot))


_ASK = re.compile(rb"BENCH tokens=(\d+) rate=(\d+) style=(raw|py) slot=(\d+)")


def chat_request(ask: Ask, *, stream: bool) -> dict[str, Any]:
    """The body a client of the OpenAI API sends."""
    return {
        "model": "gpt-3.5-turbo",
        "stream": stream,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": ask.prompt()},
        ],
    }


def echo_events(messages: Sequence[Message], style: Style) -> list[bytes]:
    """The hidden system message, then each sent message with the id it was sent under.

    Takes the backend's own message shape (`author`, `content.parts`) and, for the relay, the OpenAI one.
    """
    events = [_event(_message(SYSTEM_ID, "system", "", finished=True), style)]
    for message in messages:
        if "author" in message:
            role, text = message["author"]["role"], message["content"]["parts"][0]
        else:
            role, text = message["role"], message["content"]
        events.append(_event(_message(message.get("id", NO_ID), role, text, finished=True), style))
    return events


def reply_events(n: int, style: Style) -> list[bytes]:
    """n + 3 records: the empty assistant message, a snapshot per token, the finished one, `[DONE]`."""
    growing = _event(_message(ANSWER_ID, "assistant", _HOLE, finished=False), style).split(_HOLE.encode())
    last = _event(_message(ANSWER_ID, "assistant", _HOLE, finished=True), style).split(_HOLE.encode())
    escaped = [_json(token, style)[1:-1] for token in reply_tokens(n)]
    text = b"".join(escaped)
    ends = accumulate(map(len, escaped), initial=0)
    return [
        *(growing[0] + text[:end] + growing[1] for end in ends),
        last[0] + text + last[1],
        b"data: [DONE]\n\n",
    ]


def delta_events(n: int, style: Style) -> list[bytes]:
    """The same reply in delta v1: the encoding, the empty message, n appends, the closing patch, `[DONE]`."""
    empty = _message(ANSWER_ID, "assistant", "", finished=False)
    last = _message(ANSWER_ID, "assistant", "", finished=True)
    ends = ("status", "end_turn", "metadata")
    closing = [{"p": f"/message/{name}", "o": "replace", "v": last[name]} for name in ends]
    first, *others = reply_tokens(n)
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


_HOLE = "@@"


def _json(value: object, style: Style) -> bytes:
    if style == "py":
        return json.dumps(value).encode()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event(message: Message, style: Style) -> bytes:
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
