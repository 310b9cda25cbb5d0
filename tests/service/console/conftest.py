"""A browser and a demo for all tests of the page."""

from collections.abc import Iterator

import pytest

from tests.processes import running
from tests.service.console.browser import CHROMIUM, chromium

LIMITS = {"PORT": "0", "QUOTA_PER_DAY": "5000", "GPT4_LIMIT": "400", "DRAIN_TIMEOUT": "0"}


@pytest.fixture(scope="session")
def devtools() -> Iterator[int]:
    """The port of a running Chromium's DevTools."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with chromium() as port:
        yield port


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    """The address of the console that `server.py --demo` names at its start."""
    with running(["server.py", "--demo"], LIMITS) as process:
        yield process.wait_for(r"\nConsole: (http://\S+/)\n")[1]
