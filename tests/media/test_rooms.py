"""The room stands alone."""

import subprocess
import sys


def test_media_imports_no_other_room_of_the_service() -> None:
    code = "import media, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    others = {"handlers", "upstream", "translate", "metrics", "settings", "server", "simulator"}
    assert not others & set(done.stdout.split())
