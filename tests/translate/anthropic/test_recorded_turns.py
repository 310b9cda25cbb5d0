"""Turns that were recorded once: a message says what was approved for a chat, and keeps to all rules."""

import pytest

from tests.golden.files import NAMES, recorded
from tests.golden.playback import Gallery, Shelf, play, whole
from tests.translate.anthropic.rig import message_stream, read
from tests.translate.player import Player
from translate import Conversation, Options


@pytest.mark.parametrize("name", NAMES)
def test_message_says_what_a_chat_says(name: str) -> None:
    first, *others = recorded(name)
    conversation = Conversation(first.sent, Options(reasoning=True), Shelf())
    player = Player(conversation, message_stream(), Gallery().address)
    player.play(whole(first.stream))
    for recording in others:
        player.go_on(recording.sent)
        player.play(whole(recording.stream))
    player.close()
    message = read(player.out)
    assert message.done
    text = "".join(block["text"] for block in message.blocks if block["type"] == "text")
    assert text == play(recorded(name)).text
