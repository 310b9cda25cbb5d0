"""Bytes of the stream: framing, escapes, padding, pings, ends."""

import json

import pytest

from tests.simulator.client import ask, parse_events, running


async def test_a_record_is_one_data_line_and_an_empty_line_with_lf() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert b"\r" not in answer.body
    assert all(block.startswith(b"data: ") for block in answer.body.rstrip(b"\n").split(b"\n\n"))
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert answer.ending == "end"


@pytest.mark.parametrize(("newline", "end"), [("crlf", b"\r\n\r\n"), ("cr", b"\r\r"), ("lf", b"\n\n")])
async def test_newline_chooses_the_line_end_of_records(newline: str, end: bytes) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Hello [[sim newline={newline}]]")
    assert answer.body.endswith(b"data: [DONE]" + end)
    assert answer.body.count(end) == len(answer.events)


async def test_json_is_ascii_with_surrogate_pairs_unless_raw_utf8_is_asked_for() -> None:
    async with running() as simulator:
        escaped = await ask(simulator, "say exactly: 你好🔥 [[sim]]")
        raw = await ask(simulator, "say exactly: 你好🔥 [[sim ascii=0]]")
    assert escaped.body.isascii()
    assert rb"\u4f60\u597d\ud83d\udd25" in escaped.body
    assert "你好🔥".encode() in raw.body
    assert escaped.text == raw.text == "你好🔥"


@pytest.mark.parametrize("padding", [8, 32])
async def test_padding_makes_payload_lengths_multiples_with_trailing_spaces(padding: int) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Hello [[sim padding={padding}]]")
    lengths = {len(data) for _, data in answer.events}
    assert all(length % padding == 0 for length in lengths)
    assert any(data.strip() == "[DONE]" and data != "[DONE]" for _, data in answer.events)


async def test_pings_have_crlf_and_a_timestamp_among_lf_records() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim ping=0.03 silence=0.1]]")
    pings = [data for name, data in answer.events if name == "ping"]
    assert len(pings) >= 2
    for stamp in pings:
        assert f"event: ping\r\ndata: {stamp}\r\n\r\n".encode() in answer.body
        assert stamp[4] == stamp[7] == "-"
        assert stamp[10] == " "
    assert answer.body.count(b"\r\n") == 3 * len(pings)


async def test_chunk_cuts_the_network_writes_anywhere() -> None:
    async with running() as simulator:
        by_byte = await ask(simulator, "Hello [[sim chunk=1]]")
        by_seven = await ask(simulator, "Hello [[sim chunk=7]]")
        by_kilobyte = await ask(simulator, "Hello [[sim chunk=1024]]")
        whole = await ask(simulator, "Hello")
    assert {len(chunk) for chunk in by_byte.chunks} == {1}
    assert {len(chunk) for chunk in by_seven.chunks[:-1]} == {7}
    assert {len(chunk) for chunk in by_kilobyte.chunks[:-1]} == {1024}
    assert len(whole.chunks) == len(whole.events)
    assert by_byte.text == by_seven.text == by_kilobyte.text == whole.text


async def test_an_empty_data_record_can_precede_done() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim empty]]")
    assert answer.body.endswith(b"data: \n\ndata: [DONE]\n\n")


async def test_the_file_may_end_right_at_done() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim unterminated]]")
    assert answer.body.endswith(b"\n\ndata: [DONE]")


async def test_without_done_the_last_snapshot_may_lack_its_line_end() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim done=0 unterminated]]")
    assert not answer.done
    assert answer.body.endswith(b"}")
    assert answer.messages[-1]["end_turn"] is True


async def test_comment_id_and_retry_lines_leave_the_events_as_they_are() -> None:
    async with running() as simulator:
        plain = await ask(simulator, "Hello")
        mixed = await ask(simulator, "Hello [[sim comments]]")
    for line in (b"\n: ", b"\nid: ", b"\nretry: "):
        assert line in mixed.body
    assert mixed.text == plain.text
    assert len(mixed.events) == len(plain.events)


async def test_records_of_unknown_kinds_can_be_mixed_in() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim unknown]]")
    assert {} in answer.records
    assert any(record.get("type") == "sim_future_record" for record in answer.records)
    assert answer.messages[-1]["end_turn"] is True


def test_the_test_client_reads_events_as_the_format_has_them() -> None:
    body = b'data: {"a": 1}\n\nevent: ping\r\ndata: now\r\n\r\n: c\rdata: x\r\rdata: [DONE]'
    assert parse_events(body) == [
        ("message", json.dumps({"a": 1})),
        ("ping", "now"),
        ("message", "x"),
        ("message", "[DONE]"),
    ]
