"""Instances behind nginx are restarted one after the other, and no request is lost."""

import http.client
import itertools
import json
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ports import free_port, free_ports
from tests.deploy.balanced import needs_nginx, nginx
from tests.processes import KEY, PLAIN, PREFIX, Process, ask, listening_port, running, simulator_process

pytestmark = needs_nginx

CHATTING, COUNTING = 3, 16
"""Clients that chat, and that have their tokens counted, which is quick: so instances are idle at times."""
CHAT_PAUSE, COUNT_PAUSE = 0.1, 0.02
"""Seconds between an answer and the next request of a client."""
TEXT = "Repeat after me: one two three [[sim pace=120]]"
QUESTION = {"model": "gpt-4-s", "messages": [{"role": "user", "content": TEXT}]}
ENDS = {True: b"data: [DONE]\n\n", False: b"}"}
"""The last bytes of an answer, by whether it is streamed."""


class Clients:
    """They ask through nginx again and again, on connections that they keep."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.chats: Counter[str] = Counter()
        """How many ended how."""
        self.counts: Counter[str] = Counter()
        self._threads = [
            *(threading.Thread(target=self._chat, args=(number,)) for number in range(CHATTING)),
            *(threading.Thread(target=self._count, args=(number,)) for number in range(COUNTING)),
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        """Until so many chats are answered, and as many of the others."""
        for _ in range(600):
            if min(self.chats.total(), self.counts.total()) >= answers:
                return
            threading.Event().wait(0.05)
        raise AssertionError("they are answered too slowly")

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _chat(self, number: int) -> None:
        bodies = [QUESTION | {"stream": stream} for stream in (True, False)]
        self._ask_often("/v1/chat/completions", number, bodies, CHAT_PAUSE, self.chats)

    def _count(self, number: int) -> None:
        self._ask_often("/v1/messages/count_tokens", number, [QUESTION], COUNT_PAUSE, self.counts)

    def _ask_often(
        self, path: str, number: int, bodies: Sequence[dict[str, Any]], pause: float, outcomes: Counter[str]
    ) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        for body in itertools.cycle(bodies):
            if self._over.wait(pause):
                break
            outcome = self._ask(connection, path, f"{KEY}-{number}", body)
            with self._lock:
                outcomes[outcome] += 1
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, path: str, key: str, body: dict[str, Any]) -> str:
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {key}"})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return repr(error)
        if response.status != 200:
            return f"{response.status} {answer[:300]!r}"
        return "whole" if answer.endswith(ENDS[body.get("stream", False)]) else f"cut: {answer[-300:]!r}"


@contextmanager
def clients(port: int) -> Iterator[Clients]:
    asking = Clients(port)
    try:
        yield asking
    finally:
        asking.stop()


def answered_by(instance: int) -> int:
    """How many requests the instance that listens there has answered."""
    metrics = ask(instance, "GET", "/metrics").body.decode()
    pattern = r'^pandora_requests_total\{.*outcome="ok".*route="chat".*\} (\S+)$'
    return sum(int(float(value)) for value in re.findall(pattern, metrics, re.MULTILINE))


def wait_until_used(instance: int) -> None:
    """nginx sends it requests: it is no longer remembered as the one that could not be reached."""
    for _ in range(600):
        if answered_by(instance):
            return
        threading.Event().wait(0.05)
    raise AssertionError("nginx does not come back to it")


def test_no_request_is_lost_while_instances_are_restarted_under_load(tmp_path: Path) -> None:
    port, ports = free_port(), free_ports(3)
    with ExitStack() as stack:
        _, simulator_port = stack.enter_context(simulator_process(PREFIX))
        settings = PLAIN | {
            "BASE_URL": f"http://127.0.0.1:{simulator_port}",
            "PROXY_API_PREFIX": PREFIX,
            "DRAIN_TIMEOUT": "10",
        }

        def start(own: int) -> Process:
            instance = stack.enter_context(running(["server.py"], settings | {"PORT": str(own)}))
            assert listening_port(instance) == own
            return instance

        instances = [start(own) for own in ports]
        stack.enter_context(nginx(tmp_path, port, ports))
        asking = stack.enter_context(clients(port))
        for own in ports:
            wait_until_used(own)
        for own, old in zip(ports, instances, strict=True):
            old.signal(signal.SIGTERM)
            assert old.exit_code() == 0
            start(own)
            wait_until_used(own)
        asking.wait_for(301)  # however busy the machine is
        asking.stop()
        turns = asking.chats.total()
        assert asking.chats == {"whole": turns}
        assert asking.counts == {"whole": asking.counts.total()}
        assert min(turns, asking.counts.total()) > 300
        assert ask(simulator_port, "GET", "/__sim/state").json["attempts"] == turns
