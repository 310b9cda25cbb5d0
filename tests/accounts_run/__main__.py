"""Thousands of turns over six accounts: `python -m tests.accounts_run TURNS`, on one instance and on two."""

import argparse
import asyncio
import sys

from tests.accounts_run.book import problems, summary
from tests.accounts_run.run import run

parser = argparse.ArgumentParser(prog="python -m tests.accounts_run", description=__doc__)
parser.add_argument("turns", type=int, nargs="?", default=5000)
parser.add_argument("--instances", type=int, choices=(1, 2), action="append", help="default: one, then two")
options = parser.parse_args()
bad = 0
for instances in options.instances or (1, 2):
    book = asyncio.run(run(options.turns, instances))
    print(f"{options.turns} turns, {instances} of the service:", *summary(book), sep="\n  ")
    found = problems(book)
    print(*(f"PROBLEM: {problem}" for problem in found), sep="\n")
    bad += len(found)
sys.exit(1 if bad else 0)
