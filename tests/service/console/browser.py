"""Chromium, driven over its DevTools protocol: a browser per session, a tab per test."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en-GB",
    "--remote-debugging-port=0",
)
START_SECONDS = 30.0
KEYS = {"Enter": 13, "Tab": 9, "Escape": 27}


@contextmanager
def chromium() -> Iterator[int]:
    """A running browser; gives the port of its DevTools."""
    profile = tempfile.mkdtemp()
    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _port(Path(profile) / "DevToolsActivePort")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(profile, ignore_errors=True)  # its helpers may still write there


def _port(file: Path) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(OSError, IndexError, ValueError):
            return int(file.read_text().splitlines()[0])
        time.sleep(0.05)
    raise AssertionError("chromium did not start")


@dataclass(slots=True)
class Page:
    """A tab. `complaints`: what its scripts threw, and the errors in its console."""

    _socket: WebSocketClientConnection
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)

    async def call(self, method: str, **parameters: object) -> Any:
        """One command of the protocol."""
        number = next(self._ids)
        waiter = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.write_message(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(30):
            return await waiter

    async def listen(self) -> None:
        """Take what the browser says, until the tab is closed."""
        while (text := await self._socket.read_message()) is not None:
            said = json.loads(text)
            if waiter := self._waiting.pop(said.get("id"), None):
                if "error" in said:
                    waiter.set_exception(AssertionError(said["error"]))
                else:
                    waiter.set_result(said["result"])
            else:
                self._happened(said.get("method", ""), said.get("params", {}))

    def _happened(self, method: str, details: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(details["exceptionDetails"])[:500])
        elif method == "Log.entryAdded" and details["entry"]["level"] == "error":
            self.complaints.append(details["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])

    async def eval(self, script: str) -> Any:
        """The value of an expression, which may be a promise."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if problem := answer.get("exceptionDetails"):
            raise AssertionError(problem.get("exception", {}).get("description") or problem["text"])
        return answer["result"].get("value")

    async def until(self, script: str, seconds: float = 15.0) -> None:
        """Wait until an expression holds."""
        end = time.monotonic() + seconds
        while not await self.eval(f"Boolean({script})"):
            if time.monotonic() > end:
                text = await self.eval("document.body.innerText.slice(-1500)")
                raise AssertionError(f"{script} never held; {self.complaints}; {text}")
            await asyncio.sleep(0.05)

    async def open(self, address: str) -> None:
        """Go there, and wait for the first state to be shown."""
        await self.call("Page.navigate", url=address)
        await self.until(
            "document.readyState === 'complete' && document.querySelector('#model option') !== null"
        )

    async def click(self, selector: str) -> None:
        await self.eval(f"document.querySelector({json.dumps(selector)}).click()")

    async def write(self, selector: str, text: str) -> None:
        """Put the focus there and enter text."""
        await self.eval(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    async def look(self, width: int, height: int, scheme: str = "light") -> None:
        """Size in pixels, and the colours that the user prefers."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def tab(port: int) -> AsyncIterator[Page]:
    """A new tab in the browser whose DevTools are at `port`."""
    client = AsyncHTTPClient(force_instance=True)
    devtools = f"http://127.0.0.1:{port}/json"
    target = json.loads((await client.fetch(f"{devtools}/new", method="PUT", body="")).body)
    socket = await websocket_connect(target["webSocketDebuggerUrl"], max_message_size=1 << 28)
    page = Page(socket)
    listening = asyncio.create_task(page.listen())
    try:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        await page.look(1440, 900)
        yield page
    finally:
        listening.cancel()
        await client.fetch(f"{devtools}/close/{target['id']}")
        socket.close()
        client.close()
