"""Random turns of plain text, with what a user must see of them: strategies for hypothesis.

A story is a list of records as the backend could send them. What is visible is told by a second, simpler
form of the rules, `ShownText`.
"""

import re
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.translate.wire import (
    MODERATION,
    PING,
    TITLE,
    Json,
    echo,
    finished,
    hidden_system,
    json_bytes,
    message,
    search_call,
    tool_text,
)
from translate.values import SentMessage

SPECIAL = [
    '"', "\\", '\\"', '\\\\"', "\\n", "\\u00e9", "/", "\n", "\t", "\r\n", "\x00", "\x1f", "\x7f", "\x85",
    "\u2028", "\u2029", "\ufeff", "🔥", "👨‍👩‍👧", "\U0010ffff", "é", "你好", "【", "】", "【注意】", "]",
    "[", ")", "`", "```", "a\ufffdb", '"], "', '"}}', "data: ", "[DONE]", "<&>", "'", "\ue000", "\ud7ff",
]  # fmt: skip

PIECES = st.lists(
    st.one_of(
        st.sampled_from(SPECIAL),
        st.text(st.characters(codec="ascii"), max_size=8),
        st.text(st.sampled_from("0123ab Zö漢🎉"), max_size=4),
    ),
    max_size=4,
).map("".join)
ASTRAL = st.sampled_from(["🔥", "\U00010000", "\U0010ffff"])
END = "∎"
"""Ends each message of a story and occurs nowhere else, so no message ends with a line break."""

NOISE: list[Json | bytes] = [
    PING,
    b": ping\n\n",
    b"id: 3\n\n",
    b"data: \n\n",
    TITLE,
    MODERATION,
    {},
    {"type": "num_variants_in_stream", "num_variants_in_stream": 2},
    {"type": "something_new", "message_id": "a1"},
    {"message": None, "conversation_id": "c1", "error": None},
    hidden_system(),
    search_call("noise-1"),
    tool_text("DALL-E displayed 1 images. Do not list them.", "noise-2"),
    message("", "noise-3", role="user", content={"content_type": "user_editable_context"}),
    message("Hidden", "noise-4", weight=0.0),
    message("Another answer", "variant", parent="before-m0"),
]


@dataclass
class ShownText:
    """What a user sees of one message: text is never taken back, half a character never shown."""

    shown: str = ""
    stands: str = ""
    half: str = ""

    def snapshot(self, text: str) -> None:
        """A snapshot."""
        settled = re.sub(r"(?:[\ud800-\udbff]|(?<!\ufffd)\ufffd{1,4})\Z", "", text)
        if text.startswith(self.stands):
            self.shown += settled[len(self.stands) :]
        elif self.stands.startswith(text):
            self.half = ""
            return
        else:
            common = 0
            while self.stands[common : common + 1] == text[common : common + 1]:
                common += 1
            self.shown += settled[common:]
        self.stands, self.half = settled, text[len(settled) :]


@dataclass(frozen=True)
class Story:
    """`records` to send, our own messages among them, and what is to be seen in the end."""

    records: list[Json | bytes]
    sent: tuple[SentMessage, ...]
    text: str


@dataclass
class MessageWriter:
    """Writes the snapshots of one message, and notes what they show."""

    id: str
    has_status: bool
    records: list[Json | bytes] = field(default_factory=list)
    shown: ShownText = field(default_factory=ShownText)
    metadata: Json = field(default_factory=dict)

    def snapshot(self, text: str) -> None:
        status = "in_progress" if self.has_status else None
        self.records.append(message(text, self.id, status=status, metadata=self.metadata))
        self.shown.snapshot(text)

    def finish(self, text: str, *, end_turn: bool) -> None:
        record = finished(text, self.id, end_turn=end_turn)
        if not self.has_status:
            record = message(text, self.id, status=None, end_turn=end_turn, metadata=self.metadata)
        self.records.append(record)
        self.shown.snapshot(text)


STEPS = ["grow", "grow", "grow", "grow", "noise", "again", "split", "broken", "rewrite", "blank", "metadata"]


