"""The exposition: one at a time for all scrapers, in a thread, and not older than it may be."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from metrics import Exposition, Metrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(eq=False)
class SlowCollector(Collector):
    """Counts how often it is collected, and how many threads do that at once; waits until it may go on."""

    may_go_on: threading.Event = field(default_factory=threading.Event)
    times: int = 0
    at_once: int = 0
    most_at_once: int = 0
    fails: bool = False

    def collect(self) -> Iterator[Metric]:
        self.times += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.may_go_on.wait(20)
        self.at_once -= 1
        if self.fails:
            raise RuntimeError("broken")
        return iter(())


def exposition_of(collector: SlowCollector, now: list[float]) -> Exposition:
    registry = CollectorRegistry(auto_describe=False)
    exposition = Exposition(registry, lambda: None, clock=lambda: now[0])
    collector.may_go_on.set()
    registry.register(collector)
    collector.times = 0
    return exposition


async def test_scrapers_that_ask_at_once_share_one_and_those_within_a_second_get_it_too() -> None:
    collector, now = SlowCollector(), [0.0]
    exposition = exposition_of(collector, now)
    collector.may_go_on.clear()
    scrapes = [asyncio.ensure_future(exposition.get("")) for _ in range(100)]
    await asyncio.sleep(0)
    now[0] = 50.0  # it takes long; its age counts from its end
    collector.may_go_on.set()
    await asyncio.gather(*scrapes)
    now[0] = 50.9
    await exposition.get("")
    assert collector.times == 1
    now[0] = 51.0
    await exposition.get("")
    assert collector.times == 2
    await exposition.close()


async def test_formats_are_written_one_after_the_other() -> None:
    collector = SlowCollector()
    exposition = exposition_of(collector, [0.0])
    collector.may_go_on.clear()
    scrapes = [asyncio.ensure_future(exposition.get(accept)) for accept in ("", OPENMETRICS) * 10]
    await asyncio.sleep(0.05)
    collector.may_go_on.set()
    answers = await asyncio.gather(*scrapes)
    assert len({content_type for _, content_type in answers}) == 2
    assert (collector.times, collector.most_at_once) == (2, 1)
    await exposition.close()


async def test_scraper_that_leaves_does_not_take_it_from_the_others() -> None:
    collector = SlowCollector()
    exposition = exposition_of(collector, [0.0])
    collector.may_go_on.clear()
    gone, stays = (asyncio.ensure_future(exposition.get("")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    collector.may_go_on.set()
    await stays
    assert collector.times == 1
    await exposition.close()


async def test_failure_is_not_kept() -> None:
    collector = SlowCollector()
    exposition = exposition_of(collector, [0.0])
    collector.fails = True
    with pytest.raises(RuntimeError):
        await exposition.get("")
    collector.fails = False
    await exposition.get("")
    await exposition.close()


@pytest.mark.parametrize("accept", ["*/*;q=x", ";;;,,,", "application/openmetrics-text; version=x"])
async def test_any_accept_header_gets_an_exposition(accept: str) -> None:
    exposition = Exposition(Metrics([], []).registry, lambda: None)
    text, content_type = await exposition.get(accept)
    assert b"pandora_build_info" in text
    assert content_type.startswith(("text/plain", "application/openmetrics-text"))
    await exposition.close()


@pytest.mark.parametrize(("accept", "whole"), [("", generate_latest), (OPENMETRICS, generate_openmetrics)])
async def test_text_is_that_of_the_library_for_all_families_together(
    accept: str, whole: Callable[[CollectorRegistry], bytes]
) -> None:
    registry = CollectorRegistry()
    Counter("first", "One.", ["label"], registry=registry).labels("a").inc()
    Histogram("second", "Two.", registry=registry).observe(1)
    exposition = Exposition(registry, lambda: None)
    assert (await exposition.get(accept))[0] == whole(registry)
    await exposition.close()


async def test_counting_goes_on_while_it_is_written() -> None:
    metrics = Metrics(("chat",), [f"model-{number}" for number in range(60)])
    exposition = Exposition(metrics.registry, lambda: None, max_age=0)
    for number in range(60):
        scrape = asyncio.ensure_future(exposition.get(""))
        metrics.remove_model(f"model-{number}")
        metrics.add_model(f"new-{number}")
        metrics.tokens("model-59", 1, 1)
        await asyncio.sleep(0)
        if number % 20 == 0:
            await scrape
    text, _ = await exposition.get("")
    assert b'model="new-59"' in text
    await exposition.close()
