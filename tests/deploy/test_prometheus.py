"""What Prometheus really gets from the running service: every query of every panel and rule has data."""

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.deploy.rules import alerts, dashboard_queries, rules
from tests.deploy.scraped import Prometheus, prometheus
from tests.deploy.test_nginx import CHAT, delta, streaming
from tests.processes import Pair, ask, service_over_simulator
from tests.roster.rig import key

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")

QUERIES = {query.where: query.expression for query in dashboard_queries()}
RECORDED = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
SETTINGS = {
    "QUOTA_PER_DAY": "100000",
    "GPT4_LIMIT": "40",
    "KEY_CONCURRENCY": "1",
    "UPSTREAM_RETRIES": "1",
    "KEEPALIVE_INTERVAL": "0.5",
}
SERVICE_KEY = "sk-pandora-of-the-load"
ACCOUNTS = {
    "accounts": [
        {"alias": "expired", "credential": {"env": "EXPIRED_ACCOUNT"}},
        {"alias": "good", "credential": {"env": "GOOD_ACCOUNT"}, "quota_per_day": 1000},
    ],
    "keys": [key("load", SERVICE_KEY)],
}
CREDENTIALS = {"EXPIRED_ACCOUNT": "fk-dead-account", "GOOD_ACCOUNT": "fk-good-account"}
QUESTIONS = (
    "Hello",
    "Draw a cat",
    "calculate 17*23",
    "Hello [[sim unknown=1]]",
    "Hello [[sim fault=unauthorized]]",
    "Hello [[sim fault=status_500]]",
    "Hello [[sim fault=reset_mid]]",
    "Hello [[sim fault=reset_before_headers]]",
    "Tell me about tea [[sim pace=60 tokens=40]]",
)


def with_accounts(folder: Path) -> dict[str, str]:
    """The settings, with a file of accounts and keys in that folder."""
    file = folder / "accounts.json"
    file.write_text(json.dumps(ACCOUNTS))
    return {
        **SETTINGS,
        **CREDENTIALS,
        "ACCOUNTS_FILE": str(file),
        "PASSTHROUGH": "true",
        "POOL_POLICY": "fill",
    }


def ask_everything(pair: Pair) -> None:
    """Mixed load: each question of each model, streamed or whole, some at once with one key."""

    def talk(model: str, key: str) -> None:
        for number, question in enumerate(QUESTIONS):
            message = {"role": "user", "content": question}
            body = {"model": model, "messages": [message], "stream": number % 4 != 0}
            ask(pair.port, "POST", CHAT, body, key)

    keys = (
        ("gpt-4-s", "fk-a"),
        ("gpt-4-mobile", "fk-b"),
        ("gpt-3.5-turbo", "fk-c"),
        ("gpt-3.5-turbo", "fk-c"),
    )
    threads = [threading.Thread(target=talk, args=each) for each in keys]
    for thread in threads:
        thread.start()
    with streaming(pair.port, "Tell me about rain [[sim pace=20 tokens=2000]]", "fk-leaver") as response:
        delta(response)
    capped = [{"role": "user", "content": "Hello [[sim fault=model_cap_exceeded]]"}]
    ask(pair.port, "POST", CHAT, {"model": "gpt-4-s", "messages": capped}, "fk-capped")
    ask(pair.port, "POST", CHAT, {"model": "no-such-model", "messages": capped}, "fk-a")
    hello = [{"role": "user", "content": "Hello"}]
    ask(pair.port, "POST", CHAT, {"model": "gpt-4-s", "messages": hello}, SERVICE_KEY)
    with closing(socket.create_connection(("127.0.0.1", pair.port))) as client:
        client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with service_over_simulator(with_accounts(tmp_path_factory.mktemp("accounts"))) as running:
        yield running


