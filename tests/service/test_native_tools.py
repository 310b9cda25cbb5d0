"""Searches, programs and drawings of the backend as items of a response, by the official SDK."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import openai
import pytest
from openai.types.responses import Response

from simulator import Knobs
from tests.service.deployment import Deployment, deployed
from tests.service.test_images import client

CODE = {"type": "code_interpreter", "container": {"type": "auto"}}
SEARCH = {"type": "web_search"}
DRAW = {"type": "image_generation"}


@asynccontextmanager
async def service(kind: str, age: str = "2023-12") -> AsyncIterator[tuple[Deployment, openai.AsyncOpenAI]]:
    env = {"CONVERSATION_ROUTE": "auto"} if age == "2026" else {}
    knobs = Knobs(busy=False, cap=0, kind=kind, age=age)
    async with deployed(env, knobs) as deployment, client(deployment) as sdk:
        yield deployment, sdk


async def streamed(
    sdk: openai.AsyncOpenAI, tools: Sequence[Any], **fields: Any
) -> tuple[Response, list[Any]]:
    """The response at the end of a stream, and its events."""
    async with sdk.responses.stream(model="gpt-4-s", input="Please do it", tools=tools, **fields) as stream:
        events = [event async for event in stream]
        return await stream.get_final_response(), events


async def whole(sdk: openai.AsyncOpenAI, tools: Sequence[Any], **fields: Any) -> Response:
    response = await sdk.responses.create(model="gpt-4-s", input="Please do it", tools=tools, **fields)
    assert isinstance(response, Response)
    return response


def kinds(response: Response) -> list[str]:
    return [item.type for item in response.output]


def item(response: Response, kind: str) -> Any:
    return next(item for item in response.output if item.type == kind)


@pytest.mark.parametrize("age", ["2023-12", "2025", "2026"])
async def test_program_is_an_item_with_its_code_and_what_it_printed(age: str) -> None:
    kind = "python_shown" if age == "2026" else "figure"
    async with service(kind, age) as (_, sdk):
        response, events = await streamed(sdk, [CODE])
        again = await whole(sdk, [CODE])
    programs: list[Any] = [item for item in response.output if item.type == "code_interpreter_call"]
    assert all(program.code for program in programs)
    assert "image" in {output.type for program in programs for output in program.outputs}
    assert {program.container_id.partition("_")[0] for program in programs} == {"cntr"}
    assert "```" not in response.output_text
    deltas = [event.delta for event in events if event.type == "response.code_interpreter_call_code.delta"]
    assert "".join(deltas) == "".join(program.code for program in programs)
    assert kinds(again) == kinds(response)
    assert again.output_text == response.output_text


async def test_program_that_was_not_asked_for_stands_in_the_text() -> None:
    async with service("figure") as (_, sdk):
        response = await whole(sdk, [])
        other = await whole(sdk, [SEARCH])
    assert kinds(response) == kinds(other) == ["message"]
    assert "```python" in response.output_text


@pytest.mark.parametrize(("age", "kind"), [("2023-12", "browse"), ("2026", "search")])
async def test_search_is_an_item_and_pages_are_cited_where_they_stand(age: str, kind: str) -> None:
    async with service(kind, age) as (_, sdk):
        response, events = await streamed(sdk, [SEARCH])
        again = await whole(sdk, [SEARCH])
    search = item(response, "web_search_call")
    assert search.action.type == "search"
    assert search.action.query
    message = response.output[-1]
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    assert part.annotations
    for note in part.annotations:
        assert note.type == "url_citation"
        assert " " not in note.url
        assert unquote(note.url) in unquote(part.text[note.start_index : note.end_index])
    added = [event.annotation for event in events if event.type == "response.output_text.annotation.added"]
    assert len(added) == len(part.annotations)
    assert kinds(again) == kinds(response)


@pytest.mark.parametrize("age", ["2023-12", "2026"])
async def test_drawing_is_an_item_with_the_picture(age: str) -> None:
    async with service("draw", age) as (deployment, sdk):
        response, _ = await streamed(sdk, [DRAW], tool_choice={"type": "image_generation"})
        again = await whole(sdk, [DRAW])
        kept = await sdk.responses.retrieve(response.id)
        assert deployment.server.service.app.common.room.used == 0
    drawn = item(response, "image_generation_call")
    assert base64.b64decode(drawn.result).startswith(b"\x89PNG")
    assert drawn.status == "completed"
    assert "![" not in response.output_text
    assert response.output[-1].type == "message"  # openai-agents would ask once more
    assert kinds(again) == kinds(response)
    assert item(kept, "image_generation_call").result is None


async def test_file_of_a_program_is_cited_and_can_be_had() -> None:
    async with service("file") as (deployment, sdk):
        response = await whole(sdk, [CODE])
        message = response.output[-1]
        assert message.type == "message"
        (note,) = [note for part in message.content for note in getattr(part, "annotations", [])]
        assert note.type == "container_file_citation"
        path = f"/v1/containers/{note.container_id}/files/{note.file_id}/content"
        answer, nobody = await deployment.ask("GET", path), await deployment.ask("GET", path, key="")
        missing = await deployment.ask("GET", path.replace(note.file_id, "0" * 64))
    assert answer.status == 200
    assert answer.body
    assert note.container_id == item(response, "code_interpreter_call").container_id
    assert (nobody.status, missing.status) == (401, 404)
