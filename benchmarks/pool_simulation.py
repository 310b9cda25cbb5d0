"""How long requests wait for one of several accounts, and what is refused in vain, by policy of the pool.

    python -m benchmarks.pool_simulation

A simulation of events, so nobody sleeps and the same figures come each time: bursts of requests
(`pool_load.py`) for accounts with caps that nobody knows in full (`pool_accounts.py`). The three policies of
the pool stand beside round-robin as it is often done, where each request is bound to an account when it comes
(`pool_queues.py`). All have the same requests and the same accounts.
"""

import random
from collections.abc import Sequence
from functools import partial
from statistics import fmean, quantiles
from typing import Final

from benchmarks.pool_accounts import SimulatedAccount, make_accounts
from benchmarks.pool_load import Request, bursts
from benchmarks.pool_queues import QUEUES
from benchmarks.pool_run import Figures, Run

RUNS: Final = {2: 12, 6: 6, 20: 3, 50: 2}
"""Runs by number of accounts; each has loads and accounts of its own."""
DURATION: Final = 9 * 3600.0
COLUMNS: Final = (
    "accounts",
    "way",
    "mean s",
    "p50 s",
    "p95 s",
    "refused %",
    "in vain %",
    "tries %",
    "unused %",
    "evenness",
)


def main() -> None:
    """Simulate, and print the table."""
    row = "{:>8}  {:<14}  {:>6}  {:>5}  {:>6}  {:>9}  {:>9}  {:>7}  {:>8}  {:>8}".format
    print(row(*COLUMNS))
    for accounts, runs in RUNS.items():
        for way in QUEUES:
            print(row(accounts, way, *cells(measure(way, accounts, runs))), flush=True)


def measure(way: str, accounts: int, runs: int, duration: float = DURATION) -> Figures:
    """The figures of so many runs together. All ways have the same requests and the same accounts."""
    figures = Figures()
    for seed in range(runs):
        made = make_accounts(accounts, duration, random.Random(f"accounts {seed}"))
        requests = bursts(accounts, duration, random.Random(f"requests {seed}"))
        figures.add(simulate(way, made, requests, duration))
    return figures


def simulate(
    way: str, accounts: Sequence[SimulatedAccount], requests: Sequence[Request], duration: float = DURATION
) -> Figures:
    """One run of one of `QUEUES`."""
    run = Run(accounts)
    queue = QUEUES[way](run, random.Random(way))
    for request in requests:
        run.at(request.at, partial(queue.arrive, request))
    return run.finish(len(requests), duration)


def cells(figures: Figures) -> list[str]:
    """The cells of a row, behind its name."""
    cuts = quantiles(figures.waits, n=20, method="inclusive")
    shares = (figures.refused, figures.wasted, figures.refused_tries)
    return [
        f"{fmean(figures.waits):.1f}",
        f"{cuts[9]:.1f}",
        f"{cuts[18]:.1f}",
        *(f"{100 * number / figures.requests:.2f}" for number in shares),
        f"{100 * (1 - figures.used / figures.capacity):.1f}",
        f"{fmean(figures.evenness):.2f}",
    ]


if __name__ == "__main__":
    main()
