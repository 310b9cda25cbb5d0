"""Accounts and keys on the page: shown to the administrator, switched, and read again."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from handlers.console import FOLDER
from metrics import AccountState
from oversight import KeyState
from pool import AccountFault, Fault
from tests.service.console.browser import Page, tab
from tests.service.console.test_page import ADMIN, AXE
from tests.service.deployment import Deployment
from tests.service.test_administration import administered, write

ROWS = "document.querySelectorAll('#accounts tbody tr')"
TEXT = "document.querySelector('#accounts').innerText"


@asynccontextmanager
async def shown(folder: Path, devtools: int) -> AsyncIterator[tuple[Deployment, Page]]:
    """The overview of the service with the file in that folder, as the administrator sees it."""
    async with administered(folder, ADMIN_TOKEN=ADMIN) as service, tab(devtools) as page:
        await page.look(1440, 900)
        await page.open(f"http://127.0.0.1:{service.port}/")
        for section in ("accounts", "keys"):
            assert await page.eval(f"document.querySelector('#{section}').closest('section').hidden")
        await page.write("#token", ADMIN)
        await page.press("Enter")
        await page.until(f"{ROWS}.length")
        await page.click("[data-show=overview]")
        yield service, page


async def test_accounts_and_keys_are_shown_without_secrets(tmp_path: Path, devtools: int) -> None:
    write(tmp_path, "anna", "ben", quota_per_day=100, plan="Plus", note="of the team")
    async with shown(tmp_path, devtools) as (_, page):
        text = await page.eval(TEXT)
        for word in ("anna", "ben", "Plus · of the team", "ready", "0 of 100", "Switch off"):
            assert word in text
        keys = await page.eval("document.querySelector('#keys').innerText")
        assert "laptop" in keys
        assert "may use anna, ben" in keys
        assert "canary" not in await page.eval("document.documentElement.outerHTML")
        assert page.complaints == []


async def test_button_switches_the_account_and_keeps_the_focus(tmp_path: Path, devtools: int) -> None:
    write(tmp_path, "anna", "ben")
    async with shown(tmp_path, devtools) as (_, page):
        button = "document.querySelector('[data-keeps-focus=anna]')"
        for wanted in ("switched off", "ready"):
            await page.eval(f"{button}.focus()")
            await page.press("Enter")
            await page.until(f"{ROWS}[0].innerText.includes('{wanted}')")
            assert await page.eval(f"document.activeElement === {button}")
            assert "ready" in await page.eval(f"{ROWS}[1].innerText")
        assert page.complaints == []


async def test_files_are_read_again_and_what_is_wrong_with_them_is_told(
    tmp_path: Path, devtools: int, loud_log: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "anna")
    async with shown(tmp_path, devtools) as (_, page):
        path.write_text("{")
        await page.click("#reload")
        await page.until("document.querySelector('#act-error').textContent.includes('not usable')")
        write(tmp_path, "anna", "ben")
        await page.click("#reload")
        await page.until(f"{ROWS}.length === 2")
        assert await page.eval("document.querySelector('#act-error').textContent") == ""


async def test_account_that_has_failed_says_why_and_until_when(
    tmp_path: Path, devtools: int, loud_log: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "anna", "ben")
    async with shown(tmp_path, devtools) as (service, page):
        health, roster = service.server.service.health, service.server.service.roster.current
        anna, ben = roster.accounts
        health.failed(anna, Fault(AccountFault.RATE, wait=3600.0), began=0.0)
        health.failed(ben, Fault(AccountFault.REFUSED), began=0.0)
        await page.until(f"{ROWS}[0].innerText.includes('rests')")
        first, second = await page.eval(f"[{ROWS}[0].innerText, {ROWS}[1].innerText]")
        assert re.search(r"asked too often · since \d\d:\d\d · until ", first)
        assert re.search(
            r"needs a person\s+its credential is refused · since \d\d:\d\d · tried again ", second
        )
        await page.click("#language")
        assert "需要人工处理" in await page.eval(TEXT)
        await page.click("#language")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1440])
async def test_everybody_can_use_them_on_every_screen(
    tmp_path: Path, devtools: int, width: int, scheme: str, loud_log: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "anna", quota_per_day=100, note="a note that is much longer than the name of it")
    long = "an-alias-as-long-as-an-alias-may.be-here"
    path.write_text(path.read_text().replace('"anna"', f'"{long}"'))
    async with shown(tmp_path, devtools) as (service, page):
        account = service.server.service.roster.current.accounts[0]
        service.server.service.health.failed(account, Fault(AccountFault.DEACTIVATED), began=0.0)
        await page.until(f"{ROWS}[0].innerText.includes('needs a person')")
        await page.look(width, 900, scheme)
        assert await page.eval("document.documentElement.scrollWidth <= innerWidth")
        table = "document.querySelector('#accounts')"
        assert await page.eval(f"{table}.scrollWidth <= {table}.clientWidth"), "nothing of it is hidden"
        if AXE.exists():
            await page.until("document.getAnimations().length === 0")  # colours are those of the scheme
            await page.eval(AXE.read_text())
            found = await page.eval(
                "axe.run('#overview').then(({ violations }) => violations.map(({ id, nodes }) =>"
                " ({ id, where: nodes.map((node) => node.html.slice(0, 120)) })))"
            )
            assert found == []


def test_every_state_and_every_fault_has_its_words() -> None:
    words = (FOLDER / "i18n.js").read_text(encoding="utf-8")
    shown = {f"state-{state}" for state in (*AccountState, *KeyState)}
    shown |= {f"fault-{fault}" for fault in AccountFault}
    assert {word for word in shown if words.count(f'"{word}":') != 2} == set()
