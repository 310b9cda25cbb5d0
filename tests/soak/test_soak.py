"""A minute of mixed traffic leaves the service as it was; SOAK_SECONDS makes it longer."""

import os

import pytest

from tests.soak.run import soak

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))


@pytest.mark.timeout(SECONDS + 240)
async def test_service_is_flat_and_books_what_was_accepted_under_all_kinds_of_traffic() -> None:
    soaked = await soak(SECONDS)
    print(*soaked.summary, sep="\n")
    assert soaked.problems == []
