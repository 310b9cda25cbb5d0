"""The page's scripts that need no page, as Node runs them."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_markdown_becomes_the_right_tree() -> None:
    result = subprocess.run(
        ["node", "--test", "markdown.test.mjs"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout
