"""The playground in Chromium: each kind of answer of the demo, stop, errors, the key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.service.console.browser import Page, tab

FAST = "[[sim pace=0]]"
LAST = "document.querySelector('#log').lastElementChild"
IDLE = "document.querySelector('#log').getAttribute('aria-busy') === 'false'"


@asynccontextmanager
async def page_of(devtools: int, address: str) -> AsyncIterator[Page]:
    async with tab(devtools) as page:
        await page.open(address)
        yield page


async def ask(page: Page, text: str) -> str:
    """Ask, wait for the end, and give what is shown."""
    before = await page.eval("document.querySelectorAll('.message').length")
    await page.write("#prompt", text)
    await page.press("Enter")
    await page.until(f"document.querySelectorAll('.message').length === {before} + 2 && {IDLE}")
    shown: str = await page.eval(f"{LAST}.innerText")
    return shown


async def test_text_streams_in_while_it_comes(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.write("#prompt", "Tell me about tea [[sim pace=60 tokens=120]]")
        await page.press("Enter")
        await page.until("document.querySelector('.prose')?.innerText.length > 20")
        assert await page.eval("document.querySelector('#log').getAttribute('aria-busy')") == "true"
        early = await page.eval("document.querySelector('.prose').innerText.length")
        await page.until(IDLE)
        assert await page.eval("document.querySelector('.prose').innerText.length") > early + 20
        assert "req_" in await page.eval(f"{LAST}.querySelector('.foot').innerText")
        assert page.complaints == []


async def test_code_comes_with_its_result_and_can_be_copied(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        shown = await ask(page, f"calculate 17*23 {FAST}")
        assert "print(17*23)" in shown
        assert "391" in shown
        assert await page.eval(f"{LAST}.querySelectorAll('figure.code').length") == 2
        await page.eval("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        await page.click("figure.code button")
        await page.until("document.querySelector('figure.code button').textContent === 'Copied'")
        assert "print(17*23)" in await page.eval("window.copied")


@pytest.mark.parametrize("question", ["Plot 3, 1, 2 as a chart", "Draw a cat"])
async def test_pictures_are_shown(devtools: int, demo: str, question: str) -> None:
    async with page_of(devtools, demo) as page:
        await ask(page, f"{question} {FAST}")
        picture = f"{LAST}.querySelector('img')"
        await page.eval(f"{picture}.scrollIntoView()")
        await page.until(f"{picture}.complete && {picture}.naturalWidth > 50")
        assert await page.eval(f"{picture}.loading") == "lazy"
        assert await page.eval(f"{picture}.getBoundingClientRect().height <= innerHeight * 0.61")
        assert page.complaints == []


async def test_citations_and_files_are_links_that_give_nothing_away(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        for question in (f"Search the web for tea {FAST}", f"Make a csv file about tea {FAST}"):
            await ask(page, question)
            links = await page.eval(
                f"[...{LAST}.querySelectorAll('.prose a')].map((a) => [a.href, a.rel, a.target])"
            )
            assert links
            for address, relation, target in links:
                assert address.startswith(("http://", "https://"))
                assert {"noopener", "noreferrer"} <= set(relation.split())
                assert target == "_blank"


async def test_chinese_is_answered_and_an_input_method_keeps_its_enter(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        assert "茶" in await ask(page, f"介绍一下绿茶 {FAST}")
        await page.write("#prompt", "绿")
        await page.eval(
            "document.querySelector('#prompt').dispatchEvent("
            "new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }))"
        )
        assert await page.eval("document.querySelector('#prompt').value") == "绿"


async def test_refusal_is_told_with_its_code_and_the_next_question_works(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        shown = await ask(page, "Hello [[sim fault=cloudflare]]")
        assert "No answer" in shown
        assert "503 · upstream_challenge" in shown
        assert "req_" in shown
        await page.until("document.querySelector('#errors').innerText.includes('upstream_challenge')")
        assert "No answer" not in await ask(page, f"Hello {FAST}")


async def test_answer_that_breaks_off_says_so_under_what_came(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await ask(page, "Tell me about tea [[sim pace=0 fault=end_mid]]")
        assert len(await page.eval(f"{LAST}.querySelector('.prose').innerText")) > 10
        assert "upstream_error" in await page.eval(f"{LAST}.querySelector('.failure').innerText")


async def test_stop_ends_the_answer_and_frees_the_key(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.write("#prompt", "Write 2000 words about tides [[sim pace=30]]")
        await page.press("Enter")
        await page.until("document.querySelector('.prose')?.innerText.length > 10")
        await page.click("#stop")
        await page.until(IDLE)
        told = await page.eval(f"{LAST}.querySelector('.foot').innerText")
        assert "stopped" in told
        assert "about 14 units" in told
        assert await page.eval("document.querySelector('#stop').hidden")
        await page.until(
            "fetch('/console/state').then((r) => r.json()).then((s) => s.details.in_flight === 0)"
        )
        assert "No answer" not in await ask(page, f"Hello {FAST}")


async def test_what_was_said_is_sent_along_until_it_is_cleared(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(
            "{ const real = fetch; window.bodies = []; window.fetch = (url, options) => {"
            " if (options?.body) bodies.push(JSON.parse(options.body).messages.length);"
            " return real(url, options); } }"
        )
        for question in ("Hello", "And more?"):
            await ask(page, f"{question} {FAST}")
        await page.click("#clear")
        assert await page.eval("document.querySelector('#log').childElementCount") == 0
        await ask(page, f"Hello {FAST}")
        assert await page.eval("window.bodies") == [1, 3, 1]


async def test_key_stays_in_memory_unless_the_user_wants_it_kept_in_the_tab(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        stores = "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"
        assert await page.eval("document.querySelector('#key').value") == "fk-demo"
        await page.eval("document.querySelector('#connection').open = true")
        await page.eval("document.querySelector('#key').value = ''")
        await page.write("#key", "fk-mine")
        await ask(page, f"Hello {FAST}")
        assert "fk-" not in await page.eval(stores)
        await page.click("#remember")
        assert "fk-mine" in await page.eval("JSON.stringify({ ...sessionStorage })")
        assert "fk-" not in await page.eval("JSON.stringify({ ...localStorage })")
        await page.open(demo)
        assert await page.eval("document.querySelector('#key').value") == "fk-mine"
        await page.click("#remember")
        assert "fk-" not in await page.eval(stores)


async def test_without_a_key_nothing_is_sent_and_the_field_is_shown(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval("document.querySelector('#key').value = ''")
        await page.write("#prompt", "Hello")
        await page.press("Enter")
        await page.until("document.activeElement.id === 'key' && document.querySelector('#connection').open")
        assert not any(address.endswith("/chat/completions") for address in page.requests)
        assert await page.eval("document.querySelector('#prompt').value") == "Hello"
