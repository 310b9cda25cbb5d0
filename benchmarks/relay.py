"""What the service is compared with: a Tornado server that relays the backend's bytes unchanged.

    python -m benchmarks.relay          (settings: HOST, PORT, BASE_URL from the environment)

It does for each request what any Tornado service in front of this backend must do, in the simplest way:
accept, fetch with simple_httpclient, write and flush each piece, wait until the client's socket has taken it.
"""

import asyncio
import json
import os

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.web import Application, RequestHandler


class Relay(RequestHandler):
    """Relays the answer of the backend, in one piece unless the request asks for a stream."""

    def initialize(self, client: SimpleAsyncHTTPClient, url: str) -> None:
        """Tornado's hook for the route's arguments."""
        self.client = client
        self.url = url

    async def post(self) -> None:
        """Relay one request."""
        self.set_header("Content-Type", "text/event-stream")
        stream = json.loads(self.request.body)["stream"]

        async def relay(piece: bytes) -> None:
            self.write(piece)
            if stream:
                await self.flush()

        await self.client.fetch(
            HTTPRequest(
                self.url,
                method="POST",
                headers={"Content-Type": "application/json"},
                body=self.request.body,
                streaming_callback=relay,
                request_timeout=0,
            )
        )


async def main() -> None:
    """Serve until the process is ended."""
    client = SimpleAsyncHTTPClient(max_clients=4000, max_body_size=1 << 40)
    url = os.environ["BASE_URL"] + "/backend-api/conversation"
    handler = (r"/v1/chat/completions", Relay, {"client": client, "url": url})
    Application([handler]).listen(int(os.environ["PORT"]), os.environ["HOST"])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
