"""What the operator is shown of accounts and keys: what each part knows, as it is now, and never a secret."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accounts import Account
from ledger import Ledger, Limits, SqliteStore
from ledger.records import Capped
from metrics import AccountState, Metrics
from oversight import KeyState, Oversight, account_as_json, key_as_json
from pool import AccountFault, Fault, FileHealth, HealthBook
from roster import RosterFile, RosterWatcher
from tests.ledger.entries import WINDOW, converse, ledger_over
from tests.pool.accounts import Clock, running
from tests.roster.rig import SECRETS, account, content, key

LIMITS = Limits(window=WINDOW, per_key=500, window_messages=40)


@dataclass
class Busy:
    """Has so many messages under way on each account."""

    count: int = 0

    def in_use(self, account: Account) -> int:
        return self.count


@dataclass
class Rig:
    """An oversight and what it looks at."""

    path: Path
    clock: Clock
    roster: RosterWatcher
    health: HealthBook
    ledger: Ledger
    metrics: Metrics
    use: Busy
    oversight: Oversight

    def account(self, alias: str = "anna") -> Account:
        found = self.roster.current.account(alias)
        assert found is not None
        return found

    def shown(self, alias: str = "anna") -> dict[str, Any]:
        seen = self.oversight.account(alias)
        assert seen is not None
        return account_as_json(seen)

    def shown_key(self, alias: str = "laptop") -> dict[str, Any]:
        (seen,) = [seen for seen in self.oversight.service_keys() if seen.grant.alias == alias]
        return key_as_json(seen)

    def value(self, name: str, **labels: str) -> float | None:
        self.oversight.refresh_gauges()
        return self.metrics.registry.get_sample_value(f"pandora_account_{name}", labels)

    async def rewrite(self, **parts: list[Any]) -> None:
        self.path.write_bytes(content(**parts))
        await self.roster.read_again()


@asynccontextmanager
async def overseen(folder: Path, **parts: list[Any]) -> AsyncIterator[Rig]:
    """The oversight of the accounts and keys of such a file."""
    path = folder / "accounts.json"
    path.write_bytes(content(**parts))
    clock, metrics, use = Clock(), Metrics([], []), Busy()
    roster = RosterWatcher(RosterFile(path, SECRETS, []), clock=clock)
    health = HealthBook(FileHealth(folder / "health.json"), clock=clock, random=lambda: 0.0)
    health.keep(account.alias for account in roster.current.accounts)
    roster.on_change(lambda now: health.keep(account.alias for account in now.accounts))
    async with running(health), ledger_over(SqliteStore(folder / "ledger", 0), LIMITS) as ledger:
        oversight = Oversight(roster, health, use, ledger, metrics.accounts, clock=clock)
        yield Rig(path, clock, roster, health, ledger, metrics, use, oversight)


async def test_account_is_shown_with_its_limits_and_what_is_spent_of_them(tmp_path: Path) -> None:
    file = {"accounts": [account(quota_per_day=100, plan="Plus", note="hers")], "keys": [key()]}
    async with overseen(tmp_path, **file) as rig:
        rig.use.count = 2
        await converse(rig.ledger, alias="laptop", account="anna")
        await converse(rig.ledger, alias="anna")  # a key of that name is somebody else
        shown = rig.shown()
        assert (shown["state"], shown["reason"], shown["since"], shown["until"]) == ("ok", None, None, None)
        assert (shown["units_today"], shown["units_limit"], shown["in_use"]) == (14, 100, 2)
        assert (shown["window_messages"], shown["window_limit"]) == (1, 40)
        assert (shown["plan"], shown["note"], shown["enabled"]) == ("Plus", "hers", True)
        own = rig.shown_key()
        assert (own["units_today"], own["units_limit"]) == (14, 500)
        assert (own["window_messages"], own["window_limit"]) == (1, None)
        assert rig.value("quota_used_units", account="anna") == 14
        assert rig.value("quota_remaining_units", account="anna") == 86
        assert rig.value("gpt4_window_messages", account="anna") == 1
        assert rig.value("in_use", account="anna") == 2


async def test_account_that_has_failed_says_why_since_when_and_until_when(tmp_path: Path) -> None:
    async with overseen(tmp_path, accounts=[account()]) as rig:
        now = rig.clock()
        rig.health.failed(rig.account(), Fault(AccountFault.RATE, wait=600.0), began=now)
        shown = rig.shown()
        assert (shown["state"], shown["reason"], shown["failures"]) == ("cooling", "rate", 1)
        assert (shown["since"], shown["until"]) == (int(now), int(now + 600))
        assert rig.value("cooldown_until_timestamp_seconds", account="anna") == now + 600
        rig.clock.now += 601
        assert rig.shown()["state"] == "ok"
        assert rig.value("cooldown_until_timestamp_seconds", account="anna") == 0
        rig.health.failed(rig.account(), Fault(AccountFault.REFUSED), began=rig.clock())
        assert rig.shown()["state"] == "needs_person"


@pytest.mark.parametrize("state", AccountState)
async def test_each_state_is_measured(tmp_path: Path, state: AccountState) -> None:
    credential = "NOBODY" if state is AccountState.NO_CREDENTIAL else "ANNA"
    file = [{"alias": "anna", "credential": {"env": credential}}]
    async with overseen(tmp_path, accounts=file) as rig:
        faults = {AccountState.COOLING: AccountFault.RATE, AccountState.NEEDS_PERSON: AccountFault.REFUSED}
        if fault := faults.get(state):
            rig.health.failed(rig.account(), Fault(fault), began=rig.clock())
        rig.oversight.set_enabled("anna", state is not AccountState.DISABLED)
        assert rig.shown()["state"] == state
        found = {each: rig.value("state", account="anna", state=each) for each in AccountState}
        assert found == {each: float(each is state) for each in AccountState}


async def test_account_without_a_credential_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    async with overseen(tmp_path, accounts=[{"alias": "anna", "credential": {"env": "NOBODY"}}]) as rig:
        assert rig.shown()["problem"] == rig.account().problem != ""


async def test_what_rests_is_named_by_whoever_knows_of_it(tmp_path: Path) -> None:
    async with overseen(tmp_path, accounts=[account()]) as rig:
        now = rig.clock()
        capped, featured = (
            Fault(AccountFault.CAPPED, wait=600.0),
            Fault(AccountFault.FEATURE, 900.0, "image_gen"),
        )
        rig.health.failed(rig.account(), capped, slug="gpt-4", began=now)
        rig.health.failed(rig.account(), featured, began=now)
        ledger_now = rig.ledger.clock()
        rig.ledger.record_cap(Capped("laptop", "o3", ledger_now + 300, "anna"))
        shown = rig.shown()
        assert shown["state"] == "ok"
        assert shown["resting_models"] == [
            {"name": "gpt-4", "until": int(now + 600)},
            {"name": "o3", "until": int(ledger_now + 300)},
        ]
        assert shown["resting_features"] == [{"name": "image_gen", "until": int(now + 900)}]


async def test_keys_are_good_or_say_why_not(tmp_path: Path) -> None:
    unknown = {"alias": "unknown", "secret": {"env": "NOBODY"}}
    expired = key("old", "sk-pandora-canary-of-old", expires="2020-01-01")
    keys = [key(), expired, unknown]
    async with overseen(tmp_path, accounts=[account(), account("ben")], keys=keys) as rig:
        states = {seen.grant.alias: seen.state for seen in rig.oversight.service_keys()}
        assert states == {"laptop": KeyState.OK, "old": KeyState.EXPIRED, "unknown": KeyState.UNKNOWN}
        assert rig.shown_key()["accounts"] == ["anna", "ben"]
        assert rig.shown_key("old")["expires_at"] < rig.clock()


async def test_accounts_are_those_of_the_file_in_its_order(tmp_path: Path) -> None:
    async with overseen(tmp_path, accounts=[account("ben"), account("anna")], keys=[key()]) as rig:
        assert [seen.account.alias for seen in rig.oversight.accounts()] == ["ben", "anna"]
        await rig.rewrite(accounts=[account("anna")], keys=[])
        assert [seen.account.alias for seen in rig.oversight.accounts()] == ["anna"]
        assert rig.oversight.account("ben") is None
        assert rig.oversight.service_keys() == []
        assert rig.value("in_use", account="ben") is None
        with pytest.raises(KeyError):
            rig.oversight.set_enabled("ben", False)


async def test_account_with_another_credential_is_shown_well_at_once(tmp_path: Path) -> None:
    async with overseen(tmp_path, accounts=[account()]) as rig:
        rig.health.failed(rig.account(), Fault(AccountFault.REFUSED), began=rig.clock())
        assert rig.shown()["state"] == "needs_person"
        await rig.rewrite(accounts=[{"alias": "anna", "credential": {"env": "BEN"}}])
        assert rig.shown()["state"] == "ok"


async def test_no_secret_is_shown(tmp_path: Path) -> None:
    file = {"accounts": [account(), account("ben")], "keys": [key()]}
    async with overseen(tmp_path, **file) as rig:
        shown = json.dumps([rig.shown(), rig.shown("ben"), rig.shown_key()])
        assert "canary" not in shown + repr(rig.oversight.accounts()) + repr(rig.oversight.service_keys())
        for seen in rig.oversight.accounts():
            assert seen.account.credential is not None
            assert seen.account.credential.digest not in shown
