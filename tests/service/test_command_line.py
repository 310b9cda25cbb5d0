"""The commands that people type, and what they read when something is not right."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from server import VERSION
from settings import Settings
from settings.spec import specs_of
from tests.processes import (
    ROOT,
    ask,
    environment,
    listening_port,
    running,
    service_over_simulator,
)


def run(*arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with a state directory of its own."""
    with tempfile.TemporaryDirectory() as state:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment({"STATE_DIR": state} | dict(settings or {})),
            capture_output=True,
            text=True,
            timeout=60,
        )


def only_line(result: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """What it said: one line on standard error, and nothing else anywhere."""
    assert (result.returncode, result.stdout) == (code, ""), result
    (line,) = result.stderr.splitlines()
    assert line.startswith("server.py: ")
    return line


def test_start_without_a_backend_says_how_to_get_one() -> None:
    line = only_line(run("server.py"))
    assert "BASE_URL" in line
    assert "--demo" in line


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"PORT": "99999"}, "PORT"),
        ({"BASE_URL": "ftp://x"}, "BASE_URL"),
        ({"BASE_URL": "http://[::1"}, "BASE_URL"),
        ({"BASE_URL": "http://127.0.0.1:1/../x"}, "BASE_URL"),
        ({"PROXY_API_PREFIX_FILE": "/nowhere/at/all"}, "PROXY_API_PREFIX_FILE"),
        ({"KEEPALIVE_INTERVAL": "soon"}, "KEEPALIVE_INTERVAL"),
        ({"STREAM_HEADERS_AFTER": "60", "FIRST_BYTE_TIMEOUT": "30"}, "STREAM_HEADERS_AFTER"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"MODEL_ALIASES": "a=b"}, "MODEL_ALIASES"),
        ({"HOST": "a..b"}, "HOST"),
        ({"COMMIT_AFTER": "5"}, "STREAM_HEADERS_AFTER"),
        ({"RETRIES": "1"}, "UPSTREAM_RETRIES"),
        ({"STATE_URL_FILE": "/run/secrets/state_url"}, "REDIS_URL_FILE"),
        ({"UNITS": "gpt-4-s=14"}, "MODEL_UNITS"),
    ],
)
def test_setting_that_cannot_be_used_is_one_line_that_names_it(settings: dict[str, str], named: str) -> None:
    assert named in only_line(run("server.py", settings={"BASE_URL": "http://127.0.0.1:1"} | settings))


def test_list_of_gpts_that_cannot_be_read_is_one_line_that_names_the_file() -> None:
    settings = {"BASE_URL": "http://127.0.0.1:1", "GPTS_FILE": str(ROOT / "server.py")}
    assert "server.py is not usable" in only_line(run("server.py", settings=settings))


def test_secret_setting_is_not_repeated_when_it_cannot_be_used() -> None:
    settings = {"BASE_URL": "http://127.0.0.1:1", "PROXY_API_PREFIX": "canary prefix"}
    assert "canary" not in only_line(run("server.py", settings=settings))


def test_demo_over_a_real_backend_is_a_contradiction() -> None:
    line = only_line(run("server.py", "--demo", settings={"BASE_URL": "http://127.0.0.1:1"}))
    assert "--demo" in line
    assert "BASE_URL" in line


