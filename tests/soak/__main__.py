"""Hours of mixed traffic against a service: `python -m tests.soak SECONDS`, or `make soak`."""

import argparse
import asyncio
import sys

from tests.soak.run import soak

parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
parser.add_argument("seconds", type=float, nargs="?", default=3600)
soaked = asyncio.run(soak(parser.parse_args().seconds))
print(*soaked.summary, sep="\n")
print(*(f"PROBLEM: {problem}" for problem in soaked.problems), sep="\n")
sys.exit(1 if soaked.problems else 0)
