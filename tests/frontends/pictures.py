"""Pictures of the front ends for docs/clients-setup.md: `python -m tests.frontends.pictures`.

Needs pngquant.
"""

import asyncio
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.frontends.front_end import FrontEnd
from tests.frontends.nextchat import NextChat
from tests.frontends.open_webui import OpenWebUI
from tests.frontends.setting_up import settings
from tests.processes import ROOT, new_key, service_over_simulator
from tests.service.console.browser import chromium, tab

QUESTIONS = (
    "Write code that adds numbers",
    "Search the web for green tea",
    "What is the formula of the circle?",
    "Draw a cat",
)
WIDTH, HEIGHT = 1000, 2250
"""High enough that no answer leaves the page."""
DOCUMENTS = {NextChat(): "nextchat.png", OpenWebUI(): "open-webui.png"}


async def picture(front_end: FrontEnd, address: str, devtools: int) -> bytes:
    """What is seen when all questions were asked in one chat."""
    async with tab(devtools) as page:
        await page.look(WIDTH, HEIGHT)
        await front_end.open(page, address)
        for question in QUESTIONS:
            await front_end.say(page, question)
        await asyncio.sleep(2)
        await page.call("Page.reload")  # without what was said about the password
        await asyncio.sleep(10)
        return await page.picture()


def main() -> None:
    """All pictures."""
    with service_over_simulator(knobs=["--age", "2026"]) as pair, chromium() as devtools:
        for front_end, name in DOCUMENTS.items():
            told = settings(front_end.name, pair.url.removesuffix("/v1"), new_key())
            with TemporaryDirectory() as folder, front_end.running(told, Path(folder)) as address:
                seen = asyncio.run(picture(front_end, address, devtools))
            file = ROOT / "docs" / name
            file.write_bytes(seen)
            subprocess.run(["pngquant", "--force", "--ext=.png", "--speed=1", "64", file], check=True)


if __name__ == "__main__":
    main()
