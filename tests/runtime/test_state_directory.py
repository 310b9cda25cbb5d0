"""The directory of state: made again when it goes, with what is known."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from runtime import StateDirectory
from tests.eventually import eventually


async def test_removed_directory_is_made_anew_and_filled_again_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, needed = tmp_path / "state", tmp_path / "state" / "secret"
    restored: list[int] = []

    async def restore() -> None:
        needed.write_text("known")  # fails if the directory goes just now; then it is asked again
        restored.append(1)

    os.mkdir(path)
    await restore()
    state = StateDirectory(path, [needed], [restore], pause=0.01)
    state.start()
    shutil.rmtree(path)
    await eventually(lambda: len(restored) == 2)
    os.unlink(needed)
    await eventually(lambda: len(restored) == 3)
    await state.close()
    assert needed.read_text() == "known"
    assert 1 <= caplog.text.count("was removed or replaced") <= 2


async def test_directory_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "state"
    restored: list[int] = []

    async def restore() -> None:
        restored.append(1)

    os.mkdir(path)
    state = StateDirectory(path, [], [restore], pause=0.01)
    state.start()
    path.rename(tmp_path / "elsewhere")
    path.write_text("in the way")
    await asyncio.sleep(0.1)
    assert restored == []
    os.unlink(path)
    await eventually(lambda: restored == [1])
    await state.close()
