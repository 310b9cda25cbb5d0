"""How an answer is drawn: maths and the colours of code, by libraries that come when they are needed."""

from tests.service.console.scripted import PROSE, answered

MATHS = r"""The roots of \(ax^2 + bx + c = 0\), with $a \ne 0$:

\[
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
\]

and in a list:

1. $$\vec{v} = \left\lbrace\begin{matrix} 1 \\ 2 \\ 3 \\ 4 \\ 5 \end{matrix}\right.$$
2. It costs $5, not $10.
"""
CODE = "```python\ndef double(x):\n    return 2 * x  # twice\n```\n\n```mermaid\ngraph TD; A-->B\n```\n"
VENDOR = "/console/vendor/"


async def test_maths_is_drawn_as_formulas(devtools: int) -> None:
    async with answered(devtools, *MATHS) as page:
        await page.until(f"{PROSE}.querySelectorAll('.katex').length === 4")
        assert await page.eval(f"{PROSE}.querySelectorAll('.math.display').length") == 2
        assert await page.eval(f"{PROSE}.querySelectorAll('math').length") == 4, "screen readers get MathML"
        assert await page.eval(f"{PROSE}.querySelectorAll('svg').length") >= 2
        assert "It costs $5, not $10." in await page.eval(f"{PROSE}.innerText")
        assert await page.eval("document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Main'))")
        arrow = f"{PROSE}.querySelector('.katex-overlay svg').getBoundingClientRect()"
        assert await page.eval(f"{arrow}.width > 5 && {arrow}.height > 5")
        assert page.complaints == [], "nothing that the page's policy forbids"


async def test_what_is_no_tex_stays_as_it_was_written(devtools: int) -> None:
    async with answered(devtools, r"\(\nosuchcommand{x}\) and \( \frac{1 \) and $x$") as page:
        await page.until(f"{PROSE}.querySelectorAll('.katex').length === 1")
        text = await page.eval(f"{PROSE}.innerText")
        assert r"\(\nosuchcommand{x}\)" in text
        assert r"\( \frac{1 \)" in text


async def test_code_gets_its_colours_and_a_diagram_stays_code(devtools: int) -> None:
    async with answered(devtools, *CODE) as page:
        await page.until(f"{PROSE}.querySelectorAll('.code-keyword').length >= 2")
        code = f"{PROSE}.querySelector('code')"
        assert await page.eval(f"{code}.textContent") == CODE.split("```")[1].removeprefix("python\n")[:-1]
        colour = f"getComputedStyle({code}.querySelector('.code-keyword')).color"
        assert await page.eval(colour) != await page.eval(f"getComputedStyle({code}).color")
        assert await page.eval(f"{PROSE}.querySelectorAll('code')[1].textContent") == "graph TD; A-->B"
        assert page.complaints == []


async def test_libraries_are_fetched_only_for_what_needs_them(devtools: int) -> None:
    async with answered(devtools, "plain *words*\n\n```\nand text\n```") as page:
        fetched = [address for address in page.requests if VENDOR in address]
        assert [address.split(VENDOR)[1] for address in fetched] == ["markdown-it/markdown-it.esm.min.mjs"]
    async with answered(devtools, "$x$") as page:
        await page.until(f"{PROSE}.querySelector('.katex') !== null")
        assert any("katex.min.js" in address for address in page.requests)
        assert not any("highlight" in address for address in page.requests)


async def test_same_formula_stands_wherever_it_is_written(devtools: int) -> None:
    pieces = [f"Let $x$ be {number} times $x$.\n\n" for number in range(5)]
    async with answered(devtools, *pieces) as page:
        await page.until(f"{PROSE}.querySelectorAll('.katex').length === 10")
        assert (
            await page.eval(
                f"[...{PROSE}.querySelectorAll('p')].map((line) => line.querySelectorAll('.katex').length)"
            )
            == [2] * 5
        )


async def test_screen_readers_hear_a_formula_once_as_it_was_written(devtools: int) -> None:
    async with answered(devtools, "So $x^2$ it is.\n\nEnd") as page:
        await page.until("document.querySelector('#announcer').textContent.includes('x^2')")
        said = await page.eval("document.querySelector('#announcer').textContent")
        assert said.count("x^2") == 1
