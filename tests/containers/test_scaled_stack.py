"""Three instances behind nginx with one Redis and all profiles, as `compose.scale.yaml` starts them."""

import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import Engine
from tests.containers.figures import Figures
from tests.containers.images import own_image
from tests.containers.load import questions
from tests.containers.stack import GATEWAY, PORT, Stack, stack, wait
from tests.containers.webhook import Webhook, webhook
from tests.deploy.rules import dashboard_queries
from tests.processes import ask
from tests.service.deployment import CHAT

INSTANCES = 3
AT_LEAST = 900
"""Questions while a thing happens, over which nothing may be lost."""
SETTINGS = {
    "INSTANCES": str(INSTANCES),
    "UPLOAD_BASE_URL": f"http://127.0.0.1:{PORT}",
    "COMPOSE_PROFILES": "chat,metrics,alerts",
    # nginx, and before it the load, which tells the addresses of its users as another proxy does.
    "TRUSTED_PROXIES": "172.31.33.0/24",
}
QUESTION = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hello"}]}
FRONT_ENDS = {"nextchat": 3001, "open-webui": 3002}
MISSING = "PandoraInstanceMissing"


@pytest.fixture(scope="module")
def alerted() -> Iterator[Webhook]:
    with webhook() as noted:
        yield noted


@pytest.fixture(scope="module")
def scaled(built: Engine, checkout: Path, alerted: Webhook, figures: Figures) -> Iterator[Stack]:
    begun = time.monotonic()
    secrets = {"alert_webhook": f"http://{GATEWAY}:{alerted.port}/"}
    with stack(built, checkout, "compose.scale.yaml", SETTINGS, secrets) as running:
        seconds = time.monotonic() - begun
        figures.say(f"scaled stack: {len(running.health())} containers healthy after {seconds:.0f} s")
        yield running


def test_whole_stack_starts_healthy_and_answers(scaled: Stack, figures: Figures) -> None:
    assert set(scaled.health().values()) == {"healthy"}
    before = scaled.attempts
    answer = ask(PORT, "POST", CHAT, QUESTION)
    assert answer.status == 200, answer.body
    assert scaled.attempts == before + 1
    took = wait(
        lambda: scaled.prometheus.numbers('sum(up{job="pandora"})') == [INSTANCES],
        "not all instances are scraped",
    )
    figures.say(f"Prometheus has all {INSTANCES} instances {took:.0f} s later")


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_front_ends_reach_the_service(front_end: str, scaled: Stack) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{FRONT_ENDS[front_end]}/models", timeout=10) as answer:
        assert b"gpt-4-s" in answer.read()


@pytest.mark.parametrize("run", ["first", "second"])
def test_rolling_restart_loses_nothing(run: str, scaled: Stack, figures: Figures) -> None:
    before = scaled.attempts
    with questions(PORT, AT_LEAST) as asking:
        for container in scaled.containers("pandora"):
            scaled.engine.docker("restart", container)
            scaled.wait_until_healthy(container)
    posted = scaled.attempts - before
    figures.say(f"{run} rolling restart: {asking}; {posted} posted")
    assert asking.lost == []
    assert posted == asking.asked
    assert scaled.booked == range(scaled.attempts, scaled.attempts + 1)


@pytest.mark.parametrize("run", ["first", "second"])
def test_rolling_upgrade_loses_nothing(run: str, scaled: Stack, checkout: Path, figures: Figures) -> None:
    scaled.engine.docker("build", "--quiet", "--tag", own_image(), "--label", f"upgrade={run}", str(checkout))
    old = set(scaled.containers("pandora"))
    before = scaled.attempts
    with questions(PORT, AT_LEAST) as asking:
        scaled.upgrade()
    posted = scaled.attempts - before
    figures.say(f"{run} rolling upgrade: {asking}; {posted} posted")
    new = scaled.containers("pandora")
    assert len(new) == INSTANCES
    assert old.isdisjoint(new)
    labels = {scaled.inspect(one, 'index .Config.Labels "upgrade"') for one in new}
    assert labels == {run}
    assert asking.lost == []
    assert posted == asking.asked
    assert scaled.booked == range(scaled.attempts, scaled.attempts + 1)


def test_version_that_does_not_start_replaces_nothing(
    scaled: Stack, checkout: Path, figures: Figures
) -> None:
    good = scaled.engine.docker("image", "inspect", "--format", "{{.Id}}", own_image())
    old = set(scaled.containers("pandora"))
    broken = checkout.parent / "broken"
    broken.mkdir()
    (broken / "Dockerfile").write_text(f'FROM {good}\nENTRYPOINT ["false"]\n')
    scaled.engine.docker("build", "--quiet", "--tag", own_image(), str(broken))
    try:
        with questions(PORT) as asking, pytest.raises(AssertionError, match="is not healthy after 5 seconds"):
            scaled.upgrade(HEALTHY_WITHIN="5")
    finally:
        scaled.engine.docker("tag", good, own_image())
    figures.say(f"upgrade to a version that does not start: refused; {asking}")
    assert set(scaled.containers("pandora")) == old
    assert asking.lost == []


def test_dashboards_have_data_of_the_stack(scaled: Stack, figures: Figures) -> None:
    """Those panels at least that tell of what the load does: nothing fails in it, and nobody draws."""
    found = {query.where: scaled.prometheus.query(query.expression) for query in dashboard_queries()}
    figures.say(f"{sum(map(bool, found.values()))} of {len(found)} queries of the panels have data")
    rules = [rule for group in scaled.prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}


def test_killed_instance_breaks_its_own_answers_alone(scaled: Stack, figures: Figures) -> None:
    victim, *_ = scaled.containers("pandora")
    init = int(scaled.inspect(victim, ".State.Pid"))
    (service,) = Path(f"/proc/{init}/task/{init}/children").read_text().split()
    before = scaled.attempts
    with questions(PORT) as asking:
        asking.wait_for(100)
        os.kill(int(service), signal.SIGKILL)
        asking.wait_for(200)
    posted = scaled.attempts - before
    scaled.wait_until_healthy(victim)
    figures.say(f"one instance killed: {asking}; {posted} posted; the engine has started it again")
    assert asking.answered.total() <= posted <= asking.asked
    with questions(PORT, 150) as afterwards:
        pass
    assert afterwards.lost == []
    assert scaled.all_is_booked


def test_redis_that_stops_and_comes_back(scaled: Stack, figures: Figures) -> None:
    before = scaled.attempts
    with questions(PORT) as asking:
        asking.wait_for(75)
        scaled.compose("stop", "redis")
        asking.wait_for(225)
        scaled.compose("start", "redis")
        asking.wait_for(375)
    posted = scaled.attempts - before
    figures.say(f"Redis stopped for 10 s: {asking}; {posted} posted")
    assert asking.answered.total() <= posted <= asking.asked
    wait(lambda: scaled.all_is_booked, "the ledger never has all that was posted")


def test_stopped_instance_raises_an_alert_that_ends_with_its_return(
    scaled: Stack, alerted: Webhook, figures: Figures
) -> None:
    stopped, *_ = scaled.containers("pandora")
    scaled.engine.docker("stop", stopped)
    fired = wait(lambda: MISSING in alerted.fired, "no alert came", 300)
    scaled.engine.docker("start", stopped)
    ended = wait(lambda: MISSING in alerted.ended, "the alert did not end", 300)
    figures.say(
        f"instance stopped: alert at the webhook after {fired:.0f} s, its end {ended:.0f} s after the start"
    )
