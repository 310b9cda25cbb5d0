"""NextChat, built from its source."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.ports import free_port
from tests.frontends.front_end import SECONDS, FrontEnd
from tests.frontends.servers import server
from tests.service.console.browser import Page

SOURCE = Path(__file__).parent / "source"


class NextChat(FrontEnd):
    """With the variables of docs/clients-setup.md, but for the model that it begins with."""

    name = "NextChat"
    tasks = frozenset(("title",))
    typing = "#chat-input"
    answers = "[class*='chat_chat-message__']"
    ready = """[...[...document.querySelectorAll("[class*='chat_chat-message__']")].at(-1)
      .querySelectorAll("[class*='chat-message-actions'] [class*='chat-input-action']")]
      .some((e) => e.innerText === "Retry")"""
    title = "document.querySelector('[class*=chat-item-title]').innerText"
    attached = "document.querySelector('[class*=attach-image-mask]')"
    sendable = "document.querySelector('#chat-input').value"

    @property
    def missing(self) -> bool:
        """See `FrontEnd`."""
        return not (SOURCE / ".next" / "BUILD_ID").exists()

    def running(self, settings: Mapping[str, str], folder: Path) -> AbstractContextManager[str]:
        """See `FrontEnd`."""
        port = free_port()
        self._password = settings["CODE"]
        next_js = str(SOURCE / "node_modules" / ".bin" / "next")
        command = ["node", next_js, "start", str(SOURCE), "-H", "127.0.0.1", "-p", str(port)]
        own = {"HOME": str(folder), "NEXT_TELEMETRY_DISABLED": "1", "DEFAULT_MODEL": "gpt-4-s"}
        return server(command, {**settings, **own}, folder, f"http://127.0.0.1:{port}/")

    async def open(self, page: Page, address: str) -> None:
        """See `FrontEnd`. Its service worker would load the page anew as soon as it runs, at any moment."""
        await page.call("Network.setBlockedURLs", urls=["*/serviceWorkerRegister.js"])
        await page.call("Storage.clearDataForOrigin", origin=address.rstrip("/"), storageTypes="all")
        await page.call("Page.navigate", url=f"{address}#/chat?code={self._password}")
        confirm = "[...document.querySelectorAll('button')].find((e) => e.innerText === 'Confirm')"
        await page.until(confirm, SECONDS)
        await page.eval(f"{confirm}.click()")
        actions = "[...document.querySelectorAll('[class*=chat-input-action]')]"
        chosen = f"{actions}.some((e) => e.innerText === 'gpt-4-s')"
        await page.until(f"{chosen} && {self.newest}", SECONDS)
