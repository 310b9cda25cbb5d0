"""The kinds of traffic: each maker is one visit of a client, good or bad."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.soak.world import GPTS, KEYS, MIB, OFFERED, World, chat_request, key, request

Maker = Callable[[World, random.Random], Awaitable[str]]
"""One visit; gives what came of it, in a word."""

MODELS = ("gpt-4-s", "gpt-4-mobile")
"""All with one price, as the GPTs have."""
ACCEPTED_FAULTS = (
    "reset_mid", "fin_mid", "end_mid", "cut_character", "cut_record", "error_mid", "error_only",
    "reset_after_headers", "echo_only", "stall_mid",
)  # fmt: skip
"""What breaks after the backend has accepted the message, and is given up soon."""
REFUSALS = ("status_500", "model_not_found", "content_policy", "one_message", "too_many_requests")
"""Proven refusals."""
DIALECTS = ("", "age=2023-05", "age=2024", "age=2025", "age=2025 transport=ws allow_sse=0")
IMAGES = "/v1/images/generations"
STRANGER = 20_000
"""Numbers of clients from here on are strangers'."""


def _word(status: int) -> str:
    return f"{status // 100}xx" if status >= 500 else str(status)


async def good_stream(world: World, rng: random.Random) -> str:
    """A streamed answer, read to its end."""
    text = f"Tell me about tea [[sim tokens={rng.randint(5, 200)} {rng.choice(DIALECTS)}]]"
    answer = await world.chat(rng.randrange(KEYS), text, stream=True, model=rng.choice(MODELS))
    return ("whole" if answer.stream.done else "broken") if answer.status == 200 else _word(answer.status)


async def slow_stream(world: World, rng: random.Random) -> str:
    """An answer at the pace of a model."""
    text = "Tell me about rain [[sim tokens=60 pace=30]]"
    return _word((await world.chat(rng.randrange(KEYS), text, stream=True)).status)


async def whole_answer(world: World, rng: random.Random) -> str:
    """An answer in one piece."""
    text = f"Hello [[sim tokens={rng.randint(5, 100)} {rng.choice(DIALECTS)}]]"
    return _word((await world.chat(rng.randrange(KEYS), text)).status)


async def gpt_answer(world: World, rng: random.Random) -> str:
    """A question to a GPT, which may not be on offer just now."""
    model = f"helper-{rng.randrange(len(GPTS))}"
    return _word((await world.chat(rng.randrange(KEYS), "Hello", model=model)).status)


async def picture(world: World, rng: random.Random) -> str:
    """A picture."""
    number = rng.randrange(KEYS)
    body = json.dumps({"model": "dall-e-3", "prompt": "a red fox"}).encode()
    async with world.connect(number) as client:
        await client.send_raw(request("POST", IMAGES, key(number), body))
        return _word((await client.answer()).status)


async def broken_backend(world: World, rng: random.Random) -> str:
    """An answer that the backend breaks off."""
    text = f"Tell me about tea [[sim tokens=40 pace=200 ping=0.2 fault={rng.choice(ACCEPTED_FAULTS)}]]"
    return _word((await world.chat(rng.randrange(KEYS), text, stream=rng.random() < 0.5)).status)


async def refusing_backend(world: World, rng: random.Random) -> str:
    """A message that the backend refuses."""
    text = f"Hello [[sim fault={rng.choice(REFUSALS)}]]"
    return _word((await world.chat(rng.randrange(KEYS), text)).status)


async def burst(world: World, rng: random.Random) -> str:
    """More requests of one key than may wait."""
    number = rng.randrange(KEYS)
    asked = [world.chat(number, "Hello [[sim tokens=5 header_delay=0.2]]") for _ in range(12)]
    statuses = Counter(answer.status for answer in await asyncio.gather(*asked))
    return "limited" if statuses[429] else "served"


async def vanishing_reader(world: World, rng: random.Random) -> str:
    """A client that leaves at any moment, in any way."""
    number = rng.randrange(KEYS)
    async with world.connect(number) as client:
        text = "Tell me about rain [[sim tokens=200 pace=100]]"
        stray = rng.choice((b"", b"", b"\r\n", chat_request(number, "Hello")))
        await client.send_raw(chat_request(number, text, stream=rng.random() < 0.7) + stray)
        await asyncio.sleep(rng.random())
        if rng.random() < 0.3:
            client.half_close()
            await client.closed_within(5)
        else:
            client.close(reset=rng.random() < 0.5)
    return "left"


async def stalled_reader(world: World, rng: random.Random) -> str:
    """A client that does not read, and leaves or is cut off."""
    number = rng.randrange(KEYS)
    async with world.connect(number, receive_buffer=4096) as client:
        await client.send_raw(chat_request(number, "Tell me about rain [[sim tokens=5000]]", stream=True))
        await asyncio.sleep(rng.uniform(1, 7))
        client.close(reset=True)
    return "left"


