"""What is meant for the model, or for nobody, is in no answer: not in any style, age or dialect."""

import pytest

from tests.golden.playback import play
from tests.golden.scenes import SCENES
from tests.matrix.ages import WAYS, cannot_tell
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
"""By knobs, what the backend says besides the answer; some of it only in some ages."""

EVERYWHERE = (
    "PRIVATE-", "DALL-E displayed", "Do not list", "This is page text", "THOUGHT", "Snippet", "fully loaded",
    "Explain to the user", "skipped_mainline", "search(", "quote_lines", "from_server", "denied the call",
    "modr-", "Second answer",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("style", Style)
def test_nothing_private_and_no_text_of_tools_is_shown(way: str, style: Style) -> None:
    for scene in SCENES.values():
        if cannot_tell(scene, WAYS[way]):
            continue
        recordings = WAYS[way].record(scene, "instructions=1")
        played = play(recordings, style=style)
        said = played.text + str(played.seen.chunks) + str(played.error)
        assert not [secret for secret in EVERYWHERE if secret in said], scene.name


@pytest.mark.parametrize("knobs", SECRETS)
def test_the_backend_does_say_what_must_not_be_shown(knobs: str) -> None:
    """The test above would be worth nothing otherwise."""
    secret = SECRETS[knobs].encode()
    scene = SCENES["text"] if "kind" not in knobs else SCENES[knobs.removeprefix("kind=")]
    told = [each.stream for way in WAYS.values() for each in way.record(scene, knobs)]
    assert any(secret in stream for stream in told)


async def test_service_leaks_nothing_of_it_either() -> None:
    async with deployed({"GPT_ACTIONS": "always", "REASONING": "false"}) as service:
        for kind in ("draw", "draw_refused", "browse", "browse_failed", "action", "text"):
            for age in ("2023-12", "2025"):
                marker = f"[[sim kind={kind} age={age} instructions=1 tokens=20]]"
                answer = await service.chat(f"Tea {marker}", key=f"fk-{kind}-{age}", stream=True)
                body = answer.body.decode()
                assert answer.stream.done
                assert not [secret for secret in EVERYWHERE if secret in body], (kind, age)
