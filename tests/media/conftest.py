"""A store on a disk of its own, with a clock that the test moves."""

from pathlib import Path

import pytest

from media.store import MediaStore
from tests.media.stores import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the store keeps its files; neither the directory nor its parent is there yet."""
    return tmp_path / "state" / "media"


@pytest.fixture
def store(root: Path, clock: Clock) -> MediaStore:
    return MediaStore(
        root, max_file_bytes=32 << 20, max_total_bytes=1 << 30, max_age_seconds=1000, clock=clock
    )
