"""A streamed completion, from its first byte to its last."""

import asyncio

import pytest

from simulator import Knobs
from tests.service.deployment import CHAT, KEY, deployed, question
from tests.translate.schemas import check


async def test_stream_is_the_role_then_deltas_then_the_finish_reason_then_done() -> None:
    async with deployed() as service:
        stream = (await service.chat(stream=True)).stream
    assert stream.deltas[0] == {"role": "assistant", "content": ""}
    assert all(list(delta) == ["content"] and delta["content"] for delta in stream.deltas[1:-1])
    assert len(stream.deltas) > 4
    assert stream.deltas[-1] == {}
    assert stream.finish_reasons == ["stop"]
    assert stream.chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert stream.events[-1] == "data: [DONE]"
    assert stream.errors == ()


async def test_every_chunk_has_the_same_id_and_time_and_the_model_that_was_asked_for() -> None:
    async with deployed() as service:
        chunks = (await service.chat(stream=True, model="gpt-3.5-turbo-0613")).stream.chunks
        others = (await service.chat(stream=True, model="gpt-3.5-turbo-0613")).stream.chunks
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1
    assert {chunk["model"] for chunk in chunks} == {"gpt-3.5-turbo-0613"}
    assert chunks[0]["id"].startswith("chatcmpl-")
    assert chunks[0]["id"] != others[0]["id"]
    assert type(chunks[0]["created"]) is int


async def test_every_chunk_is_valid_by_the_official_schema() -> None:
    async with deployed() as service:
        answer = await service.chat(stream=True, stream_options={"include_usage": True})
    for chunk in answer.stream.chunks:
        check(chunk, "CreateChatCompletionStreamResponse")


async def test_usage_comes_once_and_without_choices_if_it_is_asked_for() -> None:
    async with deployed() as service:
        stream = (await service.chat(stream=True, stream_options={"include_usage": True})).stream
    last = stream.chunks[-1]
    assert last["choices"] == []
    assert set(last["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert last["usage"]["prompt_tokens"] > 0
    assert last["usage"]["completion_tokens"] > 0
    assert last["usage"]["total_tokens"] == sum(last["usage"].values()) / 2
    assert [chunk["usage"] for chunk in stream.chunks[:-1]] == [None] * (len(stream.chunks) - 1)
    assert stream.done


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": None}])
async def test_no_chunk_has_usage_if_it_is_not_asked_for(options: object) -> None:
    async with deployed() as service:
        stream = (await service.chat(stream=True, stream_options=options)).stream
    assert all("usage" not in chunk for chunk in stream.chunks)


async def test_stream_has_the_headers_that_proxies_and_clients_need_and_no_others() -> None:
    async with deployed() as service:
        answer = await service.chat(stream=True)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["openai-processing-ms"].isdigit()
    assert set(answer.headers) == {
        "content-type",
        "cache-control",
        "x-accel-buffering",
        "openai-processing-ms",
        "x-conversation",
        "openai-version",
        "x-request-id",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "transfer-encoding",
        "date",
    }


async def test_deltas_arrive_while_the_backend_is_still_writing() -> None:
    async with deployed() as service, service.connect() as client:
        await service.begin(client, "Tell me about rain [[sim tokens=2000 pace=100]]")
        await client.read_head()
        for _ in range(5):
            await client.read_event()
        assert service.last_stream.is_open


async def test_streamed_text_is_that_of_the_whole_answer() -> None:
    async with deployed() as service:
        streamed = await service.chat("介绍一下上海，200字")
        whole = await service.chat("介绍一下上海，200字", stream=True)
    assert len(whole.stream.text) > 150
    assert streamed.json["choices"][0]["message"]["content"] == whole.stream.text


TRICKY = 'line\u2028end\u2029 \u0085 "quoted" \\ back\tTab 你好 👩\u200d🚀 </script> data: [DONE] 末'


@pytest.mark.parametrize("raw", [0, 1])
@pytest.mark.parametrize("stream", [False, True])
async def test_tricky_characters_reach_the_client_unchanged(stream: bool, raw: int) -> None:
    async with deployed() as service:
        answer = await service.chat(
            f"Repeat after me: {TRICKY} [[sim ascii={1 - raw} chunk=7]]", stream=stream
        )
    text = answer.stream.text if stream else answer.json["choices"][0]["message"]["content"]
    assert text == TRICKY


async def test_body_decides_whether_to_stream_and_accept_does_not() -> None:
    async with deployed() as service, service.connect() as client:
        for accept, stream in (("application/json", True), ("text/event-stream", False)):
            headers = {"Authorization": f"Bearer {KEY}", "Accept": accept}
            body = b'{"model":"gpt-4-s","stream":%s,"messages":[{"role":"user","content":"Hi"}]}'
            await client.send("POST", CHAT, headers, body % (b"true" if stream else b"false"))
            answer = await client.answer()
            assert answer.headers["content-type"].startswith("text/event-stream") == stream


async def test_stream_leaves_the_connection_fit_for_the_next_request() -> None:
    async with deployed() as service, service.connect() as client:
        for _ in range(3):
            await service.begin(client, "Hello")
            assert (await client.answer()).stream.done


async def test_answers_at_the_same_time_do_not_mix() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, pace=400)) as service:
        texts = [f"{number} sheep " * 8 for number in range(12)]
        answers = await asyncio.gather(
            *(service.post(question(f"Repeat after me: {text}", stream=True)) for text in texts)
        )
    assert [answer.stream.text for answer in answers] == [text.strip() for text in texts]
