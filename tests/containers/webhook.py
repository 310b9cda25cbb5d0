"""Where the Alertmanager of a stack sends its alerts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Webhook:
    """The names of the alerts that have fired, and of those that have ended since."""

    def __init__(self) -> None:
        self.port = 0
        self.fired: set[str] = set()
        self.ended: set[str] = set()

    def note(self, body: bytes) -> None:
        for alert in json.loads(body)["alerts"]:
            noted = self.fired if alert["status"] == "firing" else self.ended
            noted.add(alert["labels"]["alertname"])


@contextmanager
def webhook() -> Iterator[Webhook]:
    """One that listens on all addresses of this namespace."""
    noted = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            noted.note(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("", 0), Handler)
    noted.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield noted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
