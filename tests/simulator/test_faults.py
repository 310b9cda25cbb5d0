"""Failures inside a 200 stream and of the connection; clients that leave early."""

import json

import pytest

from simulator import Knobs
from simulator.faults import FAULTS
from tests.simulator.client import API, Answer, ask, call, connect, payload, running, until


async def broken(fault: str, prompt: str = "Tell me about tea", **knobs: object) -> Answer:
    more = "".join(f" {name}={value}" for name, value in knobs.items())
    async with running() as simulator:
        answer = await ask(simulator, f"{prompt} [[sim fault={fault}{more}]]")
        await until(lambda: not simulator.state.open_streams)
        assert simulator.state.streams[0].outcome == fault
        assert simulator.state.closed_early == []
        assert (await ask(simulator, "Hello")).done, "the next message must be answered"
    return answer


@pytest.mark.parametrize("how", ["reset", "fin"])
async def test_connection_dropped_before_headers(how: str) -> None:
    answer = await broken(f"{how}_before_headers")
    assert (answer.status, answer.body, answer.ending) == (0, b"", how)


@pytest.mark.parametrize("how", ["reset", "fin", "end"])
async def test_connection_dropped_before_the_first_event(how: str) -> None:
    answer = await broken(f"{how}_after_headers")
    assert (answer.status, answer.body, answer.ending) == (200, b"", how)


@pytest.mark.parametrize("how", ["reset", "fin", "end"])
async def test_connection_dropped_in_the_middle_of_the_answer(how: str) -> None:
    answer = await broken(f"{how}_mid", pace=500)
    assert answer.ending == how
    assert len(answer.text) > 20
    assert answer.messages[-1]["status"] == "in_progress"
    assert not answer.done


@pytest.mark.parametrize("as_ascii", [0, 1])
async def test_stream_cut_within_a_character(as_ascii: int) -> None:
    answer = await broken("cut_character", ascii=as_ascii)
    assert answer.ending == "fin"
    if as_ascii:
        assert answer.body[-6:-4] == rb"\u" or rb"\u" in answer.body[-5:]
    else:
        with pytest.raises(UnicodeDecodeError, match="unexpected end"):
            answer.body.decode()


async def test_stream_cut_within_a_record() -> None:
    answer = await broken("cut_record")
    last = answer.body.rpartition(b"\n\n")[2]
    assert last.startswith(b"data: {")
    with pytest.raises(json.JSONDecodeError):
        json.loads(last[6:])


async def test_damaged_record_is_one_among_good_ones() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tea [[sim fault=damaged_record pace=0]]")
    damaged = [record for record in answer.body.split(b"\n\n") if b"\xff" in record]
    assert len(damaged) == 1
    assert answer.body.endswith(b"data: [DONE]\n\n")


async def test_error_record_alone_has_a_null_message() -> None:
    answer = await broken("error_only")
    assert len(answer.records) == 1
    assert answer.records[0]["message"] is None
    assert "unusual activity" in answer.records[0]["error"]
    assert answer.done


async def test_error_record_without_done() -> None:
    answer = await broken("error_only_open")
    assert len(answer.events) == 1
    assert answer.ending == "end"


async def test_error_can_be_an_object() -> None:
    answer = await broken("error_object")
    assert "unusual activity" in answer.records[0]["error"]["message"]


async def test_error_record_in_the_middle_of_the_answer() -> None:
    answer = await broken("error_mid")
    assert answer.records[-1]["message"] is None
    assert len(answer.text) > 20
    assert answer.done


async def test_json_without_data_framing_in_the_stream() -> None:
    answer = await broken("bare_json")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "unusual activity" in answer.json["detail"]


async def test_echo_only_then_done() -> None:
    answer = await broken("echo_only")
    assert [shown["author"]["role"] for shown in answer.messages] == ["system", "user"]
    assert answer.done


async def test_trickle_sends_single_bytes() -> None:
    async with running() as simulator:
        request = payload("say exactly: ab cd [[sim fault=trickle unit=char step=2 title=0]]")
        connection = await connect(simulator, "POST", f"{API}/conversation", request)
        head = await connection.reader.readuntil(b"\r\n1\r\n")
        assert b"ab" in head
        for _ in range(2):
            assert len(await connection.reader.readuntil(b"\r\n1\r\n")) == 6
        await connection.close()
        await until(lambda: simulator.state.closed_early)


PHASES = [
    ("header_delay=60", "before_headers"),
    ("fault=stall_before_headers", "before_headers"),
    ("first_delay=60", "before_first_event"),
    ("fault=stall_after_headers", "stalled"),
    ("pace=20", "streaming"),
    ("silence=60", "streaming"),
    ("fault=stall_mid", "stalled"),
    ("fault=only_pings_mid ping=0.02", "stalled"),
    ("fault=trickle", "streaming"),
    ("tokens=6000", "streaming"),  # faster than it is read: waits for the network
]


