"""What the administrator sees and does over HTTP, who is one, and that no secret is told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.raw_client import Answer
from tests.roster.rig import content, key
from tests.service.deployment import Deployment, deployed

ADMIN = "canary-of-the-administrator"
LAPTOP = "sk-pandora-canary-of-a-laptop"
TOKENS = {"anna": "fk-canary-of-anna", "ben": "fk-canary-of-ben"}
ACCOUNTS = "/admin/accounts"
OFF, ON = f"{ACCOUNTS}/anna/disable", f"{ACCOUNTS}/anna/enable"
ROUTES = (("GET", ACCOUNTS), ("POST", OFF), ("POST", ON), ("POST", "/admin/reload"))


def write(folder: Path, *aliases: str, keys: tuple[str, ...] = ("laptop",), **fields: Any) -> Path:
    """The file of accounts, with tokens of its own in files beside it."""
    for alias in aliases:
        (folder / f"{alias}.token").write_text(TOKENS[alias])
    accounts = [{"alias": alias, "credential": {"file": f"{alias}.token"}, **fields} for alias in aliases]
    path = folder / "accounts.json"
    path.write_bytes(content(accounts=accounts, keys=[key(alias, LAPTOP) for alias in keys]))
    return path


@asynccontextmanager
async def administered(folder: Path, **settings: str) -> AsyncIterator[Deployment]:
    """A service with the accounts of the file in that folder, whose state is there too."""
    kept = {"ACCOUNTS_FILE": str(folder / "accounts.json"), "STATE_DIR": str(folder / "state")}
    async with deployed({"ADMIN_TOKEN": ADMIN, **kept, **settings}) as service:
        yield service


async def as_admin(service: Deployment, method: str, path: str, status: int = 200) -> Any:
    answer = await service.ask(method, path, key=ADMIN)
    assert answer.status == status, answer.body
    assert b"canary" not in answer.body
    return answer.json


async def states(service: Deployment) -> dict[str, str]:
    return {one["alias"]: one["state"] for one in (await as_admin(service, "GET", ACCOUNTS))["data"]}


def state_of(service: Deployment) -> str:
    seen = service.server.service.app.oversight.account("anna")
    return "" if seen is None else seen.state


async def test_accounts_and_keys_are_listed_as_the_file_has_them(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "ben", "anna", quota_per_day=100, gpt4_messages=40, plan="Plus", note="of the team")
    (tmp_path / "ben.token").unlink()
    async with administered(tmp_path) as service:
        listed = await as_admin(service, "GET", ACCOUNTS)
    ben, anna = listed["data"]
    assert (ben["alias"], ben["state"], anna["alias"], anna["state"]) == (
        "ben",
        "no_credential",
        "anna",
        "ok",
    )
    assert ben["problem"]
    told = (
        "plan",
        "note",
        "units_today",
        "units_limit",
        "window_messages",
        "window_limit",
        "in_use",
        "reason",
    )
    assert [anna[name] for name in told] == ["Plus", "of the team", 0, 100, 0, 40, 0, None]
    (laptop,) = listed["keys"]
    assert (laptop["alias"], laptop["state"], laptop["accounts"]) == ("laptop", "ok", ["anna", "ben"])
    assert (laptop["units_limit"], laptop["expires_at"]) == (None, None)


async def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    async with deployed({"ADMIN_TOKEN": ADMIN}) as service:
        assert await as_admin(service, "GET", ACCOUNTS) == {"object": "list", "data": [], "keys": []}
        assert await as_admin(service, "POST", OFF, 404)


async def test_account_that_is_switched_off_stays_so_over_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "anna", "ben")
    async with administered(tmp_path) as service:
        switched = await as_admin(service, "POST", OFF)
        assert (switched["alias"], switched["state"], switched["enabled"]) == ("anna", "disabled", False)
        assert await states(service) == {"anna": "disabled", "ben": "ok"}
    assert "anna" in caplog.text
    assert "canary" not in caplog.text
    async with administered(tmp_path) as service:
        await eventually(lambda: state_of(service) == "disabled")  # what is kept is read while it starts
        assert await states(service) == {"anna": "disabled", "ben": "ok"}
        assert (await as_admin(service, "POST", ON))["state"] == "ok"
        assert await states(service) == {"anna": "ok", "ben": "ok"}


@pytest.mark.parametrize("alias", ["carla", "ANNA", "an%20na", "..", "anna%2fx"])
async def test_account_that_is_not_there_cannot_be_switched(tmp_path: Path, alias: str) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path) as service:
        await as_admin(service, "POST", f"{ACCOUNTS}/{alias}/disable", 404)
        assert await states(service) == {"anna": "ok"}


async def test_files_are_read_again_at_once(tmp_path: Path) -> None:
    write(tmp_path, "anna")
    gpts = tmp_path / "gpts.json"
    gpts.write_text("{}")
    async with administered(tmp_path, GPTS_FILE=str(gpts), KEY_FOR_GPTS_INFO=TOKENS["anna"]) as service:
        write(tmp_path, "anna", "ben", keys=("laptop",))
        gpts.write_text(json.dumps({"my-gpt": {"id": "g-YyyyMT9XH"}}))
        reloaded = await as_admin(service, "POST", "/admin/reload")
        assert reloaded == {
            "object": "reload",
            "accounts": ["anna", "ben"],
            "keys": ["laptop"],
            "gpts": ["my-gpt"],
        }
        assert await states(service) == {"anna": "ok", "ben": "ok"}


@pytest.mark.parametrize("broken", ["accounts.json", "gpts.json"])
async def test_file_that_is_not_usable_is_told_and_what_it_named_stays(
    tmp_path: Path, broken: str, loud_log: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "anna")
    gpts = tmp_path / "gpts.json"
    gpts.write_text(json.dumps({"my-gpt": {"id": "g-YyyyMT9XH"}}))
    async with administered(tmp_path, GPTS_FILE=str(gpts), KEY_FOR_GPTS_INFO=TOKENS["anna"]) as service:
        (tmp_path / broken).write_text('{"accounts": [{"alias": "anna", "credential": "fk-canary')
        error = (await as_admin(service, "POST", "/admin/reload", 400))["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "file_not_usable")
        assert "not usable" in error["message"]
        assert await states(service) == {"anna": "ok"}
        assert "my-gpt" in service.server.service.app.answers.models.catalogue.models
    assert "canary" not in loud_log.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("sent", ["", LAPTOP, TOKENS["anna"], f"{ADMIN}x"])
async def test_nobody_else_sees_or_changes_anything(
    tmp_path: Path, method: str, path: str, sent: str
) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path) as service:
        refused = await service.ask(method, path, key=sent)
        assert (refused.status, b"anna" in refused.body) == (401, False)
        assert await states(service) == {"anna": "ok"}


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_this_machine_needs_no_token_where_none_is_set(tmp_path: Path, method: str, path: str) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path, ADMIN_TOKEN="") as service:
        own_page = {"Origin": f"http://127.0.0.1:{service.port}", "Sec-Fetch-Site": "same-origin"}
        for headers in ({}, own_page):
            headers["Host"] = f"127.0.0.1:{service.port}"
            assert (await service.ask(method, path, headers, key="")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://page.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "rebound.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Content-Type": "text/plain", "Origin": "http://127.0.0.1.page.example"},
    ],
)
async def test_pages_of_other_sites_cannot_have_it_done_by_a_browser_of_this_machine(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path, ADMIN_TOKEN="") as service:
        for method, path in ROUTES:
            refused = await service.ask(method, path, headers, key="")
            assert refused.status == 401
            assert "access-control-allow-origin" not in refused.headers
        listed = await service.ask("GET", ACCOUNTS, key="")
        assert listed.json["data"][0]["state"] == "ok"


async def test_browsers_are_not_told_that_other_sites_may_send_a_token(tmp_path: Path) -> None:
    async with deployed() as service:
        asked = {"Origin": "https://page.example", "Access-Control-Request-Headers": "authorization"}
        answers = [await service.ask("OPTIONS", path, asked, key="") for _, path in ROUTES]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_it_is_not_under_the_prefix_of_the_api(tmp_path: Path) -> None:
    async with deployed({"API_PREFIX": "sesame", "ADMIN_TOKEN": ADMIN}) as service:
        plain = await service.ask("GET", ACCOUNTS, key=ADMIN)
        prefixed = await service.ask("GET", f"/sesame{ACCOUNTS}", key=ADMIN)
    assert (plain.status, prefixed.status) == (200, 404)


def exposed(answer: Answer, name: str) -> dict[str, float]:
    """The samples of a metric, by their labels."""
    lines = [line for line in answer.body.decode().splitlines() if line.startswith(f"pandora_{name}{{")]
    return {line.partition("{")[2].partition("}")[0]: float(line.rpartition(" ")[2]) for line in lines}


async def test_series_come_and_go_with_the_file(tmp_path: Path) -> None:
    write(tmp_path, "anna", quota_per_day=100)
    async with administered(tmp_path) as service:
        metrics = await service.ask("GET", "/metrics", key="")
        assert exposed(metrics, "account_quota_remaining_units") == {'account="anna"': 100.0}
        assert exposed(metrics, "key_quota_units_total") == {'key="laptop"': 0.0}
        before = metrics.body.count(b"\n")
        write(tmp_path, "ben", keys=())
        await as_admin(service, "POST", "/admin/reload")
        metrics = await service.ask("GET", "/metrics", key="")
        assert set(exposed(metrics, "account_state")) == {
            f'account="ben",state="{state}"'
            for state in ("ok", "cooling", "needs_person", "disabled", "no_credential")
        }
        assert exposed(metrics, "key_quota_units_total") == {}
        assert b"anna" not in metrics.body
        write(tmp_path, "anna")
        await as_admin(service, "POST", "/admin/reload")
        assert (await service.ask("GET", "/metrics", key="")).body.count(b"\n") == before


async def test_what_is_asked_with_a_key_counts_for_the_key_and_for_the_account(tmp_path: Path) -> None:
    write(tmp_path, "anna", quota_per_day=100)
    async with administered(tmp_path, PASSTHROUGH="true") as service:
        assert (await service.chat(key=LAPTOP)).status == 200
        assert (await service.chat()).status == 200  # with a key of the backend
        metrics = await service.ask("GET", "/metrics", key="")
        listed = await as_admin(service, "GET", ACCOUNTS)
    assert exposed(metrics, "account_quota_units_total") == {'account="anna"': 14}
    assert exposed(metrics, "key_quota_units_total") == {'key="laptop"': 14}
    assert exposed(metrics, "account_conversations_total")['account="anna",outcome="ok"'] == 1
    assert exposed(metrics, "account_quota_remaining_units") == {'account="anna"': 86}
    (anna,), (laptop,) = listed["data"], listed["keys"]
    told = ("units_today", "units_limit", "window_messages", "in_use")
    assert [anna[name] for name in told] == [14, 100, 1, 0]
    assert (laptop["units_today"], laptop["window_messages"]) == (14, 1)


async def test_turn_that_moves_is_seen_at_the_account_that_it_left(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "anna", "ben")
    (tmp_path / "anna.token").write_text("fk-dead-canary-of-anna")
    async with administered(tmp_path, POOL_POLICY="fill") as service:
        assert (await service.chat(key=LAPTOP)).status == 200
        metrics = await service.ask("GET", "/metrics", key="")
        anna, ben = (await as_admin(service, "GET", ACCOUNTS))["data"]
    moved = exposed(metrics, "account_switches_total")
    assert {labels for labels, count in moved.items() if count} == {'account="anna",reason="expired"'}
    failed = exposed(metrics, "account_failures_total")
    assert {labels for labels, count in failed.items() if count} == {'account="anna",reason="expired"'}
    told = ("state", "reason", "failures", "units_today")
    assert [anna[name] for name in told] == ["needs_person", "expired", 1, 0]
    assert (ben["state"], ben["reason"], ben["units_today"]) == ("ok", None, 14)


async def test_account_that_is_switched_off_gets_no_message(tmp_path: Path) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path) as service:
        await as_admin(service, "POST", OFF)
        refused = await service.chat(key=LAPTOP)
        assert refused.status == 503
        assert service.posted == []
        await as_admin(service, "POST", ON)
        assert (await service.chat(key=LAPTOP)).status == 200


async def test_states_are_measured(tmp_path: Path, loud_log: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "anna", "ben")
    (tmp_path / "ben.token").unlink()
    async with administered(tmp_path) as service:
        await as_admin(service, "POST", OFF)
        found = exposed(await service.ask("GET", "/metrics", key=""), "account_state")
    ones = {labels for labels, value in found.items() if value}
    assert ones == {'account="anna",state="disabled"', 'account="ben",state="no_credential"'}


async def test_console_tells_the_administrator_alone(tmp_path: Path) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path) as service:
        public = await service.ask("GET", "/console/state", key="")
        private = await as_admin(service, "GET", "/console/state")
        listed = await as_admin(service, "GET", ACCOUNTS)
    assert b"anna" not in public.body
    assert b"laptop" not in public.body
    assert private["details"]["accounts"] == listed["data"]
    assert private["details"]["keys"] == listed["keys"]
