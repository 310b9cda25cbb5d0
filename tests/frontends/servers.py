"""Servers of the front ends, as processes of their own."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.processes import environment

START_SECONDS = 300.0
"""Open WebUI makes its tables at its first start, which takes a minute on a busy machine."""


@contextmanager
def server(command: Sequence[str], settings: Mapping[str, str], folder: Path, address: str) -> Iterator[str]:
    """A server that runs in `folder`, from its first answer at `address` on; gives that address. What it says
    is in `server.log` there.
    """
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait(process, folder, address)
            yield address
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.5)
    raise AssertionError((folder / "server.log").read_text()[-3000:])
