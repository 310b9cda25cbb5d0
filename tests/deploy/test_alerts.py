"""Each alert, by promtool: it fires for its trouble, not at the first sign of it, not without, and ends."""

import json
import re
import shutil
import subprocess
from math import inf
from pathlib import Path

import pytest
import yaml

from metrics import AccountState
from settings import Settings
from settings.spec import specs_of
from tests.deploy.rules import DASHBOARDS, RULE_FILES, alerts

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

Series = dict[str, str]
HOUR = 60  # evaluations, one a minute
SETTINGS = {spec.name for spec in specs_of(Settings).values()} | {"MEMORY_LIMIT"}
"""Those of the service, and of the compose files."""
PANELS = {panel["title"] for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]}


def request(outcome: str, per_minute: float, **labels: str) -> Series:
    more = "".join(f',{name}="{value}"' for name, value in labels.items())
    name = f'pandora_requests_total{{job="pandora",route="chat",model="gpt-4-s",outcome="{outcome}"{more}}}'
    return {name: f"0+{per_minute}x{2 * HOUR}"}


def one(name: str, value: str, **labels: str) -> Series:
    """One series of one instance, in the notation of promtool."""
    given = {"job": "pandora", "instance": "a:33333"} | labels
    inside = ",".join(f'{label}="{text}"' for label, text in given.items())
    return {f"{name}{{{inside}}}": value}


def steady(name: str, value: float, **labels: str) -> Series:
    values = " ".join(["Inf"] * 2 * HOUR) if value == inf else f"{value}x{2 * HOUR}"
    return one(name, values, **labels)


def growing(name: str, per_minute: float, **labels: str) -> Series:
    return one(name, f"0+{per_minute}x{2 * HOUR}", **labels)


def histogram(name: str, value: float, bounds: tuple[float, ...], **labels: str) -> Series:
    """Ten observations of `value` a minute."""
    series: Series = {}
    for bound in bounds:
        series |= growing(f"{name}_bucket", 10 if value <= bound else 0, le=str(bound), **labels)
    return series | growing(f"{name}_bucket", 10, le="+Inf", **labels)


def ttft(value: float) -> Series:
    return histogram("pandora_time_to_first_token_seconds", value, (1, 30, 60), model="gpt-4-s")


def wait(value: float) -> Series:
    return histogram("pandora_queue_wait_seconds", value, (1, 60, 120))


def lag(value: float) -> Series:
    return histogram("pandora_event_loop_lag_seconds", value, (0.01, 0.25, 0.5))


def quota(remaining: float, per_minute: float, hours_left: float) -> Series:
    """The clock of these tests begins at zero; the reset lies `hours_left` behind the end of the test."""
    return (
        steady("pandora_quota_remaining_units", remaining)
        | steady("pandora_quota_reset_timestamp_seconds", 2 * 3600 + hours_left * 3600)
        | growing("pandora_quota_units_total", per_minute, model="gpt-4-s")
    )


def window(messages: float, limit: float) -> Series:
    return steady("pandora_gpt4_window_messages", messages) | steady("pandora_gpt4_window_limit", limit)


def pictures(failed: float) -> Series:
    return growing("pandora_images_total", failed, outcome="failed") | growing(
        "pandora_images_total", 10 - failed, outcome="served"
    )


def rejected(reason: str, per_minute: float) -> Series:
    return growing("pandora_rejected_total", per_minute, reason=reason)


def account(state: str, used: float = 10, limit: float = 100, name: str = "a") -> Series:
    """An account in that state, which has spent so much of its units of today."""
    series: Series = {}
    for known in AccountState:
        value = float(known == state)
        series |= steady("pandora_account_state", value, account=name, state=known)
    return (
        series
        | steady("pandora_account_quota_used_units", used, account=name)
        | steady("pandora_account_quota_limit_units", limit, account=name)
        | steady("pandora_account_quota_remaining_units", limit - used, account=name)
    )


UP = steady("up", 1)
TWO_UP = UP | steady("up", 1, instance="b:33333")
THIRD_FOR_A_WHILE = one("up", "_x20 1x10 stale", instance="c:33333")

