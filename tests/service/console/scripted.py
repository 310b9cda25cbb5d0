"""The playground with an answer that a test has written."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import tornado.web

from tests.service.console.browser import Page, tab
from tests.service.deployment import deployed

IDLE: Final = "document.querySelector('#log').getAttribute('aria-busy') === 'false'"
PROSE: Final = "document.querySelector('.prose')"


class Scripted(tornado.web.RequestHandler):
    """Streams the pieces it is given as one answer."""

    def initialize(self, pieces: list[str]) -> None:
        self._pieces = pieces

    async def post(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        for piece in self._pieces:
            chunk = {"choices": [{"index": 0, "delta": {"content": piece}}]}
            self.write(f"data: {json.dumps(chunk)}\n\n")
            await self.flush()
        self.write("data: [DONE]\n\n")


@asynccontextmanager
async def answered(devtools: int, *pieces: str) -> AsyncIterator[Page]:
    """The playground, asked something that is answered with these pieces.

    The address of the API is typed into the page, which happens where it has a secret prefix.
    """
    async with deployed({"API_PREFIX": "sesame", "ADMIN_TOKEN": "of-nobody"}) as service:
        application = service.server.http.application
        assert isinstance(application, tornado.web.Application)
        application.add_handlers(
            ".*", [(r"/scripted/v1/chat/completions", Scripted, {"pieces": list(pieces)})]
        )
        async with tab(devtools) as page:
            await page.open(f"http://127.0.0.1:{service.port}/")
            await page.write("#base", "/scripted/v1/")
            await page.write("#key", "fk-some-key")
            await page.write("#prompt", "Hello")
            await page.press("Enter")
            await page.until(f"document.querySelectorAll('.message').length === 2 && {IDLE}", 30)
            yield page
