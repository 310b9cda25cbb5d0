"""What a person does in a chat front end, and what is seen there."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from tests.service.console.browser import Page

SECONDS = 120.0
"""For a page or an answer, on a busy machine."""


class FrontEnd(ABC):
    """A chat front end that others wrote, as it is.

    `name` is the heading of its section in docs/clients-setup.md, and `tasks` are what it asks by itself
    after the first message. `typing` selects where one types, `answers` the answers, of which the last is the
    newest. In JavaScript, `ready`, `sendable` and `attached` hold when the newest answer is complete, when
    what is typed can be sent, and when a picture goes with it; `title` is what the chat is called.
    """

    name: ClassVar[str]
    tasks: ClassVar[frozenset[str]]
    typing: ClassVar[str]
    answers: ClassVar[str]
    ready: ClassVar[str]
    sendable: ClassVar[str]
    attached: ClassVar[str]
    title: ClassVar[str]

    @property
    @abstractmethod
    def missing(self) -> bool:
        """It is not installed."""

    @abstractmethod
    def running(self, settings: Mapping[str, str], folder: Path) -> AbstractContextManager[str]:
        """Its server, with these environment variables; gives the address of its page. What it stores is in
        `folder`.
        """

    @abstractmethod
    async def open(self, page: Page, address: str) -> None:
        """Begin a chat with `gpt-4-s`."""

    async def say(self, page: Page, text: str, picture: bytes = b"") -> None:
        """Send a message, perhaps with a picture (PNG), and wait for the whole answer."""
        count = f"document.querySelectorAll({json.dumps(self.answers)}).length"
        before = await page.eval(count)
        if picture:
            await self._paste(page, picture)
            await page.until(self.attached, SECONDS)
        await page.write(self.typing, text)
        await page.until(self.sendable, SECONDS)
        await self.send(page)
        await page.until(f"{count} > {before} && {self.ready}", SECONDS)

    async def send(self, page: Page) -> None:
        """Send what is typed."""
        await page.press("Enter")

    @property
    def newest(self) -> str:
        """The newest answer, in JavaScript."""
        return f"[...document.querySelectorAll({json.dumps(self.answers)})].at(-1)"

    async def shown(self, page: Page, selector: str, what: str = "textContent") -> list[Any]:
        """That property of the elements in the newest answer."""
        found: list[Any] = await page.eval(
            f"[...{self.newest}.querySelectorAll({json.dumps(selector)})].map((e) => e.{what})"
        )
        return found

    async def _paste(self, page: Page, picture: bytes) -> None:
        encoded = base64.b64encode(picture).decode()
        await page.eval(
            f"""(() => {{
              const bytes = Uint8Array.from(atob({json.dumps(encoded)}), (c) => c.charCodeAt(0));
              const clipboardData = new DataTransfer();
              clipboardData.items.add(new File([bytes], "picture.png", {{type: "image/png"}}));
              const event = new ClipboardEvent("paste", {{clipboardData, bubbles: true, cancelable: true}});
              document.querySelector({json.dumps(self.typing)}).dispatchEvent(event);
            }})()"""
        )
