"""Headers in time, and signs of life while the backend is silent."""

from dataclasses import replace

import pytest

from handlers import AppParts
from tests.service.deployment import deployed

QUICK = {"STREAM_HEADERS_AFTER": "0.1", "KEEPALIVE_INTERVAL": "0.1"}


@pytest.mark.parametrize("knob", ["header_delay", "first_delay"])
async def test_headers_the_role_and_a_ping_go_out_while_the_backend_is_still_silent(knob: str) -> None:
    async with deployed(QUICK) as service, service.connect() as client:
        await service.begin(client, f"Say exactly: late [[sim {knob}=4]]")
        await client.read_head()
        assert client.status == 200
        assert '"role":"assistant"' in await client.read_event()
        assert await client.read_event() == ": ping"
        assert not any(stream.records for stream in service.simulator.state.streams)
        rest = (await client.read_rest()).decode()
    assert ": ping" in rest
    assert "late" in rest
    assert '"role"' not in rest
    assert rest.endswith("data: [DONE]\n\n")


async def test_silence_in_mid_answer_is_filled_with_comments_that_are_no_content() -> None:
    async with deployed({**QUICK, "KEEPALIVE_INTERVAL": "1.1"}) as service:
        stream = (await service.chat("Repeat after me: one two three [[sim silence=6]]", stream=True)).stream
    assert 2 <= stream.pings <= 6
    assert stream.text == "one two three"
    assert stream.done


async def test_first_failure_after_a_ping_still_tells_what_happened() -> None:
    async with deployed(QUICK) as service:
        asked = "Hello [[sim header_delay=3 fault=model_cap_exceeded]]"
        answer = await service.chat(asked, stream=True)
    assert answer.status == 200
    (error,) = answer.stream.errors
    assert error["type"] == "rate_limit_error"
    assert "5400 seconds" in error["message"]
    assert "5400 seconds" in answer.stream.text


async def test_whole_answer_waits_in_silence() -> None:
    async with deployed(QUICK) as service:
        answer = await service.chat("Say exactly: late [[sim first_delay=0.4]]")
    assert answer.status == 200
    assert answer.body.startswith(b'{"id"')


def soon_visible(parts: AppParts) -> AppParts:
    """A stream without chunks gets one after a fifth of a second, not only after 45 seconds."""
    timing = replace(parts.answers.timing, visible_after=0.2)
    return replace(parts, answers=replace(parts.answers, timing=timing))


@pytest.mark.parametrize("wanted", ["true", "false"])
async def test_silence_before_the_text_is_called_thinking_where_that_is_wanted(wanted: str) -> None:
    async with deployed({**QUICK, "THINKING_KEEPALIVE": wanted}, adapt=soon_visible) as service:
        stream = (await service.chat("Say exactly: late [[sim header_delay=3]]", stream=True)).stream
    thinking = ["reasoning_content" in delta for delta in stream.deltas]
    assert any(thinking) is (wanted == "true")
    assert stream.text == "late"
