"""The table of models on the page: which can be used, and what is not known yet."""

import json
from pathlib import Path

import pytest

from tests.service.console.browser import Page, tab
from tests.service.deployment import deployed

ROW = "[...document.querySelectorAll('#models tr')].find((row) => row.innerText.startsWith('{name}'))"


async def until_shown(page: Page, name: str, *words: str) -> None:
    """Wait until the row of a model has these words."""
    row = ROW.replace("{name}", name)
    await page.until(f"{json.dumps(words)}.every((word) => {row}?.innerText.includes(word))", 20)


async def test_gpt_that_nobody_has_asked_for_is_not_called_unavailable(
    devtools: int, tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gpts.json"
    path.write_text(json.dumps({"helper": {"id": "g-YyyyMT9XH"}, "missing": {"id": "g-Missing01"}}))
    async with deployed({"GPTS_FILE": str(path)}) as service, tab(devtools) as page:
        await page.open(f"http://127.0.0.1:{service.port}/")
        await page.click("[data-show=overview]")
        for name in ("helper", "missing"):
            await until_shown(page, name, "not looked up yet", "set KEY_FOR_GPTS_INFO")
        await page.click("#language")
        await until_shown(page, "helper", "尚未查询", "设置 KEY_FOR_GPTS_INFO")
        for model in ("helper", "missing"):
            await service.chat("Hello", model=model)
        await until_shown(page, "helper", "可用")
        await until_shown(page, "missing", "不可用", "后端没有它")
        assert page.complaints == []
