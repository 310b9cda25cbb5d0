"""A model that does what its prompt says of tools and JSON."""

import json
from typing import Any

import pytest

from simulator import Knobs
from tests.simulator.agents.prompts import (
    MUST,
    OSLO,
    RESULT,
    SHELL,
    TAG,
    WEATHER,
    ask_with_tools,
    call_of,
    go_on,
    json_text,
    result_of,
    tools_text,
)
from tests.simulator.client import IN_2026, ask, ask_2026, message, running
from tests.simulator.test_files import upload


@pytest.mark.parametrize(
    "question", ["weather in Oslo", "What is the weather in Oslo?", "get_weather for Oslo"]
)
async def test_a_tool_is_called_when_the_question_is_about_it(question: str) -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, question)
    assert answer.text == OSLO


@pytest.mark.parametrize(
    "question", ["hello", "Tell me about tea", "weather in Oslo, but don't use any tools"]
)
async def test_no_tool_is_called_without_need(question: str) -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, question)
    assert "<call" not in answer.text


async def test_a_tool_is_called_when_one_must_be() -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, f"hello{MUST}")
        named = await ask_with_tools(
            simulator, "What is the weather in Oslo?\n\n(You must call the tool exec_command now.)"
        )
    assert answer.text.startswith(f'<{TAG} name="get_weather">')
    assert named.text.startswith(f'<{TAG} name="exec_command">')


async def test_no_tool_is_called_when_none_may_be() -> None:
    async with running() as simulator:
        answer = await ask_with_tools(
            simulator, "What is the weather in Oslo?\n\n(Call no tool now: answer with words alone.)"
        )
    assert "<call" not in answer.text
    assert "(Call no tool" not in answer.text


async def test_the_example_says_how_a_call_looks() -> None:
    async with running() as simulator:
        rules = tools_text(tag="call-00112233")
        answer = await ask(simulator, message(rules, "system"), f"{OSLO} What is the weather in Rome?")
    assert answer.text == call_of("get_weather", '{"city": "Rome"}', "call-00112233")


async def test_several_calls_are_made_when_asked_for() -> None:
    async with running() as simulator:
        places = await ask_with_tools(simulator, "What is the weather in Oslo and San Francisco?")
        tools = await ask_with_tools(simulator, "Call get_weather for Oslo, and exec_command with `ls`")
        one = await ask(
            simulator,
            message(tools_text(more="- Make at most one call in an answer."), "system"),
            "What is the weather in Oslo and Rome?",
        )
    assert places.text == OSLO + "\n" + call_of("get_weather", '{"city": "San Francisco"}')
    assert tools.text.count("</call") == 2
    assert one.text == OSLO


def shell(name: str, type: str = "string", **more: Any) -> dict[str, Any]:
    properties = {name: {"type": type, "items": {"type": "string"}}, **more}
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("name", "schema", "arguments"),
    [
        ("exec_command", SHELL, {"cmd": "echo hi"}),
        ("Bash", shell("command"), {"command": "echo hi"}),
        ("bash", {"properties": {"command": {"type": "string"}}}, {"command": "echo hi"}),
        ("shell", shell("command", type="array"), {"command": ["bash", "-lc", "echo hi"]}),
        (
            "run_shell_command",
            shell("command", background={"type": "boolean"}),
            {"command": "echo hi", "background": True},
        ),
    ],
)
async def test_a_shell_runs_the_command(name: str, schema: dict[str, Any], arguments: object) -> None:
    rules = tools_text({"update_plan": WEATHER, name: schema})
    async with running() as simulator:
        answer = await ask(simulator, message(rules, "system"), "run `echo hi` and tell me what it prints")
    assert answer.text == call_of(name, json.dumps(arguments))


async def test_what_a_tool_gave_is_told_in_words() -> None:
    async with running() as simulator:
        asked = await ask_with_tools(simulator, "weather in Oslo")
        told = await go_on(simulator, asked, result_of("get_weather", '{\n "temp": 3\n}'))
        replayed = await ask(
            simulator,
            message(tools_text(), "system"),
            "weather in Oslo",
            message(asked.text, "assistant"),
            f'<{RESULT} name="get_weather" id="call_1" failed>\nno such city\n</{RESULT}>',
        )
    assert told.text == 'The tool `get_weather` gave: {"temp": 3}'
    assert replayed.text == "The tool `get_weather` failed: no such city"


async def test_after_a_result_another_tool_is_called_if_one_must_be() -> None:
    rules = tools_text({"get_weather": WEATHER, "final_result": WEATHER})
    async with running() as simulator:
        asked = await ask(simulator, message(rules, "system"), f"weather in Oslo{MUST}")
        more = await go_on(simulator, asked, result_of("get_weather", "3 degrees") + MUST)
    assert asked.text == OSLO
    assert more.text == call_of("final_result", '{"city": "Oslo"}')


async def test_a_prompt_in_one_text_is_understood() -> None:
    folded = f"{tools_text()}\n\nThis conversation goes on:\n\nUser: hello\n\nAssistant: Hi!"
    async with running() as simulator:
        answer = await ask(simulator, message(folded, "system"), "weather in Oslo")
        alone = await ask(simulator, f"{tools_text()}\n\nweather in Oslo")
    assert answer.text == OSLO
    assert alone.text == OSLO


