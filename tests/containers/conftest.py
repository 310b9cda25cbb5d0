"""One engine for all tests of this folder, which only `python -m tests.containers` collects."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.checkout import present
from tests.containers.engine import FOLDER, Engine, engine, missing
from tests.containers.figures import Figures
from tests.containers.images import build_stand_ins, own_image

collect_ignore_glob = [] if FOLDER in os.environ else ["test_*.py"]
_figures = Figures()


@pytest.fixture(scope="session")
def figures() -> Figures:
    """Where each test says what it has measured."""
    return _figures


@pytest.fixture(scope="session")
def bare_engine(figures: Figures) -> Iterator[Engine]:
    """The engine, with the stand-ins."""
    if reason := missing():
        pytest.skip(reason)
    with engine(Path(os.environ[FOLDER])) as started:
        figures.say("engine runs")
        with figures.timed("stand-ins built"):
            build_stand_ins(started)
        yield started


@pytest.fixture(scope="session")
def checkout(bare_engine: Engine) -> Path:
    """A copy of the files of this checkout, as a user has them."""
    return present(bare_engine.folder / "checkout")


@pytest.fixture(scope="session")
def built(bare_engine: Engine, checkout: Path, figures: Figures) -> Engine:
    """The engine, with the image of the service as well."""
    with figures.timed("image built"):
        bare_engine.docker("build", "--quiet", "--tag", own_image(), str(checkout))
    size = int(bare_engine.docker("image", "inspect", "-f", "{{.Size}}", own_image()))
    base = int(bare_engine.docker("image", "inspect", "-f", "{{.Size}}", "base:1"))
    figures.say(f"image has {(size - base) / 1e6:.0f} MB more than its base")
    return bare_engine


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say all figures once more, together."""
    if _figures.lines:
        terminalreporter.section("figures")
    for line in _figures.lines:
        terminalreporter.write_line(line)
