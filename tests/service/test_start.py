"""The service starts on whatever a kill, or a person, has left in its directory."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.sqlite_file import open_file
from tests.processes import ask, listening_port, running

GPTS = {name: {"id": f"g-{name}00000000"} for name in ("half", "empty", "folder")}
NOISE = bytes(range(256)) * 40


def ledger(state: Path) -> Path:
    """A ledger with some pages."""
    path = state / "ledger.sqlite3"
    with_rows = open_file(path)
    with_rows.executemany(
        "INSERT INTO conversations (id, at, alias, model, slug, units, windowed, message_id) "
        "VALUES (?, ?, 'k-1', 'gpt-4-s', 'gpt-4', 14, 0, 'm')",
        [(str(number), float(number)) for number in range(200)],
    )
    with_rows.close()
    return path


def descriptions(state: Path) -> None:
    folder = state / "gpts"
    folder.mkdir()
    (folder / f"{GPTS['half']['id']}.json").write_bytes(b'{"gizmo": {"id')
    (folder / f"{GPTS['empty']['id']}.json").write_bytes(b"")
    (folder / f"{GPTS['folder']['id']}.json").mkdir()


def stored_files(state: Path) -> None:
    folder = state / "media"
    folder.mkdir()
    (folder / "0123456789abcdef0123456789abcdef.png").write_bytes(b"")
    (folder / ".0123456789abcdef0123456789abcdef.png.part").write_bytes(b"half")
    (folder / "fedcba9876543210fedcba9876543210.png").mkdir()


def fill(state: Path, **contents: bytes | None) -> None:
    """Files with these contents; None is a folder."""
    for name, content in contents.items():
        path = state / name.replace("_", ".")
        path.mkdir() if content is None else path.write_bytes(content)


def half_written(state: Path) -> None:
    fill(state, secret=b"x" * 16, ledger_sqlite3=NOISE)
    descriptions(state)
    stored_files(state)


def file_cut_short(state: Path, size: int) -> None:
    path = ledger(state)
    path.write_bytes(path.read_bytes()[:size])


def file_instead(state: Path) -> None:
    state.rmdir()
    state.write_bytes(b"")


STATES: dict[str, Callable[[Path], object]] = {
    "empty files": lambda state: fill(state, secret=b"", ledger_sqlite3=b"", media=b"", gpts=b""),
    "half written files": half_written,
    "folders instead of files": lambda state: fill(state, secret=None, ledger_sqlite3=None),
    "a file instead of the folder": file_instead,
    "ledger cut in its header": lambda state: file_cut_short(state, 60),
    "ledger cut in a page": lambda state: file_cut_short(state, 9000),
    "log of the ledger is noise": lambda state: (
        ledger(state).with_name("ledger.sqlite3-wal").write_bytes(NOISE)
    ),
    "log of the ledger is a folder": lambda state: ledger(state).with_name("ledger.sqlite3-wal").mkdir(),
}
UNWRITABLE = {"folders instead of files", "a file instead of the folder", "log of the ledger is a folder"}
"""Where no ledger can be written: the service answers, and is not ready."""


@pytest.mark.parametrize("name", STATES)
def test_service_starts_on_what_was_left(name: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    STATES[name](state)
    gpts = tmp_path / "gpts.json"
    gpts.write_text(json.dumps(GPTS))
    settings = {
        "BASE_URL": "http://127.0.0.1:1",
        "PORT": "0",
        "DRAIN_TIMEOUT": "0",
        "STATE_DIR": str(state),
        "GPTS_FILE": str(gpts),
    }
    with running(["server.py"], settings) as service:
        port = listening_port(service)
        for path in ("/healthz", "/v1/models", "/metrics"):
            assert ask(port, "GET", path).status == 200, path
        if name not in UNWRITABLE:
            assert ask(port, "GET", "/readyz").status == 200
        else:
            service.wait_for("the ledger cannot be written")
            assert ask(port, "GET", "/readyz").status == 503
        service.signal(signal.SIGTERM)
        assert service.exit_code() == 0
        assert "Traceback" not in service.output
        loud = re.findall(r"^.* (?:WARNING|ERROR) .*$", service.output, re.MULTILINE)
        assert len(loud) == len(set(loud)) <= 6, loud
