"""Each limit is held, alone and with all others, in the memory that the compose files give."""

import pytest

from tests.soak.siege import besiege


@pytest.mark.timeout(600)
async def test_service_lives_in_its_memory_whoever_comes_and_is_back_when_they_leave() -> None:
    siege = await besiege()
    assert siege.problems == []
