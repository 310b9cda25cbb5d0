"""What is meant for the model alone, or is private, is in no answer: in no style and no wire format."""

import pytest

from tests.golden.playback import play
from tests.golden.scenes import SCENES
from tests.matrix.wire_formats import WIRE_FORMATS, cannot_say
from tests.service.deployment import deployed
from translate.values.style import Style

SECRETS = {
    "instructions=1": "PRIVATE-",
    "kind=draw": "displayed",
    "kind=draw_refused": "follow the content policy",
    "kind=browse": "This is page text",
    "kind=action": "operation_hash",
    "kind=text": "THOUGHT",
}
"""By knobs, what the backend says besides the answer; some of it only in some formats."""

EVERYWHERE = (
    "PRIVATE-", "DALL-E displayed", "Do not list", "This is page text", "THOUGHT", "Snippet", "fully loaded",
    "Explain to the user", "skipped_mainline", "search(", "quote_lines", "from_server", "denied the call",
    "modr-", "Second answer",
)  # fmt: skip


@pytest.mark.parametrize("name", WIRE_FORMATS)
def test_nothing_private_and_no_text_of_tools_is_shown(name: str) -> None:
    for scene in SCENES.values():
        if cannot_say(scene, WIRE_FORMATS[name]):
            continue
        recordings = WIRE_FORMATS[name].record(scene, "instructions=1")
        for style in Style:
            played = play(recordings, style=style)
            shown = played.text + str(played.seen.chunks) + str(played.error)
            assert not [secret for secret in EVERYWHERE if secret in shown], (scene.name, style)


@pytest.mark.parametrize("knobs", SECRETS)
def test_the_backend_does_say_what_must_not_be_shown(knobs: str) -> None:
    """The test above would be worth nothing otherwise."""
    secret = SECRETS[knobs].encode()
    scene = SCENES["text"] if "kind" not in knobs else SCENES[knobs.removeprefix("kind=")]
    streams = [each.stream for format_ in WIRE_FORMATS.values() for each in format_.record(scene, knobs)]
    assert any(secret in stream for stream in streams)


async def test_service_leaks_nothing_of_it_either() -> None:
    async with deployed({"GPT_ACTIONS": "always", "REASONING": "false"}) as service:
        for kind in ("draw", "draw_refused", "browse", "browse_failed", "action", "text"):
            for age in ("2023-12", "2025"):
                marker = f"[[sim kind={kind} age={age} instructions=1 tokens=20]]"
                answer = await service.chat(f"Tea {marker}", key=f"fk-{kind}-{age}", stream=True)
                body = answer.body.decode()
                assert answer.stream.done
                assert not [secret for secret in EVERYWHERE if secret in body], (kind, age)
