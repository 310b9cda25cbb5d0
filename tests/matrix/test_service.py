"""A selection of the matrix through the whole service: real sockets, files fetched, turns continued."""

import re

import pytest

from tests.golden.scenes import SCENES
from tests.matrix.wire_formats import REFERENCE, WIRE_FORMATS, WireFormat, cannot_say, common_text
from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed
from tests.service.links import LINK

SELECTION = (
    "text", "advert", "rounds", "file", "files", "draw", "browse", "browse_failed", "action_allowed",
    "oauth", "continue", "half_characters", "chinese_rounds", "tool_error", "draw_refused",
)  # fmt: skip
CHUNKS = {"snapshots 2024": 16, "delta v1 2025": 7, "WebSocket 2025": 1024}
"""Bytes per network write, where they are not whole records."""

ENV = {"GPT_ACTIONS": "always", "CONTINUE_LIMIT": "3"}


async def ask(service: Deployment, name: str, knobs: str, *, stream: bool) -> Answer:
    """The answer to a scene in the format that `knobs` set. Each has an account of its own."""
    scene = SCENES[name]
    key = f"fk-{name}-{re.sub('[^a-z0-9]', '-', knobs)}-{stream}"
    question = f"{scene.question} [[sim {scene.knobs} {knobs}]]"
    answer = await service.chat(question, key=key, stream=stream)
    assert answer.status == 200, answer.body
    return answer


def text_of(answer: Answer) -> str:
    if "event-stream" in answer.headers["content-type"]:
        assert answer.stream.done
        assert not answer.stream.errors
        return answer.stream.text
    return str(answer.json["choices"][0]["message"]["content"])


async def without_addresses(service: Deployment, text: str) -> str:
    """`text` with its links numbered; each leads to a file."""
    seen: list[str] = []
    for path in LINK.findall(text):
        if path not in seen:
            seen.append(path)
            file = await service.ask("GET", path)
            assert file.status == 200
            assert file.body.startswith((b"\x89PNG", b"name,value"))
    return LINK.sub(lambda link: f"https://files.example/picture-{1 + seen.index(link[1])}", text)


WHOLE = ("continue", "draw")
"""Asked for without streaming too."""

_reference: dict[str, str] = {}


async def reference(service: Deployment, name: str) -> str:
    """The answer that those in all other formats are compared with; asked for once."""
    if name not in _reference:
        answer = await ask(service, name, REFERENCE, stream=False)
        _reference[name] = await without_addresses(service, text_of(answer))
        assert _reference[name]
    return _reference[name]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", WIRE_FORMATS)
async def test_service_says_the_same_in_every_format(name: str) -> None:
    wire_format: WireFormat = WIRE_FORMATS[name]
    knobs = f"{wire_format.knobs} chunk={CHUNKS.get(name, 0)}"
    async with deployed(ENV) as service:
        for scene in SELECTION:
            if cannot_say(SCENES[scene], wire_format):
                continue
            expected = common_text(await reference(service, scene), wire_format)
            for stream in (True, False)[: 1 + (scene in WHOLE)]:
                answer = await ask(service, scene, knobs, stream=stream)
                text = await without_addresses(service, text_of(answer))
                assert common_text(text, wire_format) == expected, scene
        assert not service.upstream.open_streams
        assert not service.upstream.hide_all_calls
