"""What the clients are driven against: the service as anybody starts it, over a backend of today."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.processes import Pair, ask, service_over_simulator

_SECONDS = 10.0


@dataclass(slots=True)
class Driven:
    """The service and the simulated backend behind it."""

    _pair: Pair
    _lines: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        """The service's address, without a path."""
        return self._pair.url.removesuffix("/v1")

    @property
    def simulator(self) -> str:
        """That of the simulated backend."""
        return f"http://127.0.0.1:{self._pair.simulator_port}"

    def posted(self, key: str) -> int:
        """The messages that were posted to the backend with a key."""
        accounts = ask(self._pair.simulator_port, "GET", "/__sim/accounts").json
        return int(accounts[key]["counts"]["attempts"]) if key in accounts else 0

    def refusals(self) -> list[int]:
        """The status of each POST since the last call that was answered by an error, in their order.

        It is the log that tells: a request of our own stands behind all that was answered before it.
        """
        ask(self._pair.port, "GET", "/nowhere")
        until = time.monotonic() + _SECONDS
        while '"route": "unknown"' not in "".join(
            new := self._pair.service.output.splitlines()[self._lines :]
        ):
            assert time.monotonic() < until, "no line of the log came"
            time.sleep(0.01)
        self._lines += len(new)
        told = [json.loads(line) for line in new]
        return [each["status"] for each in told if each.get("method") == "POST" and each["status"] >= 400]


@contextmanager
def service() -> Iterator[Driven]:
    """Both of them, as processes."""
    with service_over_simulator(
        {"LOG_FORMAT": "json"}, knobs=["--age", "2026", "--task-time", "0.1"]
    ) as pair:
        yield Driven(pair)
