"""What the version before has booked and kept is there after the upgrade, on the disk and in Redis."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.containers.checkout import knows, of_commit
from tests.containers.engine import Engine
from tests.containers.figures import Figures
from tests.containers.images import build_earlier, own_image
from tests.containers.load import questions
from tests.containers.stack import PORT, Stack, stack
from tests.processes import Reply, ask
from tests.service.deployment import CHAT

BEFORE = "5a3a75ab1e1b2e722abd999c5adc1c250c131676"
"""The last commit before stacks were upgraded one by one; of version 0.1.0."""
KEYS = ("fk-anna", "fk-ben")
QUOTA = 1000
SETTINGS = {
    "INSTANCES": "3",
    "UPLOAD_BASE_URL": f"http://127.0.0.1:{PORT}",
    "TRUSTED_PROXIES": "172.31.33.0/24",
    "QUOTA_PER_KEY_PER_DAY": str(QUOTA),
}


@pytest.fixture(scope="module")
def earlier(built: Engine) -> str:
    """The image of that version."""
    if not knows(BEFORE):
        pytest.skip(f"the history that was cloned does not reach back to {BEFORE[:7]}")
    return build_earlier(built, of_commit(BEFORE, built.folder / "before"))


@contextmanager
def stack_of_before(engine: Engine, checkout: Path, file: str, earlier: str) -> Iterator[Stack]:
    """A stack of the version before; what is started in it from then on is of today."""
    today = engine.docker("image", "inspect", "--format", "{{.Id}}", own_image())
    try:
        engine.docker("tag", earlier, own_image())
        with stack(engine, checkout, file, SETTINGS) as running:
            engine.docker("tag", today, own_image())
            yield running
    finally:
        engine.docker("tag", today, own_image())


def chat(key: str, model: str) -> Reply:
    answer = ask(
        PORT, "POST", CHAT, {"model": model, "messages": [{"role": "user", "content": "Hello"}]}, key
    )
    assert answer.status == 200, answer.body
    return answer


def kept_responses() -> dict[str, str]:
    """Each key asks in each way; the ids of the responses that are kept, by key."""
    ids: dict[str, str] = {}
    for key in KEYS:
        chat(key, "gpt-4-s")
        chat(key, "gpt-3.5-turbo")
        answer = ask(PORT, "POST", "/v1/responses", {"model": "gpt-3.5-turbo", "input": "Hello"}, key)
        assert answer.status == 200, answer.body
        ids[key] = answer.json["id"]
    return ids


def units_by_key(rows: list[dict[str, Any]], names: set[str]) -> Mapping[str, int]:
    """What each of these names of keys has spent."""
    return {name: sum(row["units"] for row in rows if row["key"] == name) for name in names}


def check_carried_on(running: Stack, rows: list[dict[str, Any]], kept: Mapping[str, str]) -> None:
    """What was booked is booked, what was kept is given, and both count for what is asked now."""
    names = {row["key"] for row in rows if row["key"] not in ("(refused)", "(unsent)")}
    spent = units_by_key(rows, names)
    assert len(names) == len(KEYS)
    assert units_by_key(running.usage(), names) == spent
    (each,) = set(spent.values())
    for key, response in kept.items():
        assert ask(PORT, "GET", f"/v1/responses/{response}", key=key).status == 200
        left = int(chat(key, "gpt-3.5-turbo").headers["X-Ratelimit-Remaining-Units"])
        assert left < QUOTA - each
        following = {"model": "gpt-3.5-turbo", "input": "And now?", "previous_response_id": response}
        assert ask(PORT, "POST", "/v1/responses", following, key).status == 200
    assert running.all_is_booked


def test_state_on_the_disk_is_carried_through_an_upgrade(
    built: Engine, checkout: Path, earlier: str, figures: Figures
) -> None:
    with stack_of_before(built, checkout, "compose.yaml", earlier) as running:
        kept, rows = kept_responses(), running.usage()
        (old,) = running.containers("pandora")
        running.up()
        assert running.containers("pandora") != [old]
        check_carried_on(running, rows, kept)
    figures.say(f"SQLite of {BEFORE[:7]}: {len(rows)} rows and {len(kept)} responses carried on")


def test_state_in_redis_is_carried_through_a_rolling_upgrade(
    built: Engine, checkout: Path, earlier: str, figures: Figures
) -> None:
    with stack_of_before(built, checkout, "compose.scale.yaml", earlier) as running:
        kept, rows = kept_responses(), running.usage()
        before = running.attempts
        with questions(PORT) as asking:
            running.upgrade()
        posted = running.attempts - before
        assert asking.answered.total() <= posted <= asking.asked
        check_carried_on(running, rows, kept)
    figures.say(f"Redis of {BEFORE[:7]}: {len(rows)} rows and {len(kept)} responses carried on")
    figures.say(f"upgrade from {BEFORE[:7]}: {asking}; {posted} posted")
