"""Open WebUI from PyPI."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.ports import free_port
from tests.frontends.front_end import SECONDS, FrontEnd
from tests.frontends.servers import server
from tests.service.console.browser import Page

ENVIRONMENT = Path(__file__).parent / ".venv"
OWN = {
    "WEBUI_AUTH": "false",
    "WEBUI_SECRET_KEY": "of-the-tests",
    "OFFLINE_MODE": "true",
    "HF_HUB_OFFLINE": "1",
    "RAG_EMBEDDING_ENGINE": "openai",
    "ENABLE_OLLAMA_API": "false",
    "ENABLE_VERSION_UPDATE_CHECK": "false",
    "ANONYMIZED_TELEMETRY": "false",
}
"""Nobody signs in, and nothing but the service is asked for anything."""


class OpenWebUI(FrontEnd):
    """With the variables of docs/clients-setup.md at its first start."""

    name = "Open WebUI"
    tasks = frozenset(("title", "tags", "follow_ups"))
    typing = "#chat-input"
    answers = ".chat-assistant"
    ready = """document.querySelector('[aria-label="Voice mode"]')"""
    title = "document.title.replace(' / Open WebUI', '')"
    attached = "document.querySelector('#message-input-container img')"
    sendable = "document.querySelector('#send-message-button:not([disabled])')"

    @property
    def missing(self) -> bool:
        """See `FrontEnd`."""
        return not (ENVIRONMENT / "bin" / "open-webui").exists()

    def running(self, settings: Mapping[str, str], folder: Path) -> AbstractContextManager[str]:
        """See `FrontEnd`."""
        port = free_port()
        program = str(ENVIRONMENT / "bin" / "open-webui")
        command = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
        own = {**OWN, "DATA_DIR": str(folder), "HOME": str(folder)}
        return server(command, {**own, **settings}, folder, f"http://127.0.0.1:{port}/")

    async def open(self, page: Page, address: str) -> None:
        """See `FrontEnd`."""
        await page.call("Page.navigate", url=f"{address}?models=gpt-4-s")
        await page.until("document.querySelector('[aria-label^=\"Selected model: \"]')", SECONDS)

    async def send(self, page: Page) -> None:
        """By the button: at its first start the news of its version take the keys, and are closed here."""
        news = "[...document.querySelectorAll('button')].find((e) => e.innerText.startsWith('Okay'))"
        await page.eval(f"{news}?.click()")
        await page.click("#send-message-button")
