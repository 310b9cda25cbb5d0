"""What the simulated accounts are asked for: bursts of requests, with quiet times between them."""

from dataclasses import dataclass
from random import Random
from typing import Final

BURST_SECONDS: Final = 180.0
"""Mean length of a burst."""
QUIET_SECONDS: Final = 540.0
"""Mean time between two."""
BURST_LOAD: Final = 0.9
"""How many of the accounts a burst keeps busy, on average: some bursts ask for more than there are."""
WINDOWED: Final = 0.2
"""Share of requests for the model whose messages are counted; together nearly what all caps allow."""
WINDOWED_SECONDS: Final = (14.0, 0.8)
"""Median of the time of an answer of that model, and the spread of its logarithm."""
CHEAP_SECONDS: Final = (6.0, 0.7)
MEAN_SECONDS: Final = 10.0
"""Mean time of an answer, about: from it follows how many requests keep an account busy."""
CALLERS_PER_ACCOUNT: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """`number` is its place among all. It comes `at` a time and is answered in `seconds`."""

    number: int
    at: float
    seconds: float
    windowed: bool
    caller: int


def bursts(accounts: int, duration: float, random: Random) -> list[Request]:
    """All requests of `duration` seconds, as they come."""
    rate = BURST_LOAD * accounts / MEAN_SECONDS
    requests: list[Request] = []
    now, end_of_burst = 0.0, random.expovariate(1 / BURST_SECONDS)
    while True:
        now += random.expovariate(rate)
        while now > end_of_burst:  # the rest of the time is that of the next burst
            quiet = random.expovariate(1 / QUIET_SECONDS)
            now += quiet
            end_of_burst += quiet + random.expovariate(1 / BURST_SECONDS)
        if now > duration:
            return requests
        windowed = random.random() < WINDOWED
        median, spread = WINDOWED_SECONDS if windowed else CHEAP_SECONDS
        seconds = median * random.lognormvariate(0.0, spread)
        caller = random.randrange(accounts * CALLERS_PER_ACCOUNT)
        requests.append(Request(len(requests), now, seconds, windowed, caller))
