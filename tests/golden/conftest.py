"""`pytest tests/golden --update-golden` writes transcripts anew; look at the difference first."""

import pytest

from tests.golden.files import NAMES, record_missing


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden transcripts anew")


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to write instead of compare; then turns without a recording are recorded."""
    if not request.config.getoption("--update-golden", default=False):
        return False
    for name in NAMES:
        record_missing(name)
    return True
