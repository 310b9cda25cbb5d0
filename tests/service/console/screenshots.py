"""Pictures of the console for the README: `python -m tests.service.console.screenshots`.

Needs Chromium, and fonts with Chinese characters and emoji (fonts-noto-cjk, fonts-noto-color-emoji).
"""

import asyncio
import time
from pathlib import Path

from tests.processes import ask, listening_port, running
from tests.service.console.browser import Page, chromium, tab

DOCS = Path(__file__).parents[3] / "docs"
LIMITS = {"PORT": "0", "QUOTA_PER_DAY": "400", "GPT4_LIMIT": "40", "DRAIN_TIMEOUT": "0"}
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
        await page.open(address)
        await say(page, "calculate 17*23", "Plot 3, 1, 4, 1, 5 as a chart")
        await take(page, "console-light")
        await page.look(1440, 900, "dark")
        await say(page, "Search the web for green tea", "Give me tips about tea in a table")
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


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    with running(["server.py", "--demo"], LIMITS) as demo, chromium() as devtools:
        port = listening_port(demo)
        for fault in ("cloudflare", "token_expired"):
            content = f"Hello [[sim fault={fault}]]"
            ask(
                port,
                "POST",
                "/v1/chat/completions",
                {"model": "gpt-4-s", "messages": [{"role": "user", "content": content}]},
            )
            time.sleep(0.1)
        asyncio.run(main(devtools, f"http://127.0.0.1:{port}/"))
