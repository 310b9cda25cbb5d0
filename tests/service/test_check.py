"""`server.py --check` says whether the service could start and reach its backend, and asks for no message."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import Settings
from settings.spec import specs_of
from tests.processes import ask, running, simulator_process

PREFIX = "canaryprefix"


@pytest.fixture(scope="module")
def backend() -> Iterator[int]:
    with simulator_process(PREFIX, ["--age", "2026", "--dead-key", "fk-page=cloudflare"]) as (_, port):
        yield port


def check(settings: dict[str, str], *arguments: str) -> tuple[int, str]:
    """The exit code, and all that was said."""
    with running(["server.py", "--check", *arguments], settings) as process:
        return process.exit_code(30), process.output


def over(port: int, **settings: str) -> dict[str, str]:
    return {"BASE_URL": f"http://127.0.0.1:{port}", "PROXY_API_PREFIX": PREFIX, **settings}


def wrong(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("WRONG: ")]


def test_good_settings_and_a_backend_that_answers_are_all_that_is_wanted(backend: int) -> None:
    code, output = check(over(backend))
    lines = output.splitlines()
    assert code == 0
    assert [line.partition("=")[0] for line in lines[:-2]] == [s.name for s in specs_of(Settings).values()]
    assert lines[-1] == "the backend: reached"
    assert "PROXY_API_PREFIX=***" in lines
    assert "canary" not in output


def test_models_of_the_key_and_of_each_account_are_asked_for_and_no_message_is_sent(
    backend: int, tmp_path: Path
) -> None:
    secret = tmp_path / "anna"
    secret.write_text("fk-canary-of-anna")
    accounts = tmp_path / "accounts.json"
    entries = [
        {"alias": "anna", "credential": {"file": str(secret)}},
        {"alias": "ben", "credential": {"env": "NOT_THERE"}},
    ]
    accounts.write_text(json.dumps({"accounts": entries}))
    code, output = check(over(backend, ACCOUNTS_FILE=str(accounts), KEY_FOR_GPTS_INFO="fk-canary"))
    assert code == 1
    assert "; accounts: 2\n" in output
    assert "the backend: reached, and lists " in output
    assert "account anna: reached, and lists " in output
    (problem,) = wrong(output)
    assert problem.startswith("WRONG: account ben: ")
    assert "canary" not in output.replace(str(tmp_path), "")
    assert ask(backend, "GET", "/__sim/state").json["attempts"] == 0


def test_what_is_wrong_is_told_and_is_exit_code_1(backend: int) -> None:
    cases = {
        "cannot connect to the backend": {"BASE_URL": "http://127.0.0.1:1"},
        "is PROXY_API_PREFIX right?": over(backend, PROXY_API_PREFIX="another"),
        "a web page with status 403 came": over(backend, KEY_FOR_GPTS_INFO="fk-page"),
        "the key is refused with status 401": over(backend, KEY_FOR_GPTS_INFO="fk-dead"),
    }
    for told, settings in cases.items():
        code, output = check(settings)
        assert (code, len(wrong(output))) == (1, 1), output
        assert told in wrong(output)[0]


def test_backend_without_a_list_of_models_is_not_wrong() -> None:
    with simulator_process(PREFIX, ["--age", "2026", "--listing", "none"]) as (_, port):
        code, output = check(over(port, KEY_FOR_GPTS_INFO="fk-some"))
    assert (code, wrong(output)) == (0, [])
    assert output.splitlines()[-1] == "the backend: reached; it has no list of models"


def test_settings_that_would_stop_the_start_are_one_line_and_exit_code_2(backend: int) -> None:
    for settings, told in (
        ({}, "BASE_URL is not set"),
        (over(backend, PORT="http"), "PORT"),
        (over(backend, MODEL_ALIASES="a=b"), "MODEL_ALIASES"),
    ):
        code, output = check(settings)
        assert code == 2
        assert output.splitlines()[-1].startswith(f"server.py: {told}")


@pytest.mark.parametrize("other", ["--demo", "usage"])
def test_check_stands_alone(other: str) -> None:
    code, output = check({}, other)
    assert code == 2
    assert "--check stands alone" in output


def test_nothing_is_written(backend: int, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert check(over(backend, STATE_DIR=str(state)))[0] == 0
    assert not state.exists()