@pytest.mark.parametrize("arguments", [["server.py"], ["server.py", "--demo"]])
def test_port_that_is_taken_is_one_line_that_names_it(arguments: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {"PORT": port} | ({} if "--demo" in arguments else {"BASE_URL": "http://127.0.0.1:1"})
        line = only_line(run(*arguments, settings=settings))
    assert port in line
    assert "in use" in line


def test_start_says_where_the_admin_token_is_and_not_what_it_is(tmp_path: Path) -> None:
    settings = {"PORT": "0", "STATE_DIR": str(tmp_path)}
    with running(["server.py", "--demo"], settings) as first:
        first.wait_for(rf"the admin token is in {tmp_path}/admin_token\n")
        token = (tmp_path / "admin_token").read_text().strip()
        assert ask(listening_port(first), "GET", "/v1/usage", key=token).json["licence"] is None
        assert token not in first.output
    with running(["server.py", "--demo"], settings | {"ADMIN_TOKEN": "given"}) as second:
        listening_port(second)
    assert "the admin token is in" not in second.output
    assert (tmp_path / "admin_token").read_text().strip() == token


def test_metrics_have_a_port_of_their_own_that_is_told_and_one_that_is_taken_is_refused() -> None:
    with service_over_simulator({"METRICS_PORT": "0"}) as pair:
        port = int(pair.service.wait_for(r"metrics are on http://127\.0\.0\.1:(\d+)/metrics")[1])
        assert (ask(port, "GET", "/metrics").status, ask(pair.port, "GET", "/metrics").status) == (200, 404)
        settings = {"BASE_URL": "http://127.0.0.1:1", "PORT": "0", "METRICS_PORT": str(port)}
        line = only_line(run("server.py", settings=settings))
    assert f"port {port}" in line
    assert "Change HOST or METRICS_PORT" in line


def test_help_lists_every_setting_with_its_default() -> None:
    result = run("server.py", "--help")
    assert result.returncode == 0
    for spec in specs_of(Settings).values():
        assert re.search(rf"^ +{spec.name}\b", result.stdout, re.MULTILINE)
        assert spec.sentence in result.stdout
    assert "--demo" in result.stdout


def test_version_is_printed_without_any_setting() -> None:
    result = run("server.py", "--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"pandora-to-v1 {VERSION}\n", "")


def test_unknown_option_is_refused() -> None:
    result = run("server.py", "--frobnicate")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_demo_prints_a_command_that_works_as_pasted_and_says_that_it_is_simulated() -> None:
    with running(["server.py", "--demo"], {"PORT": "0"}) as demo:
        command = demo.wait_for(r"(?m)^curl .*$")[0]
        port = listening_port(demo)
        assert "simulat" in demo.output
        assert "made up" in demo.output
        if shutil.which("curl") is None or shutil.which("bash") is None:
            pytest.skip("curl or bash is missing")
        result = subprocess.run(
            ["bash", "-c", command], env=environment({}), capture_output=True, text=True, timeout=30
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("data: {")
        assert result.stdout.endswith("data: [DONE]\n\n")
        assert ask(port, "GET", "/healthz").json["upstream"] == "simulated"
        models = ask(port, "GET", "/v1/models").json["data"]
        assert {model["owned_by"] for model in models} == {"pandora-to-v1-simulator"}
    assert demo.exit_code() == 0


def test_demo_command_has_the_path_prefix_if_there_is_one() -> None:
    with running(["server.py", "--demo"], {"PORT": "0", "API_PREFIX": "hidden"}) as demo:
        port = listening_port(demo)
        demo.wait_for(rf"curl -N http://127\.0\.0\.1:{port}/hidden/v1/chat/completions ")


def test_simulator_in_a_terminal_of_its_own_serves_as_the_backend() -> None:
    with service_over_simulator() as pair:
        answer = ask(
            pair.port,
            "POST",
            "/v1/chat/completions",
            {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Say exactly: hello there"}]},
        )
        assert answer.json["choices"][0]["message"]["content"] == "hello there"
        assert pair.upstream["attempts"] == 1
        assert ask(pair.port, "GET", "/healthz").json["upstream"] == "configured"
        assert "simulat" not in pair.service.output
        owners = {model["owned_by"] for model in ask(pair.port, "GET", "/v1/models").json["data"]}
        assert owners == {"pandora-next"}


HIDDEN = {
    "BASE_URL": "http://127.0.0.1:1",
    "PROXY_API_PREFIX": "canaryprefix",
    "API_PREFIX": "canaryhidden",
    "KEY_FOR_GPTS_INFO": "fk-canary",
    "PORT": "0",
}


def test_start_says_in_a_few_lines_what_runs_and_which_settings_are_changed(tmp_path: Path) -> None:
    gpts = tmp_path / "gpts.json"
    gpts.write_text('{"fox": {"id": "g-fox00000"}, "owl": {"id": "g-owl00000"}}')
    with running(["server.py"], HIDDEN | {"GPTS_FILE": str(gpts)}) as service:
        port = listening_port(service)
        service.wait_for(rf"the console is at http://127\.0\.0\.1:{port}/\n")
        service.wait_for("the admin token is in ")
        assert "backend: 127.0.0.1:1; models: 3; GPTs: 2\n" in service.output
        (told,) = re.findall(r"pandora settings: (.*)", service.output)
        names = [text.partition("=")[0] for text in told.split()]
        assert {*names} == {*HIDDEN, "GPTS_FILE", "STATE_DIR"}
        assert "PROXY_API_PREFIX=***" in told
        assert "canary" not in service.output
        assert service.output.count("\n") <= 7


def test_misspelt_settings_are_told_at_the_start_without_their_values() -> None:
    with running(["server.py"], HIDDEN | {"ADMIN_TOKENS": "canary", "QUOTA_PER_DAYS": "100"}) as service:
        listening_port(service)
        for name, meant in (("ADMIN_TOKENS", "ADMIN_TOKEN"), ("QUOTA_PER_DAYS", "QUOTA_PER_DAY")):
            told = f"WARNING pandora {name} is no setting and has no effect: is {meant} meant?\n"
            assert told in service.output
        assert "canary" not in service.output
        assert service.output.count("WARNING") == 2


def test_misspelt_setting_is_told_also_where_the_start_fails_for_it() -> None:
    result = run("server.py", settings={"BASE_ULR": "http://127.0.0.1:1"})
    assert "BASE_ULR is no setting and has no effect: is BASE_URL meant?" in result.stdout
    assert result.stderr.startswith("server.py: BASE_URL is not set")


def test_all_settings_are_told_at_debug_level_and_secrets_are_masked() -> None:
    with running(["server.py"], HIDDEN | {"LOG_LEVEL": "debug"}) as service:
        listening_port(service)
        (told,) = re.findall(r"all settings: (.*)", service.output)
        assert re.findall(r"(?:^| )([A-Z0-9_]+)=", told) == [
            spec.name for spec in specs_of(Settings).values()
        ]
        assert "DRAIN_TIMEOUT=25" in told
        assert "PROXY_API_PREFIX=***" in told
        assert "canary" not in service.output


def test_demo_says_that_its_backend_is_simulated_and_caps_nobody() -> None:
    question = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Say exactly: yes"}]}
    with running(["server.py", "--demo"], {"PORT": "0"}) as demo:
        demo.wait_for("backend: the built-in simulator; models: 3; GPTs: [1-9]")
        port = listening_port(demo)
        demo.wait_for("the simulator takes any number")
        for _ in range(41):
            assert ask(port, "POST", "/v1/chat/completions", question, key="fk-demo").status == 200
        question["messages"] = [{"role": "user", "content": "Hi [[sim fault=model_cap_exceeded]]"}]
        assert ask(port, "POST", "/v1/chat/completions", question, key="fk-demo").status == 429
