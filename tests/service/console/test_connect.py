"""What clients are told: the address of the page and the chosen model, and the key only if it is wanted."""

from tests.service.console.browser import Page, tab
from tests.service.console.test_playground import page_of
from tests.service.deployment import deployed

LINES = "document.querySelector('#client-lines')"


async def choose(page: Page, name: str) -> str:
    """What a client is told."""
    await page.eval(
        f"{{ const choice = document.querySelector('#client'); choice.value = '{name}';"
        " choice.dispatchEvent(new Event('input')); }"
    )
    told: str = await page.eval(f"{LINES}.innerText")
    return told


async def test_lines_have_the_address_of_the_page_and_the_chosen_model(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval("document.querySelector('#model').value = 'gpt-4-mobile'")
        await page.click("#open-connect")
        names = await page.eval(
            "[...document.querySelector('#client').options].map((option) => option.value)"
        )
        assert {"NextChat", "Open WebUI", "Codex", "Claude Code", "aider"} <= set(names)
        for name in names:
            assert demo.split(":")[2].strip("/") in await choose(page, name), "the port"
        assert 'model = "gpt-4-mobile"' in await choose(page, "Codex")
        await page.press("Escape")
        await page.until("!document.querySelector('#connect').open")
        assert page.complaints == []


async def test_key_stands_there_only_while_the_user_wants_it(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.click("#open-connect")
        assert "fk-your-key" in await choose(page, "aider")
        await page.click("#show-key")
        assert "OPENAI_API_KEY=fk-demo" in await page.eval(f"{LINES}.innerText")
        await page.click("#close-connect")
        await page.until("!document.querySelector('#connect').open")
        await page.click("#open-connect")
        assert "fk-demo" not in await page.eval(f"{LINES}.innerText")


async def test_prefix_of_the_api_is_part_of_the_address(devtools: int) -> None:
    async with deployed({"API_PREFIX": "team"}) as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        await page.click("#open-connect")
        assert f"http://127.0.0.1:{service.port}/team/v1" in await choose(page, "OpenAI SDK")
        assert f"BASE_URL=http://host.docker.internal:{service.port}/team\n" in await choose(page, "NextChat")
