"""Looks for bytes that break a parser: `python -m tests.fuzz SECONDS [TARGET ...]`, so long in all.

What is found is made small and printed as a test. The inputs that take other branches than those before are
kept in `--folder`, for the next time. `--input FILE` runs one input alone.
"""

import argparse
import subprocess
import sys
import traceback
from pathlib import Path

from tests.fuzz.shrink import shrunk
from tests.fuzz.targets import TARGETS

FOLDER = Path(".fuzz")
OPTIONS = ("-max_len=60000", "-timeout=20", "-rss_limit_mb=1500", "-print_final_stats=1")


def main() -> int:
    """The exit status: how many targets failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], default=[])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--input", type=Path, help="run this input of the first target alone")
    given = parser.parse_args()
    targets = given.targets or list(TARGETS)
    if given.input:
        return _tell(targets[0], given.input)
    return sum(_fuzz(target, given.seconds / len(targets), given.folder / target) for target in targets)


def _fuzz(target: str, seconds: float, folder: Path) -> int:
    """1 if something was found, which is told; 0 otherwise."""
    found = folder / "found"
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    limits = (f"-max_total_time={max(1, round(seconds))}", f"-artifact_prefix={found}/")
    command = [sys.executable, "-m", "tests.fuzz.coverage", target, str(folder / "corpus"), *limits, *OPTIONS]
    print(f"== {target}", flush=True)
    ended = subprocess.run(command, check=False)
    for path in sorted(set(found.iterdir()) - before):
        _tell(target, path)
    return int(ended.returncode != 0)


def _tell(target: str, path: Path) -> int:
    """Run one input; if it fails, print a test of it, made small. 1 if it fails."""
    data, check = path.read_bytes(), TARGETS[target].check

    def fails(data: bytes) -> bool:
        try:
            check(data)
        except Exception:
            return True
        return False

    if not fails(data):
        print(f"{path} does not fail, or only takes too long")
        return 0
    data = shrunk(data, fails)
    try:
        check(data)
    except Exception:
        traceback.print_exc()
    print(f"def test_found() -> None:\n    TARGETS[{target!r}].check({data!r})", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
