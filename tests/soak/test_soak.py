"""A minute of mixed traffic leaves the service as it was; `make soak` takes an hour."""

import pytest

from tests.soak.run import soak

SECONDS = 60.0


@pytest.mark.timeout(SECONDS + 240)
async def test_service_is_flat_and_books_what_was_accepted_under_all_kinds_of_traffic() -> None:
    soaked = await soak(SECONDS)
    print(*soaked.summary, sep="\n")
    assert soaked.problems == []
