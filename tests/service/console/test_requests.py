"""Requests, usage by key and caps on the page: told while they change, readable for all on every screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from handlers.console import FOLDER
from metrics import Outcome
from tests.eventually import eventually
from tests.service.console.browser import Page, tab
from tests.service.console.test_page import ADMIN, AXE
from tests.service.deployment import KEY, Deployment, deployed

ROWS = "document.querySelectorAll('#requests tr.request')"
FIRST = f"{ROWS}[0].innerText"
MORE = "document.querySelector('#requests .more-about')"
LIMITS = {"GPT4_LIMIT": "40", "KEY_ALIASES": f"laptop={KEY}"}


@asynccontextmanager
async def watched(devtools: int, **env: str) -> AsyncIterator[tuple[Deployment, Page]]:
    """The overview of a service, as the administrator sees it."""
    async with deployed({**LIMITS, **env}) as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        await page.click("[data-show=overview]")
        await page.until("document.querySelector('#requests').innerText.includes('None since')")
        yield service, page


def asked(page: Page, path: str) -> int:
    """How many times the page has asked for a path."""
    return sum(address.endswith(path) for address in page.requests)


async def test_request_is_seen_while_it_runs_and_what_became_of_it_without_asking_again(
    devtools: int,
) -> None:
    async with watched(devtools) as (service, page):
        async with service.connect() as client:
            await service.begin(client, "Tell me more [[sim pace=20 tokens=400 header_delay=2]]")
            await page.until(f"{ROWS}.length === 1")
            assert "waits for its answer" in await page.eval(FIRST)
            await page.until(f"{FIRST}.includes('is being answered')")
            before = await page.eval("document.querySelector('[data-began]').innerText")
            await page.until(f"document.querySelector('[data-began]').innerText !== {before!r}")
            assert await page.eval("document.querySelector('#now dd').innerText") == "1"
            client.close()
        await page.until(f"{FIRST}.includes('the client left')")
        usage = (await service.chat()).json["usage"]
        await page.until(f"{ROWS}.length === 2 && {FIRST}.includes('answered')")
        shown = await page.eval(FIRST)
        tokens = f"{usage['prompt_tokens']} + {usage['completion_tokens']}"
        assert [word for word in ("laptop", "gpt-4-s", "14", tokens) if word not in shown] == []
        assert KEY not in await page.eval("document.documentElement.outerHTML")
        assert (asked(page, "/console/state"), asked(page, "/console/events")) == (1, 1)
        assert page.complaints == []


async def test_reason_is_shown_at_a_click_and_by_the_keyboard_and_the_focus_stays(devtools: int) -> None:
    async with watched(devtools) as (service, page):
        refused = await service.chat("Hello [[sim fault=cloudflare]]")
        await page.until(f"{ROWS}.length === 1")
        assert "the backend failed" in await page.eval(FIRST)
        await page.eval("document.querySelector('#requests button').focus()")
        await page.press("Enter")
        await page.until(MORE)
        more = await page.eval(f"{MORE}.innerText")
        for word in ("challenge", "503 upstream_challenge", "laptop", refused.headers["x-request-id"]):
            assert word in more
        button = "document.activeElement"
        assert await page.eval(f"{button}.getAttribute('aria-expanded')") == "true"
        assert await page.eval(f"document.getElementById({button}.getAttribute('aria-controls')) === {MORE}")
        await service.chat()  # all is drawn anew
        await page.until(f"{ROWS}.length === 2")
        assert await page.eval(f"{button}.getAttribute('aria-expanded')") == "true"
        await page.press("Enter")
        await page.until(f"{MORE} === null")
        await page.eval(f"{ROWS}[1].click()")
        await page.until(MORE)
        await page.click("#language")
        assert "原因" in await page.eval(f"{MORE}.innerText")
        assert "后端出错" in await page.eval(f"{ROWS}[1].innerText")
        await page.click("#language")
        assert page.complaints == []


async def test_page_that_was_hidden_or_lost_the_service_shows_each_request_once(devtools: int) -> None:
    async with watched(devtools) as (service, page):
        await service.chat()
        await page.until(f"{ROWS}.length === 1")
        await page.eval(
            "Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'hidden' });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        watches = service.server.service.app.common.activity
        await eventually(lambda: not watches.watched)
        await service.chat()
        await page.eval("window.seen = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
        await page.until(f"{ROWS}.length === 2")
        assert await page.eval("document.querySelector('#status').innerText") == "ready"
        await service.server.stop()
        await page.until("document.querySelector('#status').innerText === 'unreachable'")
        assert await page.eval(f"{ROWS}.length") == 2


async def test_stranger_sees_no_request_and_asks_for_none(devtools: int) -> None:
    async with deployed({"ADMIN_TOKEN": ADMIN}) as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        await service.chat()
        for section in ("requests", "spenders"):
            assert await page.eval(f"document.querySelector('#{section}').closest('section').hidden")
        assert asked(page, "/console/events") == 0
        await page.write("#token", ADMIN)
        await page.press("Enter")
        await page.until(f"{ROWS}.length === 1")
        assert [address for address in page.requests if ADMIN in address] == []


async def test_usage_by_key_and_caps_by_model_are_shown(devtools: int) -> None:
    async with watched(devtools) as (service, page):
        await service.chat()
        await service.chat("Hello [[sim fault=model_cap_exceeded]]")
        await page.until("document.querySelector('#models .capped')")
        models = await page.eval("document.querySelector('#models').innerText")
        assert "40 messages of each account in 3 h" in models
        assert "laptop: used up until " in models
        spent = await page.eval("document.querySelector('#spenders tbody tr').innerText")
        assert spent.split("\t")[:3] == ["laptop", "–", "1"]
        assert spent.endswith("14")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in tests/service/console")
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "dark"), (1920, "light")])
async def test_everybody_can_read_them_on_every_screen(devtools: int, width: int, scheme: str) -> None:
    async with watched(devtools) as (service, page), service.connect() as client:
        await page.look(width, 900, scheme)
        for fault in ("cloudflare", "model_cap_exceeded", "reset_mid"):
            await service.chat(f"Hello [[sim fault={fault}]]")
        await service.begin(client, "Tell me more [[sim pace=20 tokens=400]]")
        await page.until(f"{ROWS}.length === 4")
        for number in (0, 3):
            await page.eval(f"{ROWS}[{number}].click()")
        await page.until("document.querySelector('#models .capped')")
        assert await page.eval("document.documentElement.scrollWidth <= innerWidth")
        for part in ("requests", "spenders", "models"):
            shown = f"document.querySelector('#{part}')"
            assert await page.eval(f"{shown}.scrollWidth <= {shown}.clientWidth"), "nothing of it is hidden"
        await page.until("document.getAnimations().length === 0")  # colours are those of the scheme
        await page.eval(AXE.read_text())
        found = await page.eval(
            "axe.run('#overview').then(({ violations }) => violations.map(({ id, nodes }) =>"
            " ({ id, where: nodes.map((node) => node.html.slice(0, 120)) })))"
        )
        assert found == []


def test_every_outcome_has_its_words() -> None:
    words = (FOLDER / "i18n.js").read_text(encoding="utf-8")
    assert [outcome for outcome in Outcome if words.count(f'"outcome-{outcome}":') != 2] == []
