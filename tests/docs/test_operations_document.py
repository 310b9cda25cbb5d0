"""`docs/operations.md` names all that the service keeps."""

import json
import re
from pathlib import Path

from tests.docs.pages import page
from tests.processes import ask, service_over_simulator

OPERATIONS = page("docs/operations.md")
ACCOUNTS = {"accounts": [{"alias": "anna", "credential": {"env": "OF_ANNA"}}], "keys": []}


def told() -> set[str]:
    """The names in the first column of the table of state."""
    table = OPERATIONS.partition("\n## What is kept where\n")[2].partition("\n## ")[0]
    return {
        name
        for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", cell)
    }


def test_table_has_all_that_stands_in_the_directory(tmp_path: Path) -> None:
    accounts, gpts, state = tmp_path / "accounts.json", tmp_path / "gpts.json", tmp_path / "state"
    accounts.write_text(json.dumps(ACCOUNTS))
    gpts.write_text('{"helper": {"id": "g-SimReader"}}')
    settings = {
        "STATE_DIR": str(state),
        "ACCOUNTS_FILE": str(accounts),
        "GPTS_FILE": str(gpts),
        "OF_ANNA": "fk-anna",
        "PASSTHROUGH": "true",
        "KEY_FOR_GPTS_INFO": "fk-anna",
        "RECORD": "all",
        "CONTINUITY": "auto",
    }
    with service_over_simulator(settings) as pair:
        body = {"model": "gpt-4-s", "input": "Draw a red fox", "store": True}
        assert ask(pair.port, "POST", "/v1/responses", body).status == 200
    found = {re.sub(r"-(?:wal|shm)$", "", path.name) for path in state.iterdir()}
    assert found <= told()
    assert told() - found <= {
        "uploads",
        "accounts-health.json",
    }  # no file was stored, and no account has rested
