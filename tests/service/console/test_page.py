"""The page itself in Chromium: what it shows, to whom, in which words and colours, for everybody."""

import json
from pathlib import Path

import pytest

from tests.service.console.browser import tab
from tests.service.deployment import deployed

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
ADMIN = "admin-token-of-the-test"
CONVERSATION = (
    "calculate 17*23 [[sim pace=0]]",
    "Say exactly: The roots of $x^2$ and `code`",
    "Search the web for tea [[sim pace=0]]",
    "Hello [[sim fault=cloudflare]]",
)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in tests/service/console")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_nothing_keeps_anybody_from_using_it(devtools: int, demo: str, scheme: str, width: int) -> None:
    async with tab(devtools) as page:
        await page.look(width, 900, scheme)
        await page.open(demo)
        for question in CONVERSATION:
            await page.write("#prompt", question)
            await page.press("Enter")
            await page.until("document.querySelector('#log').getAttribute('aria-busy') === 'false'")
        await page.eval("document.querySelector('#connection').open = true")
        await page.eval("document.querySelector('#instructions').open = true")
        await page.eval("document.querySelector('.edit').click()")
        await page.eval(AXE.read_text())
        for view in ("playground", "overview"):
            await page.eval(f"document.querySelector('[data-show={view}]').click()")
            found = await page.eval(
                "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) =>"
                " ({ id, impact, where: nodes.map((node) => node.html.slice(0, 120)) })))"
            )
            assert found == []
        await page.eval("document.querySelector('[data-show=playground]').click()")
        await page.eval("document.querySelector('#open-connect').click()")
        assert await page.eval("axe.run().then(({ violations }) => violations.map(({ id }) => id))") == []


@pytest.mark.parametrize("width", [390, 768, 1440, 1920])
async def test_nothing_sticks_out_at_the_side(devtools: int, demo: str, width: int) -> None:
    async with tab(devtools) as page:
        await page.look(width, 844)
        await page.open(demo)
        for view in ("playground", "overview"):
            await page.eval(f"document.querySelector('[data-show={view}]').click()")
            assert await page.eval("document.documentElement.scrollWidth <= innerWidth")
        theme = "document.querySelector('#theme').getBoundingClientRect()"
        assert await page.eval(f"{theme}.right >= innerWidth - 40"), "it stands at the end of the bar"
        await page.eval("document.querySelector('[data-show=playground]').click()")
        send = "document.querySelector('#send').getBoundingClientRect()"
        assert await page.eval(f"{send}.bottom <= innerHeight && {send}.right <= innerWidth")


async def test_it_says_what_runs(devtools: int, demo: str) -> None:
    async with tab(devtools) as page:
        await page.open(demo)
        text = await page.eval("document.body.innerText")
        assert "simulated" in text
        assert "ready" in text
        assert "127.0.0.1:" in await page.eval("document.querySelector('#now').innerText")
        assert "gpt-4-s" in await page.eval("document.querySelector('#models').innerText")
        assert await page.eval("document.querySelectorAll('#chart rect').length") == 24
        assert await page.eval("document.querySelectorAll('#hours tbody tr').length") == 24
        assert await page.eval("document.querySelectorAll('[role=meter]').length") == 2
        assert page.complaints == []
        assert {address.split("/")[2] for address in page.requests} == {demo.split("/")[2]}


async def test_language_and_theme_can_be_switched_and_are_remembered(devtools: int, demo: str) -> None:
    async with tab(devtools) as page:
        await page.open(demo)
        await page.click("#language")
        await page.click("#theme")
        await page.click("#theme")
        assert await page.eval("document.documentElement.lang") == "zh-CN"
        await page.open(demo)
        assert "额度" in await page.eval("document.body.innerText")
        assert "Overview" not in await page.eval("document.body.textContent")
        assert await page.eval("document.documentElement.dataset.theme") == "dark"
        colour = await page.eval("getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, colour[4:-1].split(","))) < 150
        await page.eval("localStorage.clear()")


async def test_page_works_where_the_browser_keeps_nothing(devtools: int, demo: str) -> None:
    async with tab(devtools) as page:
        forbid = (
            "for (const name of ['localStorage', 'sessionStorage'])"
            " Object.defineProperty(window, name,"
            " { get() { throw new DOMException('no', 'SecurityError'); } })"
        )
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=forbid)
        await page.open(demo)
        await page.click("#language")
        await page.click("#theme")
        assert await page.eval("document.documentElement.dataset.theme") == "light"
        assert page.complaints == []


