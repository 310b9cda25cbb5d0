"""Pictures and files of an answer, and the conversation that is left on the account."""

import asyncio
from pathlib import Path

import pytest

from metrics import Outcome
from tests.eventually import eventually
from tests.turns.questions import BASE
from tests.turns.records import DONE, asks_permission, picture, record
from tests.turns.rig import Rig
from tests.turns.scripted_backend import GOOD, ScriptedBackend, refused, sends
from tests.turns.stored_files import StoredFiles
from upstream.files import SandboxGone


async def test_pictures_are_fetched_kept_and_counted(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + record("There.") + DONE)), tmp_path)
    rig.files.files["file-1"] = b"\x89PNG\r\n\x1a\n"
    outcome = await rig.run()
    assert outcome.pictures == 1
    assert rig.client.text.startswith(f"![a cat]({BASE}/images/")
    assert rig.client.text.endswith(")\n\nThere.")
    assert rig.counted("pandora_images_total", outcome="served") == 1


async def test_picture_that_cannot_be_had_is_told_in_its_place(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + record("There.") + DONE)), tmp_path)
    outcome = await rig.run()
    assert rig.client.text == "[an image could not be fetched]\n\nThere."
    assert (outcome.outcome, outcome.pictures) == (Outcome.OK, 0)
    assert rig.counted("pandora_images_total", outcome="failed") == 1


async def test_text_before_a_picture_does_not_wait_for_it(tmp_path: Path) -> None:
    first = record("Look:", id="a0", finish="")
    rig = Rig(ScriptedBackend(sends(first + picture() + record("There.") + DONE)), tmp_path)
    rig.files.gate.clear()
    running = asyncio.create_task(rig.turn().run(rig.client))
    await eventually(lambda: rig.files.asked == ["file-1"])
    assert rig.client.text == "Look:\n\n"
    assert rig.books.charges[0].answering
    rig.files.gate.set()
    await running


async def test_backend_answers_from_the_moment_it_draws(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(sends(picture() + DONE)), tmp_path)
    rig.files.gate.clear()
    running = asyncio.create_task(rig.turn().run(rig.client))
    await eventually(lambda: rig.files.asked == ["file-1"])
    assert rig.books.charges[0].answering, "the fetch is no part of the time to the first token"
    rig.files.gate.set()
    await running


async def test_files_that_are_gone_leave_notes_behind_those_of_the_turn(tmp_path: Path) -> None:
    text = "[data](sandbox:/mnt/data/a.csv)"
    script = sends(record(text, finish="") + asks_permission(login=True) + DONE)
    rig = Rig(ScriptedBackend(script), tmp_path, files=StoredFiles(failure=SandboxGone()), hide=True)
    await rig.run()
    *_, login, gone = rig.client.text.split("\n\n")
    assert login.startswith("[The GPT wants you to log in")
    assert gone == "[The file a.csv is gone: the sandbox has expired.]"


async def test_links_to_files_of_a_failed_answer_are_given_up(tmp_path: Path) -> None:
    text = "[data](sandbox:/mnt/data/a.csv) and"
    rig = Rig(
        ScriptedBackend(sends(record(text, done=False))),
        tmp_path,
        files=StoredFiles({"/mnt/data/a.csv": b"1"}),
    )
    outcome = await rig.run()
    assert outcome.outcome is Outcome.UPSTREAM_ERROR
    assert rig.files.asked == []


@pytest.mark.parametrize("hide", [True, False])
async def test_conversation_is_hidden_after_the_answer_if_the_settings_say_so(
    tmp_path: Path, hide: bool
) -> None:
    rig = Rig(ScriptedBackend(GOOD), tmp_path, hide=hide)
    await rig.run()
    await rig.aftermath.wait()
    assert rig.files.hidden == (["c1"] if hide else [])


async def test_nothing_is_hidden_where_nothing_began(tmp_path: Path) -> None:
    rig = Rig(ScriptedBackend(refused(500)), tmp_path, hide=True)
    await rig.run()
    await rig.aftermath.wait()
    assert rig.files.hidden == []