@st.composite
def _message(draw: st.DrawFn, writer: MessageWriter, last: bool) -> bool:
    """One visible message; whether its end was told."""
    text = ""
    writer.snapshot(text)
    for step in draw(st.lists(st.sampled_from(STEPS), max_size=10)):
        if step == "grow":
            text += draw(PIECES)
        elif step == "noise":
            writer.records.append(draw(st.sampled_from(NOISE)))
            continue
        elif step == "split":
            character = draw(ASTRAL)
            writer.snapshot(text + chr(0xD800 + ((ord(character) - 0x10000) >> 10)))
            text += character
        elif step == "broken":
            writer.snapshot(text + "\ufffd" * draw(st.integers(1, 4)))
            text += draw(st.sampled_from(["é", "漢字", "🔥x"]))
        elif step == "rewrite":
            writer.snapshot(text + ".")  # ends what may be held back, for that could still be taken back
            text = text[: draw(st.integers(0, len(text)))] + draw(PIECES)
        elif step == "blank":
            writer.snapshot(text[: draw(st.integers(0, len(text)))])
        elif step == "metadata":
            writer.metadata = {"finish_details": {"type": "stop", "stop": "<|diff_marker|>"}}
        writer.snapshot(text)
    told = draw(st.booleans())
    if told:
        writer.finish(text + END, end_turn=last)
    else:
        writer.snapshot(text + END)
    return told


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A turn: echoes, then one to three messages of the assistant, with noise anywhere."""
    has_status = draw(st.booleans())
    talk = draw(st.lists(PIECES.filter(bool), max_size=3)) if draw(st.booleans()) else []
    roles = ["assistant" if index % 2 else "user" for index in range(2 * len(talk))]
    sent = [
        SentMessage(f"sent-{index}", role, (talk[index // 2] if role == "assistant" else "Question"))
        for index, role in enumerate(roles)
    ]
    sent.append(SentMessage("sent-last", "user", "Last question"))
    foreign = draw(st.booleans())
    records: list[Json | bytes] = [hidden_system()]
    for said in sent:
        id = f"other-{said.id}" if foreign and said.role == "assistant" else said.id
        record = echo(said.text, id, said.role)
        if not has_status:
            del record["message"]["status"]  # type: ignore[attr-defined]
        records.append(record)
    visible = []
    count = draw(st.integers(1, 3))
    told = False
    for index in range(count):
        writer = MessageWriter(f"m{index}", has_status)
        told = draw(_message(writer, last=index == count - 1))
        records += writer.records
        visible.append(writer.shown.shown + writer.shown.half)
        if index < count - 1 and draw(st.booleans()):
            records += [search_call(f"call-{index}"), tool_text("Page text", f"tool-{index}", "browser")]
    if not told or draw(st.booleans()):
        records.append(b"data: [DONE]\n\n")
    return Story(records, tuple(sent), "\n\n".join(visible))


@dataclass(frozen=True)
class Framing:
    """How records become bytes."""

    raw: bool = False
    end: bytes = b"\n"
    pad: int = 1
    terminated: bool = True

    def frame(self, records: list[Json | bytes]) -> bytes:
        out = b""
        for record in records:
            if isinstance(record, bytes):
                out += record if b"ping" in record else record.replace(b"\n", self.end)
                continue
            payload = json_bytes(record, raw=self.raw)
            payload += b" " * (-len(payload) % self.pad)
            out += b"data: " + payload + self.end * 2
        return out if self.terminated else out.rstrip(b"\r\n")


FRAMINGS = st.builds(
    Framing,
    raw=st.booleans(),
    end=st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"]),
    pad=st.sampled_from([1, 1, 8, 32]),
    terminated=st.booleans(),
)
SIZES: st.SearchStrategy[list[int]] = st.one_of(
    st.just([]),
    st.lists(st.integers(1, 400), min_size=1, max_size=6),
    st.lists(st.sampled_from([1, 2, 3, 60, 250]), min_size=2, max_size=5),
)
"""Sizes of chunks, over and over: none, any, or tiny ones among larger ones."""
