"""LiteLLM as a relay: its proxy before the service, and OpenAI's SDK before the proxy."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import APIStatusError, OpenAI

from tests.clients.python.openai_chats import Chats
from tests.clients.python.reporting import (
    CAPPED,
    CAPPED_KEY,
    KEY,
    MODEL,
    REFUSED_KEY,
    SAY,
    URL,
    Feature,
    refused,
    report,
    until,
)

RELAY_KEY = "sk-a-key-of-the-relay-of-32-characters"
START_SECONDS = 120.0


def offered(name: str, key: str) -> dict[str, object]:
    """A model of the relay, as its configuration has it."""
    return {
        "model_name": name,
        "litellm_params": {"model": f"openai/{MODEL}", "api_base": URL, "api_key": key},
    }


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/liveliness", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def relay() -> Iterator[str]:
    """The proxy's address, as long as it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    models = [offered(MODEL, KEY), offered("stranger", REFUSED_KEY), offered("capped", CAPPED_KEY)]
    settings = {"model_list": models}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(settings), encoding="utf-8")
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("litellm")),
                    *("--config", str(file), "--host", "127.0.0.1", "--port", str(port)),
                ],
                cwd=folder,
                env={
                    **os.environ,
                    "LITELLM_MASTER_KEY": RELAY_KEY,
                    "HTTPS_PROXY": "http://127.0.0.1:9",
                    "NO_PROXY": "127.0.0.1",
                },
                stdout=log,
                stderr=log,
            )
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}"), START_SECONDS)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    with relay() as address:
        chats = Chats(OpenAI(base_url=f"{address}/v1", api_key=RELAY_KEY, max_retries=0))
        report(
            ["litellm", "openai"],
            {
                **{name: feature for name, feature in chats.features().items() if name != "404"},
                "401": Feature(
                    lambda: refused(APIStatusError, lambda: chats.said(SAY, model="stranger")), posts=0
                ),
                "429": Feature(lambda: refused(APIStatusError, lambda: chats.said(CAPPED, model="capped"))),
            },
        )
