"""The cost of mixed answers beside that of plain ones in the whole service, as `benchmarks.mixed`.

    python -m benchmarks.mixed_service

A backend in this process sends both kinds in turn, pictures included, one conversation at a time and as fast
as the service reads. Prints CPU microseconds of the service per delta and the ratio, which is to be at most
1.5. It includes the cost of fetching and storing the one picture, which matters in short answers.
"""

import json
import tempfile
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from benchmarks.mixed import GOAL, mixed_records, plain_records
from benchmarks.ports import free_port
from benchmarks.processes import SERVICE, end_process, service_settings, start_python
from benchmarks.translation import WrongTranslation
from benchmarks.usage import cpu_seconds

LENGTHS = (250, 1000, 4000)
SECONDS = 2.0  # of each kind in a round
ROUNDS = 3
PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)


class Backend(BaseHTTPRequestHandler):
    """Answers prompts of two words, kind and tokens, with bytes made beforehand; also has the picture."""

    protocol_version = "HTTP/1.1"
    bodies: dict[str, bytes]

    def do_POST(self) -> None:
        """POST conversation."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send("text/event-stream", self.bodies[request["messages"][-1]["content"]["parts"][0]])

    def do_GET(self) -> None:
        """The lookup of the picture, and the picture."""
        if self.path.endswith("/download"):
            answer = {"status": "success", "download_url": f"http://{self.headers['Host']}/picture"}
            self._send("application/json", json.dumps(answer).encode())
        else:
            self._send("image/png", PICTURE)

    def _send(self, media_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def main() -> None:
    """Measure and print the table."""
    Backend.bodies = {f"plain {n}": b"".join(plain_records(n)) for n in LENGTHS}
    Backend.bodies |= {f"mixed {n}": b"".join(mixed_records(n)) for n in LENGTHS}
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    port = free_port()
    with tempfile.TemporaryDirectory() as state:
        settings = service_settings(port, f"http://127.0.0.1:{backend.server_port}", Path(state))
        service = start_python(SERVICE.command, SERVICE.directory, settings)
        try:
            _measure(port, service.pid)
        finally:
            end_process(service)
    backend.shutdown()


def _measure(port: int, pid: int) -> None:
    _wait_for(port)
    print("CPU us of the service per delta, unpaced, one at a time")
    print(f"{'tokens':>6}  {'plain':>6}  {'mixed':>6}  ratio")
    for tokens in LENGTHS:
        for kind in ("plain", "mixed"):
            _ask(port, f"{kind} {tokens}")
        pairs = [
            (_cost(port, pid, f"plain {tokens}"), _cost(port, pid, f"mixed {tokens}")) for _ in range(ROUNDS)
        ]
        plain, mixed = (median(column) for column in zip(*pairs, strict=True))
        ratio = median(mixed / plain for plain, mixed in pairs)
        print(f"{tokens:>6}  {plain:>6.1f}  {mixed:>6.1f}  {ratio:.2f}", flush=True)
    print(f"goal: ratio <= {GOAL}")


def _cost(port: int, pid: int, prompt: str) -> float:
    deltas, until, before = 0, time.monotonic() + SECONDS, cpu_seconds(pid)
    while time.monotonic() < until:
        deltas += _ask(port, prompt)
    return 1e6 * (cpu_seconds(pid) - before) / deltas


def _ask(port: int, prompt: str) -> int:
    """The number of deltas of one answer. Raises WrongTranslation if it is not whole."""
    body = {"model": "gpt-4-s", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    headers = {"Content-Type": "application/json", "Authorization": "Bearer fk-bench"}
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse().read()
    connection.close()
    if not answer.endswith(b"data: [DONE]\n\n") or (b"/images/" in answer) != prompt.startswith("mixed"):
        raise WrongTranslation(f"the answer to {prompt!r} is not whole")
    return answer.count(b'"content":')


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            _ask(port, "plain 250")
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    main()
