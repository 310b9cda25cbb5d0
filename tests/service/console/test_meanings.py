"""What the service says in English, the page says in Chinese too: each code of an error, each reason."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from handlers.console import FOLDER
from tests.service.console.browser import tab
from tests.service.deployment import deployed
from tests.source_tree import ROOT
from tests.test_architecture import ROOM_NAMES
from turns.attachments import CODES

MEANINGS = (FOLDER / "meanings.js").read_text(encoding="utf-8")
TOLD_APART = {"FetchFailure", "Unreadable"}
"""Classes that are made with a reason for people."""
NOT_SHOWN = {"simulator"}
"""It is no part of the service."""


def trees() -> Iterator[ast.AST]:
    """The source of all rooms."""
    for room in sorted(ROOM_NAMES - NOT_SHOWN):
        paths = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else (ROOT / room).rglob("*.py")
        for path in paths:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def text_of(node: ast.AST | None) -> str | None:
    """A text as it stands in the source, with {} for what varies."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "{}" for part in node.values)
    return None


@cache
def codes() -> set[str]:
    """What errors are made with as their code, and the codes and types that their classes have."""
    found = set(CODES.values())
    for node in trees():
        if isinstance(node, ast.keyword) and node.arg == "code":
            found.add(text_of(node.value) or "")
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) in ("code", "type"):
                    found.add(text_of(line.value) or "")
    return found - {""}


@cache
def reasons() -> set[str]:
    """The reasons for GPTs and accounts that cannot be used."""
    calls = [node for node in trees() if isinstance(node, ast.Call) and node.args]
    made = [call.args[0] for call in calls if ast.unparse(call.func) in TOLD_APART]
    return {text for node in made if (text := text_of(node)) is not None}


def test_every_code_of_an_error_has_its_meaning() -> None:
    known = set(re.findall(r"^  (\w+): \[", MEANINGS, re.MULTILINE))
    assert {"model_not_found", "upstream_error", "invalid_media", "server_error"} <= codes()
    assert sorted(codes() - known) == []


def test_every_reason_has_its_words_and_there_are_no_others() -> None:
    known = set(re.findall(r'^  "([^"]+)": "', MEANINGS, re.MULTILINE))
    assert len(reasons()) > 20
    assert known == reasons()


async def test_what_is_not_said_in_chinese_comes_in_the_words_of_the_service(
    devtools: int,
) -> None:
    async with deployed() as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")

        async def shown(call: str) -> str:
            text: str = await page.eval(
                "import('/console/meanings.js').then((m) => { const node = document.createElement('p');"
                f" node.append(...[{call}].flat()); return node.innerHTML; }})"
            )
            return text

        own = '<span class="reason own" lang="en">It failed &lt;so&gt;.</span>'
        assert await shown("m.why('upstream_error', 'It failed <so>.')") == "It failed &lt;so&gt;."
        assert await shown("m.why('model_not_found', '')") == (
            "There is no such model, or the key may not use it."
        )
        assert await shown("m.why('constructor', '', 'It failed.')") == "It failed."
        assert await shown("m.told('the variable ANNA is not set')") == "the variable ANNA is not set"
        await page.click("#language")
        assert await shown("m.why('upstream_error', 'It failed <so>.')") == (
            f"后端出错，或无法理解它的回答。{own}"
        )
        assert await shown("m.why('never_heard_of', 'It failed <so>.')") == "It failed &lt;so&gt;."
        assert await shown("m.told('of its proxy, the variable ANNA is not set')") == (
            "它的代理：环境变量 ANNA 未设置"
        )
        assert await shown("m.told('a reason of tomorrow')") == "a reason of tomorrow"
        await page.click("#language")
        assert page.complaints == []
