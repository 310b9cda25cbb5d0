"""The traps of the backend's protocol that concern the whole service (protocol notes, section 17).

Each test has the number of its trap there. Those of the translation alone are in tests/translate; 18 is in
test_queue.py and 31 in test_refusals.py.
"""

from base64 import b64encode
from typing import Any

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.service.deployment import Deployment, deployed
from tests.service.links import LINK

HIDE = {"is_visible": False}


def knobs(**changes: Any) -> Knobs:
    return Knobs(cap=0, **({"busy": False} | changes))


async def streamed(service: Deployment, text: str, **fields: Any) -> str:
    """The text of a stream that ends well."""
    answer = await service.chat(text, stream=True, **fields)
    assert answer.status == 200
    assert answer.stream.done
    assert not answer.stream.errors
    return answer.stream.text


@pytest.mark.parametrize("fault", ["error_mid", "unauthorized", "json_200", "error_only"])
async def test_trap_2_page_may_read_every_failure(fault: str) -> None:
    async with deployed(knobs=knobs(fault=fault)) as service:
        answer = await service.chat(stream=True)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert b'"error"' in answer.body


async def test_trap_7_picture_behind_code_is_there_and_no_fence_is_open() -> None:
    async with deployed(knobs=knobs(kind="rounds", chunk=7)) as service:
        text = await streamed(service, "Plot 3, 1, 2")
    assert text.count("```") % 2 == 0
    before, _, after = text.partition("![image](")
    assert before.count("```") % 2 == 0
    assert after.partition(")")[2].startswith("\n\n")


@pytest.mark.parametrize("age", ["2023-12", "2024", "2025"])
async def test_trap_8_each_picture_is_fetched_and_shown_once(age: str) -> None:
    async with deployed(knobs=knobs(kind="draw", images=3, resend=True, age=age)) as service:
        text = await streamed(service, "Draw a cat")
        assert [file.downloads for file in service.upstream.files] == [1, 1, 1]
    assert len(LINK.findall(text)) == len(set(LINK.findall(text))) == 3
    assert "displayed" not in text


async def test_trap_12_turn_goes_on_behind_every_call_of_a_tool() -> None:
    async with deployed(knobs=knobs(kind="rounds")) as service:
        text = await streamed(service, "Analyse the data")
        assert service.last_stream.outcome == "complete"
    assert text.endswith("Done: the figure shows the values.")


@pytest.mark.parametrize("citations", ["normal", "late"])
@pytest.mark.parametrize("chunk", [0, 7])
async def test_trap_15_marks_become_links_to_what_they_cite(citations: str, chunk: int) -> None:
    async with deployed(knobs=knobs(kind="browse", citations=citations, chunk=chunk)) as service:
        text = await streamed(service, "Search the web for tea")
    assert "†" not in text
    assert text.count("](https://") == 3
    assert "([example.org](https://example.org/wiki/Tea_%28drink%29))" in text
    assert "/a%20b))" in text


async def test_trap_16_files_are_fetched_before_the_conversation_is_hidden() -> None:
    async with deployed({"HISTORY": "hide", "CONTINUITY": "off"}, knobs(kind="files")) as service:
        text = await streamed(service, "Make files")
        links = LINK.findall(text)
        assert len(set(links)) == 4
        assert "sandbox:" not in text
        for link in links:
            assert (await service.ask("GET", link)).body.startswith(b"name,value")
        await eventually(lambda: len(service.upstream.patches) == 1)
        seen = [request.path for request in service.upstream.requests]
        fetched = [at for at, path in enumerate(seen) if "interpreter/download" in path]
        hidden = [at for at, r in enumerate(service.upstream.requests) if r.method == "PATCH"]
    assert len(fetched) == 4
    assert max(fetched) < min(hidden)


