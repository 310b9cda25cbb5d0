"""Responses whose input is a whole history, as agents without `previous_response_id` send it: it goes on."""

from typing import Any

import pytest

from tests.roster.rig import content, key
from tests.service.deployment import KEY, Deployment, deployed
from tests.service.test_continuity import CONTINUED, LAPTOP, NEW, conversations, places, texts

Json = dict[str, Any]
PATH = "/v1/responses"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Agent:
    """Sends all items with each request, and those that it got."""

    def __init__(self, service: Deployment, *, as_key: str = KEY, **fields: Any) -> None:
        self.service = service
        self.key = as_key
        self.fields = {"model": "gpt-4-s", "store": False, **fields}
        self.items: list[Json] = []

    async def send(self, *new: Json) -> tuple[str, Json]:
        """What the header says of the conversation, and the response."""
        self.items += new
        answer = await self.service.post({**self.fields, "input": self.items}, path=PATH, key=self.key)
        assert answer.status == 200, answer.body
        response: Json = answer.json
        self.items += response["output"]
        return answer.headers["x-conversation"], response

    async def ask(self, text: str) -> str:
        return (await self.send({"role": "user", "content": text}))[0]


@pytest.mark.parametrize("store", [False, True])
async def test_items_go_on_where_the_backend_has_them(store: bool) -> None:
    async with deployed() as service:
        agent = Agent(service, instructions="Be brief.", store=store)
        assert await agent.ask("Tell me about tea") == NEW
        assert await agent.ask("And coffee?") == CONTINUED
        assert await agent.ask("And cocoa?") == CONTINUED
        assert len(conversations(service)) == 1
        assert texts(service)[1:] == [["And coffee?"], ["And cocoa?"]]


async def test_result_of_a_tool_is_all_that_is_posted_behind_its_call() -> None:
    async with deployed() as service:
        agent = Agent(service, tools=[WEATHER])
        header, response = await agent.send({"role": "user", "content": "What is the weather in Oslo?"})
        (call,) = [item for item in response["output"] if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "4 degrees, rain"}
        assert header == NEW
        header, response = await agent.send(output)
        assert header == CONTINUED
        assert "4 degrees" in str(response["output"])
        second = texts(service)[-1]
        assert "4 degrees, rain" in second[-1]
        assert "What is the weather" not in "".join(second)
        assert len(conversations(service)) == 1


async def test_other_instructions_begin_anew() -> None:
    async with deployed() as service:
        agent = Agent(service, instructions="Be brief.")
        await agent.ask("Tell me about tea")
        agent.fields["instructions"] = "Be loud."
        assert await agent.ask("And coffee?") == NEW


async def test_edited_question_branches_behind_the_answer_before_it() -> None:
    async with deployed() as service:
        agent = Agent(service)
        await agent.ask("Tell me about tea")
        await agent.ask("And coffee?")
        agent.items[-2:] = []
        assert await agent.ask("And milk?") == CONTINUED
        assert places(service)[2] == places(service)[1]


async def test_usage_is_that_of_all_that_was_said() -> None:
    async with deployed() as service:
        agent = Agent(service)
        _, first = await agent.send({"role": "user", "content": "Tell me about tea"})
        _, second = await agent.send({"role": "user", "content": "And coffee?"})
        assert second["usage"]["input_tokens"] > first["usage"]["total_tokens"]


async def test_conversation_that_the_backend_has_lost_begins_anew_at_no_cost() -> None:
    async with deployed() as service:
        agent = Agent(service)
        await agent.ask("Tell me about tea")
        for conversation in service.upstream.conversations:
            conversation.visible = False
        assert await agent.ask("And coffee?") == NEW
        assert service.upstream.accepted == 2
        assert "Tell me about tea" in "".join(texts(service)[-1])
        assert await agent.ask("And cocoa?") == CONTINUED


async def test_chain_can_follow_what_was_recognised() -> None:
    async with deployed() as service:
        agent = Agent(service, store=True)
        await agent.ask("Tell me about tea")
        _, response = await agent.send({"role": "user", "content": "And coffee?"})
        body = {"model": "gpt-4-s", "input": "And cocoa?", "previous_response_id": response["id"]}
        answer = await service.post(body, path=PATH)
        assert answer.headers["x-conversation"] == CONTINUED
        assert len(conversations(service)) == 1


async def test_nobody_else_goes_on_with_it(tmp_path: Any) -> None:
    token = tmp_path / "token"
    token.write_text("fk-anna")
    path = tmp_path / "accounts.json"
    accounts = [{"alias": "anna", "credential": {"file": "token"}}]
    path.write_bytes(content(accounts=accounts, keys=[key("laptop", LAPTOP), key("tablet", "sk-pandora-t")]))
    async with deployed({"ACCOUNTS_FILE": str(path)}) as service:
        agent = Agent(service, as_key=LAPTOP)
        await agent.ask("Tell me about tea")
        other = Agent(service, as_key="sk-pandora-t")
        other.items = list(agent.items)
        assert await other.ask("And coffee?") == NEW
        assert await agent.ask("And coffee?") == CONTINUED


async def test_all_begins_anew_without_continuity() -> None:
    async with deployed({"CONTINUITY": "off"}) as service:
        agent = Agent(service)
        await agent.ask("Tell me about tea")
        assert await agent.ask("And coffee?") == NEW
