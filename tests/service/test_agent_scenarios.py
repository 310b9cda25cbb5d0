"""Requests of agents by chance: any route, tools, forms, habits of the model, faults, clients that leave.

Whatever comes of one, what was posted is what is charged, nothing is asked more than once more, and neither
the secret of a conversation nor a call that does not fit a strict tool reaches the client.
"""

import json
import random
import re
from dataclasses import dataclass
from typing import Any

import pytest

from simulator import Knobs
from simulator.habit_names import HABITS
from tests.eventually import eventually
from tests.raw_client import Answer, EventStream
from tests.service.deployment import CHAT, JSON_TYPE, KEY, Deployment, deployed
from tests.service.test_logs import requests
from tests.translate.anthropic.rig import read

UNITS = 14
"""Of one conversation with the model that is asked."""
SCENARIOS = 60
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
SECRET = re.compile(r"<(?:call|result)-([0-9a-f]{8})")
FAULTS = ("", "", "", "", "fin_mid", "end_mid", "error_mid", "damaged_record", "cut_character")
SHOWS_TAGS_IN_ARGUMENTS = "closing_inside"
LONG = ("huge", "openers")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request. `choice` is as on chat; `form` is whether the answer must be JSON."""

    path: str
    text: str
    habit: str
    stream: bool
    strict: bool
    choice: str
    form: bool
    leaves: bool

    @property
    def body(self) -> dict[str, Any]:
        """The request in the words of its route."""
        tool = {"name": "get_weather", "description": "The weather of a city."}
        form: dict[str, Any]
        if self.path == CHAT:
            function = {**tool, "parameters": SCHEMA, "strict": self.strict}
            form = {"type": "json_schema", "json_schema": {"name": "c", "schema": SCHEMA, "strict": True}}
            return {
                "messages": [{"role": "user", "content": self.text}],
                "tools": [{"type": "function", "function": function}],
                "tool_choice": self.choice,
                **({"response_format": form} if self.form else {}),
            }
        if self.path == "/v1/responses":
            form = {"type": "json_schema", "name": "c", "schema": SCHEMA, "strict": True}
            return {
                "input": self.text,
                "tools": [{"type": "function", **tool, "parameters": SCHEMA, "strict": self.strict}],
                "tool_choice": self.choice,
                **({"text": {"format": form}} if self.form else {}),
            }
        form = {"type": "json_schema", "schema": SCHEMA}
        return {
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": self.text}],
            "tools": [{**tool, "input_schema": SCHEMA}],
            "tool_choice": {"type": {"required": "any"}.get(self.choice, self.choice)},
            **({"output_config": {"format": form}} if self.form else {}),
        }


def scenario(rng: random.Random) -> Scenario:
    habit, fault = rng.choice([name for name in HABITS if name not in LONG]), rng.choice(FAULTS)
    knobs: dict[str, object] = {
        "habit": habit, "fault": fault, "amends": rng.choice(("true", "false")), "pace": 0, "seed": 1,
    }  # fmt: skip
    leaves = rng.random() < 0.15
    if leaves:
        knobs["silence"] = 60
    marker = " ".join(f"{name}={value}" for name, value in knobs.items() if value != "")
    return Scenario(
        rng.choice((CHAT, "/v1/responses", "/v1/messages")),
        f"What is the weather in Oslo? [[sim {marker}]]",
        habit,
        stream=rng.random() < 0.5,
        strict=rng.random() < 0.5,
        choice=rng.choice(("auto", "auto", "required", "none")),
        form=rng.random() < 0.3,
        leaves=leaves,
    )


def calls_in(answer: Answer, played: Scenario) -> list[Any]:
    """The arguments of all calls in a good whole answer."""
    if played.path == CHAT:
        message = answer.json["choices"][0]["message"]
        return [json.loads(call["function"]["arguments"]) for call in message.get("tool_calls", ())]
    if played.path == "/v1/responses":
        output = answer.json["output"]
        return [json.loads(item["arguments"]) for item in output if item["type"] == "function_call"]
    return [block["input"] for block in answer.json["content"] if block["type"] == "tool_use"]


def calls_in_stream(answer: Answer, played: Scenario) -> list[Any] | None:
    """The arguments of all calls in a stream, which keeps to the rules of its route. None if it failed."""
    if played.path == CHAT:
        return calls_of_chat(answer.stream)
    if played.path == "/v1/responses":
        return calls_of_response(answer.body.decode())
    message = read(answer.body)
    if message.error is not None:
        return None
    assert message.done
    made = [block["input"] for block in message.blocks if block["type"] == "tool_use"]
    assert message.end["stop_reason"] in ("tool_use" if made else "end_turn", "refusal")
    return made


def calls_of_chat(stream: EventStream) -> list[Any] | None:
    if stream.errors:
        assert not stream.done
        return None
    calls: list[str] = []
    for delta in stream.deltas:
        for piece in delta.get("tool_calls", ()):
            if "id" in piece:
                assert (piece["type"], piece["function"]["arguments"]) == ("function", "")
                assert piece["index"] == len(calls)
                calls.append("")
            calls[piece["index"]] += piece["function"]["arguments"]
    assert stream.done
    assert stream.finish_reasons == ["tool_calls" if calls else "stop"]
    return list(map(json.loads, calls))


def calls_of_response(stream: str) -> list[Any] | None:
    events = [json.loads(line[6:]) for line in stream.split("\n") if line.startswith("data: {")]
    names = re.findall(r"^event: (.+)$", stream, re.MULTILINE)
    assert names == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert names[:2] == ["response.created", "response.in_progress"]
    is_open, done = False, list[Any]()
    for event in events:
        if event["type"] == "response.output_item.added":
            assert not is_open
            is_open = True
        elif event["type"] == "response.output_item.done":
            assert is_open
            assert event["output_index"] == len(done)
            is_open = False
            done.append(event["item"])
    if names[-1] == "response.failed":
        assert names[-2] == "error"
        return None
    assert stream.endswith("data: [DONE]\n\n")
    assert not is_open
    assert names[-1] == "response.completed"
    assert events[-1]["response"]["output"] == done
    return [json.loads(item["arguments"]) for item in done if item["type"] == "function_call"]


def check(answer: Answer, played: Scenario, service: Deployment, before: int) -> None:
    posted = json.dumps([seen.body for seen in service.posted[before:]])
    secrets = set(SECRET.findall(posted))
    assert played.choice == "none" or len(secrets) == 1
    body = answer.body.decode()
    if played.habit != SHOWS_TAGS_IN_ARGUMENTS:
        assert not any(secret in body for secret in secrets)
    assert 1 <= len(service.posted) - before <= 2
    if answer.status != 200:
        assert answer.status >= 500
        assert answer.headers["x-should-retry"] == "false"
        return
    made = calls_in_stream(answer, played) if played.stream else calls_in(answer, played)
    if made is not None:
        assert bool(made) or played.choice != "required"
        assert not made or played.choice != "none"
        if played.strict and played.path != "/v1/messages":
            assert all(set(call) <= {"city", "days"} and isinstance(call["city"], str) for call in made)


async def play(service: Deployment, played: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    before, lines = len(service.posted), len(requests(caplog))
    body = {"model": "gpt-4-s", "stream": played.stream, **played.body}
    if played.leaves:
        async with service.connect() as client:
            headers = {"Authorization": f"Bearer {KEY}", **JSON_TYPE}
            await client.send("POST", played.path, headers, json.dumps(body).encode())
            await eventually(lambda: len(service.posted) > before)
        await eventually(lambda: not service.upstream.open_streams)
    else:
        check(await service.post(body, path=played.path), played, service, before)
    await eventually(lambda: len(requests(caplog)) == lines + 1)
    line = requests(caplog)[-1]
    assert line["units"] == UNITS * (len(service.posted) - before)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_posted_is_charged_and_no_secret_is_told(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(seed)
    async with deployed(knobs=Knobs(busy=False, cap=0)) as service:
        for number in range(SCENARIOS):
            played = scenario(rng)
            try:
                await play(service, played, caplog)
            except Exception as error:
                error.add_note(f"scenario {number} of seed {seed}: {played}")
                raise
        assert not SECRET.search(caplog.text)
        assert service.in_flight == 0
