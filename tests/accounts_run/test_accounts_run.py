"""Some hundred turns over six accounts in trouble; `python -m tests.accounts_run` makes thousands."""

from importlib.util import find_spec

import pytest

from tests.accounts_run.book import problems, summary
from tests.accounts_run.run import run
from tests.redis_server import needs_redis

TURNS = 400

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_spec("pool.pool") is None, reason="nothing gives accounts to turns"),
]


async def test_turns_are_answered_or_refused_truly_and_accounts_are_booked_as_they_were_spent() -> None:
    book = await run(TURNS, 1)
    print(*summary(book), sep="\n")
    assert problems(book) == []


@needs_redis
async def test_two_instances_share_the_accounts_and_what_they_spent() -> None:
    book = await run(TURNS, 2)
    print(*summary(book), sep="\n")
    assert problems(book) == []
