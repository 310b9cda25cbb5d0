"""The cost of an answer full of marks (as in `benchmarks.marked`), and of one with tools offered, beside that
of plain text in the whole service.

    python -m benchmarks.marked_service

A backend in this process sends answers in delta v1: unpaced, one at a time and as fast as the service reads,
and paced, `STREAMS` at once with `RATE` records a second each. Prints CPU microseconds of the service per
token and the ratio, a median of pairs.
"""

import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from benchmarks.marked import delta_records, marked_tokens, plain_tokens
from benchmarks.ports import free_port
from benchmarks.processes import SERVICE, end_process, service_settings, start_python
from benchmarks.translation import WrongTranslation
from benchmarks.usage import cpu_seconds

TOKENS = 500
STREAMS = 20
KINDS = ("plain", "marked", "tools")
PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "Does it.", "parameters": PARAMETERS}}
    for name in ("read_file", "write_file", "run")
]
RATE = 100
"""Records a second: each still is a wake-up of its own."""
UNPACED = 100
"""Answers of a round."""
ROUNDS = 5


class Backend(BaseHTTPRequestHandler):
    """Answers prompts of two words, kind and pace."""

    protocol_version = "HTTP/1.1"
    records: dict[str, list[bytes]]

    def do_POST(self) -> None:
        """POST conversation."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "messages" not in request:  # it asks for the account's limits
            self.send_error(404)
            return
        kind, pace = request["messages"][-1]["content"]["parts"][0].split()
        records = self.records[kind]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(sum(map(len, records))))
        self.end_headers()
        if pace == "unpaced":
            self.wfile.write(b"".join(records))
            return
        begun = time.monotonic()
        for number, record in enumerate(records):
            time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            self.wfile.write(record)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def main() -> None:
    """Measure and print the table."""
    plain = plain_tokens(TOKENS)
    kinds = {"plain": plain, "marked": marked_tokens(TOKENS), "tools": plain}
    Backend.records = {kind: list(delta_records(tokens)) for kind, tokens in kinds.items()}
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
    print(f"CPU us of the service per token, delta v1, {TOKENS} tokens")
    print(f"{'':>7}  {'plain':>6}  {'marked':>6}  ratio  {'tools':>6}  ratio")
    for pace in ("unpaced", "paced"):
        rounds = []
        for number in range(ROUNDS):
            kinds = KINDS if number % 2 == 0 else KINDS[::-1]
            rounds.append({kind: _cost(port, pid, f"{kind} {pace}") for kind in kinds})
        line = f"{pace:>7}  {min(costs['plain'] for costs in rounds):>6.1f}"
        for kind in KINDS[1:]:
            ratio = median(costs[kind] / costs["plain"] for costs in rounds)
            line += f"  {min(costs[kind] for costs in rounds):>6.1f}  {ratio:.2f} "
        print(line, flush=True)


def _cost(port: int, pid: int, prompt: str) -> float:
    before = cpu_seconds(pid)
    answers = UNPACED if prompt.endswith("unpaced") else STREAMS
    with ThreadPoolExecutor(1 if prompt.endswith("unpaced") else STREAMS) as clients:
        list(clients.map(lambda _: _ask(port, prompt), range(answers)))
    return 1e6 * (cpu_seconds(pid) - before) / answers / TOKENS


def _ask(port: int, prompt: str) -> None:
    """Raises WrongTranslation if the answer is not whole."""
    body: dict[str, object] = {
        "model": "gpt-4-s",
        "stream": True,
        "messages": [{"role": "user", "content": prompt}],
    }
    if prompt.startswith("tools"):
        body["tools"] = TOOLS
    headers = {"Content-Type": "application/json", "Authorization": "Bearer fk-bench"}
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse().read()
    connection.close()
    if not answer.endswith(b"data: [DONE]\n\n") or (b"example.org/1?" in answer) != prompt.startswith("m"):
        raise WrongTranslation(f"the answer to {prompt!r} is not whole")


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            _ask(port, "plain unpaced")
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    main()
