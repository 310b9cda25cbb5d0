"""Backups of an SQLite ledger: whole while the service writes, brought back with the secret or not at all."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from accounts import Caller
from ledger import (
    DAY,
    BackupFailed,
    KeyNames,
    LedgerRefused,
    SqliteBackups,
    SqliteStore,
    StoreError,
    load_secret,
)
from ledger.records import Capped
from ledger.sqlite_file import MIGRATIONS
from tests.ledger.entries import ALICE, converse, ledger_over, posted, units
from tests.processes import ROOT, environment


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    load_secret(folder / "secret")
    return folder


def store(state: Path) -> SqliteStore:
    names = KeyNames(load_secret(state / "secret"), {})
    return SqliteStore(state / "ledger.sqlite3", fingerprint=names.fingerprint)


def backups(state: Path) -> SqliteBackups:
    return SqliteBackups(state / "ledger.sqlite3", state / "secret")


async def record(state: Path, times: int = 1) -> None:
    async with ledger_over(store(state)) as ledger:
        for _ in range(times):
            await converse(ledger)


async def spent(state: Path) -> int:
    async with ledger_over(store(state)) as ledger:
        await ledger.wait_until_loaded()
        return ledger.current_usage(ALICE).own_units


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def test_backup_has_all_that_was_stored_while_the_ledger_is_open(state: Path, tmp_path: Path) -> None:
    file, entry = tmp_path / "backup", posted()
    async with ledger_over(store(state)) as ledger:
        for _ in range(7):
            await converse(ledger)
        await ledger.post(entry)
        ledger.record_cap(Capped("alice", "gpt-4", time.time() + 3600))
        await converse(ledger, alias="bob")
        assert (await backups(state).back_up(file)).conversations == 9
    secret = (state / "secret").read_bytes()
    assert modes_in(tmp_path)["backup"] == 0o600
    assert names_in(tmp_path) == {"state", "backup"}
    for name in names_in(state):
        (state / name).unlink()
    assert (await backups(state).restore(file, overwrite=False)).conversations == 9
    assert names_in(state) == {"ledger.sqlite3", "secret"}
    assert (state / "secret").read_bytes() == secret
    assert set(modes_in(state).values()) == {0o600}
    async with ledger_over(store(state)) as ledger:
        await ledger.wait_until_loaded()
        assert ledger.current_usage(ALICE).own_units == 8 * 14
        assert list(ledger.caps(ALICE)) == ["gpt-4"]
        assert [each.id for each in await ledger.unsettled(ALICE, time.time() + 60)] == [entry.id]
        await converse(ledger, alias="bob")
        assert await units(ledger) == 10 * 14


async def test_backups_that_are_made_while_records_come_are_whole(state: Path, tmp_path: Path) -> None:
    async with ledger_over(store(state)) as ledger:
        await converse(ledger)
        writing = asyncio.gather(*(converse(ledger) for _ in range(300)))
        counts = []
        while not writing.done():
            counts.append((await backups(state).back_up(tmp_path / "backup")).conversations)
            await backups(state).check()
        await writing
        assert (await backups(state).back_up(tmp_path / "backup")).conversations == 301
    assert counts == sorted(counts) != []
    assert (await backups(state).check()).problems == []


async def test_restore_is_refused_while_the_ledger_is_open(state: Path, tmp_path: Path) -> None:
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    async with ledger_over(store(state)) as ledger:
        await converse(ledger)
        with pytest.raises(BackupFailed, match=r"ledger.sqlite3 is in use: stop the service"):
            await backups(state).restore(tmp_path / "backup", overwrite=True)
        await converse(ledger)
        assert await units(ledger) == 3 * 14


async def test_conversations_that_the_backup_has_not_are_lost_only_when_that_is_said(
    state: Path, tmp_path: Path
) -> None:
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    await backups(state).restore(tmp_path / "backup", overwrite=False)  # nothing is lost
    await record(state, 2)
    with pytest.raises(BackupFailed, match=r"has 2 conversations that the backup has not.*--overwrite"):
        await backups(state).restore(tmp_path / "backup", overwrite=False)
    assert await spent(state) == 3 * 14
    await backups(state).restore(tmp_path / "backup", overwrite=True)
    assert await spent(state) == 14


async def test_ledger_of_a_newer_version_that_cannot_be_read_is_lost_only_when_that_is_said(
    state: Path, tmp_path: Path
) -> None:
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    await record(state)
    with closing(sqlite3.connect(state / "ledger.sqlite3")) as newer, newer:
        newer.execute("ALTER TABLE conversations RENAME TO talks")
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(BackupFailed, match=r"what would be lost cannot be told.*--overwrite"):
        await backups(state).restore(tmp_path / "backup", overwrite=False)
    await backups(state).restore(tmp_path / "backup", overwrite=True)
    assert await spent(state) == 14


async def test_damaged_ledger_is_kept_when_a_backup_takes_its_place(state: Path, tmp_path: Path) -> None:
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    (state / "ledger.sqlite3").write_bytes(b"no database" * 1000)
    await backups(state).restore(tmp_path / "backup", overwrite=False)
    assert await spent(state) == 14
    (kept,) = state.glob("ledger.sqlite3.damaged-*")  # noqa: ASYNC240
    assert kept.read_bytes().startswith(b"no database")


def repacked(file: Path, **members: bytes) -> None:
    """Give members of a backup another content."""
    with tarfile.open(file) as archive:
        contents = {}
        for member in archive:
            found = archive.extractfile(member)
            assert found is not None
            contents[member.name] = found.read()
    contents |= {name.replace("_", "."): content for name, content in members.items()}
    with tarfile.open(file, "w") as archive:
        for name, content in contents.items():
            path = file.with_name("member")
            path.write_bytes(content)
            archive.add(path, name)


def about(file: Path, **changes: object) -> None:
    with tarfile.open(file) as archive:
        found = archive.extractfile("about.json")
        assert found is not None
        told = json.loads(found.read())
    repacked(file, about_json=json.dumps(told | changes).encode())


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "no archive": lambda file: file.write_bytes(b"no archive" * 1000),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:9000]),
    "changed": lambda file: file.write_bytes(file.read_bytes().replace(b"gpt-4-s", b"gpt-5-s")),
    "short secret": lambda file: repacked(file, secret=b"short"),
    "other words": lambda file: repacked(file, about_json=b"[]"),
    "of a Redis": lambda file: about(file, kind="redis"),
    "of a later form": lambda file: about(file, format=2),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_file_that_is_no_whole_backup_changes_nothing(damage: str, state: Path, tmp_path: Path) -> None:
    await record(state)
    file = tmp_path / "backup"
    await backups(state).back_up(file)
    DAMAGES[damage](file)
    before = {path.name: path.read_bytes() for path in state.iterdir()}  # noqa: ASYNC240
    with pytest.raises(BackupFailed, match=r"backup (is|was)"):
        await backups(state).restore(file, overwrite=True)
    assert {path.name: path.read_bytes() for path in state.iterdir()} == before  # noqa: ASYNC240


async def test_backup_of_a_newer_schema_is_refused(state: Path, tmp_path: Path) -> None:
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    about(tmp_path / "backup", schema=99)
    with pytest.raises(LedgerRefused, match=r"schema 99, of a newer version"):
        await backups(state).restore(tmp_path / "backup", overwrite=True)


async def test_backup_that_cannot_be_made_leaves_the_one_that_is_there(state: Path, tmp_path: Path) -> None:
    await record(state)
    file = tmp_path / "backup"
    await backups(state).back_up(file)
    before = file.read_bytes()
    (state / "ledger.sqlite3").rename(tmp_path / "elsewhere")
    with pytest.raises(BackupFailed, match=r"there is no .*ledger.sqlite3"):
        await backups(state).back_up(file)
    (state / "ledger.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"ledger.sqlite3: file is not a database"):
        await backups(state).back_up(file)
    (tmp_path / "elsewhere").rename(state / "ledger.sqlite3")
    with pytest.raises(BackupFailed, match="No such file"):
        await backups(state).back_up(tmp_path / "nowhere" / "backup")
    (state / "secret").unlink()
    with pytest.raises(BackupFailed, match="secret is missing"):
        await backups(state).back_up(file)
    assert file.read_bytes() == before
    assert names_in(tmp_path) == {"state", "backup"}


KILLED = (
    "import asyncio, os, signal, sqlite3, sys\n"
    "from pathlib import Path\n"
    "from ledger import SqliteBackups\n"
    "what, after, state, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])\n"
    "def killed(event, arguments, seen=[0]):\n"
    "    if event.startswith(('open', 'os.', 'sqlite3.')) and any(\n"
    "        str(each).startswith((str(state), str(file))) for each in arguments\n"
    "    ):\n"
    "        seen[0] += 1\n"
    "        if seen[0] > after: os.kill(os.getpid(), signal.SIGKILL)\n"
    "backups = SqliteBackups(state / 'ledger.sqlite3', state / 'secret')\n"
    "sys.addaudithook(killed)\n"
    "asyncio.run(backups.back_up(file) if what == 'backup' else backups.restore(file, overwrite=True))\n"
)
"""For `python -c`: a command that is killed at the nth of its steps on files."""


def killed(what: str, after: int, state: Path, file: Path) -> bool:
    """Whether it was killed; False: it came to its end."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, what, str(after), str(state), str(file)],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.timeout(120)
