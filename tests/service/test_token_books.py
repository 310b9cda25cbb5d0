"""The tokens of an answer are the same to the client, in the ledger, in the log and in the metrics."""

import re
from typing import Any

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed

AGE_2023 = Knobs(busy=False, cap=0)
AGE_2026 = Knobs(age="2026", busy=False, cap=0)
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
ANSWERS: dict[str, tuple[str, dict[str, Any], Knobs]] = {
    "text": ("Repeat after me: 狐狸 and 🦊", {}, AGE_2026),
    "text of 2023": ("Repeat after me: 狐狸 and 🦊", {}, AGE_2023),
    "continued reply": ("Hello", {}, Knobs(busy=False, cap=0, finish="max_tokens", tokens=40)),
    "program": ("Hello [[sim kind=code]]", {}, AGE_2026),
    "search": ("Hello [[sim kind=search]]", {}, AGE_2026),
    "thoughts": ("Hello [[sim kind=think]]", {}, AGE_2026),
    "goes on elsewhere": ("Hello [[sim kind=pro]]", {}, AGE_2026),
    "picture": ("Hello [[sim kind=draw]]", {}, AGE_2026),
    "confirmed action": ("Hello [[sim kind=action]]", {}, AGE_2023),
    "tools": ("Hello", {"tools": [TOOL]}, AGE_2026),
    "wrong call, asked once more": ("Hello [[sim habit=unknown]]", {"tools": [TOOL]}, AGE_2026),
    "broken off": ("Hello [[sim fault=fin_mid tokens=60]]", {}, AGE_2023),
    "error in the middle": ("Hello [[sim fault=error_mid tokens=60]]", {}, AGE_2023),
    "refused": ("Hello [[sim fault=content_policy]]", {}, AGE_2026),
    "failed at once": ("Hello [[sim fault=status_500]]", {}, AGE_2026),
}
NOTHING_SAID = {"refused", "failed at once"}
Tokens = tuple[int, int]
"""Those of the prompt, and those of the answer."""


def in_log(caplog: pytest.LogCaptureFixture) -> list[Tokens]:
    """What the lines of answers have, in order."""
    lines = [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]
    return [
        (line["prompt_tokens"] or 0, line["completion_tokens"] or 0)
        for line in lines
        if line["units"] is not None
    ]


async def in_ledger(service: Deployment) -> Tokens:
    rows = (await service.ask("GET", "/v1/usage", key="")).json["data"]
    return sum(row["prompt_tokens"] for row in rows), sum(row["completion_tokens"] for row in rows)


def measured(service: Deployment, name: str, **labels: str) -> float:
    value = service.server.service.metrics.registry.get_sample_value(name, {"model": "gpt-4-s"} | labels)
    assert value is not None
    return value


def in_metrics(service: Deployment) -> Tokens:
    """The counter; the histogram has the same sums."""
    prompt, completion = (
        int(measured(service, "pandora_tokens_total", direction=direction))
        for direction in ("prompt", "completion")
    )
    assert measured(service, "pandora_turn_tokens_sum", direction="prompt") == prompt
    assert measured(service, "pandora_turn_tokens_sum", direction="completion") == completion
    return prompt, completion


def told(answer: Answer, *, streams: bool) -> Tokens | None:
    """What the client of chat completions got, if it got an answer to its end."""
    if streams and answer.status == 200:
        usage = [chunk["usage"] for chunk in answer.stream.chunks if chunk.get("usage")]
    else:
        usage = [answer.json["usage"]] if answer.status == 200 else []
    return (usage[0]["prompt_tokens"], usage[0]["completion_tokens"]) if usage else None


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_all_books_have_the_tokens_that_the_client_is_told(
    name: str, streams: bool, caplog: pytest.LogCaptureFixture
) -> None:
    text, fields, knobs = ANSWERS[name]
    if streams:
        fields = fields | {"stream": True, "stream_options": {"include_usage": True}}
    async with deployed(knobs=knobs) as service:
        answer = await service.chat(text, **fields)
        booked = await in_ledger(service)
        assert [booked] == in_log(caplog)
        assert booked == in_metrics(service)
        assert told(answer, streams=streams) in (booked, None)
        assert (booked == (0, 0)) is (name in NOTHING_SAID)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("/v1/messages", {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}),
        ("/v1/responses", {"input": "Hello"}),
    ],
)
async def test_all_formats_tell_what_the_books_have(
    path: str, question: dict[str, Any], streams: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed() as service:
        answer = await service.post({"model": "gpt-4-s", "stream": streams} | question, path=path)
        prompt = re.findall(r'"input_tokens":(\d+)', answer.body.decode())
        completion = re.findall(r'"output_tokens":(\d+)', answer.body.decode())
        booked = await in_ledger(service)
    assert (int(prompt[-1]), int(completion[-1])) == booked == in_log(caplog)[0] == in_metrics(service)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_conversation_that_goes_on_books_what_is_new_and_tells_all(
    streams: bool, caplog: pytest.LogCaptureFixture
) -> None:
    fields: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if streams else {}
    async with deployed() as service:
        first = await service.chat("Hello", **fields)
        text = first.stream.text if streams else first.json["choices"][0]["message"]["content"]
        history = [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": text},
            {"role": "user", "content": "And then?"},
        ]
        second = await service.post({"model": "gpt-4-s", "messages": history} | fields)
        assert second.headers["x-conversation"] == "continued"
        first_logged, second_logged = in_log(caplog)
        both = (first_logged[0] + second_logged[0], first_logged[1] + second_logged[1])
        assert await in_ledger(service) == in_metrics(service) == both
    assert told(first, streams=streams) == first_logged
    before = sum(first_logged)
    assert told(second, streams=streams) == (before + second_logged[0], second_logged[1])


async def test_client_that_leaves_has_the_same_tokens_in_all_books(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        async with service.connect() as client:
            await service.begin(client, "Tell me about rain [[sim tokens=20000 pace=200]]")
            await client.read_until_content()
        await eventually(lambda: service.requests("client_gone") == 1)
        await service.settled()
        (logged,) = in_log(caplog)
        assert logged[1] > 0
        assert await in_ledger(service) == in_metrics(service) == logged


async def test_time_per_token_is_that_of_the_tokens_which_were_told(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, tokens=50, pace=200)) as service:
        await service.chat(stream=True)
        per_token = measured(service, "pandora_time_per_output_token_seconds_sum")
        tokens = in_metrics(service)[1]
    (line,) = [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]
    assert per_token * (tokens - 1) == pytest.approx(line["duration"] - line["ttft"], abs=0.002)
    assert line["completion_tokens"] == tokens
