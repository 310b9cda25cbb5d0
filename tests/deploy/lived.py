"""Some minutes of a service's life, for pictures of its dashboards: users, accounts in trouble, a restart."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from benchmarks.ports import free_port
from tests.deploy.scraped import Prometheus, prometheus
from tests.deploy.test_nginx import CHAT, delta, streaming
from tests.processes import PREFIX, ask, listening_port, running, simulator_process
from tests.roster.rig import key

SECRETS = {alias: f"sk-pandora-key-of-the-{alias}" for alias in ("team", "phone", "bot")}
ACCOUNTS = ("anna", "ben", "carla", "dora")
QUESTIONS = (
    "Tell me about tea",
    "Write a table of five rivers",
    "calculate 17*23",
    "Search the web for green tea",
    "Draw a cat",
    "In one word: what is the capital of Peru?",
)
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TROUBLE = (" [[sim fault=status_500]]", " [[sim fault=reset_mid]]", " [[sim unknown=1]]")
TROUBLE_SHARE = (0.35, 0.45)
"""When the backend is in trouble, as shares of the time."""
MODELS = ("gpt-4-s", "gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "gpt-3.5-turbo", "writer")
ACCOUNTS_FILE: dict[str, Any] = {
    "accounts": [
        *(
            {
                "alias": alias,
                "credential": {"env": alias.upper()},
                "quota_per_day": 4000,
                "gpt4_messages": 400,
            }
            for alias in ACCOUNTS
        ),
        {"alias": "emil", "credential": {"env": "EMIL"}},
    ],
    "keys": [
        key("team", SECRETS["team"]),
        key("phone", SECRETS["phone"]),
        key("bot", SECRETS["bot"], quota_per_day=700),
    ],
}


def settings(folder: Path, backend: int) -> dict[str, str]:
    """Those of the service; its files are in `folder`."""
    (folder / "accounts.json").write_text(json.dumps(ACCOUNTS_FILE))
    (folder / "gpts.json").write_text(json.dumps({"writer": {"id": "g-YyyyMT9XH"}}))
    return {
        "BASE_URL": f"http://127.0.0.1:{backend}",
        "PROXY_API_PREFIX": PREFIX,
        "PORT": str(free_port()),
        "STATE_DIR": str(folder / "state"),
        "ACCOUNTS_FILE": str(folder / "accounts.json"),
        "GPTS_FILE": str(folder / "gpts.json"),
        **{alias.upper(): f"fk-{alias}" for alias in ACCOUNTS},
        "PASSTHROUGH": "true",
        "QUOTA_PER_DAY": "20000",
        "GPT4_LIMIT": "400",
        "KEY_CONCURRENCY": "fk=3",
        "DRAIN_TIMEOUT": "5",
    }


class Life:
    """What users do, and what becomes of accounts, from now on for so many seconds."""

    def __init__(self, port: int, backend: int, seconds: float) -> None:
        self._port = port
        self._backend = backend
        self._began = time.monotonic()
        self._seconds = seconds

    @property
    def share(self) -> float:
        """How much of the time is over."""
        return (time.monotonic() - self._began) / self._seconds

    def use(self, secret: str, seed: int, pause: float) -> None:
        """Ask one question after the other, with such a pause in between, in seconds on average."""
        chance = random.Random(seed)
        while self.share < 1:
            time.sleep(chance.expovariate(1 / pause))
            question = self._question(chance)
            try:
                if chance.random() < 0.04:
                    with streaming(self._port, question, secret) as response:
                        delta(response)  # and leaves
                else:
                    ask(self._port, "POST", CHAT, _body(chance, question), secret)
            except (OSError, HTTPException, AssertionError):
                time.sleep(0.5)  # the service restarts, or has refused

    def _question(self, chance: random.Random) -> str:
        question = chance.choice(QUESTIONS)
        if TROUBLE_SHARE[0] < self.share < TROUBLE_SHARE[1] and chance.random() < 0.5:
            return question + chance.choice(TROUBLE)
        tokens = int(chance.paretovariate(1.2) * 25) % 900
        delay = chance.lognormvariate(-1, 0.6)
        return f"{question} [[sim pace={chance.randint(40, 120)} tokens={tokens} first_delay={delay:.2f}]]"

    def happens(self, restart: Callable[[], None]) -> None:
        """What befalls the accounts, and the restart."""
        events: list[tuple[float, Callable[[], None]]] = [
            (0.25, lambda: self._befalls({"fk-ben": {"fails": 0.3, "fails_by": "status_503"}})),
            (0.50, lambda: self._befalls({"fk-ben": {}, "fk-dora": {"refused": "token_expired"}})),
            (0.65, restart),
            (0.75, lambda: self._befalls({"fk-carla": {"capped_until": int(time.time()) + 40}})),
            (1.00, lambda: None),
        ]
        for share, event in events:
            while self.share < share:
                time.sleep(0.1)
            event()

    def _befalls(self, accounts: dict[str, Any]) -> None:
        ask(self._backend, "POST", "/__sim/accounts", accounts, key="")


def _body(chance: random.Random, question: str) -> dict[str, Any]:
    rules = "Be brief. " * min(2000, int(chance.paretovariate(0.8)))
    tools = chance.random() < 0.1
    asked = "What is the weather in Oslo?" if tools else question
    return {
        "model": "no-such-model" if chance.random() < 0.03 else chance.choice(MODELS),
        "stream": chance.random() < 0.8,
        "messages": [{"role": "system", "content": rules}, {"role": "user", "content": asked}],
        **({"tools": [TOOL]} if tools else {}),
    }


@contextmanager
def lived(folder: Path, seconds: float) -> Iterator[Prometheus]:
    """A Prometheus that has scraped it all; the last questions are still being answered."""
    with ExitStack() as stack:
        _, backend = stack.enter_context(simulator_process(PREFIX, ["--age", "2026"]))
        given = settings(folder, backend)
        port = int(given["PORT"])
        services = stack.enter_context(ExitStack())

        def start() -> None:
            services.close()
            listening_port(services.enter_context(running(["server.py"], given)))

        start()
        server = stack.enter_context(prometheus(folder, f"127.0.0.1:{port}"))
        life = Life(port, backend, seconds)
        secrets = [*SECRETS.values(), SECRETS["team"], SECRETS["team"], "fk-of-a-user", "fk-of-a-user"]
        users = [
            threading.Thread(target=life.use, args=(secret, seed, 2.0), daemon=True)
            for seed, secret in enumerate(secrets)
        ]
        for user in users:
            user.start()
        life.happens(start)
        yield server
        for user in users:
            user.join(30)
