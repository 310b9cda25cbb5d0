"""Looks for bytes that break the translator: `python -m tests.fuzz SECONDS`.

Each failure is printed with the name of its case; `--case NAME` runs that case again and makes it small.
"""

import argparse
import random
import sys
import time
import traceback

from tests.fuzz.bodies import check_body, random_body
from tests.fuzz.cases import random_case
from tests.fuzz.check import check
from tests.fuzz.shrink import shrunk

MAX_FAILURES = 20


def main() -> int:
    """The exit status: how many cases failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600)
    parser.add_argument("--start", default=f"{time.time():.0f}", help="names of cases begin with this")
    parser.add_argument("--case", help="run this case alone")
    given = parser.parse_args()
    if given.case:
        return _once(given.case)
    until, cases, failures = time.monotonic() + given.seconds, 0, 0
    while time.monotonic() < until and failures < MAX_FAILURES:
        name = f"{given.start}-{cases}"
        try:
            check(random_case(random.Random(name)))
            check_body(random_body(random.Random(name)))
        except Exception:
            failures += 1
            print(f"case {name}", traceback.format_exc(), sep="\n", flush=True)
        cases += 1
    print(f"{cases} cases, {failures} failures")
    return failures


def _once(name: str) -> int:
    body = random_body(random.Random(name))
    try:
        check_body(body)
    except Exception:
        print(body)
        raise
    case = random_case(random.Random(name))
    try:
        check(case)
    except Exception:
        case = shrunk(case)
        print(case)
        check(case)
    return 0


if __name__ == "__main__":
    sys.exit(main())