@pytest.mark.parametrize("policy", ["ask", "allow", "always"])
async def test_trap_17_gpt_that_waits_for_consent_is_not_silent(policy: str) -> None:
    async with deployed(
        {"GPT_ACTIONS": policy, "HISTORY": "hide", "CONTINUITY": "off"}, knobs(kind="action")
    ) as service:
        text = await streamed(service, "Look up tea")
        await eventually(lambda: len(service.upstream.patches) == 1)
        order = [request.method for request in service.upstream.requests]
        posts = sum(request.path.endswith("/conversation") for request in service.upstream.requests)
    assert ("costs 42" in text) == (policy != "ask")
    assert text
    assert order.index("PATCH") == len(order) - 1, "it was hidden while it still waited"
    assert posts == (1 if policy == "ask" else 2)


async def test_trap_19_one_question_costs_one_message() -> None:
    async with deployed(knobs=knobs()) as service:
        await streamed(service, "Hello", model="gpt-4-s")
        assert service.upstream.quota_units == 14
        await streamed(service, "Hello", model="gpt-3.5-turbo")
        assert service.upstream.quota_units == 14 + 4


@pytest.mark.parametrize("transport", ["sse", "ws"])
async def test_trap_22_backend_is_left_when_the_client_leaves_and_then_told_to_hide(transport: str) -> None:
    env = {"HISTORY": "hide", "CONTINUITY": "off"}
    async with deployed(env, knobs(pace=30, tokens=300, transport=transport)) as service:
        async with service.connect() as connection:
            await service.begin(connection, "Hello")
            await connection.read_until_content()
        await eventually(lambda: not service.upstream.open_streams)
        await eventually(lambda: len(service.upstream.patches) == 1)
        assert service.upstream.patches == [(service.last_stream.conversation_id, HIDE)]


@pytest.mark.parametrize(
    "fault", ["error_only", "token_expired", "fin_after_headers", "echo_only", "error_mid"]
)
async def test_trap_23_only_the_one_conversation_is_ever_hidden(fault: str) -> None:
    async with deployed({"HISTORY": "hide", "CONTINUITY": "off"}, knobs(fault=fault)) as service:
        await service.chat()
        await service.settled()
        patched = [request.path for request in service.upstream.requests if request.method == "PATCH"]
        assert not service.upstream.hide_all_calls
        assert all(service.last_stream.conversation_id in path for path in patched)


async def test_trap_25_silence_while_it_draws_is_filled() -> None:
    env = {"KEEPALIVE_INTERVAL": "0.1"}
    async with deployed(env, knobs(kind="draw", tool_delay=3, ping=0.2)) as service:
        answer = await service.chat("Draw a cat", stream=True)
    assert answer.stream.pings >= 2
    assert "![a cat](" in answer.stream.text


async def test_trap_27_text_of_an_uploaded_file_is_not_the_answer() -> None:
    secret = "row of the file that nobody asked for"
    part = {"type": "file", "file": {"filename": "a.txt", "file_data": _data_url(f"first\n{secret}\n" * 500)}}
    body = {
        "model": "gpt-4-s",
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}],
    }
    async with deployed(knobs=knobs()) as service:
        answer = await service.post(body)
        assert answer.status == 200, answer.body
        assert service.upstream.files
    assert answer.stream.done
    assert answer.stream.text
    assert secret not in answer.body.decode()


async def test_trap_29_answer_over_a_socket_is_whole_however_many_frames_it_has() -> None:
    said = {}
    async with deployed(knobs=knobs(tokens=400)) as service:
        for transport in ("sse", "ws"):
            marker = f"[[sim transport={transport} chunk=90 max_unacked=100]]"
            said[transport] = await streamed(service, f"Tell me about tea {marker}")
    assert said["ws"] == said["sse"]


@pytest.mark.parametrize("surrogates", [0, 1])
async def test_trap_30_title_among_deltas_is_no_text_and_stops_none(surrogates: int) -> None:
    async with deployed(knobs=knobs(tokens=60)) as service:
        plain = await streamed(service, "Tell me about tea")
        for age in ("2024", "2025"):
            marker = f"[[sim dialect=delta age={age} unknown=1 surrogates={surrogates}]]"
            assert await streamed(service, f"Tell me about tea {marker}") == plain


def _data_url(text: str) -> str:
    return f"data:text/plain;base64,{b64encode(text.encode()).decode()}"
