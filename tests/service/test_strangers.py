"""Made-up keys cost the backend few posts and the ledger no rows, and lock out nobody who is known."""

import asyncio
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.deployment import CHAT, JSON_TYPE, Deployment, deployed, question

LIMITS = {"REFUSALS_PER_MINUTE": "10", "REFUSED_KEY_SECONDS": "60"}
FRONT = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
GOOD = "fk-a-good-key"


def posts(service: Deployment) -> int:
    """How many conversations the backend was asked for."""
    return sum(request.path.endswith("/conversation") for request in service.upstream.requests)


class Stopwatch:
    """Says whether so little time has passed that no try has come back."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def in_time(self) -> bool:
        return time.monotonic() < self._until


async def with_headers(service: Deployment, key: str, headers: dict[str, str]) -> Answer:
    body = b'{"model":"gpt-4-s","messages":[{"role":"user","content":"Hello"}]}'
    return await service.ask("POST", CHAT, headers | JSON_TYPE, body, key=key)


async def test_flood_of_made_up_keys_is_stopped_here(tmp_path: Path) -> None:
    watch = Stopwatch(6)
    async with deployed({**LIMITS, "STATE_DIR": str(tmp_path)}) as service:
        assert (await service.chat(key=GOOD)).status == 200
        statuses: Counter[int] = Counter()
        for begin in range(0, 300, 20):
            answers = await asyncio.gather(
                *(service.chat(key=f"sk-made-up-{number}") for number in range(begin, begin + 20))
            )
            statuses.update(answer.status for answer in answers)
        posted = posts(service) - 1
        assert statuses[401] == posted
        assert posted == 10 or (posted > 10 and not watch.in_time)
        assert set(statuses) == {401, 429}
        refused = answers[-1]
        assert refused.error["code"] == "rate_limit_exceeded"
        assert 1 <= int(refused.headers["retry-after"]) <= 6
        assert (await service.chat(key=GOOD)).status == 200, "who is known is let in"
        usage = (await service.ask("GET", "/v1/usage", key="")).json["data"]
    assert [(row["key"], row["free"]) for row in usage if row["free"]] == [("(refused)", posted)]
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as file:
        assert file.execute("SELECT COUNT(*) FROM conversations").fetchone() == (2,)


@pytest.mark.parametrize("stream", [False, True])
async def test_refused_key_is_not_posted_again_for_a_while(stream: bool) -> None:
    async with deployed({"REFUSED_KEY_SECONDS": "60"}) as service:
        first = await service.chat(key="sk-bad", stream=stream)
        assert posts(service) == 1
        for _ in range(5):
            again = await service.chat(key="sk-bad", stream=stream)
            assert again.status == first.status == 401
            assert again.error["code"] == first.error["code"] == "invalid_api_key"
            assert again.headers["x-should-retry"] == "false"
        drawing = await service.post({"prompt": "a cat"}, path="/v1/images/generations", key="sk-bad")
        assert drawing.status == 401
        assert posts(service) == 1
        assert (await service.chat(key="fk-another")).status == 200


async def test_key_that_was_mended_works_again_soon() -> None:
    async with deployed({"REFUSED_KEY_SECONDS": "0.3"}) as service:
        expired = await service.chat("Hello [[sim fault=token_expired]]", key=GOOD)
        at_once = await service.chat(key=GOOD)
        await asyncio.sleep(0.4)
        later = await service.chat(key=GOOD)
    assert expired.status == 401
    assert at_once.status in (401, 200)  # 200 if this machine was that slow
    assert later.status == 200


async def test_stranger_who_leaves_before_the_answer_uses_up_its_tries_too() -> None:
    watch = Stopwatch(20)
    async with deployed({**LIMITS, "REFUSALS_PER_MINUTE": "3"}) as service:
        for number in range(3):
            async with service.connect() as connection:
                headers = {"Authorization": f"Bearer fk-never-seen-{number}", **JSON_TYPE}
                body = (
                    b'{"model":"gpt-4-s","messages":[{"role":"user","content":"Hi [[sim header_delay=5]]"}]}'
                )
                await connection.send("POST", CHAT, headers, body)
                await eventually(lambda: posts(service) > number)  # noqa: B023 - awaited here
            await service.settled()
        status = (await service.chat(key="fk-never-seen-4")).status
        assert status == 429 or not watch.in_time


async def test_one_stranger_behind_a_trusted_proxy_locks_out_nobody_else() -> None:
    settings = {**LIMITS, "REFUSALS_PER_MINUTE": "2", "TRUSTED_PROXIES": "127.0.0.1"}
    watch = Stopwatch(30)
    async with deployed(settings) as service:
        bad = [await with_headers(service, f"sk-bad-{number}", FRONT) for number in range(20)]
        other = await with_headers(service, "fk-new-here", {"X-Forwarded-For": "203.0.113.9, 192.0.2.44"})
        forged = await with_headers(service, "fk-new-too", {"X-Forwarded-For": "10.9.8.7, 198.51.100.7"})
    assert {answer.status for answer in bad} == {401, 429}
    assert other.status == 200
    assert forged.status == 429 or not watch.in_time


async def test_without_trusted_proxies_nobody_has_an_address_of_its_own_choice() -> None:
    watch = Stopwatch(30)
    async with deployed({**LIMITS, "REFUSALS_PER_MINUTE": "2"}) as service:
        answers = [
            await with_headers(service, f"sk-bad-{number}", {"X-Forwarded-For": f"192.0.2.{number}"})
            for number in range(12)
        ]
    assert sum(answer.status == 429 for answer in answers) == 10 or not watch.in_time


async def test_keys_that_were_good_before_the_start_are_known(tmp_path: Path) -> None:
    settings = {**LIMITS, "REFUSALS_PER_MINUTE": "1", "STATE_DIR": str(tmp_path)}
    async with deployed(settings) as service:
        assert (await service.chat(key=GOOD)).status == 200
    async with deployed(settings) as service:
        await service.ask("GET", "/v1/usage", key="")  # by then the ledger is loaded
        assert (await service.chat(key="sk-bad")).status == 401
        assert (await service.chat(key=GOOD)).status == 200


async def test_refused_key_uploads_nothing_and_asks_for_no_gpt() -> None:
    async with deployed({"REFUSED_KEY_SECONDS": "60", "ALLOW_ANY_GPT": "true"}) as service:
        first = await service.post(question("Hi", model="gpt-4-gizmo-g-YyyyMT9XH"), key="sk-bad")
        asked = len(service.upstream.requests)
        again = await service.post(question("Hi", model="gpt-4-gizmo-g-YyyyMT9XH"), key="sk-bad")
        assert (first.status, again.status) == (401, 401)
        assert len(service.upstream.requests) == asked
