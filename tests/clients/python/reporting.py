"""Runs what a client is asked to do and prints what came of it as JSON, for tests/clients/clients.py.

The service's address is in BASE_URL, that of the simulated backend in SIMULATOR, a key in KEY.
"""

import asyncio
import inspect
import json
import os
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

URL = os.environ["BASE_URL"]
SIMULATOR = os.environ["SIMULATOR"]
KEY = os.environ["KEY"]
REFUSED_KEY = f"fk-dead-{KEY}"
"""The backend does not know it: 401."""
CAPPED_KEY = f"{KEY}-capped"
CAPPED = "Hello [[sim fault=model_cap_exceeded]]"
"""With that key, so that others are not: its message cap is reached for an hour and a half, 429."""
MODEL = "gpt-4-s"
NO_MODEL = "no-such-model"
"""404."""
OSLO = "What is the weather in Oslo?"
SAY = "Say exactly: fine"
LONG = "Write 2000 words about tides [[sim pace=25]]"
"""An answer of more than a minute."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a client does.

    `run` is a function, maybe a coroutine, that raises where it fails. The backend must have been posted
    `posts` messages then: none is posted twice.
    """

    run: Callable[[], object]
    posts: int = 1


def weather(city: str) -> str:
    """What the tool of these programs gives."""
    return f"It snows in {city}."


def posted(name: str = "attempts") -> int:
    """The messages that were posted with keys of this program; with `running`, those of them that run now."""
    with urllib.request.urlopen(f"{SIMULATOR}/__sim/accounts", timeout=20) as answer:
        accounts = json.load(answer)
    return sum(account["counts"][name] for key, account in accounts.items() if KEY in key)


def until(reached: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something. Raises AssertionError if it does not come."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def cancelled() -> None:
    """The answer that the client has left is stopped at the backend, long before its end."""
    until(lambda: posted("running") == 0)


def refused(error: type[Exception], ask: Callable[[], object]) -> None:
    """What is asked is refused, and the client tells it by that exception."""
    try:
        ask()
    except error:
        return
    raise AssertionError("it was not refused")


def report(packages: Sequence[str], features: Mapping[str, Feature]) -> None:
    """Run each of the features; a failure does not keep the next one from running."""
    outcomes = {name: _outcome(feature) for name, feature in features.items()}
    print(json.dumps({"versions": {each: version(each) for each in packages}, "outcomes": outcomes}))


def _outcome(feature: Feature) -> str:
    before = posted()
    try:
        begun = feature.run()
        if inspect.iscoroutine(begun):
            asyncio.run(begun)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    posts = posted() - before
    return "" if posts == feature.posts else f"{posts} messages were posted, not {feature.posts}"
