"""The roster under watch: changes of its file and of tokens are noticed, broken ones do no harm."""

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accounts import Account, Caller
from roster import Roster, RosterError, RosterFile, RosterWatcher
from tests.access.clock import Clock
from tests.eventually import eventually
from tests.roster.rig import KEY, content, key


@dataclass(slots=True)
class Watched:
    folder: Path
    watcher: RosterWatcher
    clock: Clock
    seen: list[Roster] = field(default_factory=list)

    def write(self, **parts: list[Any]) -> None:
        (self.folder / "accounts.json").write_bytes(content(**parts))

    def account(self, alias: str) -> Account:
        """The account as it is now."""
        found = self.watcher.current.account(alias)
        assert found is not None
        return found

    def secret(self, alias: str) -> str | None:
        """What the account is used with."""
        credential = self.account(alias).credential
        return credential.secret if credential is not None else None

    @property
    def aliases(self) -> list[str]:
        return [account.alias for account in self.watcher.current.accounts]


def account(alias: str, **fields: Any) -> dict[str, Any]:
    """An account with a file of its token."""
    return {"alias": alias, "credential": {"file": f"{alias}.token"}, **fields}


@asynccontextmanager
async def watched(folder: Path, *, poll_seconds: float = 0.01) -> AsyncIterator[Watched]:
    """Two accounts and a key, under watch."""
    for alias in ("anna", "ben"):
        (folder / f"{alias}.token").write_text(f"fk-canary-of-{alias}")
    path, clock = folder / "accounts.json", Clock()
    path.write_bytes(content(accounts=[account("anna"), account("ben")], keys=[key()]))
    watcher = RosterWatcher(RosterFile(path, {}, ()), poll_seconds=poll_seconds, clock=clock)
    watch = Watched(folder, watcher, clock)
    watcher.on_change(watch.seen.append)
    watcher.start()
    try:
        yield watch
    finally:
        await watcher.close()


async def test_changed_file_is_read_again_and_told_by_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with watched(tmp_path) as watch:
        watch.write(accounts=[account("ben"), account("new")], keys=[key(), key("phone", "fk-canary")])
        await eventually(lambda: watch.aliases == ["ben", "new"])
        assert watch.seen == [watch.watcher.current]
    assert (
        "accounts.json read again: 2 accounts, 2 keys; new accounts: new; accounts gone: anna; "
        "new keys: phone" in caplog.text
    )
    assert 'the account "new" has no credential: its file is not there' in caplog.text
    assert "canary" not in caplog.text


