"""Nothing that was said is left in a redacted stream, and the translator makes of it what it made before."""

import json
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.names import is_name
from recordings.redaction import redact
from recordings.stand_ins import StandIns, prose
from tests.recordings.streams import stream_files, stream_of
from tests.translate.reading import answer
from translate.values import Asset

STREAMS = stream_files()
WORD = re.compile(r"[^\W\d_]{4,}")
KEPT = (
    "true false https DONE ping ImageDisplayed contentReference oaicite sandbox citeturn writing variant"
    " subject source"
)
"""What stays beside names of the protocol; a text may end in the middle of it."""


def redacted(stream: bytes) -> bytes:
    return redact(stream, StandIns())


def picture(asset: Asset) -> str:
    return "picture"


def form(text: str) -> str:
    """What a text and its stand-in have in common."""
    return prose(re.sub(r"\d", "1", text))


def record(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def message(text: str, message_id: str = "a1", **metadata: object) -> dict[str, object]:
    return {
        "id": message_id,
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
        "metadata": metadata,
    }


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_no_word_of_a_stream_is_left_but_names_of_the_protocol(path: Path) -> None:
    stream = stream_of(path)
    said = set(WORD.findall(stream.decode(errors="ignore").replace("\\n", " ").replace("\\u", " ")))
    left = set(WORD.findall(redacted(stream).decode(errors="ignore"))) & said
    assert [word for word in left if not is_name(word) and word not in KEPT] == []


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_redacted_stream_is_translated_like_the_original(path: Path) -> None:
    stream = stream_of(path)
    seen, again = (answer(each, reasoning=True, fetch=picture) for each in (stream, redacted(stream)))
    assert form(again.text) == form(seen.text)
    assert again.finish_reason == seen.finish_reason
    assert again.conversation.facts.unknown == seen.conversation.facts.unknown
    assert (again.error is None) == (seen.error is None)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_structure_stays(path: Path) -> None:
    stream = stream_of(path)
    done = redacted(stream)
    assert len(done) == len(stream)
    for before, after in zip(stream.splitlines(), done.splitlines(), strict=True):
        assert re.sub(rb"[^]{}\[:,\"]", b"", before) == re.sub(rb"[^]{}\[:,\"]", b"", after)


@given(st.binary(max_size=300))
def test_any_bytes_keep_their_length(stream: bytes) -> None:
    assert len(redacted(stream)) == len(stream)


ESCAPES = rb"""data: {"p": "/content", "o": "append", "v": "\"a\\\" \\\\\" \n\u00e9\ud83d\udc4d\"\""}

data: {"k\"ey\"": ["x\\", "\"", "{\"title\": \"A \\\"b\\\"\"}"], "type": "canary\"\\"}
"""
"""All kinds of escapes at the ends of strings, and before quotes."""


@pytest.mark.parametrize("cut", range(len(ESCAPES)))
def test_stream_that_is_cut_anywhere_keeps_its_length(cut: int) -> None:
    assert len(redacted(ESCAPES[:cut])) == cut
    assert len(redacted(ESCAPES[cut:])) == len(ESCAPES) - cut


@given(st.sampled_from(STREAMS), st.data())
def test_recorded_stream_that_is_cut_anywhere_keeps_its_length(path: Path, data: st.DataObject) -> None:
    stream = stream_of(path)
    cut = data.draw(st.integers(0, len(stream)))
    assert len(redacted(stream[:cut])) == cut


@given(st.sampled_from(STREAMS), st.data())
def test_no_damage_lets_a_word_through(path: Path, data: st.DataObject) -> None:
    """Wherever a word comes in, and whatever is cut out of the stream."""
    stream = stream_of(path)
    at, cut = (data.draw(st.integers(0, len(stream))) for _ in range(2))
    end = data.draw(st.integers(cut, min(len(stream), cut + 40)))
    damaged = stream[:cut] + stream[end:]
    damaged = damaged[:at] + b" canary, Canary9876 " + damaged[at:]
    done = redacted(damaged)
    assert len(done) == len(damaged)
    assert b"canary" not in done.lower()
    assert b"9876" not in done


@pytest.mark.parametrize("sizes", [[1], [2, 3], [7], [1000]])
def test_text_in_pieces_is_redacted_as_a_whole(sizes: list[int]) -> None:
    text = "See \ue200cite\ue202turn0search1\ue201 and https://canary.example/x?y=1, ann@canary.example"
    whole = redacted(record(message=message(text)))
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    stream = record(p="", o="add", v={"message": message(pieces[0])})
    stream += record(p="/message/content/parts/0", o="append", v=pieces[1] if len(pieces) > 1 else "")
    stream += b"".join(record(v=piece) for piece in pieces[2:])
    lines = [json.loads(line[6:]) for line in redacted(stream).splitlines() if line]
    told = lines[0]["v"]["message"]["content"]["parts"][0] + "".join(line["v"] for line in lines[1:])
    assert told == json.loads(whole[6:])["message"]["content"]["parts"][0]
    assert "cite\ue202turn0search1\ue201" in told
    assert told.count("://") == 1
    assert "canary" not in told


def test_snapshot_begins_like_the_longer_one_behind_it() -> None:
    text = 'Read https://canary.example/path and \ue200entity\ue202["city","Oslo"]\ue201 now'
    stream = b"".join(record(message=message(text[:size])) for size in range(len(text) + 1))
    lines = [json.loads(line[6:]) for line in redacted(stream).splitlines() if line]
    texts = [line["message"]["content"]["parts"][0] for line in lines]
    assert all(texts[-1].startswith(told) for told in texts)


def test_long_names_of_places_take_no_memory() -> None:
    """Each of the texts is at a place of its own."""
    key = "k" * 200_000
    texts = ", ".join(['"Canary text"'] * 20_000)
    tracemalloc.start()
    done = redacted(f'data: {{"{key}": [{texts}], "p": "{key}", "v": "Canary"}}\n\n'.encode())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert b"anary" not in done
    assert peak < 100 * len(done)


def test_ids_that_are_alike_stay_alike_and_others_differ() -> None:
    first, second = "0b6a4c7d-1234-4abc-9def-0123456789ab", "1c6a4c7d-1234-4abc-9def-0123456789ab"
    stream = record(message=message("a", first), conversation_id=second, parent=first)
    told = json.loads(redacted(stream)[6:])
    assert told["message"]["id"] == told["parent"] != told["conversation_id"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told["parent"])
    assert not {first, second} & {told["parent"], told["conversation_id"]}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Hello, World! 42", "Xxxxx, Xxxxx! 11"),
        ("你好，世界。", "字字，字字。"),
        ("été 👍🏽", "éxé 😀😀"),
        ("# A\n\n* **b** `c`\n1. d", "# X\n\n* **x** `x`\n1. x"),
        ("```python\nprint(1)\n```", "```python\nxxxxx(1)\n```"),
        ("see 【11†source】", "xxx 【11†source】"),
        (":::writing{variant=\"email\" id=\"4829\"}", ":::writing{variant=\"xxxxx\" id=\"1111\"}"),
    ],
)  # fmt: skip
def test_form_of_a_text_stays(said: str, told: str) -> None:
    assert json.loads(redacted(record(message=message(said)))[6:])["message"]["content"]["parts"] == [told]


