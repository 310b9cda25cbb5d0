"""The events of a streamed message: byte for byte, and the rules that they keep."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.translate.anthropic.rig import CALL, Json, end_of, message_stream, read, streamed, whole, written
from translate.values import (
    Event,
    ItemEnded,
    ItemKind,
    ReasoningDelta,
    Refused,
    ToolCall,
    ToolCalled,
    UpstreamFailed,
)

USAGE = (
    '{"input_tokens":%d,"output_tokens":%d,"cache_creation":null,"cache_creation_input_tokens":0,'
    '"cache_read_input_tokens":0,"inference_geo":null,"output_tokens_details":null,"server_tool_use":null,'
    '"service_tier":null}'
)


def test_stream_is_byte_for_byte_as_the_contract_has_it() -> None:
    out = streamed([written("Let me "), written("look."), ToolCalled(CALL)], end_of(reason="tool_calls"))
    expected = [
        '{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"gpt-4-s",'
        '"content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,'
        f'"usage":{USAGE % (9, 1)}}}}}',
        '{"type":"ping"}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":[]}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Let me "}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"look."}}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_Zk3",'
        '"name":"get_weather","input":{},"caller":{"type":"direct"}}}',
        '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta",'
        '"partial_json":"{\\"city\\": \\"Oslo\\"}"}}',
        '{"type":"content_block_stop","index":1}',
        '{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,'
        f'"container":null}},"usage":{USAGE % (11, 3)}}}',
        '{"type":"message_stop"}',
    ]
    lines = [f"event: {json.loads(line)['type']}\ndata: {line}\n\n" for line in expected]
    assert out.decode() == "".join(lines)


def test_every_piece_of_an_event_is_a_delta_of_its_own() -> None:
    event = written("x" * 9000)
    message = read(streamed([event], end_of("x" * 9000)))
    kinds = [said["type"] for said in message.events]
    assert kinds.count("content_block_delta") == len(event.pieces) == 3
    assert message.blocks[0]["text"] == "x" * 9000


def test_reasoning_has_a_block_of_its_own_before_and_between_the_text() -> None:
    thought = ReasoningDelta([b"Hm", b"m."])
    out = streamed([thought, written("So"), thought, written(" it is.")], end_of("So it is."))
    blocks = [(block["type"], block.get("thinking") or block.get("text")) for block in read(out).blocks]
    assert blocks == [("thinking", "Hmm."), ("text", "So"), ("thinking", "Hmm."), ("text", " it is.")]


def test_several_calls_follow_each_other_and_one_without_arguments_has_a_delta() -> None:
    calls = [CALL, ToolCall("call_2", "now", "{}")]
    message = read(streamed([ToolCalled(call) for call in calls], end_of(reason="tool_calls")))
    assert [(block["name"], block["input"]) for block in message.blocks] == [
        ("get_weather", {"city": "Oslo"}),
        ("now", {}),
    ]
    deltas = [said for said in message.events if said["type"] == "content_block_delta"]
    assert len(deltas) == 2


def test_large_input_comes_in_lines_that_clients_can_read() -> None:
    arguments = json.dumps({"text": "\N{FOX FACE}" * 30_000}, ensure_ascii=False)
    message = read(
        streamed([ToolCalled(ToolCall("call_1", "write", arguments))], end_of(reason="tool_calls"))
    )
    assert message.blocks[0]["input"] == json.loads(arguments)


def test_answer_without_anything_is_a_message_without_blocks() -> None:
    message = read(streamed([ItemEnded(ItemKind.PROSE, "a1")], end_of()))
    assert (message.blocks, message.end["stop_reason"], message.done) == ([], "end_turn", True)


def test_refusal_is_text_with_a_reason_of_its_own() -> None:
    message = read(streamed([Refused("I won't.")], end_of()))
    assert (message.blocks[0]["text"], message.end["stop_reason"]) == ("I won't.", "refusal")


def test_silence_is_filled_with_pings() -> None:
    assert message_stream().idle(visible=False) == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert message_stream().idle(visible=True) == message_stream().idle(visible=False)


def test_failure_is_an_error_event_and_the_last_one() -> None:
    format = message_stream()
    out = format.open() + format.encode(written("So")) + format.fail(UpstreamFailed("It broke."))
    message = read(out)
    assert message.error == {
        "type": "error",
        "error": {"type": "api_error", "message": "It broke."},
        "request_id": "req_1",
    }
    assert not message.done


SAID = st.lists(
    st.tuples(
        st.sampled_from(["text", "thinking"]), st.text('ab\n"\\é\u2028\N{FOX FACE}', min_size=1, max_size=9)
    )
)
CALLS = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=3)


@given(said=SAID, inputs=CALLS)
def test_streamed_and_whole_answers_say_the_same(
    said: list[tuple[str, str]], inputs: list[dict[str, str]]
) -> None:
    events: list[Event] = [
        written(text) if kind == "text" else ReasoningDelta(written(text).pieces) for kind, text in said
    ]
    events += [ToolCalled(ToolCall(f"call_{at}", "f", json.dumps(given))) for at, given in enumerate(inputs)]
    end = end_of(*(text for kind, text in said if kind == "text"), reason="tool_calls" if inputs else "stop")
    message, complete = read(streamed(events, end)), whole(events, end)
    for kind in ("text", "thinking"):
        told = "".join(text for which, text in said if which == kind)
        assert _joined(message.blocks, kind) == _joined(complete["content"], kind) == told
    for blocks in (message.blocks, complete["content"]):
        assert [block["input"] for block in blocks if block["type"] == "tool_use"] == inputs
    assert message.end["stop_reason"] == complete["stop_reason"]


def _joined(blocks: list[Json], kind: str) -> str:
    return "".join(block[kind] for block in blocks if block["type"] == kind)
