"""Answers that want to break out of the playground, or to break it."""

import asyncio
import json

from tests.service.console.scripted import IDLE, PROSE, answered

PIECE = 64 * 1024


def script_of(piece: str, times: int) -> str:
    """A script after which each request is answered with so many pieces, all at once."""
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": piece}}]})
    return (
        f"const record = 'data: ' + {json.dumps(chunk)} + '\\n\\n';"
        f"const bytes = new TextEncoder().encode(record.repeat({times}) + 'data: [DONE]\\n\\n');"
        "window.fetch = async () => new Response(bytes);"
    )


RUNNING = r"""
<script>window.ran = 1</script>
<img src=x onerror="window.ran = 2">
<svg onload="window.ran = 3"></svg>
<iframe srcdoc="<script>parent.ran = 4</script>"></iframe>
<style>body { display: none }</style>

[one](javascript:window.ran=5) [two](JaVaScRiPt:window.ran=6)
[three](data:text/html,<script>window.ran=7</script>)
[four](<java
script:window.ran=8>) [five](vbscript:x) <javascript:window.ran=9>
[six](file:///etc/passwd) [seven](sandbox:/mnt/x)
[eight](  javascript:window.ran=10  ) [nine](&#106;avascript:window.ran=11) [ten](blob:http://127.0.0.1/x)

![a](javascript:window.ran=12) ![b](data:image/svg+xml,<svg onload="window.ran=13">)
![c](x" onerror="window.ran=14)

```html" onclick="window.ran=15
<script>window.ran = 16</script>
```

| <script>window.ran = 17</script> | b |
|---|---|
| <b onmouseover="window.ran=18">x</b> | y |
"""


async def test_nothing_in_an_answer_runs(devtools: int) -> None:
    async with answered(devtools, *RUNNING) as page:
        links = await page.eval(f"[...{PROSE}.querySelectorAll('a')].map((a) => new URL(a.href).protocol)")
        assert set(links) <= {"http:", "https:", "mailto:"}
        await page.eval(
            f"[...{PROSE}.querySelectorAll('a, button, td, span')].forEach((node) => node.click())"
        )
        await asyncio.sleep(0.1)
        assert await page.eval("window.ran") is None
        markup = "script, iframe, svg, style, object, embed, form, input, link, meta, base"
        assert await page.eval(f"{PROSE}.querySelectorAll('{markup}').length") == 0
        names = await page.eval(
            f"[...{PROSE}.querySelectorAll('*')].flatMap((node) => node.getAttributeNames())"
        )
        assert not [name for name in names if name.startswith("on") or name in ("style", "id", "name")]
        assert "<script>window.ran = 1</script>" in await page.eval(f"{PROSE}.innerText")
        assert page.complaints == []


async def test_pictures_of_other_hosts_are_not_fetched_until_the_reader_wants_them(devtools: int) -> None:
    async with answered(devtools, "![x](http://127.0.0.1:9/leak?secret=1) and ![y](//127.0.0.1:9/z)") as page:
        assert not any(":9/" in address for address in page.requests)
        assert "127.0.0.1:9" in await page.eval("document.querySelector('.foreign').innerText")
        await page.click(".foreign")
        await page.until(f"{PROSE}.querySelector('img') !== null")
        assert await page.eval(f"{PROSE}.querySelector('img').referrerPolicy") == "no-referrer"


async def test_huge_picture_stays_within_its_bounds(devtools: int) -> None:
    async with answered(devtools, "Look:\n\n![huge](DATA)\n") as page:
        await page.eval(
            "(async () => { const canvas = Object.assign(document.createElement('canvas'),"
            " { width: 2000, height: 3000 }); canvas.getContext('2d').fillRect(0, 0, 9, 9);"
            " const image = document.createElement('img'); image.src = canvas.toDataURL();"
            f" {PROSE}.append(image); await image.decode(); }})()"
        )
        box = await page.eval(
            f"(({{ width, height }}) => [width, height])({PROSE}.querySelector('img:last-child')"
            ".getBoundingClientRect())"
        )
        assert box[0] <= 512
        assert box[1] <= 900 * 0.61


