"""What the user does with a conversation: examples, files, a system prompt, asking again, changes, copies."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from tests.service.console.browser import Page, tab
from tests.service.console.test_playground import FAST, IDLE, LAST, ask, page_of
from tests.service.deployment import KEY, deployed

BODIES = (
    "{ const real = fetch; window.bodies = []; window.fetch = (url, options) => {"
    " if (typeof options?.body === 'string') bodies.push(JSON.parse(options.body));"
    " return real(url, options); } }"
)
COPIES = "navigator.clipboard.writeText = async (text) => { window.copied = text; }"


async def sent(page: Page) -> Any:
    """What the messages of each request have said."""
    return await page.eval("bodies.map((body) => body.messages.map((message) => message.content))")


async def idle_with(page: Page, messages: int) -> None:
    await page.until(f"document.querySelectorAll('.message').length === {messages} && {IDLE}")


async def edit(page: Page, index: int) -> None:
    """Open the editor of a question, and wait until it has the focus."""
    await page.eval(f"document.querySelectorAll('.edit')[{index}].click()")
    await page.until("document.activeElement.closest('.editor')")


async def attach(page: Page, name: str, content: bytes) -> None:
    """Choose a file as a person does, and wait until it is stored or refused."""
    path = Path(tempfile.mkdtemp()) / name
    path.write_bytes(content)
    found = await page.call("Runtime.evaluate", expression="document.querySelector('#files')")
    await page.call("DOM.setFileInputFiles", files=[str(path)], objectId=found["result"]["objectId"])
    await page.until("document.querySelector('#attached li') && !document.querySelector('#attached .muted')")


async def test_example_is_put_into_the_composer_and_asked_by_the_user(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.click("[data-start=startPlot]")
        assert "Plot" in await page.eval("document.querySelector('#prompt').value")
        assert await page.eval("document.activeElement.id") == "prompt"
        assert await page.eval("document.querySelector('#log').childElementCount") == 0, (
            "nothing is spent yet"
        )
        await page.press("Enter")
        await idle_with(page, 2)
        assert await page.eval("getComputedStyle(document.querySelector('#starters')).display") == "none"


async def test_system_prompt_is_sent_first_with_each_question(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(BODIES)
        await page.eval("document.querySelector('#instructions').open = true")
        await page.write("#system", "Be brief.")
        await ask(page, f"One {FAST}")
        await ask(page, f"Two {FAST}")
        assert [messages[0] for messages in await sent(page)] == ["Be brief."] * 2
        assert await page.eval("bodies[1].messages.map((message) => message.role)") == [
            "system", "user", "assistant", "user",
        ]  # fmt: skip


async def test_asking_again_sends_the_same_history_and_replaces_the_answer(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(BODIES)
        await ask(page, f"One {FAST}")
        await ask(page, f"Two {FAST}")
        await page.eval(f"{LAST}.classList.add('old')")
        await page.eval(f"{LAST}.querySelector('.again').click()")
        await idle_with(page, 4)
        assert not await page.eval("document.querySelector('.old')")
        _, second, third = await sent(page)
        assert second == third
        await page.eval("document.querySelectorAll('.again')[0].click()")
        await idle_with(page, 2)
        assert (await sent(page))[-1] == [f"One {FAST}"]


async def test_question_that_is_changed_takes_what_followed_with_it(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(BODIES)
        for question in ("One", "Two", "Three"):
            await ask(page, f"{question} {FAST}")
        await edit(page, 1)
        assert await page.eval("document.querySelector('.editor textarea').value") == f"Two {FAST}"
        await page.press("Escape")
        await edit(page, 1)
        await page.eval("document.querySelector('.editor textarea').value = ''")
        await page.write(".editor textarea", f"Zwei {FAST}")
        await page.click(".editor .primary")
        await idle_with(page, 4)
        last = (await sent(page))[-1]
        assert [last[0], last[2]] == [f"One {FAST}", f"Zwei {FAST}"]
        assert len(last) == 3
        assert page.complaints == []


async def test_question_that_failed_can_be_asked_again_until_another_is_asked(
    devtools: int, demo: str
) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(BODIES)
        await ask(page, "Hello [[sim fault=cloudflare]]")
        await page.eval(f"{LAST}.querySelector('.again').click()")
        await idle_with(page, 2)
        await ask(page, f"Two {FAST}")
        assert await page.eval("document.querySelectorAll('.again').length") == 1
        assert await page.eval("document.querySelectorAll('.edit').length") == 1
        first, again, other = await sent(page)
        assert first == again
        assert other == [f"Two {FAST}"]


async def test_question_that_failed_and_is_changed_later_takes_what_followed_with_it(
    devtools: int, demo: str
) -> None:
    """Its editor is open while another question is asked."""
    async with page_of(devtools, demo) as page:
        await page.eval(BODIES)
        await ask(page, f"One {FAST}")
        await ask(page, "Two [[sim fault=cloudflare]]")
        await edit(page, 1)
        await ask(page, f"Three {FAST}")
        assert [message for message in (await sent(page))[-1] if "Two" in message] == []
        await page.eval("document.querySelector('.editor textarea').value = ''")
        await page.write(".editor textarea", f"Zwei {FAST}")
        await page.click(".editor .primary")
        await idle_with(page, 4)
        last = (await sent(page))[-1]
        assert [last[0], last[2]] == [f"One {FAST}", f"Zwei {FAST}"]
        assert len(last) == 3
        await ask(page, f"Four {FAST}")
        assert len((await sent(page))[-1]) == 5


async def test_nothing_can_be_changed_while_an_answer_comes(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await ask(page, f"One {FAST}")
        await page.write("#prompt", "Write 2000 words [[sim pace=30]]")
        await page.press("Enter")
        await page.until("document.querySelectorAll('.message').length === 4")
        buttons = "[...document.querySelectorAll('.edit, .again')]"
        assert await page.eval(f"{buttons}.every((button) => button.disabled)")
        await page.click("#stop")
        await page.until(f"{IDLE} && {buttons}.every((button) => !button.disabled)")


async def test_end_stays_in_view_while_formulas_make_the_answer_longer(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        text = "\n\n".join([r"$$\\frac{\\int_0^1 x}{\\sum_a^b y}$$"] * 12)
        await page.eval(
            f"window.fetch = async () => new Response('data: ' + JSON.stringify({{ choices: [{{ delta: "
            f"{{ content: {json.dumps(text)} }} }}] }}) + '\\n\\ndata: [DONE]\\n\\n')"
        )
        await page.write("#prompt", "Hello")
        await page.press("Enter")
        await page.until("document.querySelectorAll('.katex').length === 12")
        log = "document.querySelector('#log')"
        await page.until(f"{log}.scrollHeight > {log}.clientHeight * 1.2")
        await page.until(f"{log}.scrollHeight - {log}.scrollTop - {log}.clientHeight < 2")
        await page.eval(f"{log}.scrollTop = 0")
        await asyncio.sleep(0.1)
        await page.eval("document.querySelector('.prose').append('x'.repeat(9000))")
        await asyncio.sleep(0.1)
        assert await page.eval(f"{log}.scrollTop") == 0, "who reads above stays there"


async def test_units_stand_below_each_answer(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        assert "14 units" in await ask(page, f"Hello {FAST}")
        await page.eval("document.querySelector('#model').value = 'gpt-3.5-turbo'")
        assert "4 units" in await ask(page, f"Hello {FAST}")
        assert "0 units" in await ask(page, "Hello [[sim fault=model_cap_exceeded]]")


async def test_picture_and_file_are_stored_once_and_named_by_their_ids(devtools: int, demo: str) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(BODIES)
        picture = await page.picture()
        await attach(page, "look.png", picture)
        await attach(page, "notes.txt", b"green tea")
        assert await page.eval("document.querySelector('#attached img').naturalWidth") > 0
        assert "No answer" not in await ask(page, f"What is this? {FAST}")
        assert await page.eval("document.querySelector('#attached').childElementCount") == 0
        assert "notes.txt" in await page.eval("document.querySelector('.message.user').innerText")
        await ask(page, f"And more? {FAST}")
        [first, second] = await sent(page)
        assert [part["type"] for part in first[0]] == ["image_file", "file", "text"]
        assert first[0] == second[0]
        stored = [address for address in page.requests if address.endswith("/v1/files")]
        assert len(stored) == 2
        assert page.complaints == []


async def test_file_that_is_refused_says_why_and_keeps_the_question_back(devtools: int) -> None:
    async with deployed({"MAX_BODY_BYTES": "20000"}) as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        await page.write("#key", KEY)
        await attach(page, "large.txt", b"x" * 40_000)
        assert await page.eval("document.querySelector('#attached .error').innerText")
        await page.write("#prompt", "Hello")
        await page.press("Enter")
        await asyncio.sleep(0.2)
        assert await page.eval("document.querySelector('#log').childElementCount") == 0
        await page.click("#attached button")
        await page.eval("document.querySelector('#prompt').focus()")
        await page.press("Enter")
        await idle_with(page, 2)


async def test_answer_is_copied_as_it_was_written_and_its_request_as_programs(
    devtools: int, demo: str
) -> None:
    async with page_of(devtools, demo) as page:
        await page.eval(COPIES)
        await ask(page, f"calculate 17*23 {FAST}")
        await page.eval(f"{LAST}.querySelector('.tools .copy').click()")
        await page.until("window.copied?.includes('```')")
        for index, sign in enumerate(("curl '", "from openai import OpenAI", "import OpenAI from")):
            await page.eval(f"{LAST}.querySelectorAll('.group button')[{index}].click()")
            await page.until(f"window.copied.startsWith({json.dumps(sign)})")
            copied = await page.eval("window.copied")
            assert f"{demo}v1" in copied
            assert "calculate 17*23" in copied
            assert "fk-demo" not in copied


async def test_error_is_explained_in_chinese_with_the_words_of_the_service(devtools: int) -> None:
    async with deployed() as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        await page.write("#key", KEY)
        await page.click("#language")
        await page.write("#prompt", "Hello")
        await page.eval(
            "{ const model = document.querySelector('#model'); model.append(new Option('gone'));"
            " model.value = 'gone'; document.querySelector('#composer').requestSubmit(); }"
        )
        await idle_with(page, 2)
        shown = await page.eval(f"{LAST}.innerText")
        assert "没有这个模型" in shown
        assert "The model `gone` does not exist" in shown
        assert "404 · model_not_found · gone" in shown
