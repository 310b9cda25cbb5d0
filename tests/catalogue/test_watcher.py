"""The file of the list, watched: changes are noticed, half-written and malformed ones do no harm."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalogue import GptsFileWatcher, load_gpts
from metrics import Metrics
from tests.eventually import eventually
from tests.upstream.gpts.rig import Rig, rig
from translate.values import BUILT_IN, Catalogue, Gpt

HELPER = '{"helper": {"id": "g-Helper"}}'
TWO = '{"helper": {"id": "g-Helper"}, "newcomer": {"id": "g-New"}}'


@dataclass(slots=True)
class Watched:
    path: Path
    watcher: GptsFileWatcher
    catalogue: Catalogue
    gpts: Rig
    metrics: Metrics
    loads: int = 0

    @property
    def offered(self) -> set[str]:
        return set(self.watcher.availability())


@asynccontextmanager
async def watched(
    directory: Path, content: str | None, *, poll_seconds: float = 0.01, aliases: dict[str, str] | None = None
) -> AsyncIterator[Watched]:
    """A list with this content (None for no file) under watch."""
    path = directory / "gpts.json"
    if content is not None:
        path.write_text(content)

    def load() -> tuple[Gpt, ...]:
        watch.loads += 1
        return tuple(load_gpts(path, {model.name for model in BUILT_IN}))

    async with rig(directory / "state") as it:
        catalogue = Catalogue(BUILT_IN, aliases or {}, load_gpts(path, ()))
        metrics = Metrics(("chat",), catalogue.models)
        watcher = GptsFileWatcher(path, load, catalogue, it.descriptions, metrics, poll_seconds=poll_seconds)
        watch = Watched(path, watcher, catalogue, it, metrics)
        watch.watcher.start()
        try:
            yield watch
        finally:
            await watch.watcher.close()


async def test_changed_file_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with watched(tmp_path, HELPER) as watch:
        assert watch.offered == {"helper"}
        watch.path.write_text(TWO)
        await eventually(lambda: watch.offered == {"helper", "newcomer"}, 5)
        await watch.gpts.attempts_ended()
        assert watch.watcher.availability() == {
            "helper": {"available": True},
            "newcomer": {"available": True},
        }
        watch.path.write_text("{}")
        await eventually(lambda: watch.offered == set(), 5)
        await eventually(lambda: "gpts.json read again: 0 GPTs; gone: helper, newcomer" in caplog.text)
    assert "gpts.json read again: 2 GPTs; new: newcomer" in caplog.text


async def test_replaced_file_is_read_again(tmp_path: Path) -> None:
    async with watched(tmp_path, HELPER) as watch:
        newer = tmp_path / "newer"
        newer.write_text(HELPER.replace("helper", "helpr2"))
        newer.replace(watch.path)
        await eventually(lambda: watch.offered == {"helpr2"}, 5)


async def test_file_that_appears_is_read_and_one_that_vanishes_leaves_no_gpts(tmp_path: Path) -> None:
    async with watched(tmp_path, None) as watch:
        assert watch.offered == set()
        watch.path.write_text(HELPER)
        await eventually(lambda: watch.offered == {"helper"}, 5)
        watch.path.unlink()
        await eventually(lambda: watch.offered == set(), 5)


async def test_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    async with watched(tmp_path, HELPER, poll_seconds=0.001) as watch:
        await asyncio.sleep(0.1)
        assert watch.loads == 0


async def test_malformed_file_is_told_once_and_the_old_list_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(tmp_path, HELPER) as watch:
        watch.path.write_text('{"newcomer": {}}')
        await eventually(lambda: watch.loads == 1, 5)
        await asyncio.sleep(0.1)
        assert watch.loads == 1
        assert watch.offered == {"helper"}
        watch.path.write_text(TWO)
        await eventually(lambda: watch.offered == {"helper", "newcomer"}, 5)
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == ['gpts.json is not usable, the GPTs stay as they were: the entry "newcomer" has no id']


async def test_gpt_that_an_alias_needs_is_not_taken_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(tmp_path, HELPER, aliases={"short": "helper"}) as watch:
        watch.path.write_text("{}")
        await eventually(lambda: watch.loads == 1, 5)
        await eventually(lambda: "the alias short points to helper" in caplog.text, 5)
        assert watch.offered == {"helper"}


async def test_asked_for_reload_does_not_wait_for_the_next_look(tmp_path: Path) -> None:
    async with watched(tmp_path, HELPER, poll_seconds=3600) as watch:
        watch.path.write_text(TWO)
        watch.watcher.reload()
        await eventually(lambda: watch.offered == {"helper", "newcomer"}, 5)
        await asyncio.sleep(0.05)
        assert watch.loads == 1


async def test_new_id_under_an_old_name_is_what_counts(tmp_path: Path) -> None:
    async with watched(tmp_path, HELPER) as watch:
        await watch.gpts.attempts_ended()
        watch.path.write_text('{"helper": {"id": "g-Changed"}}')
        await eventually(lambda: watch.catalogue.resolve("helper").gizmo_id == "g-Changed", 5)
        await watch.gpts.attempts_ended()
        assert [asked for asked, _ in watch.gpts.backend.asked] == ["g-Helper", "g-Changed"]


def thousands(word: str, count: int = 2000) -> str:
    return json.dumps({f"{word}-{number:04}": {"id": f"g-{word}{number:05}"} for number in range(count)})


async def test_thousands_of_gpts_come_and_go_while_the_loop_runs_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = 0.0

    async def measure() -> None:
        nonlocal late
        while True:
            began = time.thread_time()  # other programs of the machine do not count
            await asyncio.sleep(0.01)
            late = max(late, time.thread_time() - began)

    async with watched(tmp_path, "{}") as watch:
        ticks = asyncio.ensure_future(measure())
        watch.path.write_text(thousands("first"))
        await eventually(lambda: "2000 GPTs; new: first-0000" in caplog.text, 100)
        watch.path.write_text(thousands("second"))
        await eventually(lambda: "new: second-0000" in caplog.text, 100)
        watch.path.write_text("{}")
        await eventually(lambda: "0 GPTs; gone: second-0000" in caplog.text, 100)
        ticks.cancel()
        assert watch.metrics.registry.get_sample_value("pandora_quota_units_total", {"model": "other"}) == 0
        for name in ("first-0000", "second-1999"):
            assert (
                watch.metrics.registry.get_sample_value("pandora_quota_units_total", {"model": name}) is None
            )
    assert late < 1.0
    assert "second-0019 and 1980 more" in caplog.text
