"""What the stat panels show in red: nothing in normal use, and each trouble that they are there for."""

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.deploy.rules import filled_in
from tests.deploy.scraped import Prometheus, prometheus, wait_until
from tests.deploy.stats import colour, stats
from tests.deploy.test_nginx import CHAT
from tests.processes import ask, service_over_simulator
from tests.roster.rig import key

STATS = stats()
COLOURS_OF_ALARM = ("red", "orange", "yellow")
TURNS = 30
SERVICE_KEY = "sk-pandora-of-normal-use"
ACCOUNTS = {
    "accounts": [{"alias": name, "credential": {"env": name.upper()}} for name in ("first", "second")],
    "keys": [key("team", SERVICE_KEY)],
}


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Instances up", 0),
        ("Backend", 0),
        ("Failed", 0.06),
        ("Units left", 0),
        ("Accounts that are well", 0),
    ],
)
def test_trouble_is_red(title: str, value: float) -> None:
    assert colour(STATS[title], value) == "red"


@pytest.mark.parametrize("title", STATS)
def test_stats_have_thresholds_of_their_own(title: str) -> None:
    # Without any, Grafana shows all from 80 on in red.
    steps = STATS[title]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    bounds = [step["value"] for step in steps[1:]]
    assert steps[0]["value"] is None
    assert bounds == sorted(bounds)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A service with accounts and limits, after answers that all came."""
    folder = tmp_path_factory.mktemp("normal")
    file = folder / "accounts.json"
    file.write_text(json.dumps(ACCOUNTS))
    settings = {
        "ACCOUNTS_FILE": str(file),
        "FIRST": "fk-first-account",
        "SECOND": "fk-second-account",
        "QUOTA_PER_DAY": "100000",
        "GPT4_LIMIT": "40",
    }
    with (
        service_over_simulator(settings) as pair,
        prometheus(folder, f"127.0.0.1:{pair.port}") as server,
    ):
        body = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
        for _ in range(TURNS):
            assert ask(pair.port, "POST", CHAT, body, SERVICE_KEY).status == 200
        server.wait_for(f"sum(pandora_requests_total{{route='chat',outcome='ok'}}) >= {TURNS}")
        server.wait_for("sum(increase(pandora_quota_units_total[1h])) > 0")
        server.wait_for("job:pandora_requests_failed:ratio_rate5m == 0")
        yield server


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
@pytest.mark.parametrize("title", STATS)
def test_nothing_is_red_in_normal_use(scraped: Prometheus, title: str) -> None:
    # Not at once: what a busy machine scrapes too late is missing until the next time.
    wait_until(lambda: is_well(scraped, title), f"{title} shows trouble, or nothing")


def is_well(scraped: Prometheus, title: str) -> bool:
    """It shows something, unless it need not, and not in a colour of alarm."""
    (target,) = STATS[title]["targets"]
    values = scraped.numbers(filled_in(target["expr"]))
    shown = values or "noValue" in STATS[title]["fieldConfig"]["defaults"]
    return bool(shown) and not {colour(STATS[title], value) for value in values} & set(COLOURS_OF_ALARM)