async def test_ten_megabytes_are_shown_bit_by_bit_and_the_page_stays_alive(devtools: int) -> None:
    text = "word *with* `code` and [link](https://x.example) " * 30 + "\n\n"
    pieces = [(text * (PIECE // len(text) + 1))[:PIECE]] * 160
    async with answered(devtools, *pieces) as page:
        assert await page.eval(f"{PROSE}.textContent.length") <= 60_000
        assert "more characters" in await page.eval("document.querySelector('.more').innerText")
        before = await page.eval(f"{PROSE}.textContent.length")
        await page.click(".more")
        await page.until(f"{PROSE}.textContent.length > {before} * 1.5")
        assert await page.eval(f"{PROSE}.textContent.length") <= 120_000


async def test_frames_are_drawn_while_very_much_comes_at_once(devtools: int) -> None:
    async with answered(devtools, "x") as page:
        await page.eval(
            script_of("word " * 40, 40_000)
            + "window.drawn = 0; const count = () => { drawn += 1; requestAnimationFrame(count); }; count();"
        )
        await page.write("#prompt", "Again")
        await page.eval("window.drawn = 0")
        await page.press("Enter")
        await page.until(f"document.querySelectorAll('.message').length === 4 && {IDLE}", 30)
        assert await page.eval("window.drawn") > 3


async def test_one_endless_word_and_broken_markdown_do_not_widen_the_page(devtools: int) -> None:
    broken = "**[![`" * 500 + "\n\n| " + "a | " * 300 + "\n|" + "-|" * 300 + "\n\n```\n" + "z" * 5000
    async with answered(devtools, "A" * 30_000 + "\n\n", broken) as page:
        assert await page.eval("document.documentElement.scrollWidth <= innerWidth")
        log = "document.querySelector('#log')"
        assert await page.eval(f"{log}.scrollWidth <= {log}.clientWidth")


async def test_screen_readers_hear_blocks_with_pauses_not_every_piece(devtools: int) -> None:
    async with answered(devtools, "x") as page:
        await page.eval(
            "window.heard = 0; new MutationObserver(() => { heard += 1; })"
            ".observe(document.querySelector('#announcer'), { childList: true, characterData: true });"
        )
        await page.eval(
            script_of("a\n\n", 1) + "window.fetch = async () => new Response(new ReadableStream({"
            " async start(stream) { for (let piece = 0; piece < 60; piece += 1) {"
            " stream.enqueue(new TextEncoder().encode(record));"
            " await new Promise((resolve) => setTimeout(resolve, 20)); }"
            " stream.enqueue(bytes); stream.close(); } }));"
        )
        await page.write("#prompt", "Again")
        await page.press("Enter")
        await page.until(f"document.querySelectorAll('.message').length === 4 && {IDLE}")
        await page.until("window.heard >= 1")
        assert await page.eval("window.heard") <= 3
        assert await page.eval("document.querySelector('#log').getAttribute('aria-live')") == "off"


LEADING_OUT = (
    r"\(\href{javascript:window.ran=1}{x}\)",
    r"\(\url{https://x.example}\)",
    r"\(\includegraphics{http://127.0.0.1:9/leak.png}\)",
    r"\(\htmlId{prompt}{x} \htmlClass{hidden}{x} \htmlStyle{position: fixed}{x} \htmlData{a=b}{x}\)",
    r"\(\text{<img src=x onerror=window.ran=2>}\)",
    r"\(\char`< \unicode{x3c} \class{x}{y} \style{x}{y} \cssId{prompt}{x}\)",
)


async def test_nothing_in_a_formula_leads_out_of_it(devtools: int) -> None:
    async with answered(devtools, "\n\n".join((*LEADING_OUT, "$y^2$"))) as page:
        await page.until(f"{PROSE}.lastElementChild.querySelector('.katex') !== null")
        await asyncio.sleep(0.1)
        assert await page.eval(f"{PROSE}.querySelectorAll('a, img, script, [id], [href], [src]').length") == 0
        assert await page.eval("window.ran") is None
        assert await page.eval("document.querySelectorAll('#prompt').length") == 1
        assert not any(":9/" in address for address in page.requests)
        assert page.complaints == []


async def test_formulas_that_grow_without_end_stay_text(devtools: int) -> None:
    growing = r"\(\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b\b}\c\c\c\c\c\c\c\c\)"
    endless = r"\(\def\x{\x\x}\x\)"
    deep = r"\(" + r"\frac{" * 900 + r"\)"
    long = r"\(" + "x+" * 3000 + r"x\)"
    async with answered(devtools, "\n\n".join((growing, endless, deep, long, "$z$"))) as page:
        await page.until(f"{PROSE}.lastElementChild.querySelector('.katex') !== null")
        assert await page.eval(f"{PROSE}.querySelectorAll('.katex').length") == 1
        assert "x+x+x" in await page.eval(f"{PROSE}.innerText")
        assert page.complaints == []


DEFINING = (
    r"\def\a{BODY}",
    r"\gdef\a{BODY}",
    r"\global\def\a{BODY}",
    r"\edef\a{BODY}",
    r"\xdef\a{BODY}",
    r"\newcommand{\a}{BODY}",
    r"\renewcommand{\alpha}{BODY}",
    r"\providecommand{\a}{BODY}",
    r"\let\define=\def \define\a{BODY}",
)


async def test_formula_that_defines_commands_stays_text_since_they_make_it_endless(devtools: int) -> None:
    formulas = [rf"\({each.replace('BODY', 'xyz')} \alpha\)" for each in DEFINING]
    async with answered(devtools, "\n\n".join((*formulas, "$z$"))) as page:
        await page.until(f"{PROSE}.lastElementChild.querySelector('.katex') !== null")
        drawn = f"[...{PROSE}.querySelectorAll('.katex')].map((node) => node.parentNode.dataset.source)"
        assert await page.eval(drawn) == ["$z$"]
        assert page.complaints == []


async def test_formula_stays_in_its_place_and_is_not_larger_than_it_may_be(devtools: int) -> None:
    hostile = r"$$\rule{9000em}{9000em}$$" "\n\n" r"\(\kern-900em\raisebox{-400em}{\Huge X}\) $y$"
    async with answered(devtools, hostile) as page:
        await page.until(f"{PROSE}.querySelectorAll('.katex').length === 2")
        assert await page.eval("document.documentElement.scrollWidth <= innerWidth")
        log = "document.querySelector('#log')"
        assert await page.eval(f"{log}.scrollWidth <= {log}.clientWidth")
        display = f"{PROSE}.querySelector('.display').getBoundingClientRect()"
        assert await page.eval(f"{display}.height <= innerHeight * 0.61")
        assert await page.eval(f"{PROSE}.getBoundingClientRect().height") < 1500


async def test_frames_are_drawn_while_thousands_of_formulas_come_at_once(devtools: int) -> None:
    async with answered(devtools, "x") as page:
        await page.eval(
            script_of("Let $\\frac{a_1}{b}$ be $x^2$.\n\n", 2000) + "window.drawn = 0; const count = () => {"
            " const made = document.querySelectorAll('.katex').length;"
            " if (made > 0 && made < 3000) drawn += 1;"
            " requestAnimationFrame(count); }; count();"
        )
        await page.write("#prompt", "Again")
        await page.press("Enter")
        await page.until(f"document.querySelectorAll('.message').length === 4 && {IDLE}", 30)
        await page.until("document.querySelectorAll('.katex').length >= 3000", 30)
        assert await page.eval("window.drawn") > 20


async def test_code_that_takes_its_reader_too_long_holds_up_neither_the_page_nor_other_code(
    devtools: int,
) -> None:
    async with answered(devtools, "x") as page:
        await page.eval(
            script_of("```ini\nendless = 1\n```\n\n```python\ndef double(x): return 2 * x\n```\n", 1)
            + "const { postMessage } = Worker.prototype;"
            " Worker.prototype.postMessage = function (code) {"
            " if (!code.text.startsWith('endless')) postMessage.call(this, code); };"
        )
        await page.write("#prompt", "Again")
        await page.press("Enter")
        await page.until("document.querySelectorAll('.code-keyword').length >= 2", 30)
        assert await page.eval("document.querySelectorAll('.code-attr').length") == 0
        assert page.complaints == []
