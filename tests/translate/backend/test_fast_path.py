"""The fast path: taken by what merely grows, left by everything else, and never wrong."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import answer, records_read
from tests.translate.wire import (
    DONE,
    MODERATION,
    PING,
    STOP,
    TITLE,
    Json,
    finished,
    growing,
    json_bytes,
    message,
    sse,
    turn_of,
)
from translate.backend import FastPath, SseSplitter
from translate.backend.fast_path import MAX_AWAITED
from translate.text import unescaped

WORDS = [f" word{n}" for n in range(200)]
GROWING = ["".join(WORDS[: n + 1]) for n in range(len(WORDS))]


AROUND_THE_TEXT = 6
"""Records read in full in any turn: system, echo, first snapshot, finished snapshot, moderation, `[DONE]`."""


@pytest.mark.parametrize("sizes", [[], [100_000], [1000]], ids=str)
def test_plain_growth_is_neither_parsed_nor_decoded(sizes: list[int]) -> None:
    seen = answer(turn_of(*GROWING), sizes=sizes)
    assert seen.deltas == WORDS
    assert records_read(seen) == AROUND_THE_TEXT


def test_growth_that_has_waited_comes_in_one_piece() -> None:
    seen = answer(turn_of(*GROWING), behind=True)
    assert seen.deltas == ["".join(WORDS)]
    assert records_read(seen) == AROUND_THE_TEXT


@pytest.mark.parametrize("size", [997, 10_000])
def test_growth_that_has_waited_comes_in_a_piece_for_each_read(size: int) -> None:
    stream = turn_of(*GROWING)
    seen = answer(stream, behind=True, sizes=[size])
    assert seen.text == "".join(WORDS)
    assert len(seen.deltas) <= 1 + len(stream) // size
    assert records_read(seen) == AROUND_THE_TEXT


def test_what_was_taken_back_is_known_though_it_has_waited() -> None:
    texts = ["", "Hi", "Hi you", "Hi you there", "Hi you all", "Hi you all."]
    stream = sse(*growing(*texts), finished(texts[-1]))
    assert answer(stream, behind=True).text == answer(stream).text


def test_pieces_of_delta_streams_stay_as_they_are() -> None:
    fast_path, sse = FastPath(), SseSplitter()
    fast_path.arm(b'data: {"v": "', b'"}', cumulative=False)
    sse.push(b'data: {"v": "a"}\n\n' * 2)
    fast_path.skip_outgrown(sse)
    assert fast_path.take_plain(sse) == [b"a", b"a"]


def test_slow_path_parses_everything() -> None:
    seen = answer(turn_of(*GROWING), fast=False)
    assert seen.deltas == WORDS
    assert records_read(seen) == AROUND_THE_TEXT + len(WORDS)


PASSABLE = {
    "escaped emoji": "\\ud83d\\udd25",
    "escaped CJK": "\\u4f60\\u597d",
    "raw emoji and CJK": "🔥你好é",
    "escaped quote": '\\"',
    "backslashes": "\\\\\\\\",
    "line breaks": "a\\n\\n- b\\t",
    "slash": "\\/",
}


@pytest.mark.parametrize("piece", PASSABLE.values(), ids=PASSABLE)
def test_complete_escapes_and_characters_pass_unread(piece: str) -> None:
    seen = answer(grown_by(piece))
    assert seen.text == "Hi there" + json.loads(f'"{piece}"') + "."
    assert piece.encode() in seen.player.out
    assert records_read(seen) == 2


SPECIAL = {
    "escaped line separator": "\\u2028",
    "raw line separator": "\u2028",
    "raw paragraph separator": "\u2029",
    "raw next line": "\u0085",
    "escaped next line": "\\u0085",
    "lone high surrogate": "\\ud83d",
    "lone low surrogate": "\\udd25",
    "surrogates the wrong way round": "\\udd25\\ud83d",
    "escaped replacement character": "\\ufffd",
    "raw replacement character": "\ufffd",
    "upper case escapes": "\\uD83D\\uDD25 \\u2028 \\uFFFD",
    "closing bracket": "](",
    "citation bracket": "【",
    "escaped citation bracket": "\\u3010",
    "backtick": "`",
    "raw tab": "\t",
    "long piece": "x" * 9000,
}


@pytest.mark.parametrize("piece", SPECIAL.values(), ids=SPECIAL)
def test_whatever_may_need_a_look_is_decoded(piece: str) -> None:
    stream = grown_by(piece)
    seen = answer(stream)
    assert seen.deltas == answer(stream, fast=False).deltas


def grown_by(piece: str) -> bytes:
    """A turn whose text grows by `piece`, JSON-escaped as it is, and then by a full stop."""
    raw = [
        json_bytes(message(text, "a1"), raw=True).replace(b"<>", piece.encode())
        for text in ("Hi", "Hi there", "Hi there<>", "Hi there<>.")
    ]
    return b"".join(b"data: " + record + b"\n\n" for record in raw) + DONE


def test_records_cut_into_crumbs_mostly_stay_on_the_fast_path() -> None:
    seen = answer(turn_of(*GROWING), sizes=[37])
    assert seen.deltas == WORDS
    assert records_read(seen) < AROUND_THE_TEXT + len(WORDS) // 10


def test_pings_between_records_do_not_leave_the_fast_path() -> None:
    records: list[Json | bytes] = [message("", "a1")]
    for text in GROWING:
        records += [PING, message(text, "a1")]
    seen = answer(sse(*records))
    assert seen.deltas == WORDS
    assert records_read(seen) == 1 + 1


def test_other_records_cost_one_parse_each_and_do_not_disturb_the_fast_path() -> None:
    stream = sse(*growing("", *GROWING[:50]), TITLE, MODERATION, *growing(*GROWING[50:]))
    seen = answer(stream)
    assert seen.deltas == WORDS
    assert records_read(seen) == 1 + 2 + 1


def test_finish_details_in_mid_text_cost_one_parse() -> None:
    ending = [message(text, "a1", status=None, metadata=STOP) for text in GROWING[100:]]
    stream = sse(*(message(text, "a1", status=None) for text in ["", *GROWING[:100]]), *ending)
    seen = answer(stream)
    assert seen.deltas == WORDS
    assert records_read(seen) == 2 + 1


@pytest.mark.parametrize("begun", ['say "hi"', "\\", '\\"', '"\\\\', 'x"\\"y"'])
def test_text_with_quotes_and_backslashes_comes_back_to_the_fast_path(begun: str) -> None:
    texts = [begun + text for text in GROWING]
    seen = answer(sse(*growing(begun, *texts)))
    assert seen.text == texts[-1]
    assert records_read(seen) == 1 + 1


def test_crlf_streams_take_the_slow_path_and_say_the_same() -> None:
    stream = turn_of(*GROWING).replace(b"\n\n", b"\r\n\r\n")
    seen = answer(stream)
    assert seen.deltas == WORDS
    assert records_read(seen) == AROUND_THE_TEXT + len(WORDS)


def test_with_stop_sequences_every_piece_is_looked_at() -> None:
    seen = answer(turn_of(*GROWING), stop=["word150"])
    assert seen.text == "".join(WORDS[:150]) + " "
    assert records_read(seen) < 10


def test_growth_of_another_string_of_the_record_is_not_shown() -> None:
    def record(note: str, text: str) -> Json:
        envelope = message(text, "a1")
        return {"note": {"text": note}} | envelope

    stream = sse(record("", ""), record("secret", ""), record("secret plan", "Hi"), record("more", "Hi you"))
    assert answer(stream).text == "Hi you"


@pytest.mark.parametrize("quoted", ['"], "x": ["', '"]}, "status": "in_progress", "end_turn": null', "\\"])
def test_text_that_looks_like_the_rest_of_the_record_is_text(quoted: str) -> None:
    tail = json_bytes(message("", "a1")).decode().partition('"parts": ["')[2]
    texts = ["Hi", "Hi " + quoted, "Hi " + quoted + tail, "Hi " + quoted + tail + tail + "\\", "Hi "]
    texts = ["", *texts[:4], texts[3] + '"', texts[3] + '" end']
    assert answer(sse(*growing(*texts))).text == texts[-1]


def test_records_on_two_lines_or_without_a_blank_line_are_not_taken_for_growth() -> None:
    first, second = (json_bytes(record) for record in growing("Hi", "Hi there"))
    stream = b"data: " + first + b"\n\ndata: " + second + b"\ndata: " + second + b"\n\n" + DONE
    assert answer(stream).text == answer(stream, fast=False).text == "Hi"


def test_growth_goes_on_behind_padding() -> None:
    stream = b"".join(
        b"data: " + record + b" " * (-len(record) % 32) + b"\n\n"
        for record in map(json_bytes, growing("", *GROWING))
    )
    seen = answer(stream + DONE)
    assert seen.deltas == WORDS
    assert records_read(seen) == 1 + 1


def test_two_messages_by_turns_keep_their_own_texts() -> None:
    a, b = growing("A", "A1", "A12", "A123", id="a"), growing("B", "B1", "B12", "B123", id="b")
    stream = sse(*(record for pair in zip(a, b, strict=True) for record in pair), finished("A123.", "a"))
    fast, slow = answer(stream), answer(stream, fast=False)
    assert fast.deltas == slow.deltas
    assert "".join(sorted(fast.text.replace("\n", ""))) == "".join(sorted("A123B123."))


def test_growth_after_the_stream_was_said_to_be_complete_ends_alike_on_both_paths() -> None:
    complete = {"type": "message_stream_complete", "conversation_id": "c1"}
    stream = sse(*growing("", *GROWING[:5]), complete, *growing(*GROWING[5:10]))
    fast, slow = answer(stream), answer(stream, fast=False)
    assert fast.text == slow.text
    assert type(fast.player.error) is type(slow.player.error)


# The fast path alone.

TEXTS = st.text(st.sampled_from('ab "\\\n】】`]🔥\u2028\ufffd'), max_size=6)


def framed(text: str, *, raw: bool, cumulative: bool) -> bytes:
    payload = json_bytes(message(text) if cumulative else {"v": text}, raw=raw)
    return b"data: " + payload + b"\n\n"


def armed(begun: str, *, raw: bool, cumulative: bool) -> FastPath:
    """A fast path that has seen a record with the text `begun`."""
    record = framed((begun if cumulative else "") + "<>", raw=raw, cumulative=cumulative)
    head, tail = record.removesuffix(b"\n\n").split(b"<>")
    fast_path = FastPath()
    fast_path.arm(head, tail, cumulative=cumulative)
    return fast_path


@given(
    begun=TEXTS,
    growth=st.lists(TEXTS, max_size=6),
    foreign=st.integers(0, 6),
    raw=st.booleans(),
    cumulative=st.booleans(),
    plain=st.lists(st.booleans(), min_size=1, max_size=4),
)
def test_what_the_fast_path_takes_and_what_it_leaves_is_all_there_was(
    begun: str, growth: list[str], foreign: int, raw: bool, cumulative: bool, plain: list[bool]
) -> None:
    texts = [begun + "".join(growth[: n + 1]) for n in range(len(growth))] if cumulative else growth
    records = [framed(text, raw=raw, cumulative=cumulative) for text in texts]
    records[foreign:foreign] = [b"data: {}\n\n"]
    sse = SseSplitter()
    sse.push(b"".join(records))
    fast_path, text, before = armed(begun, raw=raw, cumulative=cumulative), "", -1
    while sse.pos != before:
        before = sse.pos
        for unread in plain:
            if unread:
                text += unescaped(b"".join(fast_path.take_plain(sse)))
            elif (taken := fast_path.take(sse)) is not None:
                piece, decoded = taken
                assert unescaped(piece) == decoded
                text += decoded
    rest = [record.data for record in iter(sse.next, None)]
    assert rest == [record[len(b"data: ") :].rstrip(b"\n") for record in records[len(records) - len(rest) :]]
    took = len(records) - len(rest)
    assert text == "".join(growth[:took])
    if False in plain:
        assert took == min(foreign, len(growth))
    else:
        assert took <= foreign


@given(
    begun=TEXTS,
    growth=st.lists(TEXTS, max_size=6),
    other=st.text(st.sampled_from("ab"), max_size=2),
    at=st.integers(0, 6),
    rest=st.integers(0, 9),
    raw=st.booleans(),
)
def test_skipped_snapshots_are_those_that_the_next_one_begins_with(
    begun: str, growth: list[str], other: str, at: int, rest: int, raw: bool
) -> None:
    texts = [begun + "".join(growth[: n + 1]) for n in range(len(growth))]
    texts[at:at] = [begun + other]
    records = [framed(text, raw=raw, cumulative=True) for text in texts]
    sse, fast_path = SseSplitter(), armed(begun, raw=raw, cumulative=True)
    sse.push(b"".join(records) + records[-1][:rest])
    fast_path.skip_outgrown(sse)
    skipped = fast_path.taken
    assert sse.pos == sum(map(len, records[:skipped]))
    for before, after in pairwise(texts[: skipped + 1]):
        assert after.startswith(before)
    if at >= len(growth) and other == "":
        last_is_shorter = bool("".join(growth))
        assert skipped == len(texts) - 1 - last_is_shorter


def waiting(data: bytes) -> bool:
    """Whether the fast path, armed with a head and a tail, waits for more of `data`."""
    fast_path, sse = FastPath(), SseSplitter()
    fast_path.arm(b'data: {"v": "', b'"}', cumulative=False)
    sse.push(data)
    assert fast_path.take_plain(sse) == []
    assert fast_path.take(sse) is None
    return fast_path.must_wait(sse)


@pytest.mark.parametrize(
    ("data", "waits"),
    [
        (b"", True),
        (b"da", True),
        (b'data: {"v": "', True),
        (b'data: {"v": "half', True),
        (b'data: {"v": "whole"}\n', True),
        (b"event", False),
        (b'data: {"x": "', False),
        (b'data: {"v": "lines end otherwise"}\r', False),
        (b'data: {"v": "two lines"}\nid: 1\n', False),
        (b'data: {"v": "no string\\x"}\n\n', False),
        (b'data: {"v": "' + b"x" * (MAX_AWAITED + 1), False),
    ],
)
def test_beginning_of_a_record_is_waited_for_if_it_can_become_one_of_those(data: bytes, waits: bool) -> None:
    assert waiting(data) is waits


def test_disarmed_fast_path_is_as_new() -> None:
    fast_path, sse = FastPath(), SseSplitter()
    assert not fast_path.armed
    fast_path.arm(b'data: {"v": "', b'"}', cumulative=False)
    sse.push(b'data: {"v": "a"}\n\n')
    assert fast_path.take(sse) == (b"a", "a")
    assert fast_path.armed
    fast_path.disarm()
    assert not fast_path.armed


@pytest.mark.parametrize("data", [b'data: {"v": "a"} \n\n', b'data: {"v": "a"}   \n\n'])
def test_padding_behind_the_tail_is_no_part_of_the_piece(data: bytes) -> None:
    fast_path, sse = FastPath(), SseSplitter()
    fast_path.arm(b'data: {"v": "', b'"}', cumulative=False)
    sse.push(data + data)
    assert fast_path.take_plain(sse) == [b"a", b"a"]
    assert sse.pos == len(sse.buffer)