@pytest.mark.parametrize(("marker", "phase"), PHASES)
async def test_client_that_leaves_is_noticed_and_not_worked_for(marker: str, phase: str) -> None:
    async with running() as simulator:
        connection = await connect(
            simulator, "POST", f"{API}/conversation", payload(f"Tell me about tea [[sim {marker}]]")
        )
        await until(lambda: simulator.state.streams and simulator.state.streams[0].phase == phase)
        assert len(simulator.state.open_streams) == 1
        await connection.close()
        await until(lambda: simulator.state.closed_early)
        (stream,) = simulator.state.closed_early
        assert (stream.phase, stream.is_open) == (phase, False)
        sent = stream.bytes
        assert (await ask(simulator, "Hello")).status == 200
        assert stream.bytes == sent


async def test_only_pings_go_on_in_that_fault() -> None:
    async with running() as simulator:
        request = payload("Tell me about tea [[sim fault=only_pings_mid ping=0.01]]")
        connection = await connect(simulator, "POST", f"{API}/conversation", request)
        for _ in range(4):
            await connection.reader.readuntil(b"event: ping\r\n")
        await connection.close()


async def test_stop_ends_every_answer_and_leaves_no_task() -> None:
    async with running(Knobs(busy=False)) as simulator:
        connections = [
            await connect(simulator, "POST", f"{API}/conversation", payload(f"Hello [[sim {marker}]]"))
            for marker in ("silence=60", "header_delay=60", "fault=stall_mid")
        ]
        await until(lambda: len(simulator.state.open_streams) == 3)
        await simulator.stop()
        answers = [await connection.answer() for connection in connections]
        assert simulator.state.open_streams == []
        assert {stream.outcome for stream in simulator.state.streams} == {"stopped"}
    assert all(answer.ending in ("fin", "reset") for answer in answers)


async def test_slow_reader_stops_the_simulator_from_producing() -> None:
    async with running() as simulator:
        connection = await connect(
            simulator, "POST", f"{API}/conversation", payload("Tea [[sim tokens=8000 ascii=0]]")
        )
        await until(lambda: simulator.state.streams and simulator.state.streams[0].records > 100)
        while True:
            before = simulator.state.streams[0].records
            await call(simulator, "GET", f"{API}/models")
            if simulator.state.streams[0].records == before:
                break
        assert simulator.state.streams[0].records < 8000
        await connection.close()


async def test_first_delay_and_header_delay_come_before_any_event() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim header_delay=0.02 first_delay=0.05 ping=0.02]]")
    assert answer.events[0][0] == "ping"
    assert answer.done


@pytest.mark.parametrize(
    ("fault", "code", "may_retry"),
    [("limit_only", "rate_limit_exceeded", True), ("too_large_mid", "conversation_too_large", False)],
)
async def test_error_records_of_2026_have_a_code_and_end_the_body(
    fault: str, code: str, may_retry: bool
) -> None:
    async with running(Knobs(age="2026")) as simulator:
        answer = await ask(simulator, f"Tell me about tea [[sim fault={fault} dialect=snapshot]]")
    error = answer.records[-1]
    assert (error["message"], error["error_code"], error["can_retry"]) == (None, code, may_retry)
    assert isinstance(error["error"], str)
    assert not answer.done
    assert answer.ending == "end"


async def test_an_error_of_2026_may_come_as_a_delta_at_the_root() -> None:
    async with running(Knobs(age="2026")) as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim fault=too_large_mid dialect=delta]]")
    last = json.loads(answer.events[-1][1])
    assert (last["p"], last["o"], last["v"]["message"]) == ("", "add", None)
    assert last["v"]["error_code"] == "conversation_too_large"


async def test_an_error_record_may_have_a_type() -> None:
    async with running(Knobs(age="2026")) as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim fault=error_typed_mid]]")
    (error,) = [record for record in answer.records if record.get("type") == "error"]
    assert error["message"].startswith("Our systems")
    assert answer.done


def test_every_fault_is_tested_here() -> None:
    with open(__file__, encoding="utf-8") as source:
        text = source.read()
    places = ("before_headers", "after_headers", "mid")
    indirect = {f"{how}_{place}" for how in ("reset", "fin", "end") for place in places}
    elsewhere = {"json_200", "html_200", "drop_mid", "leave_mid"}
    assert [name for name in FAULTS if name not in indirect | elsewhere and name not in text] == []
