"""Where the text of a setting comes from: its variable, a file for secrets, else the default."""

import os
from pathlib import Path

import pytest

from settings import Settings
from settings.spec import specs_of
from tests.settings.refusal import refusal
from tests.settings.secret_values import SECRETS

NAMES = [spec.name for spec in specs_of(Settings).values()]
OLD_NAMES = {
    "COMMIT_AFTER": "STREAM_HEADERS_AFTER",
    "COMMIT_AFTER_FILE": "STREAM_HEADERS_AFTER",
    "RETRIES": "UPSTREAM_RETRIES",
    "RETRIES_FILE": "UPSTREAM_RETRIES",
    "STATE_URL": "REDIS_URL",
    "STATE_URL_FILE": "REDIS_URL_FILE",
    "UNITS": "MODEL_UNITS",
    "UNITS_FILE": "MODEL_UNITS",
}


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("abcd1234\n", encoding="utf-8")
    return path


def test_foreign_variables_are_left_alone() -> None:
    assert Settings.from_env({"PATH": "/bin", "TZ": "UTC", "PORTS": "x"}) == Settings.from_env({})


def test_empty_value_means_unset() -> None:
    assert Settings.from_env(dict.fromkeys([*NAMES, *OLD_NAMES], "  ")) == Settings.from_env({})


@pytest.mark.parametrize(("old", "new"), OLD_NAMES.items())
def test_old_name_is_refused_with_the_new_one(old: str, new: str) -> None:
    message = refusal(**{old: "redis://:abcd1234@127.0.0.1"})
    assert message.startswith(f"{old} ")
    assert f" {new} " in message
    assert "abcd1234" not in message


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_can_stand_in_a_file(name: str, secret_file: Path) -> None:
    secret_file.write_text(SECRETS[name] + "\n", encoding="utf-8")
    settings = Settings.from_env({f"{name}_FILE": str(secret_file)})
    assert settings == Settings.from_env({name: SECRETS[name]})


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SECRETS])
def test_what_is_no_secret_cannot_stand_in_a_file(name: str, secret_file: Path) -> None:
    assert f"{name}_FILE" in refusal(**{f"{name}_FILE": str(secret_file)})


def test_secret_in_two_places_is_refused(secret_file: Path) -> None:
    message = refusal(API_PREFIX="x1234567", API_PREFIX_FILE=str(secret_file))
    assert "API_PREFIX and API_PREFIX_FILE" in message
    assert "x1234567" not in message


def test_file_of_a_secret_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    missing, folder, binary, empty = (tmp_path / name for name in ("missing", "folder", "binary", "empty"))
    folder.mkdir()
    binary.write_bytes(b"\xff\xfe")
    empty.write_text(" \n", encoding="utf-8")
    for path, reason in (
        (missing, os.strerror(2)),
        (folder, "directory"),
        (binary, "not UTF-8 text"),
        (empty, "empty"),
    ):
        message = refusal(API_PREFIX_FILE=str(path))
        assert message.startswith("API_PREFIX_FILE")
        assert str(path) in message
        assert reason in message


def test_malformed_value_is_shown_unless_it_may_hold_a_secret() -> None:
    assert "'ten'" in refusal(PORT="ten")
    for name in ("PROXY_API_PREFIX", "API_PREFIX", "KEY_FOR_GPTS_INFO"):
        assert "my secret" not in refusal(**{name: "my secret"})
    for name in ("BASE_URL", "UPLOAD_BASE_URL"):
        assert "secret" not in refusal(**{name: "http://user:secret@host"})
        assert "secret" not in refusal(**{name: "http://host/?token=secret"})
    assert len(refusal(LOG_LEVEL="x" * 10_000)) < 300


def test_malformed_secret_in_a_file_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("my secret key", encoding="utf-8")
    assert "my secret" not in refusal(KEY_FOR_GPTS_INFO_FILE=str(path))
