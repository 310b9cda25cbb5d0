"""What clients are told in `usage`, and what the metrics count."""

import base64
import struct
import zlib
from typing import Any

import pytest

from tests.service.backend_of_today import BackendOfToday, over
from tests.service.deployment import Deployment, deployed, question
from turns.encodings import CL100K, O200K, Encoding
from turns.token_counter import SHORT_TEXT
from turns.tokens import load_vocabulary

SAID = "Repeat after me: the quick brown fox, 狐狸 and 🦊"


def counted(service: Deployment, direction: str) -> float:
    labels = {"model": "gpt-4-s", "direction": direction}
    value = service.server.service.metrics.registry.get_sample_value("pandora_tokens_total", labels)
    assert value is not None
    return value


def usage_of(
    prompt: list[str], answer: str, pictures: int = 0, encoding: Encoding = CL100K
) -> dict[str, int]:
    count_tokens = load_vocabulary(encoding).count_tokens
    prompt_tokens = sum(4 + count_tokens([text]) for text in prompt) + 3 + pictures
    completion_tokens = count_tokens([answer])
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


async def test_whole_answers_and_streams_tell_the_exact_counts() -> None:
    async with deployed() as service:
        whole = (await service.chat(SAID)).json
        text = whole["choices"][0]["message"]["content"]
        assert "狐狸" in text
        assert whole["usage"] == usage_of([SAID], text)
        stream = (await service.chat(SAID, stream=True, stream_options={"include_usage": True})).stream
        assert stream.text == text
        assert stream.chunks[-1]["usage"] == whole["usage"]


async def test_metrics_count_also_what_no_client_asked_for() -> None:
    async with deployed() as service:
        stream = (await service.chat(SAID, stream=True)).stream
        usage = usage_of([SAID], stream.text)
        assert counted(service, "prompt") == usage["prompt_tokens"]
        assert counted(service, "completion") == usage["completion_tokens"]


CHINESE = "今天天气很好，我们去公园散步吧。"
"""Has other counts by each encoding."""


@pytest.mark.parametrize(
    ("model", "answered_by", "encoding"),
    [
        ("gpt-4-s", "", CL100K),
        ("gpt-4o", "", O200K),
        ("gpt-4o", "gpt-4", CL100K),
        ("gpt-4-s", "gpt-5-6", O200K),
    ],
)
async def test_encoding_is_that_of_the_model_that_answers(
    model: str, answered_by: str, encoding: Encoding
) -> None:
    backend = BackendOfToday(
        words=CHINESE, metadata={"resolved_model_slug": answered_by} if answered_by else {}
    )
    backend.list_of("gpt-4", "gpt-4o")
    async with over(backend) as service:
        answer = await service.chat(CHINESE, model=model)
        assert answer.json["usage"] == usage_of([CHINESE], CHINESE, encoding=encoding)
    assert usage_of([CHINESE], CHINESE, encoding=CL100K) != usage_of([CHINESE], CHINESE, encoding=O200K)


async def test_tokens_that_are_counted_beforehand_are_those_of_the_model() -> None:
    backend = BackendOfToday()
    backend.list_of("gpt-4", "gpt-4o")
    async with over(backend) as service:
        await service.ask("GET", "/v1/models")
        for model, encoding in (("gpt-4-s", CL100K), ("gpt-4o", O200K), ("unheard-of", O200K)):
            expected = usage_of([CHINESE], "", encoding=encoding)["prompt_tokens"]
            question = {"model": model, "messages": [{"role": "user", "content": CHINESE}]}
            messages = await service.post(question, path="/v1/messages/count_tokens")
            assert messages.json["input_tokens"] == expected
            asked = {"model": model, "input": CHINESE}
            responses = await service.post(asked, path="/v1/responses/input_tokens")
            assert responses.json["input_tokens"] == expected


async def test_answers_that_failed_at_once_count_nothing() -> None:
    async with deployed() as service:
        assert (await service.chat(f"{SAID} [[sim fault=status_500]]")).status == 502
        assert counted(service, "prompt") == counted(service, "completion") == 0


async def test_long_prompts_are_counted_as_well() -> None:
    history = "A long story about nothing much. " * (SHORT_TEXT // 10)
    messages = [{"role": "system", "content": history}, {"role": "user", "content": SAID}]
    async with deployed() as service:
        answer = (await service.post({"model": "gpt-4-s", "messages": messages})).json
        assert answer["usage"] == usage_of([history, SAID], answer["choices"][0]["message"]["content"])


def png(width: int, height: int) -> str:
    """A black picture as a data URL."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\0" * width for _ in range(height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + part(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(("detail", "tokens"), [(None, 765), ("high", 765), ("low", 85), (7, 765)])
async def test_pictures_count_by_their_size_and_detail(detail: object, tokens: int) -> None:
    image: dict[str, Any] = {"url": png(1024, 1024)} | ({"detail": detail} if detail else {})
    parts = [{"type": "image_url", "image_url": image}, {"type": "text", "text": SAID}]
    async with deployed() as service:
        body = question() | {"messages": [{"role": "user", "content": parts}]}
        answer = (await service.post(body)).json
        assert answer["usage"] == usage_of([SAID], answer["choices"][0]["message"]["content"], tokens)