CASES: dict[str, tuple[Series, list[Series]]] = {
    # the trouble, and what is none
    "PandoraDown": (steady("up", 0), [UP]),
    "PandoraAbsent": ({}, [UP]),
    "PandoraInstanceMissing": (
        UP | one("up", "1x30 stale", instance="b:33333"),
        [TWO_UP, TWO_UP | THIRD_FOR_A_WHILE, steady("up", 0)],
    ),
    "PandoraRestarts": (
        one("process_start_time_seconds", f"1000+60x{2 * HOUR}"),
        [steady("process_start_time_seconds", 1000)],
    ),
    "PandoraTurnsAwayWhileStopping": (
        rejected("draining", 1),
        [rejected("draining", 0), rejected("overloaded", 1)],
    ),
    "PandoraOverloaded": (rejected("overloaded", 1), [rejected("overloaded", 0), rejected("quota", 1)]),
    "PandoraConnectionsWait": (
        growing("pandora_accept_pauses_total", 1, reason="limit"),
        [growing("pandora_accept_pauses_total", 0, reason="limit")],
    ),
    "PandoraInternalErrors": (request("error", 1), [request("error", 0), request("upstream_error", 1)]),
    "PandoraLoopLag": (lag(0.4), [lag(0.2)]),
    "PandoraMemoryHigh": (
        steady("process_resident_memory_bytes", 450 << 20),
        [steady("process_resident_memory_bytes", 200 << 20)],
    ),
    "PandoraFileDescriptorsRunOut": (
        steady("process_open_fds", 900) | steady("process_max_fds", 1024),
        [steady("process_open_fds", 100) | steady("process_max_fds", 1024)],
    ),
    "PandoraErrorRatio": (
        # However many are turned away, wrong, or refused by the backend beside them.
        request("upstream_error", 1)
        | request("ok", 9)
        | request("rejected", 500)
        | request("invalid", 500)
        | request("upstream_refused", 500),
        [
            request("upstream_error", 1) | request("ok", 30),
            request("upstream_error", 0.1) | request("ok", 0.5),  # one failure in ten minutes
            request("invalid", 5) | request("client_gone", 5) | request("ok", 5),
        ],
    ),
    "PandoraFirstTokenLate": (ttft(50), [ttft(25)]),
    "PandoraQueueLong": (wait(100), [wait(20)]),
    "PandoraPicturesFail": (pictures(8), [pictures(2), pictures(0)]),
    "PandoraUpstreamUnreachable": (steady("pandora_upstream_up", 0), [steady("pandora_upstream_up", 1)]),
    "PandoraUpstreamRefuses": (
        request("upstream_refused", 3) | request("ok", 7) | request("rejected", 500),
        [request("upstream_refused", 1) | request("ok", 9), request("upstream_refused", 0)],
    ),
    "PandoraModelCapped": (
        steady("pandora_model_capped", 1, model="gpt-4-s"),
        [steady("pandora_model_capped", 0, model="gpt-4-s")],
    ),
    "PandoraProtocolChanged": (
        growing("pandora_unknown_events_total", 1, kind="message"),
        [growing("pandora_unknown_events_total", 0.1, kind="message")],
    ),
    "PandoraAccountNeedsPerson": (
        account("needs_person") | account("ok", name="b"),
        [account("ok"), account("cooling"), account("disabled")],
    ),
    "PandoraNoAccountUsable": (
        account("cooling") | account("needs_person", name="b") | account("ok", used=100, name="c"),
        [account("ok") | account("cooling", name="b"), account("ok", limit=inf), {}],
    ),
    "PandoraAccountNearQuota": (
        account("ok", used=95) | account("ok", name="b"),
        [account("ok", used=85), account("ok", used=85, limit=inf)],
    ),
    "PandoraQuotaRunsOut": (
        quota(600, 10, hours_left=10),
        [quota(60000, 10, hours_left=10), quota(600, 0, hours_left=10), quota(inf, 10, hours_left=10)],
    ),
    "PandoraQuotaReached": (
        rejected("quota", 1) | rejected("key_quota", 0),
        [rejected("quota", 0), rejected("queue", 1)],
    ),
    "PandoraGpt4WindowNearlyFull": (window(38, 40), [window(20, 40), window(38, inf), window(0, 0)]),
    "PandoraLedgerBacklog": (steady("pandora_ledger_backlog", 150), [steady("pandora_ledger_backlog", 5)]),
    "PandoraLedgerErrors": (
        steady("pandora_ledger_failing", 1),
        [steady("pandora_ledger_failing", 0) | growing("pandora_ledger_errors_total", 1)],
    ),
}


def firing(alert: str, minute: int, count: int) -> dict[str, object]:
    """What promtool is to find at that time."""
    return {
        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": "{}", "value": count}],
    }