@pytest.fixture(scope="module")
def scraped(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """After the load, when all of it was scraped and the rules were evaluated."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{pair.port}") as server:
        ask_everything(pair)
        server.wait_for("sum(changes(scrape_duration_seconds[15m])) >= 3")
        server.wait_for('sum(increase(pandora_requests_total{route="chat",outcome="ok"}[15m])) > 10')
        server.wait_for("job:pandora_quota_exhaustion:seconds")
        server.wait_for("job_model:pandora_time_to_first_token_seconds:p99_rate5m >= 0")
        server.wait_for("ALERTS")
        yield server


@pytest.mark.parametrize("where", QUERIES)
def test_panel_has_data(scraped: Prometheus, where: str) -> None:
    assert scraped.found(QUERIES[where])


@pytest.mark.parametrize("record", RECORDED)
def test_recording_rule_has_data(scraped: Prometheus, record: str) -> None:
    assert scraped.found(record)
    assert scraped.found(RECORDED[record])


def selectors(expression: str) -> set[str]:
    """The series that a query asks for."""
    names = r"(?:job(?:_\w+)?:)?\b(?:pandora|process)_\w+(?::\w+)*|\bup\b"
    return {match[0] for match in re.finditer(rf"(?:{names})(?:\{{[^}}]*\}})?", expression)}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alert_watches_series_that_are_there(scraped: Prometheus, rule: dict[str, str]) -> None:
    # The alert itself has no data, as long as all is well.
    found = selectors(rule["expr"])
    assert found
    for selector in found:
        scraped.wait_for(selector)


def test_rules_are_evaluated_without_error(scraped: Prometheus) -> None:
    loaded = [rule for group in scraped.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert len(loaded) == len(rules())
    assert [rule["name"] for rule in loaded if rule["health"] != "ok"] == []


def test_failures_of_the_load_show_as_failures(scraped: Prometheus) -> None:
    (ratio,) = scraped.found("job:pandora_requests_failed:ratio_rate5m")
    assert 0.05 < ratio < 0.9
    (left,) = scraped.found('sum(increase(pandora_client_disconnects_total{phase="streaming"}[15m])) > 0')
    assert left > 0
    assert scraped.found('pandora_model_capped{model="gpt-4-s"}') == [1]


def test_accounts_of_the_load_are_told_apart(scraped: Prometheus) -> None:
    assert scraped.found('pandora_account_state{account="expired",state="needs_person"}') == [1]
    assert scraped.found('pandora_account_state{account="good",state="needs_person"}') == [0]
    assert scraped.found('sum(pandora_account_quota_units_total{account="good"}) > 0')
    assert scraped.found('sum(pandora_account_switches_total{account="expired",reason="expired"}) > 0')
    assert scraped.found('sum(pandora_key_quota_units_total{key="load"}) > 0')


GEN_AI = ("client_token_usage", "server_request_duration_seconds", "server_time_to_first_token_seconds")


@pytest.mark.parametrize("name", GEN_AI)
def test_names_of_opentelemetry_have_its_labels_and_those_of_the_target_alone(
    scraped: Prometheus, name: str
) -> None:
    found = scraped.query(f'gen_ai_{name}_count{{gen_ai_request_model="gpt-4-s"}}')
    expected = {"__name__", "job", "instance", "gen_ai_operation_name", "gen_ai_provider_name"}
    expected |= {"gen_ai_request_model"}
    if name == "client_token_usage":
        expected |= {"gen_ai_token_type"}
    assert {frozenset(series["metric"]) for series in found} == {frozenset(expected)}
    assert {series["metric"]["gen_ai_provider_name"] for series in found} == {"openai"}


def test_tokens_under_the_names_of_opentelemetry_are_those_that_were_counted(scraped: Prometheus) -> None:
    for kind, direction in (("input", "prompt"), ("output", "completion")):
        theirs = f'sum(gen_ai_client_token_usage_sum{{gen_ai_token_type="{kind}"}})'
        ours = f'sum(pandora_tokens_total{{direction="{direction}"}})'
        scraped.wait_for(f"{theirs} == {ours} > 0")
        median = f"gen_ai_client_token_usage_bucket{{gen_ai_token_type='{kind}'}}"
        assert scraped.found(f"histogram_quantile(0.5, sum by (le) ({median})) > 0")


def test_durations_under_the_names_of_opentelemetry_are_those_of_what_users_asked_for(
    scraped: Prometheus,
) -> None:
    operations = "sum by (gen_ai_operation_name) (gen_ai_server_request_duration_seconds_count)"
    found = {series["metric"]["gen_ai_operation_name"] for series in scraped.query(operations)}
    assert found == {"chat", "generate_content"}
    theirs = 'sum(gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat"})'
    scraped.wait_for(f'{theirs} == sum(pandora_requests_total{{route=~"chat|messages|responses"}}) > 0')


def test_exposition_is_found_sound_by_promtool(pair: Pair, tmp_path: Path) -> None:
    exposition = ask(pair.port, "GET", "/metrics", key="").body
    done = subprocess.run(["promtool", "check", "metrics"], input=exposition, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