async def test_backup_that_is_killed_at_any_step_leaves_no_half_file(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "to" / "backup"
    file.parent.mkdir()
    await record(state)
    await backups(state).back_up(file)
    before = file.read_bytes()
    await record(state)
    after, untouched = 0, True
    while killed("backup", after, state, file):
        after += 1
        untouched = untouched and file.read_bytes() == before
        assert untouched or (await backups(state).restore(file, overwrite=False)).conversations == 2
    assert after > 5
    assert (await backups(state).restore(file, overwrite=False)).conversations == 2
    assert names_in(file.parent) == {"backup"}, "what the killed ones left is gone"


@pytest.mark.timeout(120)
async def test_restore_that_is_killed_at_any_step_leaves_the_old_ledger_or_the_new_one(
    state: Path, tmp_path: Path
) -> None:
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    await record(state, 2)
    after, found = 0, []
    while killed("restore", after, state, tmp_path / "backup"):
        found.append(await spent(state))
        after += 1
    assert set(found) <= {3 * 14, 14}
    assert found[0] == 3 * 14
    assert after > 5
    assert await spent(state) == 14
    assert (await backups(state).check()).problems == []


async def test_check_tells_what_there_is(state: Path) -> None:
    await record(state, 3)
    async with ledger_over(store(state)) as ledger:
        await ledger.post(posted())
    checked = await backups(state).check()
    schema, told = checked.findings
    assert schema == "ledger.sqlite3 has schema 5; this version of the service writes 5."
    assert told.startswith("It has 4 conversations from 20")
    assert told.endswith(", 1 of them without an outcome.")
    assert checked.problems == []


async def test_check_tells_what_is_wrong(state: Path) -> None:
    async def problem() -> str:
        (found,) = (await backups(state).check()).problems
        return found

    assert (await problem()).startswith("There is no ")
    await record(state)
    secret = state / "secret"
    secret.chmod(0o644)
    assert "can be read by others" in await problem()
    kept = secret.read_bytes()
    secret.write_bytes(os.urandom(32))
    secret.chmod(0o600)
    assert "is not the secret that the ledger was written with" in await problem()
    secret.unlink()
    assert "is missing or damaged" in await problem()
    secret.write_bytes(kept)
    secret.chmod(0o600)
    with closing(sqlite3.connect(state / "ledger.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer version" in await problem()


async def test_ledger_that_meets_another_secret_says_so(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await record(state)
    await record(state)
    assert "another secret" not in caplog.text
    (state / "secret").unlink()
    await record(state)
    assert caplog.text.count("was written with another secret") == 1
    assert (await backups(state).check()).problems == []


async def test_names_of_keys_are_the_same_after_a_restore(state: Path, tmp_path: Path) -> None:
    caller = Caller("fk-some-key")
    alias = KeyNames(load_secret(state / "secret"), {}).alias(caller)
    await record(state)
    await backups(state).back_up(tmp_path / "backup")
    for name in names_in(state):
        (state / name).unlink()
    assert KeyNames(load_secret(state / "secret"), {}).alias(caller) != alias
    await backups(state).restore(tmp_path / "backup", overwrite=False)
    assert KeyNames(load_secret(state / "secret"), {}).alias(caller) == alias


NEW_IN = {
    2: "INSERT INTO caps VALUES ('alice', 'gpt-4', {until})",
    3: "INSERT INTO free_conversations VALUES ({hour}, 'refused', 5)",
    4: "INSERT INTO account_caps VALUES ('main', 'gpt-4', {until})",
}
"""What files of these versions have that those before have not."""


def file_of_version(path: Path, version: int) -> None:
    now = time.time()
    with closing(sqlite3.connect(path)) as old:
        old.executescript("".join(MIGRATIONS[:version]) + f"PRAGMA user_version = {version};")
        columns = "id, at, alias, model, slug, units, windowed, message_id, outcome"
        for id, outcome in (("old", "ok"), ("open", "unknown")):
            values = (id, now - 1, "alice", "gpt-4-s", "gpt-4", 14, 1, "message", outcome)
            old.execute(f"INSERT INTO conversations ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        for number, statement in NEW_IN.items():
            if number <= version:
                old.execute(statement.format(until=now + 3600, hour=int(now // 3600) * 3600))
        old.commit()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
@pytest.mark.parametrize("over_a_backup", [False, True])
async def test_state_of_each_version_before_is_carried_on(
    version: int, over_a_backup: bool, state: Path, tmp_path: Path
) -> None:
    path = state / "ledger.sqlite3"
    file_of_version(path, version)
    if over_a_backup:
        assert (await backups(state).check()).problems == []
        assert (await backups(state).back_up(tmp_path / "backup")).schema == version
        path.unlink()
        await backups(state).restore(tmp_path / "backup", overwrite=False)
    async with ledger_over(store(state)) as ledger:
        await converse(ledger, alias="bob")
        assert await units(ledger) == 3 * 14
        assert ledger.current_usage(ALICE).own_units == 2 * 14
        assert len(ledger.current_usage(ALICE).window) == 2
        assert list(ledger.caps(ALICE)) == (["gpt-4"] if version >= 2 else [])
        rows = await ledger.usage(time.time() - DAY, time.time() + DAY)
        assert sum(row.free for row in rows) == (5 if version >= 3 else 0)
        assert [each.id for each in await ledger.unsettled(ALICE, time.time() + 60)] == ["open"]
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
