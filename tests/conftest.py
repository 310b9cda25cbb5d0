"""One fresh event loop per test, and no task may outlive it."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """Override pytest-tornasync's fixture: it leaves pending tasks and uses deprecated calls."""
    loop = IOLoop(make_current=False)
    asyncio_loop: asyncio.AbstractEventLoop = loop.asyncio_loop
    asyncio.set_event_loop(asyncio_loop)
    yield loop
    leftovers = asyncio.all_tasks(asyncio_loop)
    for task in leftovers:
        task.cancel()
    if leftovers:
        asyncio_loop.run_until_complete(asyncio.gather(*leftovers, return_exceptions=True))
    loop.close(all_fds=True)
    asyncio.set_event_loop(None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With NO_SKIPS set, a skipped test fails the run: every real part is expected to be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