async def test_both_dictionaries_have_the_same_words() -> None:
    text = (Path(__file__).parents[3] / "console" / "i18n.js").read_text(encoding="utf-8")
    english, chinese = text.split("  zh: {")
    assert _keys(english.split("  en: {")[1]) == _keys(chinese.split("const STORAGE_KEY")[0])


def _keys(text: str) -> list[str]:
    return [line.partition(":")[0] for line in _entries(text)]


def _entries(text: str) -> list[str]:
    entries, inside = [""], False
    for character in text:
        if character == '"':
            inside = not inside
        elif not inside and character in ",{}":
            entries.append("")
        elif not inside:
            entries[-1] += character.strip()
    return [entry for entry in entries if ":" in entry]


async def test_admin_token_opens_the_details_and_is_sent_to_that_route_alone(devtools: int) -> None:
    async with deployed({"ADMIN_TOKEN": ADMIN}) as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        assert not await page.eval("document.querySelector('#admin').hidden")
        assert await page.eval("document.querySelector('#usage-title').closest('section').hidden")
        await page.write("#token", "wrong")
        await page.press("Enter")
        await page.until("document.querySelector('#admin-error').textContent !== ''")
        await page.write("#token", ADMIN)
        await page.press("Enter")
        await page.until("document.querySelectorAll('#chart rect').length === 24")
        assert await page.eval("document.querySelector('#admin').hidden")
        stores = await page.eval(
            "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"
        )
        assert ADMIN not in stores
        assert all(ADMIN not in address for address in page.requests)


async def test_recorded_turns_are_listed(devtools: int) -> None:
    async with deployed({"RECORD": "unknown"}) as service, tab(devtools) as page:
        address = f"http://127.0.0.1:{service.port}/"
        await page.open(address)
        assert await page.eval("document.querySelector('#recordings').closest('section').hidden")
        await service.chat("Hello [[sim unknown=1 pace=0]]")
        await service.settled()
        await page.until("document.querySelectorAll('#recordings tbody tr').length === 1")
        shown = await page.eval("document.querySelector('#recordings').innerText")
        assert "not understood" in shown
        assert "unknown" in shown.split()[-1]
        assert not await page.eval("document.querySelector('#recordings').closest('section').hidden")
        assert page.complaints == []


async def test_hidden_page_asks_for_nothing(devtools: int, demo: str) -> None:
    async with tab(devtools) as page:
        await page.open(demo)
        await page.eval(
            "{ Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'hidden' });"
            " window.asked = 0; const real = fetch;"
            " window.fetch = (...all) => { asked += 1; return real(...all); };"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
        assert await page.eval("window.asked") == 0
        await page.eval("window.seen = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
        assert await page.eval("window.asked") == 1


async def test_every_button_and_field_has_a_name_and_can_be_reached_by_keyboard(
    devtools: int, demo: str
) -> None:
    async with tab(devtools) as page:
        await page.open(demo)
        wanted = {"language", "theme", "model", "clear", "attach", "open-connect", "prompt", "send", "log"}
        reached: set[str] = set()
        for _ in range(300):  # each request that other tests have made is a stop on the way
            await page.press("Tab")
            reached.add(await page.eval("document.activeElement.id || document.activeElement.tagName"))
            shown = await page.eval("getComputedStyle(document.activeElement).outlineStyle")
            assert shown != "none" or "BODY" in reached
            if wanted <= reached:
                break
        assert wanted <= reached, json.dumps(list(reached))