async def slow_writer(world: World, rng: random.Random) -> str:
    """A client that takes its time to send its request."""
    number = rng.randrange(KEYS)
    data = chat_request(number, "Hello " + "x" * 2000)
    async with world.connect(number) as client:
        for at in range(0, len(data), 200):
            await client.send_raw(data[at : at + 200])
            await asyncio.sleep(0.1)
        return _word((await client.answer()).status)


async def oversized_body(world: World, rng: random.Random) -> str:
    """A body that is larger than allowed, or made of very many tiny things."""
    number = STRANGER + rng.randrange(50)
    async with world.connect(number) as client:
        if rng.random() < 0.5:
            body = b'{"model": "gpt-4-s", "messages": [' + b"[]," * MIB + b"[]]}"
        else:
            body = b'"' + b"x" * (5 * MIB) + b'"'
        await client.send_raw(request("POST", "/v1/chat/completions", f"fk-stranger-{number}", body))
        return _word((await client.answer()).status)


async def abandoned_upload(world: World, rng: random.Random) -> str:
    """A client that leaves in its body, or just stops sending."""
    number = STRANGER + rng.randrange(50)
    async with world.connect(number) as client:
        head = request("POST", "/v1/chat/completions", f"fk-stranger-{number}", b"x" * MIB, 3 * MIB)
        await client.send_raw(head)
        await asyncio.sleep(rng.uniform(0, 2))
        client.close(reset=rng.random() < 0.5)
    return "left"


async def silent_connection(world: World, rng: random.Random) -> str:
    """A client that says nothing, or half a request line."""
    async with world.connect(STRANGER + rng.randrange(50)) as client:
        if rng.random() < 0.5:
            await client.send_raw(b"POST /v1/chat/com")
        await asyncio.sleep(rng.uniform(0, 3))
    return "left"


async def made_up_keys(world: World, rng: random.Random) -> str:
    """A flood of keys that no backend knows."""
    number = STRANGER + rng.randrange(3)

    async def one() -> int:
        async with world.connect(number) as client:
            await client.send_raw(chat_request(0, "Hello", bearer=f"sk-{rng.getrandbits(64):x}"))
            return (await client.answer()).status

    statuses = Counter(await asyncio.gather(*(one() for _ in range(20))))
    return "refused" if set(statuses) <= {401, 429, 503} else f"{sorted(statuses)}"


async def nonsense(world: World, rng: random.Random) -> str:
    """Bytes that are no HTTP, and paths that are none of ours."""
    async with world.connect(STRANGER + rng.randrange(50)) as client:
        if rng.random() < 0.5:
            await client.send_raw(rng.randbytes(300) + b"\r\n\r\n")
            await client.closed_within(5)
            return "closed"
        await client.send("GET", f"/{rng.getrandbits(40):x}", {})
        return _word((await client.answer()).status)


async def scrape(world: World, _: random.Random) -> str:
    """What Prometheus and a balancer ask."""
    answers = [await world.ask(path) for path in ("/metrics", "/healthz", "/readyz")]
    return _word(max(answer.status for answer in answers))


async def reload(world: World, rng: random.Random) -> str:
    """Another list of GPTs."""
    world.offer_gpts(rng.sample(range(len(GPTS)), OFFERED))
    await asyncio.sleep(0.5)
    return "reloaded"


CLIENTS: Mapping[Maker, int] = {
    good_stream: 4,
    slow_stream: 4,
    whole_answer: 3,
    gpt_answer: 1,
    picture: 1,
    broken_backend: 2,
    refusing_backend: 1,
    burst: 1,
    vanishing_reader: 3,
    stalled_reader: 3,
    slow_writer: 2,
    oversized_body: 1,
    abandoned_upload: 3,
    silent_connection: 5,
    made_up_keys: 1,
    nonsense: 1,
    scrape: 1,
    reload: 1,
}
"""How many clients of each kind there are at once; each makes its visits one after the other."""
PAUSE = 0.2
"""Seconds between two visits of one client, on average."""


VISIT_WITHIN = 40.0
"""Seconds. Every limit of the service is shorter than that."""
HUNG = "hung"


@dataclass(slots=True)
class Traffic:
    """All clients. `seen` counts what came of their visits, by kind."""

    world: World
    seed: int = 1
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def run(self, stopped: asyncio.Event) -> None:
        """Make visits until it is stopped; visits that have begun come to their ends."""
        clients = [(maker, number) for maker, count in CLIENTS.items() for number in range(count)]
        await asyncio.gather(*(self._client(maker, number, stopped) for maker, number in clients))

    async def _client(self, maker: Maker, number: int, stopped: asyncio.Event) -> None:
        name = getattr(maker, "__name__", "")
        rng = random.Random(f"{self.seed} {name} {number}")
        while not stopped.is_set():
            self.seen[name, await self._visit(maker, rng)] += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), rng.uniform(0, 2 * PAUSE))

    async def _visit(self, maker: Maker, rng: random.Random) -> str:
        """One visit; what came of it."""
        try:
            async with asyncio.timeout(VISIT_WITHIN):
                return await maker(self.world, rng)
        except TimeoutError:
            return HUNG
        except (OSError, EOFError):
            return "cut off"
