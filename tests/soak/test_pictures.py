"""Users who send large pictures at the same moment, in the memory that the compose files give."""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from openai import AsyncOpenAI

from tests.media.pictures import png
from tests.processes import PLAIN, PREFIX, Pair, listening_port, new_key, running, simulator_process
from tests.soak.limited import remove_group
from tests.soak.siege import shipped_memory_mib

USERS = 3
PICTURE_BYTES = 21_000_000
TRIES = 8
"""How often an SDK asks again that is told to."""


@contextmanager
def limited_service() -> Iterator[Pair]:
    """The service with all its defaults, and the simulated backend beside its limit."""
    with simulator_process(PREFIX) as (simulator, simulator_port):
        settings = PLAIN | {
            "BASE_URL": f"http://127.0.0.1:{simulator_port}",
            "PROXY_API_PREFIX": PREFIX,
            "PORT": "0",
        }
        command = ["-m", "tests.soak.limited", str(shipped_memory_mib()), "server.py"]
        with running(command, settings) as service:
            yield Pair(service, listening_port(service), simulator, simulator_port)
        remove_group(service.pid)


async def show(pair: Pair, number: int) -> None:
    """One user's question about a picture of their own, as an SDK sends it. Raises if it is not answered."""
    picture = png(4000, 4000) + bytes([number]) * PICTURE_BYTES
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    async with AsyncOpenAI(base_url=pair.url, api_key=new_key(), max_retries=TRIES) as client:
        await client.chat.completions.create(
            model="gpt-4-s",
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": url}},
                    ],
                }
            ],
        )


@pytest.mark.timeout(300)
async def test_users_who_send_large_pictures_at_once_are_all_answered() -> None:
    with limited_service() as pair:
        for _ in range(2):
            await asyncio.gather(*(show(pair, number) for number in range(USERS)))
        assert not pair.service.ended
        assert pair.upstream["attempts"] == 2 * USERS
