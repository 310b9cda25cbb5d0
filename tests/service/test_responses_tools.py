"""Tools and forms of answers on `/v1/responses`, with a model that obeys and with one that does not."""

import json
from typing import Any

import pytest

from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed

PATH = "/v1/responses"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": SCHEMA,
    "strict": True,
}
PLACE = {"format": {"type": "json_schema", "name": "place", "strict": True, "schema": SCHEMA}}
QUESTION = "What is the weather in Oslo?"
NEVER = "[[sim habit=prose amends=0]]"


async def ask(service: Deployment, said: Any = QUESTION, **fields: Any) -> Answer:
    return await service.post({"model": "gpt-4-s", "input": said, **fields}, path=PATH)


async def answered(service: Deployment, said: Any = QUESTION, **fields: Any) -> Any:
    answer = await ask(service, said, **fields)
    assert answer.status == 200, answer.body
    return answer.json


def events_of(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    return [json.loads(line[6:]) for line in answer.body.decode().split("\n") if line.startswith("data: {")]


def texts(service: Deployment, index: int = -1) -> list[tuple[str, str]]:
    messages = service.posted[index].body["messages"]
    return [(message["author"]["role"], message["content"]["parts"][-1]) for message in messages]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
async def test_call_and_its_result_in_a_chain(choice: Any) -> None:
    async with deployed() as service:
        first = await answered(service, tools=[WEATHER], tool_choice=choice)
        (call,) = first["output"]
        assert (call["type"], call["name"]) == ("function_call", "get_weather")
        assert json.loads(call["arguments"]) == {"city": "Oslo"}
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
        second = await answered(service, [result], tools=[WEATHER], previous_response_id=first["id"])
        assert "3 degrees" in second["output"][0]["content"][0]["text"]
        ((role, told),) = texts(service)  # the tools are known there
        assert role == "user"
        assert "3 degrees" in told
        assert call["call_id"] in told


async def test_history_that_is_sent_back_as_it_came() -> None:
    async with deployed() as service:
        first = await answered(service, tools=[WEATHER], tool_choice="required", store=False)
        history = [{"role": "user", "content": QUESTION}, *first["output"]]
        call = first["output"][-1]
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
        second = await answered(service, [*history, result], tools=[WEATHER], store=False)
        assert "3 degrees" in second["output"][-1]["content"][0]["text"]


async def test_tools_that_changed_are_told_again() -> None:
    async with deployed() as service:
        first = await answered(service, "Say exactly: hi", tools=[WEATHER])
        second = await answered(service, "Say exactly: ho", tools=[WEATHER], previous_response_id=first["id"])
        assert [role for role, _ in texts(service)] == ["user"]
        clock = {"type": "function", "name": "get_time", "parameters": {"type": "object"}}
        third = await answered(service, "Say exactly: hm", tools=[clock], previous_response_id=second["id"])
        (role, told), _ = texts(service)
        assert role == "system"
        assert "get_time" in told
        assert "get_weather" not in told
        await answered(service, "Say exactly: so", previous_response_id=third["id"])
        assert "get_time" not in json.dumps(texts(service))
        assert texts(service)[0][0] == "system"  # which says that none may be called now


async def test_call_of_a_stream_comes_with_all_its_events() -> None:
    async with deployed() as service:
        events = events_of(await ask(service, tools=[WEATHER], tool_choice="required", stream=True))
        kinds = [event["type"].removeprefix("response.") for event in events]
        assert kinds == [
            "created", "in_progress", "output_item.added", "function_call_arguments.delta",
            "function_call_arguments.done", "output_item.done", "completed",
        ]  # fmt: skip


async def test_answer_with_a_schema_fits_it() -> None:
    async with deployed() as service:
        whole = await answered(service, "Where is Oslo?", text=PLACE)
        assert json.loads(whole["output"][0]["content"][0]["text"]) == {"city": "Oslo"}
        assert whole["text"] == PLACE


@pytest.mark.parametrize("fields", [{"tools": [WEATHER], "tool_choice": "required"}, {"text": PLACE}])
async def test_what_never_comes_right_is_a_failure_that_nobody_tries_again(fields: Any) -> None:
    async with deployed() as service:
        whole = await ask(service, f"{QUESTION} {NEVER}", **fields)
        if "text" in fields and whole.status == 200:  # the model's words are its refusal
            assert whole.json["output"][0]["content"][0]["type"] == "refusal"
            return
        assert whole.status == 502
        assert whole.headers["x-should-retry"] == "false"
        events = events_of(await ask(service, f"{QUESTION} {NEVER}", stream=True, **fields))
        kinds = [event["type"] for event in events]
        assert kinds == ["response.created", "response.in_progress", "error", "response.failed"]
        assert events[-1]["response"]["error"]["code"] == "invalid_prompt"
        assert events[-1]["response"]["output"] == []


async def test_without_emulation_tools_are_ignored() -> None:
    async with deployed({"TOOLS": "refuse"}) as service:
        await answered(service, "Say exactly: hi", tools=[WEATHER])
        assert texts(service) == [("user", "Say exactly: hi")]
        assert (await ask(service, tools=[WEATHER], tool_choice="required")).status == 400


EXEC = {
    "type": "function",
    "name": "exec_command",
    "description": "Runs a command in a shell.",
    "strict": False,
    "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
}


def as_codex(*items: Any) -> dict[str, Any]:
    """A request as Codex sends it."""
    first = [
        {"type": "message", "id": "msg_1", "role": "developer", "content": [part("You are a coding agent.")]},
        {"type": "message", "id": "msg_2", "role": "user", "content": [part("<environment_context/>")]},
        {"type": "message", "id": "msg_3", "role": "user", "content": [part("run `echo hi`")]},
    ]
    return {
        "model": "gpt-4-s",
        "stream": True,
        "store": False,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "01a2",
        "client_metadata": {"x-codex-turn-metadata": "{}"},
        "input": [*first, *items],
        "tools": [
            EXEC,
            {
                "type": "custom",
                "name": "apply_patch",
                "description": "Edits files.",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin"},
            },
            {
                "type": "namespace",
                "name": "multi_agent_v1",
                "description": "Agents.",
                "tools": [{"type": "function", "name": "spawn_agent", "parameters": {"type": "object"}}],
            },
            {"type": "tool_search", "execution": "client", "description": "d", "parameters": {}},
            {"type": "web_search", "external_web_access": True},
        ],
    }


def part(text: str) -> dict[str, str]:
    return {"type": "input_text", "text": text}


async def test_codex_runs_a_command_and_gets_its_answer() -> None:
    async with deployed() as service:
        events = events_of(await service.post(as_codex(), path=PATH))
        assert "multi_agent_v1__spawn_agent" in json.dumps(service.posted[-1].body)
        (call,) = [item for item in events[-1]["response"]["output"] if item["type"] == "function_call"]
        assert call["name"] == "exec_command"
        assert json.loads(call["arguments"]) == {"cmd": "echo hi"}
        done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        result = {"type": "function_call_output", "id": "fco_1", "call_id": call["call_id"], "output": "hi"}
        again = events_of(await service.post(as_codex(*done, result), path=PATH))
        assert again[-1]["type"] == "response.completed"
        assert "hi" in again[-1]["response"]["output"][-1]["content"][0]["text"]
        body = service.posted[-1].body
        assert "system_hints" not in body  # the search is only offered
        assert len(body["messages"]) == 1, "the backend has all that was said before"
