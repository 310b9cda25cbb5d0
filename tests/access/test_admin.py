"""The administrator's token: made once, kept for its owner alone, and made anew when it was damaged."""

import logging
import multiprocessing
import re
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from access import load_admin
from access.admin import load_admin_token

HERE = ("127.0.0.1", "HTTP/1.1", {"Host": "localhost"})


def test_token_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "admin_token"
    token = load_admin_token(path)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert path.read_text() == token + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_admin_token(path) == token
    assert [file.name for file in path.parent.iterdir()] == ["admin_token"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"abc", b"a" * 42, b"\x00" * 43, b"a" * 44, b"a b" * 20, b"\xff" * 43]
)
def test_file_that_was_cut_or_damaged_is_replaced(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "admin_token"
    path.write_bytes(content)
    token = load_admin_token(path)
    assert len(token) == 43
    assert path.read_text().strip() == token
    assert "damaged" in caplog.text


def test_unfinished_file_of_a_start_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "admin_token.new").write_bytes(b"abc")
    assert load_admin_token(tmp_path / "admin_token") == load_admin_token(tmp_path / "admin_token")


def test_instances_that_start_together_have_one_token(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as processes:
        for number in range(3):
            paths = [tmp_path / str(number) / "admin_token"] * 6
            assert len(set(processes.map(load_admin_token, paths))) == 1


def test_file_is_known_and_the_token_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    admin = load_admin("", tmp_path)
    assert admin.kept_in == tmp_path / "admin_token"
    assert admin.token not in caplog.text + repr(admin)
    assert load_admin("given", tmp_path).kept_in is None


def test_token_that_cannot_be_kept_lets_nobody_in_by_chance(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("no directory")
    admin = load_admin("", tmp_path / "state")
    assert len(admin.token) == 43
    assert admin.kept_in is None
    assert not admin.is_token("")
    assert "cannot be kept" in caplog.text
    assert admin.token not in caplog.text + repr(admin)


def test_token_of_the_settings_is_needed_on_this_machine_too(tmp_path: Path) -> None:
    given = load_admin("let-me-in", tmp_path)
    made = load_admin("", tmp_path)
    assert not given.trusts(*HERE)
    assert given.is_token("let-me-in")
    assert not given.is_token("let-me-ins")
    assert made.trusts(*HERE)
    assert not made.trusts("192.0.2.1", "HTTP/1.1", {"Host": "localhost"})


@pytest.mark.parametrize("sent", ["Bearer wrong", "Basic YTpi", "Bearer", ""])
def test_who_sends_a_token_is_judged_by_it_on_this_machine_too(tmp_path: Path, sent: str) -> None:
    assert not load_admin("", tmp_path).trusts(*HERE[:2], {"Host": "localhost", "Authorization": sent})
