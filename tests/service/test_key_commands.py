"""`python server.py keys`: keys are made, listed and revoked, and only their hashes are kept."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roster import key_digest
from tests.processes import ROOT, environment


def keys(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    settings = {"STATE_DIR": str(folder), "ACCOUNTS_FILE": str(folder / "accounts.json"), **env}
    return subprocess.run(
        [sys.executable, "server.py", "keys", *arguments],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


def written(folder: Path) -> str:
    return (folder / "accounts.json").read_text()


def refused(result: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """What it says: one line."""
    assert (result.returncode, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    return line


def test_first_key_makes_the_file_which_has_the_hash_alone(tmp_path: Path) -> None:
    made = keys(tmp_path, "add", "laptop")
    assert (made.returncode, made.stderr) == (0, "")
    key = made.stdout.removesuffix("\n")
    assert re.fullmatch(r"sk-pandora-[A-Za-z0-9_-]{43}", key)
    assert json.loads(written(tmp_path)) == {
        "accounts": [],
        "keys": [{"alias": "laptop", "hash": f"sha256:{key_digest(key).hex()}"}],
    }
    assert (tmp_path / "accounts.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accounts.json"]


def test_key_gets_its_limits_and_what_else_the_file_says_stays(tmp_path: Path) -> None:
    path = tmp_path / "real.json"
    before = {
        "keys": [],
        "accounts": [
            {"note": "Ännas", "alias": "anna", "credential": {"env": "A"}, "weight": 1.5, "groups": ["g"]}
        ],
    }
    path.write_text(json.dumps(before))
    path.chmod(0o640)
    (tmp_path / "accounts.json").symlink_to(path)
    limits = (
        "--accounts anna --groups g --models gpt-4*,auto --quota-per-day 50 --gpt4-messages 9 "
        "--expires 2027-01-31 --style plain --note kitchen"
    )
    assert keys(tmp_path, "add", "tablet", *limits.split()).returncode == 0
    after = json.loads(written(tmp_path))
    (entry,) = after["keys"]
    assert entry == {
        "alias": "tablet",
        "hash": entry["hash"],
        "accounts": ["anna"],
        "groups": ["g"],
        "models": ["gpt-4*", "auto"],
        "quota_per_day": 50,
        "gpt4_messages": 9,
        "expires": "2027-01-31",
        "style": "plain",
        "note": "kitchen",
    }
    assert json.dumps(after | {"keys": []}) == json.dumps(before)
    assert "Ännas" in written(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "accounts.json").is_symlink()

    (listed,) = json.loads(keys(tmp_path, "list", "--json").stdout)
    assert listed == {
        "alias": "tablet",
        "accounts": ["anna"],
        "models": ["gpt-4*", "auto"],
        "quota_per_day": 50,
        "gpt4_messages": 9,
        "expires": "2027-02-01T00:00:00Z",
        "expired": False,
        "style": "plain",
    }


def test_keys_are_listed_and_revoked(tmp_path: Path) -> None:
    assert keys(tmp_path, "list").stdout == "There are no keys.\n"
    for arguments in (["laptop"], ["old", "--expires", "2020-01-01"]):
        keys(tmp_path, "add", *arguments)
    heads, laptop, old = keys(tmp_path, "list").stdout.splitlines()
    assert heads.split()[:3] == ["alias", "accounts", "models"]
    assert laptop.split() == ["laptop", "-", "-", "-", "-", "-", "no", "-"]
    assert old.split()[-3:] == ["2020-01-02T00:00:00Z", "yes", "-"]
    assert keys(tmp_path, "revoke", "old").returncode == 0
    assert [entry["alias"] for entry in json.loads(written(tmp_path))["keys"]] == ["laptop"]
    before = written(tmp_path)
    assert "no key of the name old" in refused(keys(tmp_path, "revoke", "old"), code=1)
    assert written(tmp_path) == before


def test_key_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    told = refused(keys(tmp_path, "add", "alice", KEY_ALIASES="alice=fk-1"))
    assert 'accounts.json stays as it was: the key "alice" has the name of another key, in ' in told


def test_keys_that_are_made_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    names = [f"key-{number}" for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda name: keys(tmp_path, "add", name), names))
    assert len({result.stdout for result in results}) == 3
    assert sorted(entry["alias"] for entry in json.loads(written(tmp_path))["keys"]) == names


@pytest.mark.parametrize("arguments", [[], ["add"], ["show"]])
def test_command_without_its_words_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    result = keys(tmp_path, *arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
