"""Large blocks go back to the system when they are freed; in a process of its own, as the setting stays."""

import subprocess
import sys

import pytest

from tests.processes import ROOT

HOLES = """
from runtime import give_back_large_blocks
give_back_large_blocks()

def used():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

before = used()
del [bytes(31 << 20) for _ in range(2)][:]  # after this, the library would keep blocks of that size
blocks = [b"x" * (1 << 20) for _ in range(100)]
kept = blocks[-1]
del blocks
print(used() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there is it needed, and seen")
def test_memory_of_large_blocks_is_given_back() -> None:
    ran = subprocess.run([sys.executable, "-c", HOLES], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 20_000
