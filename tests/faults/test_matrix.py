"""Every fault in every shape: the right answer, one log line, one count, the right units, nothing left."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.eventually import eventually_none
from tests.faults.cells import Fault, cells_of
from tests.faults.checks import check
from tests.faults.stage import Stage, logs_by_cell, stage
from tests.faults.table import FAULTS


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with logs_by_cell():
        yield


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=f"{fault.phase}: {fault.name}") for fault in FAULTS]
)
async def test_fault_ends_as_the_table_says_and_leaves_nothing(fault: Fault) -> None:
    async with AsyncExitStack() as stack:
        stages = [await stack.enter_async_context(stage(cell)) for cell in cells_of(fault)]
        files, tasks = open_files(), asyncio.all_tasks()
        failures = await asyncio.gather(*(played(each) for each in stages))
        wrong = {name: failure for name, failure in failures if failure}
        assert not wrong, "\n".join(f"{name}: {failure}" for name, failure in wrong.items())
        for each in stages:
            await each.backend.hang_up()
        await eventually_none(lambda: open_files() - files)
        await eventually_none(lambda: asyncio.all_tasks() - tasks)


async def played(each: Stage) -> tuple[str, str]:
    """Play and check a cell; its name, and what was wrong."""
    try:
        await each.play()
        await check(each)
    except Exception as failure:
        return str(each.cell), f"{type(failure).__name__}: {str(failure)[:500]}"
    return str(each.cell), ""


OPENED_LATER = ("ledger.sqlite3", "conversations.sqlite3")


def open_files() -> set[str]:
    """What this process has open, by number and target; but for files opened at the first use."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if not target.startswith("/proc/") and not any(name in target for name in OPENED_LATER):
            found.add(f"{entry.name} {target}")
    return found
