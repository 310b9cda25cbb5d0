"""Bytes of files on their way: strangers and the backend may offer what they like, the service stays small.

A process of its own, whose memory is looked at.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.processes import PLAIN, PREFIX, Process, Reply, ask, listening_port, new_key, running
from tests.service.deployment import CHAT
from tests.service.test_images import GENERATIONS

MIB = 1 << 20
GROWTH = 250
"""MiB that the service may grow by: a budget of 48 for files and one more file of 50, each of them twice."""
STRANGERS = 20
PICTURE = 24 * MIB

FETCHES_FROM_HERE = """
import functools, runpy, sys, media, wiring.files
everywhere = {"is_allowed": lambda address: True, "ports": frozenset(range(65536))}
wiring.files.Fetcher = functools.partial(media.Fetcher, **everywhere)
sys.argv = ["server.py"]
runpy.run_path("server.py", run_name="__main__")
"""
"""Starts the service, which fetches from this machine too."""
DRAWS_LARGE_PICTURES = """
import runpy, sys
from simulator.kinds import drawing
size, small, large = int(sys.argv.pop()), drawing.draw, []
def draw(*args):
    if not large:
        large.append(small(*args) + bytes(size))
    return large[0]
drawing.draw = draw
sys.argv[0] = "simulator"
runpy.run_module("simulator", run_name="__main__")
"""


@contextmanager
def service(*simulator: str, settings: dict[str, str] | None = None) -> Iterator[tuple[Process, int]]:
    """The service and its port; `simulator` are arguments of Python for the backend."""
    options = ["--port", "0", "--prefix", PREFIX, "--pace", "0", "--busy", "0", "--cap", "0"]
    options += ["--age", "2023-12"]  # whose pictures are in the answer
    with ExitStack() as stack:
        at, *end = simulator
        backend = stack.enter_context(running([*at.split(" ", 1), *options, *end]))
        address = backend.wait_for(r"simulated backend on (http://127\.0\.0\.1:\d+)")[1]
        given = {"BASE_URL": address, "PROXY_API_PREFIX": PREFIX, "PORT": "0", **PLAIN, **(settings or {})}
        process = stack.enter_context(running(["-c", FETCHES_FROM_HERE], given))
        yield process, listening_port(process)


def largest_memory(pid: int) -> int:
    """MiB of memory that were ever in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def endless() -> Iterator[str]:
    """The address of a file that never ends."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as listener:

        def serve(client: socket.socket) -> None:
            with closing(client):
                try:
                    client.recv(65536)
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n\x89PNG\r\n\x1a\n")
                    while True:
                        client.sendall(bytes(256 * 1024))
                except OSError:
                    pass  # the client has had enough

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"
        listener.shutdown(socket.SHUT_RDWR)


def all_at_once(port: int, path: str, bodies: list[object]) -> list[Reply]:
    """The replies, while another request is answered all the time."""
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda body=body: replies.append(ask(port, "POST", path, body, new_key())))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert ask(port, "GET", "/healthz").status == 200
        time.sleep(0.05)
    assert len(replies) == len(bodies), "a request was not answered"
    return replies


def question(*parts: object) -> object:
    text = {"type": "text", "text": "What is this?"}
    return {"model": "gpt-4-s", "messages": [{"role": "user", "content": [text, *parts]}]}


def test_strangers_that_point_at_endless_files_take_no_more_than_the_budget() -> None:
    with service("-m simulator") as (process, port), endless() as address:
        before = largest_memory(process.pid)
        picture = {"type": "image_url", "image_url": {"url": address}}
        replies = all_at_once(port, CHAT, [question(picture)] * STRANGERS)
        grown = largest_memory(process.pid) - before
        plain = ask(port, "POST", CHAT, question(), new_key())
    assert {reply.status for reply in replies} <= {400, 503}
    assert {reply.json["error"]["code"] for reply in replies} <= {
        "media_too_large",
        "media_not_reachable",
        "server_is_overloaded",
    }
    assert plain.status == 200
    assert grown < GROWTH, grown


def test_backend_that_draws_large_pictures_takes_no_more_than_the_budget() -> None:
    with service("-c " + DRAWS_LARGE_PICTURES, str(PICTURE)) as (process, port):
        before = largest_memory(process.pid)
        replies = all_at_once(port, GENERATIONS, [{"prompt": "a red fox"}] * 12)
        grown = largest_memory(process.pid) - before
    assert {reply.status for reply in replies} == {200}
    assert grown < GROWTH, grown


def test_pictures_within_answers_take_no_more_than_the_budget() -> None:
    with service("-c " + DRAWS_LARGE_PICTURES, str(PICTURE)) as (process, port):
        before = largest_memory(process.pid)
        body = {"prompt": "a red fox", "response_format": "b64_json"}
        replies = all_at_once(port, GENERATIONS, [body] * 8)
        grown = largest_memory(process.pid) - before
    assert {reply.status for reply in replies} <= {200, 400, 502}
    assert any(len(reply.body) > PICTURE for reply in replies)
    assert grown < GROWTH, grown