def test_escapes_stay_escapes() -> None:
    line = rb'data: {"message": {"content": {"parts": ["\u00e9t\u00e9 \ud83d\udc4d \"\\\/\n \u4f60"]}}}'
    assert (
        redacted(line)
        == rb'data: {"message": {"content": {"parts": ["\u00e9x\u00e9 \ud83d\ude00 \"\\\/\n \u5b57"]}}}'
    )


def test_json_in_a_text_stays_json() -> None:
    inner = {
        "name": "Canary plan",
        "type": "document",
        "content": 'Line\n"quoted" canary',
        "n": 2,
        "multiple": True,
    }
    told = json.loads(redacted(record(message=message(json.dumps(inner))))[6:])
    parsed = json.loads(told["message"]["content"]["parts"][0])
    assert parsed | {"name": 0, "content": 0} == inner | {"name": 0, "content": 0}
    assert parsed["content"] == 'Xxxx\n"xxxxxx" xxxxxx'


def test_names_of_the_protocol_are_words_like_others_within_a_text() -> None:
    inner = {"price": 5, "short": {"type": "short", "role": "user", "content": "price"}}
    told = redacted(record(message=message(json.dumps(inner)))) + redacted(
        record(message=message("```price\n"))
    )
    assert not re.search(rb"price|short|user[^_]", told)


@pytest.mark.parametrize("key", ["type", "content_type", "role", "status", "recipient", "o"])
def test_name_that_is_not_known_is_replaced(key: str) -> None:
    told = json.loads(redacted(record(**{key: "canary_kind", "v": 1}))[6:])
    assert "canary" not in told[key]
    assert len(told[key]) == len("canary_kind")


def test_keys_that_are_not_known_are_replaced() -> None:
    told = redacted(record(message={"canary": {"bob@canary.example": 5551234, "t": 1795333147.5}}))
    assert b"canary" not in told
    assert b"5551234" not in told
    assert b"1795333147" not in told
