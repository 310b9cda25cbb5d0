"""The page's scripts that need no page, as Node runs them."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.test.mjs"))


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_do_what_their_own_tests_say(script: str) -> None:
    result = subprocess.run(
        ["node", "--test", script], cwd=FOLDER, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout
