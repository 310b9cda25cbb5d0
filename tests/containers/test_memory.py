"""The limit of memory of `compose.yaml`, attacked: the engine kills whoever is beyond it."""

import asyncio
import base64
import http.client
import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.containers.engine import Engine
from tests.containers.figures import Figures
from tests.containers.stack import PORT, Stack, stack
from tests.media.pictures import png
from tests.processes import ask
from tests.raw_client import connect
from tests.service.deployment import CHAT

MB = 1_000_000
PICTURE = 21 * MB
USERS = 3
ROUNDS = 4
UPLOADS = 40
UPLOADED, ANNOUNCED = 31 << 20, 32 << 20
"""Bytes that each abandoned upload has sent, and was to send."""


@pytest.fixture(scope="module")
def single(built: Engine, checkout: Path) -> Iterator[Stack]:
    with stack(built, checkout, "compose.yaml", {}) as running:
        yield running


def question(text: str, picture: bytes = b"") -> bytes:
    content: list[object] = [{"type": "text", "text": text}]
    if picture:
        url = "data:image/png;base64," + base64.b64encode(picture).decode()
        content.append({"type": "image_url", "image_url": {"url": url}})
    return json.dumps({"model": "gpt-4-s", "messages": [{"role": "user", "content": content}]}).encode()


def post(user: int, body: bytes) -> int:
    """The status of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    try:
        headers = {"Authorization": f"Bearer fk-picture-{user}", "Content-Type": "application/json"}
        connection.request("POST", CHAT, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def pictures_at_once() -> Counter[int]:
    """Each user sends a picture of their own at the same moment, several times; what they were answered."""
    answers: Counter[int] = Counter()
    with ThreadPoolExecutor(USERS) as users:
        for _ in range(ROUNDS):
            bodies = [question("What is this?", png() + os.urandom(PICTURE)) for _ in range(USERS)]
            answers.update(users.map(post, range(USERS), bodies))
    return answers


async def abandoned_uploads() -> None:
    """Clients that send nearly all of a large body, stop, and leave."""
    headers = f"Host: a\r\nAuthorization: Bearer fk-upload\r\nContent-Length: {ANNOUNCED}\r\n"
    part = f"POST {CHAT} HTTP/1.1\r\n{headers}\r\n".encode() + b"x" * UPLOADED
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(PORT)) for _ in range(UPLOADS)]

        async def upload(number: int) -> None:
            with suppress(OSError, TimeoutError):  # the service may refuse to take it, or to read on
                async with asyncio.timeout(10):
                    await clients[number].send_raw(part)

        await asyncio.gather(*map(upload, range(UPLOADS)))
        for client in clients:
            client.close(reset=True)


@contextmanager
def lives(running: Stack, figures: Figures, what: str) -> Iterator[None]:
    """The same process is there afterwards, healthy, and answers."""
    (container,) = running.containers("pandora")
    begun = running.inspect(container, ".State.StartedAt")
    yield
    most, limit = running.most_memory(container), int(running.inspect(container, ".HostConfig.Memory")) >> 20
    figures.say(f"{what}: at most {most} MiB of {limit}")
    assert running.inspect(container, ".State.StartedAt") == begun
    assert running.inspect(container, ".State.OOMKilled") == "false"
    running.wait_until_healthy(container)
    assert ask(PORT, "POST", CHAT, json.loads(question("Hello"))).status == 200


def test_large_pictures_of_three_users_at_once_do_not_kill_the_instance(
    single: Stack, figures: Figures
) -> None:
    with lives(single, figures, "pictures at once"):
        answers = pictures_at_once()
        figures.say(f"{USERS} x {ROUNDS} pictures of {PICTURE // MB} MB: {dict(answers)}")
    assert set(answers) <= {200, 503}
    assert answers[200] >= ROUNDS
    assert post(0, question("What is this?", png() + os.urandom(PICTURE))) == 200


def test_abandoned_uploads_beside_pictures_do_not_kill_the_instance(single: Stack, figures: Figures) -> None:
    with (
        lives(single, figures, f"{UPLOADS} abandoned uploads beside pictures"),
        ThreadPoolExecutor(1) as beside,
    ):
        pictures = beside.submit(pictures_at_once)
        asyncio.run(abandoned_uploads())
        answers = pictures.result()
        figures.say(f"beside abandoned uploads, {USERS} x {ROUNDS} pictures: {dict(answers)}")
    assert set(answers) <= {200, 503}
