"""Billing and usage routes, and the table of the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.processes import Process, ask, listening_port, running
from tests.service.deployment import deployed

OTHER = "fk-another-key"
BILLING = ["/dashboard/billing", "/v1/dashboard/billing"]


def today() -> str:
    """The date now, in UTC."""
    return datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize("root", BILLING)
async def test_billing_shows_units_as_dollars_for_the_key_that_asks(root: str) -> None:
    async with deployed({"QUOTA_PER_KEY_PER_DAY": "200", "QUOTA_PER_DAY": "500"}) as service:
        await service.chat()
        await service.chat(model="gpt-3.5-turbo")
        await service.chat(key=OTHER)
        subscription = (await service.ask("GET", f"{root}/subscription")).json
        usage = (await service.ask("GET", f"{root}/usage?start_date={today()}&end_date={today()}")).json
        nothing = (await service.ask("GET", f"{root}/usage?start_date=2020-01-01&end_date=2020-01-31")).json
    assert subscription["object"] == "billing_subscription"
    for name in ("soft_limit_usd", "hard_limit_usd", "system_hard_limit_usd"):
        assert subscription[name] == 200.0
    assert usage["object"] == "list"
    assert usage["total_usage"] == 1800.0  # hundredths
    assert nothing["total_usage"] == 0.0


async def test_billing_needs_a_key_and_dates_that_exist() -> None:
    async with deployed() as service:
        assert (await service.ask("GET", "/dashboard/billing/usage", key="")).status == 401
        wrong = await service.ask("GET", "/dashboard/billing/usage?start_date=2024-02-31")
    assert wrong.status == 400
    assert wrong.error["param"] == "start_date"


async def test_usage_of_all_keys_is_told_to_this_machine_when_there_is_no_admin_token() -> None:
    async with deployed({"KEY_ALIASES": f"alice={OTHER}"}) as service:
        await service.chat()
        await service.chat(key=OTHER)
        everybody = await service.ask("GET", "/v1/usage", key="")
        own = (await service.ask("GET", "/v1/usage", key=OTHER)).json
        through_a_proxy = await service.ask("GET", "/v1/usage", {"X-Forwarded-For": "192.0.2.1"}, key="")
    rows = everybody.json["data"]
    assert sorted(row["units"] for row in rows) == [14, 14]
    assert {row["key"] for row in rows} > {"alice"}
    assert all(row["date"] == today() and row["model"] == "gpt-4-s" for row in rows)
    assert b"fk-" not in everybody.body
    assert [row["key"] for row in own["data"]] == ["alice"]
    (spender,) = own["today"].pop("by_key")
    assert own["today"] == {"units": 14, "by_model": {"gpt-4-s": 14}}
    assert (spender["key"], spender["account"], spender["units"]) == ("alice", "", 14)
    assert (spender["conversations"], spender["completion_tokens"] > 0) == (1, True)
    told = [(each["key"], each["units"]) for each in everybody.json["today"]["by_key"]]
    assert sorted(told) == sorted((row["key"], row["units"]) for row in rows)
    assert sum(hour["units"] for hour in own["hours"]) == 14
    assert len(own["hours"]) == 24
    assert own["limits"]["gpt4_messages_in_window"] == 1
    assert through_a_proxy.status == 401


async def test_usage_of_all_keys_needs_the_admin_token_when_there_is_one() -> None:
    async with deployed({"ADMIN_TOKEN": "let-me-in"}) as service:
        await service.chat()
        assert (await service.ask("GET", "/v1/usage", key="")).status == 401
        assert (await service.ask("GET", "/v1/usage", key="wrong-token")).json["data"] == []
        (row,) = (await service.ask("GET", "/v1/usage", key="let-me-in")).json["data"]
    assert row["units"] == 14
    assert row["prompt_tokens"] > 0
    assert row["completion_tokens"] > 0


async def test_command_line_prints_what_was_spent(tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path)}) as service:
        await service.chat()
        await service.chat("Hello [[sim fault=status_503]]")
    for_people = Process(["server.py", "usage"], {"STATE_DIR": str(tmp_path)})
    assert for_people.exit_code() == 0
    head, refused, row, total = for_people.output.splitlines()
    assert head.split()[:4] == ["date", "model", "key", "units"]
    assert refused.split() == [today(), "(refused)", "0", "1", "1", "0", "0", "0"]
    assert row.split()[:2] == [today(), "gpt-4-s"]
    assert total.split()[:2] == ["total", "14"]
    for_programs = Process(["server.py", "usage", "--json"], {"STATE_DIR": str(tmp_path)})
    assert for_programs.exit_code() == 0
    free, parsed = json.loads(for_programs.output)
    assert (free["model"], free["key"], free["units"], free["free"]) == ("", "(refused)", 0, 1)
    assert (parsed["units"], parsed["conversations"], parsed["free"]) == (14, 1, 0)
    for process in (for_people, for_programs):
        process.stop()


def test_command_line_says_where_the_usage_of_the_demo_is(tmp_path: Path) -> None:
    state = {"STATE_DIR": str(tmp_path), "PORT": "0"}
    with running(["server.py", "usage"], state) as before:
        assert (before.exit_code(), before.output) == (0, "Nothing was spent.\n")
    with running(["server.py", "--demo"], state) as demo:
        question = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Say exactly: yes"}]}
        assert (
            ask(listening_port(demo), "POST", "/v1/chat/completions", question, key="fk-demo").status == 200
        )
    with running(["server.py", "usage"], state) as real:
        assert real.exit_code() == 0
        first, hint = real.output.splitlines()
        assert first == "Nothing was spent."
        assert "server.py --demo usage" in hint
    with running(["server.py", "--demo", "usage"], state) as simulated:
        assert simulated.exit_code() == 0
        assert simulated.output.splitlines()[-1].split()[:2] == ["total", "14"]
        assert "counted apart" not in simulated.output
