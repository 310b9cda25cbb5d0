"""Turns that are made for the handlers."""

from pathlib import Path

from tests.turns.questions import chat_stream, images, question
from tests.turns.records import CUT, DONE, picture
from tests.turns.rig import Rig
from tests.turns.scripted_backend import ScriptedBackend, sends
from translate.openai import nothing_drawn
from turns.factory import TurnFactory
from turns.preparation import PromptOptions


def factory(rig: Rig, continue_limit: int = 0) -> TurnFactory:
    return TurnFactory(rig.parts, continue_limit=continue_limit, actions="ask")


async def test_each_turn_follows_up_as_often_as_the_settings_say(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(CUT)), tmp_path, prompts=PromptOptions(temporary=True))
    turns = factory(rig, continue_limit=1)
    for calls in (2, 4):
        await turns.turn(question(), chat_stream()).run(rig.client)
        assert len(rig.backend.calls) == calls
    assert rig.backend.bodies[1]["history_and_training_disabled"] is True


async def test_drawing_takes_as_many_turns_as_it_needs(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + DONE)), tmp_path)
    rig.files.files["file-1"] = b"1"
    outcome = await factory(rig).drawing(question(), images(2), 2, nothing_drawn).run(rig.client)
    assert outcome.pictures == len(rig.backend.calls) == 2
