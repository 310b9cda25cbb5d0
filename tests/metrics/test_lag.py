"""The lag of the loop is sampled while the sampler runs."""

import asyncio
import time

from metrics import LagSampler, Metrics
from tests.eventually import eventually


def samples(metrics: Metrics) -> float:
    value = metrics.registry.get_sample_value("pandora_event_loop_lag_seconds_count")
    assert value is not None
    return value


async def test_blocked_loop_is_a_late_sample_and_none_comes_after_the_stop() -> None:
    metrics = Metrics([], [])
    sampler = LagSampler(metrics, interval=0.02)
    sampler.start()
    time.sleep(0.1)  # noqa: ASYNC251 - this is what is measured
    await eventually(lambda: samples(metrics) > 0)
    sampler.stop()
    late = metrics.registry.get_sample_value("pandora_event_loop_lag_seconds_sum")
    assert late is not None
    assert late > 0.05
    taken = samples(metrics)
    await asyncio.sleep(0.06)
    assert samples(metrics) == taken
