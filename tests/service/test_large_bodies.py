"""Bodies of the largest size, good and bad: the service answers all, stays small and never stands still.

A process of its own, since the test would share the interpreter with it.
"""

import base64
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.processes import ROOT, Pair, Reply, ask, new_key, service_over_simulator
from tests.service.deployment import CHAT
from tests.service.test_images import pixel

MIB = 1 << 20
LARGEST = 32 * MIB
STANDS_STILL = 1.0
"""Seconds within which another request is answered meanwhile; a quarter of that on a quiet machine. Only
those count in which the service computes: that the machine lets it stand still is no fault of the service.
"""
GROWTH = 200
"""MiB that the service may grow by, with a budget of 96."""
JSON = "application/json"
FORM = "multipart/form-data; boundary=b"
EDITS = "/v1/images/edits"

POLL = """
import http.client, sys, threading, time
from benchmarks.usage import cpu_seconds
port, pid = map(int, sys.argv[1:])
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
connection, worst = http.client.HTTPConnection("127.0.0.1", port, timeout=60), 0.0
print("polling", flush=True)
while not over.wait(0.01):
    start, used = time.monotonic(), cpu_seconds(pid)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    worst = max(worst, min(time.monotonic() - start, cpu_seconds(pid) - used))
print(worst)
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Pair]:
    with service_over_simulator() as pair:
        yield pair


@dataclass
class Delay:
    """The longest time that `/healthz` took, in seconds in which the service computed."""

    seconds: float = field(default=0.0)


@contextmanager
def polled(service: Pair) -> Iterator[Delay]:
    """Ask `/healthz` all the time, from another process."""
    delay = Delay()
    command = [sys.executable, "-c", POLL, str(service.port), str(service.service.pid)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as poll:
        assert poll.stdout is not None
        assert poll.stdout.readline() == "polling\n"
        yield delay
        said, _ = poll.communicate()
    delay.seconds = float(said)


def memory(pid: int) -> int:
    """MiB of memory in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def post(port: int, path: str, content_type: str, body: bytes) -> Reply:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {new_key()}", "Content-Type": content_type}
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def filled(head: bytes, unit: bytes, tail: bytes) -> bytes:
    """A body of about the largest size: `unit` many times between two ends."""
    return head + unit * ((LARGEST - len(head) - len(tail)) // len(unit)) + tail


def chat(content: bytes) -> bytes:
    return b'{"model": "gpt-4-s", "messages": [{"role": "user", "content": ' + content + b"}]}"


def with_history(text: str) -> bytes:
    """A question with a long text before it."""
    return HEAD + b'{"role": "system", "content": "' + text.encode() + b'"},' + chat(b'"Hi"')[len(HEAD) :]


def with_picture() -> bytes:
    """The largest picture, beside characters that take the most memory."""
    picture = base64.b64encode(pixel() + os.urandom(24 * MIB - 1000))
    content = (
        '[{"type": "text", "text": "😀"}, {"type": "image_url", "image_url": "data:image/png;base64,'.encode()
    )
    return chat(content + picture + b'"}]')


HEAD = b'{"model": "gpt-4-s", "messages": ['
FILE = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
BODIES: dict[str, tuple[Callable[[], bytes], int]] = {
    "picture": (with_picture, 200),
    "longest text": (lambda: with_history("你" * (2 * MIB - 1000)), 200),
    "one text": (lambda: filled(HEAD + b'{"role": "user", "content": "', b"a", b'"}]}'), 400),
    "escapes": (lambda: filled(HEAD + b'{"role": "user", "content": "', b"\\n", b'"}]}'), 400),
    "characters": (lambda: filled(HEAD + b'{"role": "user", "content": "', "你".encode(), b'"}]}'), 413),
    "arrays": (lambda: filled(HEAD, b"[],", b"1]}"), 400),
    "numbers": (lambda: filled(HEAD, b"1,", b"1]}"), 400),
    "objects": (lambda: filled(HEAD, b'{"role":"user","content":"x"},', b"1]}"), 400),
    "depth": (lambda: filled(HEAD, b"[", b""), 400),
    "digits": (lambda: filled(b'{"n": ', b"1", b"}"), 400),
    "spaces": (lambda: filled(b"", b" ", b""), 413),
    "too large": (lambda: b" " * (LARGEST + 1), 413),
}
FORMS = {
    "parts": filled(b"", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n', b"--b--\r\n"),
    "no last boundary": filled(FILE, b"x", b""),
    "beginnings of boundaries": filled(FILE, b"\r\n--", b""),
    "headers": filled(b"--b\r\n", b"a: b\r\n", b"\r\n"),
    "digits": b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n' + b"1" * 5000 + b"\r\n"
    b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n' + FILE + b"x\r\n--b--\r\n",
    "no name": b'--b\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n--b--\r\n',
}


@pytest.mark.parametrize(("make", "status"), BODIES.values(), ids=BODIES)
def test_no_body_keeps_others_waiting(service: Pair, make: Callable[[], bytes], status: int) -> None:
    body = make()
    with polled(service) as delay:
        reply = post(service.port, CHAT, JSON, body)
    assert reply.status == status, reply.body
    assert delay.seconds < STANDS_STILL
    if status != 200:
        assert reply.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_no_form_is_a_failure_of_the_service(service: Pair, body: bytes) -> None:
    with polled(service) as delay:
        reply = post(service.port, EDITS, FORM, body)
    assert reply.status == 400, reply.body
    assert reply.json["error"]["message"]
    assert delay.seconds < STANDS_STILL


def begin_upload(port: int, key: str = "fk-stranger") -> socket.socket:
    """An upload of the largest size that is never completed."""
    upload = socket.create_connection(("127.0.0.1", port), timeout=30)
    lines = (
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {LARGEST}\r\n\r\n"
    )
    upload.sendall(lines.encode() + chat(b'"')[:-3] + b"a" * (31 * MIB))
    return upload


def test_abandoned_uploads_take_the_budget_and_give_it_back(service: Pair) -> None:
    before, too_long = memory(service.service.pid), chat(b'"' + b"a" * (10 * MIB) + b'"')
    for _ in range(2):
        with polled(service) as delay, ExitStack() as uploads:
            threads = [
                threading.Thread(target=lambda: uploads.enter_context(begin_upload(service.port)))
                for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            refused = post(service.port, CHAT, JSON, too_long)
            assert refused.status == 503
            assert refused.headers["X-Should-Retry"] == "true"
            assert int(refused.headers["Retry-After"]) >= 1
            assert (
                ask(
                    service.port,
                    "POST",
                    CHAT,
                    {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hi"}]},
                ).status
                == 200
            )
        assert delay.seconds < 2 * STANDS_STILL
        until = time.monotonic() + 20
        while post(service.port, CHAT, JSON, too_long).status == 503:
            assert time.monotonic() < until, "the budget does not come back"
            time.sleep(0.1)
    assert memory(service.service.pid) < before + GROWTH


def test_body_without_a_key_takes_nothing_of_the_budget(service: Pair) -> None:
    with ExitStack() as uploads:
        for _ in range(4):
            uploads.enter_context(begin_upload(service.port, key=""))
        assert post(service.port, CHAT, JSON, chat(b'"' + b"a" * (10 * MIB) + b'"')).status == 400


def test_chunked_body_is_admitted_as_it_comes(service: Pair) -> None:
    chunk = b"%x\r\n" % MIB + b"a" * MIB + b"\r\n"
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fk-a\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with ExitStack() as uploads:
        for _ in range(4):
            upload = uploads.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
            start = chat(b'"')[:-3]
            upload.sendall(head.encode() + b"%x\r\n" % len(start) + start + b"\r\n" + chunk * 30)
        upload.sendall(b"0\r\n\r\n")
        assert b" 503 " in upload.recv(4096).split(b"\r\n")[0]
