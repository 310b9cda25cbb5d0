"""From times of sending and receipt to latencies: which token was complete after which receipt."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load_generator import NANOSECONDS, Client, PacedRun
from benchmarks.send_times import SendTimes


@dataclass(frozen=True, slots=True)
class Latencies:
    """Latencies of the tokens sent while every stream was open, in nanoseconds and sorted."""

    added: list[int]
    """From the backend's sending to the load generator's receipt."""
    backend_lateness: list[int]
    """By how much the backend was late on its own schedule, set by the most punctual token of each stream."""
    tokens_received: int
    """Tokens that arrived between the two samples, whenever they were sent."""


def percentile(ordered: Sequence[int], percent: float) -> float:
    """The percentile of sorted nanoseconds, in milliseconds; 0 of an empty sequence."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1e6


def latencies_of(run: PacedRun, send_times: SendTimes) -> Latencies:
    """Latencies of every good stream of a run."""
    added: list[int] = []
    lateness: list[int] = []
    received = 0
    begin, end = run.at_start.when, run.at_end.when
    for client in run.clients:
        sent = send_times.row(client.spec.slot)
        period = NANOSECONDS // client.spec.rate
        arrivals = _arrivals(client)
        # The first token may be the late one.
        start = min((sent[token] - token * period for token in range(len(arrivals))), default=0)
        for token, arrived in enumerate(arrivals):
            received += begin <= arrived < end
            if begin <= sent[token] < end:
                added.append(arrived - sent[token])
                lateness.append(sent[token] - token * period - start)
    return Latencies(sorted(added), sorted(lateness), received)


def _arrivals(client: Client) -> list[int]:
    """When each token was complete; empty for a failed reply."""
    if not client.receipts or client.response is None:
        return []
    ends = client.response.reply.token_ends()
    arrivals: list[int] = []
    for size, when in client.receipts:
        while len(arrivals) < len(ends) and ends[len(arrivals)] <= size:
            arrivals.append(when)
    return arrivals
