"""Pictures of the console for the documents: `make pictures`.

Needs Chromium, and fonts with Chinese characters and emoji (fonts-noto-cjk, fonts-noto-color-emoji).
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path

from tests.processes import ask, listening_port, running
from tests.roster.rig import key
from tests.service.console.browser import Page, chromium, tab

DOCS = Path(__file__).parents[3] / "docs"
LIMITS = {
    "PORT": "0",
    "QUOTA_PER_DAY": "400",
    "GPT4_LIMIT": "40",
    "DRAIN_TIMEOUT": "0",
    "PASSTHROUGH": "true",
}
SERVICE_KEY = "sk-pandora-key-of-the-team"
ACCOUNTS = {
    "accounts": [
        {"alias": "anna", "credential": {"env": "ANNA"}, "quota_per_day": 200, "plan": "Plus"},
        {"alias": "ben", "credential": {"env": "BEN"}, "quota_per_day": 100, "plan": "Plus"},
        {"alias": "carla", "credential": {"env": "CARLA"}, "note": "token is renewed on Monday"},
    ],
    "keys": [key("team", SERVICE_KEY), key("phone", "sk-pandora-key-of-the-phone", quota_per_day=50)],
}
CREDENTIALS = {"ANNA": "fk-anna", "BEN": "fk-ben"}  # carla has none
MATHS = r"""The roots of $ax^2 + bx + c = 0$ are
\[
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
\]
"""
HEIGHT = 1400
IDLE = "document.querySelector('#log').getAttribute('aria-busy') === 'false'"


async def say(page: Page, *questions: str) -> None:
    """Ask, one after the other, and let the pictures come."""
    for question in questions:
        await page.write("#prompt", question)
        await page.press("Enter")
        await page.until(f"document.querySelector('#log').childElementCount && {IDLE}", 60)
    await page.eval("document.activeElement.blur()")
    await page.until("[...document.querySelectorAll('.prose img')].every((image) => image.complete)")
    await asyncio.sleep(0.5)


async def take(page: Page, name: str) -> None:
    """Save what is seen."""
    (DOCS / f"{name}.png").write_bytes(await page.picture())


async def main(devtools: int, address: str) -> None:
    """All pictures."""
    async with tab(devtools) as page:
        await page.look(1440, HEIGHT)
        await page.open(address)
        await say(page, "calculate 17*23", "Plot 3, 1, 4, 1, 5 as a chart")
        await take(page, "console-light")
        await page.look(1440, HEIGHT, "dark")
        await page.click("#clear")
        await say(page, "Search the web for green tea", f"Say exactly: {MATHS}", "Make a csv file about tea")
        await take(page, "console-dark")
    async with tab(devtools) as page:
        await page.look(390, 844)
        await page.open(address)
        await say(page, "Draw a cat")
        await take(page, "console-phone-playground")
        await page.look(390, 844, "dark")
        await page.click("[data-show=overview]")
        await page.click("#language")
        await asyncio.sleep(0.5)
        await take(page, "console-phone-overview")


def say_to_service(port: int, model: str, content: str, secret: str) -> None:
    """One question, of a client that is not the page."""
    body = {"model": model, "messages": [{"role": "user", "content": content}]}
    ask(port, "POST", "/v1/chat/completions", body, secret)


def lived(folder: Path) -> dict[str, str]:
    """The settings of a demo with accounts; their file is in `folder`."""
    file = folder / "accounts.json"
    file.write_text(json.dumps(ACCOUNTS))
    return LIMITS | CREDENTIALS | {"ACCOUNTS_FILE": str(file)}


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        running(["server.py", "--demo"], lived(Path(folder))) as demo,
        chromium() as devtools,
    ):
        port = listening_port(demo)
        for fault in ("cloudflare", "token_expired"):
            say_to_service(port, "gpt-4-s", f"Hello [[sim fault={fault}]]", "fk-somebody")
            time.sleep(0.1)
        for model in ("gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo", "gpt-4-s"):
            say_to_service(port, model, "Tell me about tea", SERVICE_KEY)
        asyncio.run(main(devtools, f"http://127.0.0.1:{port}/"))
