"""One fresh event loop per test, of the service's kind, and no task may outlive it.

`HYPOTHESIS_PROFILE` says how long tests with generated examples look: `quick`, `deep`, `same` (as `quick`,
but always at the same examples, so that what fails in CI is what was changed), or `few` (always the same few,
for measuring coverage).
"""

import asyncio
import gc
import inspect
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from tornado.ioloop import IOLoop

from tests.redis_cluster import RedisCluster
from tests.translate.captures import FOLDER as CAPTURES
from transport import new_serving_loop
from turns.encodings import ENCODINGS
from turns.tokens import load_vocabulary

QUICK = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
"""No example is timed: the machine may be busy."""
hypothesis.settings.register_profile("quick", QUICK)
hypothesis.settings.register_profile("deep", QUICK, max_examples=5000)
hypothesis.settings.register_profile("same", QUICK, derandomize=True, database=None)
hypothesis.settings.register_profile("few", QUICK, max_examples=5, derandomize=True, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

VOCABULARIES = [load_vocabulary(encoding) for encoding in ENCODINGS]
"""Held, so that none is loaded again in each test of a service."""

collect_ignore = [] if CAPTURES else ["translate/test_real_captures.py"]


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[RedisCluster]:
    """Three primaries, for all tests that harm none of them."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def redis_cluster(running_cluster: RedisCluster) -> RedisCluster:
    """A Redis cluster that is empty."""
    running_cluster.empty()
    return running_cluster


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """Override pytest-tornasync's fixture: it leaves pending tasks and uses deprecated calls.

    An exception that only the loop hears of, for example of a task that nobody awaits, fails the test.
    """
    loop = IOLoop(make_current=False, asyncio_loop=new_serving_loop())
    asyncio_loop: asyncio.AbstractEventLoop = loop.asyncio_loop
    asyncio_loop.slow_callback_duration = 60  # in debug mode; a busy machine is no fault of the service
    unheard: list[dict[str, Any]] = []
    asyncio_loop.set_exception_handler(lambda _, context: unheard.append(context))
    asyncio.set_event_loop(asyncio_loop)
    yield loop
    before = len(unheard)
    leftovers = asyncio.all_tasks(asyncio_loop)
    for task in leftovers:
        task.cancel()
    if leftovers:
        asyncio_loop.run_until_complete(asyncio.gather(*leftovers, return_exceptions=True))
    gc.collect(1)  # what nobody holds any more is told to the loop now
    loop.close(all_fds=True)
    asyncio.set_event_loop(None)
    assert unheard[:before] + [told for told in unheard[before:] if not is_cancelled(told)] == []


def is_cancelled(context: dict[str, Any]) -> bool:
    """Whether the loop tells of a cancellation: before Python 3.12 it does so of tasks of a server."""
    return isinstance(context.get("exception"), asyncio.CancelledError)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without this a coroutine that does not ask for `io_loop` would run on a loop that others used."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "io_loop")


def pytest_collection_finish() -> None:
    """Take what is there for good out of the garbage collector's sight: many tests run it when they end."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With NO_SKIPS set, a skipped test fails the run: every real part is expected to be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