def world(alert: str, series: Series, *expected: dict[str, object]) -> dict[str, object]:
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return {
        "name": alert,
        "interval": "1m",
        "input_series": inputs,
        "promql_expr_test": list(expected),
    }


def promtool(directory: Path, tests: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    path = directory / "tests.yml"
    files = [str(file) for file in RULE_FILES]
    path.write_text(yaml.safe_dump({"rule_files": files, "evaluation_interval": "1m", "tests": tests}))
    return subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True)


def test_every_alert_has_a_case() -> None:
    assert CASES.keys() == {rule["alert"] for rule in alerts()}


def test_alerts_fire_for_their_trouble_and_not_at_the_first_sign(tmp_path: Path) -> None:
    worlds = [
        world(alert, trouble, firing(alert, 0, 0), firing(alert, 40, 1))
        for alert, (trouble, _) in CASES.items()
    ]
    done = promtool(tmp_path, worlds)
    assert done.returncode == 0, done.stdout + done.stderr


def values(notation: str) -> list[str]:
    """Each value of a series in the notation of promtool; `_` for none."""
    found: list[str] = []
    for part in notation.split():
        match = re.fullmatch(r"(_|[\d.]+)(?:\+([\d.]+))?x(\d+)", part)
        if match is None:
            found.append(part)
        elif match[1] == "_":
            found += ["_"] * int(match[3])
        else:
            start, step = float(match[1]), float(match[2] or 0)
            found += [str(start + step * number) for number in range(int(match[3]) + 1)]
    return found


def healed(trouble: Series, calm: Series) -> Series:
    """The trouble for an hour, and then the calm for two."""
    series: Series = {}
    for name in trouble.keys() | calm.keys():
        before = [*values(trouble.get(name, "_x60")), *["_"] * HOUR][:HOUR]
        after = values(calm[name]) if name in calm else ["stale"]
        series[name] = " ".join([*before, *after])
    return series


def test_alerts_end_with_their_trouble(tmp_path: Path) -> None:
    worlds = [
        world(alert, healed(trouble, calm[0]), firing(alert, HOUR - 1, 1), firing(alert, 2 * HOUR + 15, 0))
        for alert, (trouble, calm) in CASES.items()
    ]
    done = promtool(tmp_path, worlds)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "alert", ["PandoraDown", "PandoraAbsent", "PandoraInstanceMissing", "PandoraLedgerErrors"]
)
def test_alert_of_what_is_now_ends_as_soon_as_it_is_over(alert: str, tmp_path: Path) -> None:
    trouble, calm = CASES[alert]
    soon = [firing(alert, HOUR - 1, 1), firing(alert, HOUR + 1, 0)]
    done = promtool(tmp_path, [world(alert, healed(trouble, calm[0]), *soon)])
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_do_not_fire_without_their_trouble(tmp_path: Path) -> None:
    worlds = [world(alert, one, firing(alert, 40, 0)) for alert, (_, calm) in CASES.items() for one in calm]
    done = promtool(tmp_path, worlds)
    assert done.returncode == 0, done.stdout + done.stderr


def test_calm_operation_fires_nothing(tmp_path: Path) -> None:
    calm: Series = {}
    for alert in CASES:
        calm = CASES[alert][1][0] | calm
    nothing: dict[str, object] = {
        "expr": 'count(ALERTS{alertstate="firing"}) or vector(0)',
        "eval_time": "40m",
        "exp_samples": [{"labels": "{}", "value": 0}],
    }
    done = promtool(tmp_path, [world("calm", calm, nothing)])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert "for" in rule
    assert rule["annotations"].keys() == {"summary", "action", "runbook"}
    assert rule["annotations"]["action"].endswith(".")


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_runbook_tells_a_stranger_what_it_means_where_to_look_and_what_to_do(
    rule: dict[str, dict[str, str]],
) -> None:
    runbook = rule["annotations"]["runbook"]
    parts = re.fullmatch(r"Meaning: (.{30,})\nLook: (.{30,})\nThen: (.{30,})\.", runbook)
    assert parts is not None
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", runbook))
    assert named <= SETTINGS, "something is named that is no setting"
    assert set(re.findall(r"(?<!\w)'([^']{3,})'(?!\w)", runbook)) <= PANELS


def test_rules_and_configuration_are_found_sound_by_promtool() -> None:
    for name in ("prometheus.yml", "prometheus.scale.yml"):
        config = RULE_FILES[0].with_name(name)
        done = subprocess.run(
            ["promtool", "check", "config", "--lint-fatal", str(config)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint-fatal", *map(str, RULE_FILES)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
