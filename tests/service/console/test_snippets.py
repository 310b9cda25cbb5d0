"""The programs that "Copy as" gives, run as they are against the service."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.service.deployment import KEY, deployed

SCRIPT = Path(__file__).parents[3] / "console" / "snippets.js"
NODE_SDK = Path(__file__).parents[1] / "node_sdk"
MESSAGES = [
    {"role": "system", "content": 'It\'s a $HOME `test` \\ "quoted"'},
    {"role": "user", "content": "calculate 17*23"},
]


async def run(*command: str, cwd: Path | None = None) -> str:
    """What a program prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=os.environ | {"OPENAI_API_KEY": KEY}, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


async def snippet(name: str, port: int) -> str:
    """The lines of that kind for the messages above."""
    request = {"address": f"http://127.0.0.1:{port}/v1", "body": {"model": "gpt-4-s", "messages": MESSAGES}}
    call = f"SNIPPETS[{json.dumps(name)}]({json.dumps(request)})"
    source = f"import {{ SNIPPETS }} from {json.dumps(str(SCRIPT))}; console.log({call})"
    return await run("node", "--input-type=module", "-e", source)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_python_gets_the_answer() -> None:
    async with deployed() as service:
        code = await snippet("Python", service.port)
        assert "391" in await run(sys.executable, "-c", code)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not (NODE_SDK / "node_modules").exists(), reason="npm ci in tests/service/node_sdk")
async def test_node_gets_the_answer() -> None:
    async with deployed() as service:
        code = await snippet("Node", service.port)
        assert "391" in await run("node", "--input-type=module", "-e", code, cwd=NODE_SDK)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_gets_the_answer() -> None:
    async with deployed() as service:
        code = await snippet("curl", service.port)
        answer = json.loads(await run("bash", "-c", code))
        assert "391" in answer["choices"][0]["message"]["content"]
