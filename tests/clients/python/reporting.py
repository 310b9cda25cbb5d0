"""Runs what a client is asked to do and prints what came of it as JSON, for tests/clients/runs.py.

The service's address is in BASE_URL, a key in KEY.
"""

import asyncio
import inspect
import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

URL = os.environ["BASE_URL"]
KEY = os.environ["KEY"]
MODEL = "gpt-4-s"
OSLO = "What is the weather in Oslo?"


def weather(city: str) -> str:
    """What the tool of these programs gives."""
    return f"It snows in {city}."


def report(packages: Sequence[str], features: Mapping[str, Callable[[], object]]) -> None:
    """Run each of the functions, coroutines among them; a failure does not keep the next one from running."""
    outcomes = {}
    for name, feature in features.items():
        try:
            begun = feature()
            if inspect.iscoroutine(begun):
                asyncio.run(begun)
        except Exception as problem:
            outcomes[name] = f"{type(problem).__name__}: {problem}"
        else:
            outcomes[name] = ""
    print(json.dumps({"versions": {each: version(each) for each in packages}, "outcomes": outcomes}))
