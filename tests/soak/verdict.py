"""Whether a service that was used for long is as it was after its warm-up."""

from collections.abc import Callable, Sequence
from statistics import median

from tests.soak.samples import Sample
from tests.soak.world import MIB

Measure = Callable[[Sample], float]
PRICE = 14
"""Units of each conversation of the traffic."""


def growth(samples: Sequence[Sample], measure: Measure) -> float:
    """By how much the last third is above the third before it; the first third is the warm-up."""
    third = len(samples) // 3
    return median(map(measure, samples[-third:])) - median(map(measure, samples[third:-third]))


def slope_per_hour(samples: Sequence[Sample], measure: Measure) -> float:
    """The slope of the line of least squares after the warm-up, per hour."""
    used = samples[len(samples) // 3 :]
    times = [sample.at - used[0].at for sample in used]
    values = [measure(sample) for sample in used]
    mid_time, mid_value = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - mid_time) ** 2 for at in times)
    pairs = zip(times, values, strict=True)
    return 3600 * sum((at - mid_time) * (value - mid_value) for at, value in pairs) / spread


BOUNDS: Sequence[tuple[str, Measure, float]] = (
    ("resident MiB", lambda sample: sample.rss / MIB, 16.0),
    ("open files", lambda sample: sample.files, 30.0),
    ("threads", lambda sample: sample.threads, 8.0),
    ("series", lambda sample: sample.series, 60.0),
    ("MiB of media", lambda sample: sample.media / MIB, 4.0),
)
"""How much each may grow from one third to the next; under load they go up and down."""
LEDGER_BYTES = 2048
"""Of one conversation, with all indices and the journal of the file."""
IDLE_AT_ZERO = ("pandora_in_flight", "pandora_queue_waiting", "pandora_ledger_backlog")
LATE = 0.25
MOSTLY = 0.9
"""The share of wake-ups of the event loop that may not be later than that."""


def not_flat(samples: Sequence[Sample]) -> list[str]:
    """What has grown too much while the traffic went on."""
    problems = []
    for name, measure, bound in BOUNDS:
        grown = growth(samples, measure)
        if grown > bound:
            problems.append(f"{name}: {grown:+.1f} from the second third to the last, more than {bound}")
    last = samples[-1]
    posted = last.metrics["pandora_upstream_attempts_total"] + last.metrics["pandora_requests_total"]
    if last.ledger > 4 * MIB + LEDGER_BYTES * posted:
        problems.append(f"the ledger has {last.ledger} bytes for {posted:.0f} conversations")
    if (share := last.lag[LATE] / last.lag[float("inf")]) < MOSTLY:
        problems.append(f"the event loop was more than {LATE} s late in {1 - share:.1%} of the samples")
    return problems


def not_back(before: Sample, after: Sample, *, mib: float = 48.0, files: int = 8) -> list[str]:
    """What is held for nobody when all clients have left."""
    problems = []
    if after.rss - before.rss > mib * MIB:
        problems.append(f"{(after.rss - before.rss) / MIB:.1f} MiB more than before")
    if after.files - before.files > files:
        problems.append(f"{after.files - before.files} open files more than before")
    held = {name: after.metrics[name] for name in IDLE_AT_ZERO if after.metrics[name]}
    return problems + [f"{name} is {value:.0f}" for name, value in held.items()]


def wrongly_booked(spent: int, accepted: int, unknown: int) -> list[str]:
    """Whether the ledger has what the backend accepted.

    `unknown` conversations were left by their clients before anything came back; they count as spent, and the
    backend may have begun them or not.
    """
    least, most = PRICE * accepted, PRICE * (accepted + unknown)
    if least <= spent <= most:
        return []
    return [f"{spent} units booked; the backend accepted {least}, with the unknown ones at most {most}"]