async def test_json_is_answered_as_the_schema_says() -> None:
    schema = {
        "type": "object",
        "properties": {"status": {"enum": ["ok"]}, "score": {"type": "integer", "minimum": 2}},
        "required": ["status", "score"],
    }
    async with running() as simulator:
        answer = await ask(simulator, message(json_text(schema), "system"), "Say ok")
        any_object = await ask(
            simulator, message("Answer with only the JSON.", "system"), "Tell me about tea"
        )
    assert json.loads(answer.text) == {"status": "ok", "score": 2}
    assert json.loads(any_object.text) == {"answer": "tea"}


async def test_schema_that_a_program_tells_of_in_its_own_words_is_kept() -> None:
    told = f"Match the following json_schema:\n\n{json.dumps(WEATHER)}\n\nAnswer with only the JSON."
    async with running() as simulator:
        answer = await ask(simulator, message(told, "system"), 'Say "Rome"')
    assert json.loads(answer.text) == {"city": "Rome"}


async def test_json_is_the_answer_where_no_tool_is_called() -> None:
    rules = message(f"{tools_text()}\n\n{json_text(WEATHER)}", "system")
    async with running() as simulator:
        called = await ask(simulator, rules, "What is the weather in Oslo?")
        answered = await ask(simulator, rules, 'Say "Rome"')
        told = await go_on(simulator, called, result_of("get_weather", "cold"))
    assert called.text == OSLO
    assert answered.text == '{"city": "Rome"}'
    assert json.loads(told.text) == {"city": "Oslo"}


@pytest.mark.parametrize("age", ["2023-05", "2023-12", "2024", "2025"])
async def test_models_of_all_ages_obey(age: str) -> None:
    async with running(Knobs(age=age)) as simulator:
        answer = await ask_with_tools(simulator, "weather in Oslo")
    assert OSLO in json.dumps([each["content"] for each in answer.shown.values()]).replace(
        r"\n", "\n"
    ).replace(r"\"", '"')


async def test_models_of_2026_obey() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, message(tools_text(), "system"), "weather in Oslo")
        thinks = await ask_2026(
            simulator, message(tools_text(), "system"), "weather in Oslo", model="gpt-5-6-thinking"
        )
    for each in (answer, thinks):
        assert list(each.shown.values())[-1]["content"]["parts"] == [OSLO]


async def test_tools_hold_on_in_a_conversation_and_branches_are_apart() -> None:
    async with running() as simulator:
        asked = await ask_with_tools(simulator, "hello")
        first = await go_on(simulator, asked, "weather in Oslo")
        second = await go_on(simulator, asked, "What did I say before this?")
        others = await go_on(
            simulator,
            asked,
            message(tools_text({"get_time": WEATHER}), "system"),
            "time in Rome",
            after=second,
        )
        again = await go_on(simulator, asked, "weather in Rome", after=first)
    assert first.text == OSLO
    assert "hello" in second.text
    assert others.text == call_of("get_time", '{"city": "Rome"}')
    assert again.text == call_of("get_weather", '{"city": "Rome"}')


async def test_an_unknown_message_to_go_on_from_gets_404() -> None:
    async with running() as simulator:
        asked = await ask_with_tools(simulator, "hello")
        unknown = await ask(simulator, "hello", conversation_id=asked.records[0]["conversation_id"])
        assert simulator.state.accepted == 1
    assert unknown.status == 404
    assert unknown.json["detail"]["code"] == "conversation_not_found"


async def test_a_kind_that_is_asked_for_comes_first() -> None:
    async with running() as simulator:
        answer = await ask_with_tools(simulator, "weather in Oslo [[sim kind=code]]", model="gpt-4")
    assert any(shown["author"]["name"] == "python" for shown in answer.messages)


async def test_what_is_left_out_of_a_text_is_read_in_its_file() -> None:
    text = f"{'x' * 5000} {tools_text()}"
    async with running() as simulator:
        file_id = await upload(simulator, text.encode(), "message-1.txt", "my_files")
        note = "xxx [... all of it is in the attached file message-1.txt.] No others."
        attached = {"attachments": [{"id": file_id, "name": "message-1.txt"}]}
        answer = await ask(simulator, message(note, "system"), message("weather in Oslo", metadata=attached))
    assert answer.text == OSLO


async def test_its_own_tools_are_left_alone_unless_they_may_be_used() -> None:
    question = "Calculate 3*4"
    alone, besides = (
        message(tools_text() + more, "system") for more in ("", "\nYou may use your own Python.")
    )
    async with running() as simulator:
        without = await ask(simulator, alone, question, model="gpt-4")
        own = await ask(simulator, besides, question, model="gpt-4")
        called = await ask(simulator, besides, "weather in Oslo", model="gpt-4")
    assert [shown["author"]["name"] for shown in without.shown.values()] == [None] * 4
    assert any(shown["author"]["name"] == "python" for shown in own.shown.values())
    assert called.text == OSLO