async def test_renewed_token_is_taken_from_its_file(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        newer = tmp_path / "newer"
        newer.write_text(json.dumps({"tokens": {"access_token": "eyJ-canary", "account_id": "acc"}}))
        newer.replace(tmp_path / "anna.token")
        await eventually(lambda: watch.secret("anna") == "eyJ-canary")
        assert watch.secret("ben") == "fk-canary-of-ben"
        (tmp_path / "ben.token").unlink()
        await eventually(lambda: watch.secret("ben") is None)
        (tmp_path / "ben.token").write_text("fk-canary-back")
        await eventually(lambda: watch.secret("ben") == "fk-canary-back")


async def test_file_that_is_added_later_is_watched_too(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        watch.write(accounts=[account("new")])
        await eventually(lambda: watch.aliases == ["new"])
        (tmp_path / "new.token").write_text("fk-canary-of-new")
        await eventually(lambda: watch.secret("new") == "fk-canary-of-new")


async def test_broken_file_is_told_once_and_the_roster_stays_but_for_renewed_tokens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(tmp_path) as watch:
        whole = (tmp_path / "accounts.json").read_bytes()
        (tmp_path / "accounts.json").write_bytes(whole[:40])
        await eventually(lambda: "accounts.json is not usable" in caplog.text)
        assert watch.aliases == ["anna", "ben"]
        (tmp_path / "anna.token").write_text("fk-canary-renewed")
        await eventually(lambda: watch.secret("anna") == "fk-canary-renewed")
        (tmp_path / "accounts.json").unlink()
        await eventually(lambda: "it is not there any more" in caplog.text)
        assert watch.watcher.current.grant_for(KEY) is not None
        watch.write(accounts=[account("ben")])
        await eventually(lambda: watch.aliases == ["ben"])
    assert caplog.text.count("it is not JSON") == 1
    assert "canary" not in caplog.text


async def test_file_that_appears_is_taken(tmp_path: Path) -> None:
    watcher = RosterWatcher(RosterFile(tmp_path / "accounts.json", {}, ()), poll_seconds=0.01)
    assert not watcher.current.exists
    watcher.start()
    (tmp_path / "accounts.json").write_bytes(content(keys=[key()]))
    await eventually(lambda: watcher.current.exists)
    assert watcher.current.grant_for(KEY) is not None
    await watcher.close()


async def test_asked_for_reload_does_not_wait_for_the_next_look(tmp_path: Path) -> None:
    async with watched(tmp_path, poll_seconds=3600) as watch:
        watch.write(accounts=[account("ben")])
        watch.watcher.reload()
        await eventually(lambda: watch.aliases == ["ben"])
        watch.write(accounts=[account("anna")])
        await watch.watcher.read_again()
        assert watch.aliases == ["anna"]
        watch.write(accounts=[{}])
        with pytest.raises(RosterError, match="account number 1 has no alias"):
            await watch.watcher.read_again()
        assert watch.aliases == ["anna"]


async def test_refused_token_is_read_again_at_once(tmp_path: Path) -> None:
    async with watched(tmp_path, poll_seconds=3600) as watch:
        token, used = tmp_path / "anna.token", watch.account("anna")
        assert not await watch.watcher.reread_credential(used)
        token.write_text("fk-canary-renewed")
        assert await watch.watcher.reread_credential(used)
        assert watch.secret("anna") == "fk-canary-renewed"
        assert [roster.account("anna") for roster in watch.seen] == [watch.watcher.current.account("anna")]
        assert not await watch.watcher.reread_credential(watch.account("anna"))
        assert len(watch.seen) == 1
        assert await watch.watcher.reread_credential(used), "who was slower is to try the new one, too"
        assert len(watch.seen) == 1


@pytest.mark.parametrize("half", ["", '{"tokens": {"access_tok', "fk-canary-of-ben", "two words"])
async def test_token_that_is_half_written_changes_nothing(tmp_path: Path, half: str) -> None:
    async with watched(tmp_path, poll_seconds=3600) as watch:
        (tmp_path / "anna.token").write_text(half)
        assert not await watch.watcher.reread_credential(watch.account("anna"))
        assert watch.secret("anna") == "fk-canary-of-anna"
        assert not await watch.watcher.reread_credential(Account(alias="nobody", credential=None))


async def test_revoked_or_expired_key_may_do_nothing(tmp_path: Path) -> None:
    async with watched(tmp_path, poll_seconds=3600) as watch:
        caller = Caller(KEY, watch.watcher.current.grant_for(KEY))
        assert watch.watcher.grant_of(caller) == caller.grant
        assert watch.watcher.grant_of(Caller("fk-passed-on")) is None
        watch.write(keys=[key(expires="1970-01-01T01:00:00")])
        await watch.watcher.read_again()
        assert watch.watcher.grant_of(caller) != caller.grant, "it expires by now"
        watch.clock.now = 3600
        assert watch.watcher.grant_of(caller) is None
        watch.clock.now = 0
        watch.write(keys=[key(own="another-key-of-that-name")])
        await watch.watcher.read_again()
        assert watch.watcher.grant_of(caller) is None


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "accounts.json")
    with pytest.raises(RosterError, match="no regular file"):
        RosterFile(tmp_path / "accounts.json", {}, ()).load()
