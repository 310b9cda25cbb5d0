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


CROWD = """
import asyncio
from runtime import MemoryTrimmer

def used():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

async def main():
    before = used()
    blocks = [bytes(20_000) for _ in range(5_000)]
    last = bytes(20_000)  # above all others
    del blocks
    trimmer = MemoryTrimmer(0.01)
    trimmer.start()
    for _ in range(1000):
        await asyncio.sleep(0.01)
        if used() - before < 20_000:
            break
    await trimmer.close()
    print(used() - before)

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there is it needed, and seen")
def test_memory_between_smaller_blocks_is_given_back_after_a_while() -> None:
    ran = subprocess.run([sys.executable, "-c", CROWD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 20_000
    untrimmed = CROWD.replace("trimmer.start()", "").replace("range(1000)", "range(10)")
    ran = subprocess.run(
        [sys.executable, "-c", untrimmed], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) > 20_000, "the crowd would have stayed"
