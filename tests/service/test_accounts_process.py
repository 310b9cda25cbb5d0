"""Accounts and keys and the real process: its start, and SIGHUP."""

import json
import signal
from pathlib import Path

import pytest

from tests.processes import ask, listening_port, running
from tests.roster.rig import content, key
from tests.service.test_command_line import only_line, run
from tests.service.test_keys_of_the_service import NAMED

OWN = "sk-pandora-canary"
BACKEND = {"BASE_URL": "http://127.0.0.1:1", **NAMED}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"keys": [', "is not usable: it is not JSON"),
        (
            json.dumps({"accounts": [{"alias": "anna", "credential": "fk-canary"}]}),
            'the account "anna" has its credential in the file itself',
        ),
        (None, "is not there: make it with a first key"),
    ],
)
def test_file_that_cannot_be_used_stops_the_start_with_one_line(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "accounts.json"
    if text is not None:
        path.write_text(text)
    line = only_line(run("server.py", settings=BACKEND | {"ACCOUNTS_FILE": str(path)}))
    assert said in line
    assert "canary" not in line


def test_sighup_reads_the_file_again_and_the_log_names_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_bytes(content(accounts=[{"alias": "anna", "credential": {"file": "canary"}}]))
    settings = BACKEND | {"PORT": "0", "STATE_DIR": str(tmp_path / "state"), "ACCOUNTS_FILE": str(path)}
    with running(["server.py"], settings) as service:
        port = listening_port(service)
        service.wait_for("accounts.json: 1 accounts, 0 keys")
        service.wait_for('the account "anna" has no credential: its file is not there')
        assert ask(port, "GET", "/v1/models", key=OWN).status == 401
        path.write_bytes(content(accounts=[], keys=[key(own=OWN)]))
        service.signal(signal.SIGHUP)
        service.wait_for(
            "accounts.json read again: 0 accounts, 1 keys; accounts gone: anna; new keys: laptop"
        )
        service.wait_for("gpts.json read again")
        assert ask(port, "GET", "/v1/models", key=OWN).status == 200
        path.write_text("{")
        service.signal(signal.SIGHUP)
        service.wait_for("accounts.json is not usable, accounts and keys stay as they were: it is not JSON")
        assert ask(port, "GET", "/v1/models", key=OWN).status == 200
        assert "canary" not in service.output


def test_demonstration_lets_its_own_key_in_beside_keys_that_were_made_for_it(tmp_path: Path) -> None:
    settings = {"PORT": "0", "STATE_DIR": str(tmp_path), "MODELS": "named"}
    made = run("server.py", "--demo", "keys", "add", "guest", settings=settings)
    assert (made.returncode, [path.name for path in tmp_path.iterdir()]) == (0, ["demo-accounts.json"])
    with running(["server.py", "--demo"], settings) as demo:
        assert ask(listening_port(demo), "GET", "/v1/models", key="fk-demo").status == 200
