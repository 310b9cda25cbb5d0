"""Half a character, which JSON can write and nothing can encode, is no failure wherever a request has it."""

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

from tests.service.deployment import CHAT, JSON_TYPE, deployed
from tests.service.test_attachments import NOTE, PICTURE
from tests.service.test_images import GENERATIONS

HALF = "a\ud83d"
REQUEST: dict[str, Any] = {
    "model": "gpt-4-s",
    "user": "me",
    "stop": ["END"],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "done", "tool_call_id": "1"},
        {
            "role": "user",
            "name": "me",
            "content": [
                {"type": "text", "text": "Hello"},
                {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
                {"type": "file", "file": {"filename": "note.txt", "file_data": NOTE}},
            ],
        },
    ],
}
DRAWING: dict[str, Any] = {
    "model": "dall-e-3",
    "prompt": "a fox",
    "size": "1024x1024",
    "response_format": "url",
    "user": "me",
}


def damaged(data: Any) -> Iterator[Any]:
    """`data` with half a character at the end of one of its strings or names, for each of them."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        variants = [value + HALF] if isinstance(value, str) else []
        if isinstance(value, dict | list):
            variants = list(damaged(value))
        for variant in variants:
            changed = copy.copy(data)
            changed[key] = variant
            yield changed
        if isinstance(data, dict):
            yield {name + HALF if name == key else name: each for name, each in data.items()}


async def test_half_a_character_anywhere_in_a_request_is_replaced_or_refused() -> None:
    statuses: dict[str, list[int]] = {}
    async with deployed() as service:
        for path, request in ((CHAT, REQUEST), (GENERATIONS, DRAWING)):
            for body in damaged(request):
                answer = await service.ask("POST", path, JSON_TYPE, json.dumps(body).encode())
                assert answer.status in (200, 400, 404), (answer.status, body)
                statuses.setdefault(path, []).append(answer.status)
    assert all(200 in seen and 400 in seen for seen in statuses.values())


async def test_half_a_character_in_the_name_of_a_file_is_replaced() -> None:
    file = {"filename": "note\ud800.txt", "file_data": "data:;base64," + base64.b64encode(b"x").decode()}
    body = {
        "model": "gpt-4-s",
        "messages": [{"role": "user", "content": [{"type": "file", "file": file}, "Read"]}],
    }
    async with deployed() as service:
        assert (await service.post(body)).status == 200
        (posted,) = [each.body for each in service.upstream.requests if each.path.endswith("/conversation")]
    assert posted["messages"][0]["metadata"]["attachments"][0]["name"] == "note\ufffd.txt"
